"""`glasshatch ingest`: files of every form, with and without a server, once and again."""

from __future__ import annotations

import gzip
import json
import os
import pty
import select
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zstandard

from fixtures.feeding import Feeder, issue
from fixtures.glasshatch import COMMAND, run

LINES = [json.dumps({"action": "order.paid", "n": n}) for n in range(2_500)]


def result(done: subprocess.CompletedProcess[str], file: int = 0) -> tuple[int, int, int]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[file])["result"]
    return found["accepted"], found["duplicates"], found["quarantined"]


def ingest(data: Path, *files: Path | str, source: str = "json") -> subprocess.CompletedProcess[str]:
    return run("ingest", source, *map(str, files), "--data", str(data), "--format", "jsonl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    text = "\n".join(LINES).encode()
    found = {"plain": text, "gz": gzip.compress(text), "zst": zstandard.compress(text),
             "array": json.dumps([json.loads(line) for line in LINES], indent=1).encode()}  # fmt: skip
    for name, data in found.items():
        (folder / f"feed.{name}").write_bytes(data)
    return {name: folder / f"feed.{name}" for name in found}


def test_a_missing_directory_becomes_a_ledger_and_again_doubles_nothing(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    data = tmp_path / "deep" / "data"
    first = ingest(data, *files.values())
    assert [result(first, place) for place in range(4)] == [(2_500, 0, 0)] * 4
    assert "made a data directory" in first.stderr
    assert "\x1b" not in first.stderr + first.stdout, "a bar is for terminals"
    again = ingest(data, *reversed(files.values()))
    assert [result(again, place) for place in range(4)] == [(0, 2_500, 0)] * 4
    assert run("search", "action:order.paid", "--count", "--data", str(data)).stdout.strip() == "10000"
    assert run("verify", str(data)).returncode == 0


def test_an_empty_directory_becomes_a_ledger_and_another_one_does_not(
    tmp_path: Path, files: dict[str, Path]
) -> None:
    (tmp_path / "empty").mkdir()
    assert result(ingest(tmp_path / "empty", files["plain"])) == (2_500, 0, 0)
    other = tmp_path / "other"
    other.mkdir()
    (other / "diary.txt").write_text("mine")
    done = ingest(other, files["plain"])
    assert done.returncode != 0
    assert str(other) in done.stderr
    assert [path.name for path in other.iterdir()] == ["diary.txt"]


def test_standard_input_is_read_compressed_or_not(tmp_path: Path) -> None:
    command = [*COMMAND, "ingest", "json", "-", "--data", str(tmp_path / "data"), "--format", "jsonl"]
    text = "\n".join(LINES[:10]).encode()
    for sent, counts in ((text, (10, 0, 0)), (gzip.compress(text), (0, 10, 0))):
        done = subprocess.run(command, input=sent, capture_output=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["result"]
        assert (found["accepted"], found["duplicates"], found["quarantined"]) == counts


def test_what_is_wrong_with_a_file_is_told_and_what_came_before_stays(tmp_path: Path) -> None:
    data = tmp_path / "data"
    bad = tmp_path / "bad.log"
    bad.write_bytes(b'{"a":1}\nnonsense\n{"a":"\xff"}\n{"a":2}\n')
    assert result(ingest(data, bad)) == (2, 0, 2)
    assert result(ingest(data, bad)) == (0, 4, 0)
    table = run("ingest", "json", str(bad), "--data", str(data), "--name", "again")
    assert table.returncode == 0
    assert "item 2 is not JSON" in table.stderr
    whole = gzip.compress("\n".join(LINES).encode())
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    broken = ingest(data, cut)
    assert broken.returncode == 7
    assert "damaged or incomplete" in broken.stderr
    before = json.loads(broken.stdout)["result"]["accepted"]
    # What cannot be read among others stops none of them; the first of it gives the exit code.
    (tmp_path / "good.log").write_text('{"action": "order.paid", "id": "behind"}\n')
    several = ingest(data, cut, tmp_path, tmp_path / "missing.log", tmp_path / "good.log")
    found = [json.loads(line)["result"] for line in several.stdout.splitlines()]
    assert [one["accepted"] for one in found] == [0, 0, 0, 1]
    assert several.returncode == 7
    assert f"name the files in it, as {tmp_path}/*" in several.stderr
    assert "missing.log: cannot be read: No such file" in several.stderr
    cut.write_bytes(whole)
    accepted, duplicates, _ = result(ingest(data, cut))
    assert (accepted, duplicates) == (2_500 - before, before)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("smoke", "x"), "there is no source 'smoke'"),
        (("json", "missing.log"), "missing.log"),
        (("json", "/"), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told_with_an_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run("ingest", *arguments, "--data", str(tmp_path / "data"))
    assert done.returncode not in (0, 1)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bar_is_drawn_on_a_terminal_only(tmp_path: Path, files: dict[str, Path]) -> None:
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "ingest", "json", str(files["plain"]), "--data", str(tmp_path / "data")],
        stderr=writer, stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(writer)
    drawn = b""
    while select.select([reader], [], [], 60)[0]:
        try:
            piece = os.read(reader, 4096)
        except OSError:  # the other end is closed
            break
        drawn += piece
    os.close(reader)
    assert process.wait(60) == 0
    assert b"feed.plain" in drawn
    assert b"\x1b[" in drawn


def test_a_running_server_is_asked_with_a_token_or_the_command_says_so(
    feeder: Feeder, tmp_path: Path
) -> None:
    file = tmp_path / "feed.log"
    file.write_text("\n".join(LINES[:20]))
    home = feeder.server.home
    nobody = ingest(home, file)
    assert nobody.returncode != 0
    assert "token" in nobody.stderr
    token = home.parent / "ingest.token"
    token.write_text(issue(feeder.server, "feeder", "ingest:json/files"))
    token.chmod(0o600)
    command = (
        "ingest",
        "json",
        str(file),
        "--name",
        "files",
        "--format",
        "jsonl",
        "--token-file",
        str(token),
    )
    assert result(run(*command, "--data", str(home))) == (20, 0, 0)
    assert result(run(*command, "--server", feeder.server.url)) == (0, 20, 0)
    # An account without a home of its own, as a service has, keeps no position and delivers all the same.
    homeless = run(*command, "--server", feeder.server.url, HOME=str(file), XDG_STATE_HOME="")
    assert result(homeless) == (0, 20, 0)
    assert homeless.stderr.count("cannot be written") == 1
    others = ("--name", "other", "--token-file", str(token), "--server", feeder.server.url)
    refused = run("ingest", "json", str(file), *others)
    assert refused.returncode == 3, refused.stderr
    assert "does not open ingest" in refused.stderr
