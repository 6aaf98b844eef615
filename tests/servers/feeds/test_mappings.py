"""A mapping named in the configuration is a source like any other, redacted and recorded once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from glasshatch.cli import main

MAPPING = """
name = "acme"
reads = "doors"
key = "{id}"
secrets = ["pin"]
[event]
time = "{when}"
action = "door.{verb}"
[event.actor]
id = "{who}"
[[example]]
item = '{"when": "2026-11-20T08:00:00Z", "verb": "opened"}'
event = { action = "door.opened" }
"""
ITEM = (
    '{"id": %d, "when": "2026-11-20T08:00:00Z", "verb": "opened", "who": "ana@example.com", "pin": "8731"}\n'
)


Command = Callable[..., str]


@pytest.fixture
def glasshatch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command here; gives what it said, or fails if it ended otherwise than with `code`."""

    def run(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["glasshatch", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = "".join(capsys.readouterr())
        assert (ended.value.code or 0) == code, said
        return said

    return run


@pytest.fixture
def home(glasshatch: Command, tmp_path: Path) -> Path:
    home = tmp_path / "home"
    glasshatch("init", home, "--token-out", tmp_path / "token")
    (home / "acme.toml").write_text(MAPPING)
    with (home / "glasshatch.toml").open("a") as file:
        file.write('\n[sources]\nmappings = ["acme.toml"]\n')
    return home


def test_its_events_are_recorded_once_without_what_is_personal(
    glasshatch: Command, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "doors.jsonl").write_text("".join(ITEM % number for number in range(3)) + "{}\n")
    for _ in range(2):
        glasshatch("ingest", "acme", tmp_path / "doors.jsonl", "--data", home, "--format", "jsonl")
    shown = glasshatch("search", "source.kind:acme action:door.opened", "--data", home, "--format", "jsonl")
    assert shown.count('"action":"door.opened"') == 3
    assert "ana@example.com" not in shown
    assert "<EMAIL:" in shown
    assert '"8731"' not in shown
    assert "has no time" in glasshatch("quarantine", "--data", home)


def test_a_mapping_that_does_not_do_what_it_shows_is_refused(
    glasshatch: Command, home: Path, tmp_path: Path
) -> None:
    (home / "acme.toml").write_text(MAPPING.replace('{ action = "door.opened" }', '{ action = "x" }'))
    (tmp_path / "doors.jsonl").write_text(ITEM % 1)
    said = glasshatch("ingest", "acme", tmp_path / "doors.jsonl", "--data", home, code=2)
    assert "examples do not hold" in said
    assert "door" not in said.replace(str(home), ""), "a log has no values of an example"
    assert "action is 'door.opened', not 'x'" in glasshatch("sources", "test", home / "acme.toml", code=5)


def test_a_name_that_is_taken_is_refused(glasshatch: Command, home: Path, tmp_path: Path) -> None:
    (home / "acme.toml").write_text(MAPPING.replace('name = "acme"', 'name = "json"'))
    (tmp_path / "doors.jsonl").write_text(ITEM % 1)
    said = glasshatch("ingest", "json", tmp_path / "doors.jsonl", "--data", home, code=2)
    assert "there is a source json already" in said
