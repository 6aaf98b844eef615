"""`glasshatch migrate`, killed, without space, before newer pieces: a directory is old or new, and whole."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.glasshatch import run
from glasshatch.app.home import Home
from glasshatch.app.inspect import verify_home
from glasshatch.control import ControlStore
from glasshatch.control.schema import REVISION
from glasshatch.keys import Keyring, open_master_key

NEXT_VERSION = Path(__file__).with_name("next_version.py")
NOW, NEXT = REVISION, f"{int(REVISION) + 1:04}"
KILLS = rounds(10, 100)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of this version, with people and a request in it."""
    folder = tmp_path_factory.mktemp("migrate")
    home = folder / "home"
    for command in (
        ("init", str(home), "--token-out", str(folder / "admin.token")),
        ("actors", "add", "dora", "--role", "engineer", "--data", str(home)),
    ):
        done = run(*command)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "home"))


def next_version(folder: Path, *arguments: str, **how: object) -> subprocess.CompletedProcess[str]:
    """A command of the next version."""
    return subprocess.run(
        [sys.executable, NEXT_VERSION, folder, *arguments],
        capture_output=True, text=True, check=False, timeout=120, env=os.environ | {"NO_COLOR": "1"}, **how,
    )  # fmt: skip


def rows(file: Path, text: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(text).fetchall()


def revision(file: Path) -> str:
    """The version a store says it has, which must be the one it has."""
    said = str(rows(file, "SELECT version_num FROM alembic_version")[0][0])
    columns = {row[1] for row in rows(file, "PRAGMA table_info(actors)")}
    indexes = rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'ix_actors_tenant_shift'")
    assert rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert ("shift" in columns, bool(indexes)) == (said == NEXT, said == NEXT)
    return said


def names_in(home: Path, file: Path) -> set[str]:
    """Opened as this version does: every row and the set of rows are verified."""
    keyring = Keyring.open(home / "keys" / "default.json", open_master_key(f"file:{home}/keys/master.key"))
    store = ControlStore.open(file, tenant="default", mac_key=keyring.control_mac_key, random=os.urandom)
    with closing(store):
        return {actor.name for actor in store.actors.list()}


def fingerprint(home: Path) -> dict[str, str]:
    """Every file and what it holds; the lock and SQLite's own side files come and go."""
    passing = ("server.lock", "control.db-wal", "control.db-shm")
    files = (path for path in sorted(home.rglob("*")) if path.is_file() and path.name not in passing)
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_an_older_directory_is_copied_upgraded_recorded_and_verified(home: Path, tmp_path: Path) -> None:
    done = next_version(tmp_path, "migrate", str(home), "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    pieces = {piece["what"]: piece for piece in map(json.loads, done.stdout.splitlines())}
    assert {"configuration", "layout", "keyring", "ledger", "control store"} == set(pieces)
    control = pieces["control store"]
    assert (control["found"], control["version"]) == (NOW, NEXT)
    assert "everything is as it was recorded" in done.stderr

    copy = Path(control["copy"])
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (revision(copy), revision(home / "control.db")) == (NOW, NEXT)
    assert names_in(home, copy) == {"admin", "dora"}
    assert verify_home(home).ok

    listed = next_version(
        tmp_path, "events", "--data", str(home), "--action", "server.migrated", "--format", "jsonl"
    )
    (event,) = [json.loads(line)["event"] for line in listed.stdout.splitlines()]
    assert event["attrs"] == {
        "piece": "control store", "found": f"schema {NOW}", "version": f"schema {NEXT}", "copy": copy.name,
    }  # fmt: skip
    assert event["actor"]["id"] == f"os:{os.getuid()}"

    # The next version's own work needs no column of the old one; this version refuses the directory.
    assert "dora" in next_version(tmp_path, "actors", "ls", "--data", str(home)).stdout
    refused = run("actors", "ls", "--data", str(home))
    assert (refused.returncode, f"{NEXT} is newer than {NOW}" in refused.stderr) == (2, True)


def test_a_second_run_changes_nothing(home: Path, tmp_path: Path) -> None:
    assert next_version(tmp_path, "migrate", str(home)).returncode == 0
    before = fingerprint(home)
    again = next_version(tmp_path, "migrate", "--data", str(home))
    assert (again.returncode, fingerprint(home)) == (0, before), again.stderr
    assert "already" in again.stderr


def test_the_way_back_is_the_copy(home: Path, tmp_path: Path) -> None:
    assert next_version(tmp_path, "migrate", str(home)).returncode == 0
    (home / f"control.db.schema-{NOW}").replace(home / "control.db")
    listed = run("actors", "ls", "--data", str(home))
    assert (listed.returncode, "dora" in listed.stdout) == (0, True), listed.stderr
    assert next_version(tmp_path, "migrate", str(home)).returncode == 0


def test_an_older_store_says_which_command_to_give(home: Path, tmp_path: Path) -> None:
    refused = next_version(tmp_path, "actors", "ls", "--data", str(home))
    assert refused.returncode == 2
    assert f"glasshatch migrate {home}" in refused.stderr


@pytest.fixture
def killer(tmp_path: Path) -> Iterator[Callable[[Path, float], tuple[float, int]]]:
    process = subprocess.Popen(
        [sys.executable, NEXT_VERSION, tmp_path, "--kill"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    lines, answers = process.stdin, process.stdout

    def kill(home: Path, seconds: float) -> tuple[float, int]:
        lines.write(f"{home} {seconds}\n")
        took, status = answers.readline().split()
        return float(took), int(status)

    yield kill
    lines.close()
    process.wait(60)


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(
    made: Path, tmp_path: Path, killer: Callable[[Path, float], tuple[float, int]]
) -> None:
    whole, status = killer(Path(shutil.copytree(made, tmp_path / "whole")), 100)
    assert status == 0
    seen: dict[str, int] = {}
    for number in range(KILLS):
        home = Path(shutil.copytree(made, tmp_path / f"home-{number}"))
        # The last one is late even where the machine has become slower since the first run.
        moment = 20 * whole if number == KILLS - 1 else whole * number / (KILLS - 4)
        _, status = killer(home, moment)
        assert status in (0, -9)
        copy = home / f"control.db.schema-{NOW}"
        found = revision(home / "control.db")
        seen[f"{found}, {'a' if copy.exists() else 'no'} copy"] = 1 + seen.get(
            f"{found}, {'a' if copy.exists() else 'no'} copy", 0
        )
        if found == NEXT or copy.exists():
            # Nothing is changed before the copy is whole.
            assert names_in(home, copy) == {"admin", "dora"}
            assert copy.stat().st_mode & 0o777 == 0o600
        report = verify_home(home)
        assert report.ok or report.unfinished, report.problems

        assert killer(home, 100)[1] == 0
        assert revision(home / "control.db") == NEXT
        assert names_in(home, copy) == {"admin", "dora"}
        assert verify_home(home).ok
        assert not list(home.glob("control.db*.tmp*"))
        shutil.rmtree(home)
    tell(f"{KILLS} kills within {whole:.2f} s: {seen}")
    assert {f"{NOW}, no copy", f"{NEXT}, a copy"} <= set(seen)


def test_without_space_for_the_copy_nothing_is_changed(home: Path, tmp_path: Path) -> None:
    before = fingerprint(home)
    bytes_ = 8_192
    done = next_version(
        tmp_path, "migrate", str(home),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_)),
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "free disk space" in done.stderr
    assert fingerprint(home) == before
    assert next_version(tmp_path, "migrate", str(home)).returncode == 0


def test_a_directory_that_is_held_is_left_alone(home: Path) -> None:
    lock = Home(home).lock()
    try:
        done = run("migrate", str(home))
    finally:
        lock.release()
    assert done.returncode == 6
    assert f"process {os.getpid()}" in done.stderr
    assert "stop that server" in done.stderr


def raise_keyring(home: Path) -> None:
    file = home / "keys" / "default.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 3'))


def raise_segment(home: Path) -> None:
    file = next((home / "ledgers" / "default" / "wal").iterdir())
    data = bytearray(file.read_bytes())
    data[4:6] = (2).to_bytes(2, "big")
    data[60:64] = zlib.crc32(data[:60]).to_bytes(4, "big")
    file.write_bytes(data)


def raise_control(home: Path) -> None:
    with closing(sqlite3.connect(home / "control.db")) as connection:
        connection.execute(f"UPDATE alembic_version SET version_num = '{NEXT}'")
        connection.commit()


NEWER: dict[str, tuple[Callable[[Path], object], str]] = {
    "glasshatch.toml": (
        lambda home: (home / "glasshatch.toml").write_text("version = 2\n"), "format 2 is newer than 1",
    ),
    "format": (lambda home: (home / "format").write_text("glasshatch data 2\n"), "layout 2 is newer than 1"),
    "keys/default.json": (raise_keyring, "format 3 is newer than 2"),
    "ledgers/default/format": (
        lambda home: (home / "ledgers/default/format").write_text("glasshatch ledger\nformat 2\n"),
        "format 2, this program knows 1",
    ),
    "wal/": (raise_segment, "format 2, this program knows 1"),
    "control.db": (raise_control, f"{NEXT} is newer than {NOW}"),
}  # fmt: skip


@pytest.mark.parametrize("file", NEWER)
def test_a_newer_piece_is_refused_and_named_with_both_versions(home: Path, file: str) -> None:
    change, says = NEWER[file]
    change(home)
    before = fingerprint(home)
    done = run("migrate", str(home))
    assert done.returncode == 2, done.stderr
    assert file in done.stderr
    assert says in done.stderr
    assert "upgrade glasshatch" in done.stderr
    assert fingerprint(home) == before


def test_a_damaged_directory_is_not_said_to_be_good(home: Path) -> None:
    file = home / "ledgers" / "default" / "checkpoint"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r", 1))
    done = run("migrate", str(home))
    assert done.returncode == 5, done.stderr
    assert "checkpoint" in done.stderr
