"""What every kind of master key promises, asked of each that is shipped."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.masters import secret_file, wrapping_program
from glasshatch.errors import ConfigError, Unavailable, VerificationError
from glasshatch.keys import MASTERS, Keyring, MasterKey, open_master_key
from glasshatch.keys.masters import exec as exec_kind


def make_file(folder: Path, name: str, _: pytest.MonkeyPatch) -> str:
    return f"file:{secret_file(folder, name)}"


def make_env(folder: Path, name: str, patch: pytest.MonkeyPatch) -> str:
    patch.setenv(f"MASTER_{name.upper()}", base64.b64encode(os.urandom(32)).decode())
    return f"env:MASTER_{name.upper()}"


def make_exec(folder: Path, name: str, _: pytest.MonkeyPatch) -> str:
    return wrapping_program(folder, name)


MAKERS: dict[str, Callable[[Path, str, pytest.MonkeyPatch], str]] = {
    "file": make_file, "env": make_env, "exec": make_exec,
}  # fmt: skip


def test_every_kind_is_asked() -> None:
    assert set(MAKERS) == set(MASTERS)


@pytest.fixture(params=sorted(MAKERS))
def masters(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, MasterKey, MasterKey]:
    """A reference, what it opens, and another key of the same kind."""
    make = MAKERS[request.param]
    reference, other = make(tmp_path, "one", monkeypatch), make(tmp_path, "two", monkeypatch)
    return reference, open_master_key(reference), open_master_key(other)


def test_what_is_wrapped_unwraps_under_the_same_key_and_context_only(
    masters: tuple[str, MasterKey, MasterKey],
) -> None:
    reference, master, other = masters
    wrapped = master.wrap(b"k" * 32, b"what for")
    assert open_master_key(reference).unwrap(wrapped, b"what for") == b"k" * 32
    changed = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for who, what, why in (
        (master, wrapped, b"else"),
        (other, wrapped, b"what for"),
        (master, changed, b"what for"),
    ):
        with pytest.raises(VerificationError) as refused:
            who.unwrap(what, why)
        assert "what for" not in str(refused.value)
        assert "kkkk" not in str(refused.value)


def test_the_id_is_stable_and_its_own(masters: tuple[str, MasterKey, MasterKey]) -> None:
    reference, master, other = masters
    assert master.id == open_master_key(reference).id != other.id
    assert master.id.isprintable()


def test_a_keyring_lives_under_it(masters: tuple[str, MasterKey, MasterKey], tmp_path: Path) -> None:
    reference, master, other = masters
    made = Keyring.create(tmp_path / "ring.json", "default", "example.com/audit", master)
    opened = Keyring.open(tmp_path / "ring.json", open_master_key(reference))
    assert opened.control_mac_key == made.control_mac_key
    with pytest.raises(VerificationError, match="another master key"):
        Keyring.open(tmp_path / "ring.json", other)


def test_a_reference_of_no_kind_names_the_kinds() -> None:
    with pytest.raises(ConfigError, match="file:/path") as refused:
        open_master_key("kms:somewhere")
    assert "exec:/path/to/program" in refused.value.message


# What only a program can do wrong.


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#!{python}\nraise SystemExit(1)\n", "ended with 1"),
        ("#!{python}\nprint('no json')\n", "answers without 'id'"),
        ("#!{python}\nprint('[]')\n", "answers without 'id'"),
        ("#!/nowhere/python\n", "cannot be run"),
    ],
)
def test_a_program_that_fails_is_out_of_reach(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Unavailable, match=says):
        open_master_key(wrapping_program(tmp_path, "one", text))


def test_a_program_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_kind, "TIMEOUT_SECONDS", 1.5)
    mark = tmp_path / "child"
    text = f"#!/bin/sh\nsleep 600 &\necho $! > {mark}\nwait\n"
    with pytest.raises(Unavailable, match="did not answer"):
        open_master_key(wrapping_program(tmp_path, "one", text))
    state = Path(f"/proc/{mark.read_text().strip()}/stat")
    deadline_s = time.monotonic() + 120
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline_s, "a child is left"
        time.sleep(0.02)


def test_a_program_that_others_may_change_is_not_run(tmp_path: Path) -> None:
    reference = wrapping_program(tmp_path, "one")
    Path(reference.removeprefix("exec:")).chmod(0o722)
    with pytest.raises(ConfigError, match="changed by others"):
        open_master_key(reference)
    for place in (f"exec:{tmp_path}", "exec:relative", f"exec:{tmp_path}/missing"):
        with pytest.raises(ConfigError):
            open_master_key(place)


def test_what_a_program_complains_of_is_shown_to_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "#!{python}\nimport sys\nsys.stderr.write('secret')\nraise SystemExit(1)\n"
    with pytest.raises(Unavailable) as refused:
        open_master_key(wrapping_program(tmp_path, "one", text))
    assert "secret" not in f"{refused.value}{capfd.readouterr()}".replace("one.secret", "")
