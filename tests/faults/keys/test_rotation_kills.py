"""A rotation killed at any of its steps: the old key or the new one is in force, and recorded before that."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.glasshatch import run
from glasshatch.api.key_values import RetireForm, RotateForm
from glasshatch.app.config import load_config
from glasshatch.app.local import open_local
from glasshatch.app.opening import open_master
from glasshatch.events import decode
from glasshatch.keys import KeyFacts, Keyring, create_master_key_file, open_master_key
from glasshatch.ledger import LedgerReader, VerifierKey, verify_directory

STEPS = ("fsync", "fdatasync", "rename", "unlink")
KILLS = rounds(1, 1_000)
Act = Callable[[Any], object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("keys") / "home"
    done = run("init", str(home), "--token-out", str(home.parent / "admin.token"))
    assert done.returncode == 0, done.stderr
    return home


def in_child(home: Path, act: Act, kill_at: int) -> int:
    """Do it in a child that is killed before its n-th change of the disk; how many if it is not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        count = count_steps(kill_at)
        try:
            with open_local(home) as (desk, caller):
                count[1] = 1  # from here on they count: opening the directory is another test's
                act(lambda name, *form: getattr(desk, name)(caller, *form))
                desk.list_actors(caller)  # the directory that was changed is still of use
                count[1] = 0
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os.write(writing, b"%d" % count[0])
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return -1
    assert os.WEXITSTATUS(status) == 0, "see standard error"
    return int(said)


def count_steps(kill_at: int) -> list[int]:
    """Let every change of the disk count, and the one wanted kill."""
    count = [0, 0]
    for name in STEPS:
        real = getattr(os, name)

        def step(*arguments: Any, _real: Any = real, **named: Any) -> Any:
            if count[1]:
                count[0] += 1
                if count[0] == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
            return _real(*arguments, **named)

        setattr(os, name, step)
    return count


def keyring_of(home: Path) -> Keyring:
    return Keyring.open(home / "keys/default.json", open_master(load_config(home / "glasshatch.toml")))


def in_use(keyring: Keyring, kind: str) -> KeyFacts:
    (found,) = [
        key
        for key in keyring.facts()
        if (key.kind, key.state, key.ledger or "default") == (kind, "in use", "default")
    ]
    return found


def changes(home: Path, prefix: str = "key.") -> list[dict[str, Any]]:
    with LedgerReader(home / "ledgers/default", keyring_of(home)) as reader:
        events = [decode(entry) for _, entry in reader.scan()]
    return [{"action": one.action, **one.attrs} for one in events if one.action.startswith(prefix)]


def killed_everywhere(made: Path, tmp_path: Path, act: Act) -> Iterator[Path]:
    """The directory after a kill at each of some steps, and once after none; opening it makes it whole."""
    whole = Path(shutil.copytree(made, tmp_path / "whole"))
    steps = in_child(whole, act, -1)
    assert steps > 5
    chosen = sorted(
        {1 + number * (steps - 1) // min(KILLS, steps) for number in range(min(KILLS, steps))} | {steps}
    )
    tell(f"killed at {len(chosen)} of {steps} steps")
    kills = 0
    for step in chosen:
        home = Path(shutil.copytree(made, tmp_path / f"killed-{step}"))
        kills += in_child(home, act, step) == -1  # threads behind it make a step more or less
        check_before_opening(home)
        with open_local(home):
            pass
        yield home
        shutil.rmtree(home)
    assert kills >= max(1, len(chosen) - 2)
    yield whole


def check_before_opening(home: Path) -> None:
    """A verifier who comes right after the kill finds nothing but what a start mends."""
    report = verify_directory(home / "ledgers/default", None)
    assert [problem for problem in report.problems if problem.kind == "damage"] == []


@pytest.mark.parametrize("kind", ["data", "signing", "token", "control"])
def test_a_rotation_is_done_or_not_and_recorded_before(made: Path, tmp_path: Path, kind: str) -> None:
    before = in_use(keyring_of(made), kind)
    first = VerifierKey.parse((made / "ledgers/default/key.vkey").read_text().strip())
    form = RotateForm(kind=kind, reason="a test")  # type: ignore[arg-type]
    for home in killed_everywhere(made, tmp_path, lambda desk: desk("rotate_key", form)):
        keyring = keyring_of(home)
        now, recorded = in_use(keyring, kind), changes(home)
        assert keyring.pending == ()
        assert now.id == before.id or {one["key"] for one in recorded} == {now.id}
        assert now.id != before.id or recorded == []
        assert all(one["before"] == before.id for one in recorded)
        works_on(home, first)


def test_an_immediate_rotation_of_the_signing_key(made: Path, tmp_path: Path) -> None:
    first = VerifierKey.parse((made / "ledgers/default/key.vkey").read_text().strip())
    form = RotateForm(kind="signing", reason="stolen", now=True)
    for home in killed_everywhere(made, tmp_path, lambda desk: desk("rotate_key", form)):
        works_on(home, first)
        states = [key.state for key in keyring_of(home).facts() if key.kind == "signing"]
        assert states in (["in use"], ["retired", "in use"]), "never half of it"
        periods = verify_directory(home / "ledgers/default", first).keys
        assert len(periods) == len(states)


def test_retiring_a_key_is_done_or_not_and_recorded(made: Path, tmp_path: Path) -> None:
    rotated = Path(shutil.copytree(made, tmp_path / "rotated"))
    in_child(rotated, lambda desk: desk("rotate_key", RotateForm(kind="signing", reason="a test")), -1)
    old = next(key for key in keyring_of(rotated).facts() if (key.kind, key.state) == ("signing", "kept"))
    first = VerifierKey.parse((made / "ledgers/default/key.vkey").read_text().strip())
    form = RetireForm(key=old.id, reason="everybody has the new one")
    for home in killed_everywhere(rotated, tmp_path, lambda desk: desk("retire_key", form)):
        state = next(key.state for key in keyring_of(home).facts() if key.id == old.id)
        recorded = [one for one in changes(home) if one["action"] == "key.retired"]
        statement = b"retirement" in (home / "ledgers/default/succession").read_bytes()
        assert (state == "retired") == bool(recorded) == statement
        works_on(home, first)


def test_a_rewrap_leaves_the_old_master_key_or_the_new_one(made: Path, tmp_path: Path) -> None:
    new = create_master_key_file(tmp_path / "new.key")
    old = open_master_key(f"file:{made}/keys/master.key")
    (made / "keys/other-tenant.json").unlink(missing_ok=True)
    two = Path(shutil.copytree(made, tmp_path / "two"))
    Keyring.create(two / "keys/other-tenant.json", "other-tenant", "example.com/other", old)
    first = VerifierKey.parse((made / "ledgers/default/key.vkey").read_text().strip())
    outcomes = set()

    def act(desk: Any) -> None:
        desk("rewrap_keys", f"file:{tmp_path}/new.key", "a new host")

    for home in killed_everywhere(two, tmp_path, act):
        config = load_config(home / "glasshatch.toml")
        master = open_master_key(config.reference(config.config.keys.master))
        outcomes.add(master.id)
        for ring in ("default", "other-tenant"):
            Keyring.open(home / f"keys/{ring}.json", master)  # both, under the one that is configured
        recorded = [one for one in changes(home, "master.") if one["after"] == new.id]
        assert len(recorded) == (master.id == new.id)
        assert not [path for path in (home / "keys").iterdir() if path.name.startswith("rewrap")]
        works_on(home, first)
    assert outcomes == {old.id, new.id}


def works_on(home: Path, trusted: VerifierKey) -> None:
    """It takes an event, everything verifies under the first key, and entries open under their data keys."""
    with open_local(home) as (desk, caller):
        desk.list_actors(caller)
        desk.list_keys(caller)
        desk.list_events(caller, _everything())
    report = verify_directory(home / "ledgers/default", trusted, keyring_of(home).envelope)
    assert report.problems == ()
    assert report.entries_opened == report.size


def _everything() -> Any:
    from glasshatch.api.values import EventFilter

    return EventFilter()
