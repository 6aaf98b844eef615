"""The policy in force changes only to a text that is good and whose change is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glasshatch.app.policies import LivePolicy
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor
from glasshatch.policy import PolicySet

OPEN = '@id("open") @reason("r") permit(principal, action, resource);\n'
SHUT = '@id("shut") @reason("r") forbid(principal, action, resource);\n'
BROKEN = OPEN + "permit(principal, axtion, resource);\n"


class Notes:
    """Keeps what would be recorded; can be told to fail."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.down = False

    def __call__(self, action: str, **members: Any) -> None:
        if self.down:
            raise Unavailable("the disk is full")
        self.made.append((action, members))

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.made]


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "own.cedar"
    file.write_text(OPEN)
    return file


def test_nothing_starts_with_a_broken_policy(file: Path) -> None:
    file.write_text(BROKEN)
    with pytest.raises(ConfigError, match=r"own\.cedar:2"):
        LivePolicy(file, PolicySet)


def test_a_look_takes_a_change_and_records_both_hashes_and_who(file: Path, notes: Notes) -> None:
    live = LivePolicy(file, PolicySet)
    first = live.current
    assert live.look(notes, "asked for").changed is False
    file.write_text(SHUT)
    found = live.look(notes, "asked for", Actor(id="u1", name="ann"))
    assert (found.changed, found.before, found.hash) == (True, first.hash, live.current.hash)
    ((action, members),) = notes.made
    assert action == "policy.loaded"
    assert members["actor"].name == "ann"
    assert (members["attrs"]["before"], members["attrs"]["policy_hash"]) == (first.hash, found.hash)
    assert live.text() == SHUT
    assert first.hash != live.current.hash
    assert [rule.name for rule in first.rules()] == ["open"], (
        "whoever still holds the old set has the old set"
    )


def test_a_broken_text_is_refused_once_and_the_old_one_stays(file: Path, notes: Notes) -> None:
    live = LivePolicy(file, PolicySet)
    first = live.current
    file.write_text(BROKEN)
    for _ in range(3):
        with pytest.raises(ConfigError, match=r"own\.cedar:2"):
            live.look(notes, "its files changed")
    assert live.current is first
    assert notes.actions == ["policy.refused"]
    assert "own.cedar:2" in notes.made[0][1]["attrs"]["problem"]
    file.unlink()
    with pytest.raises(ConfigError):
        live.look(notes, "its files changed")
    assert live.current is first
    assert notes.actions == ["policy.refused"] * 2


def test_what_cannot_be_recorded_does_not_come_into_force(file: Path, notes: Notes) -> None:
    live = LivePolicy(file, PolicySet)
    first = live.current
    file.write_text(SHUT)
    notes.down = True
    with pytest.raises(Unavailable):
        live.look(notes, "asked for")
    assert live.current is first
    assert live.text() == OPEN
    notes.down = False
    assert live.look(notes, "asked for").changed


def test_a_file_that_is_being_written_is_left_alone_until_it_rests(file: Path, notes: Notes) -> None:
    live = LivePolicy(file, PolicySet)
    assert live.watch(notes) == ""
    file.write_text(SHUT[:20])
    assert live.watch(notes) == ""
    file.write_text(SHUT)
    assert live.watch(notes) == ""
    assert notes.made == []
    assert live.watch(notes) == ""
    assert notes.actions == ["policy.loaded"]
    assert live.watch(notes) == ""
    assert notes.actions == ["policy.loaded"]


def test_a_watch_says_what_is_wrong_once(file: Path, notes: Notes) -> None:
    live = LivePolicy(file, PolicySet)
    file.write_text(BROKEN)
    said = [live.watch(notes) for _ in range(4)]
    assert [bool(one) for one in said] == [False, True, False, False]
    assert "own.cedar:2" in said[1]


def test_a_folder_changes_with_any_of_its_files(tmp_path: Path, notes: Notes) -> None:
    (tmp_path / "a.cedar").write_text(OPEN)
    live = LivePolicy(tmp_path, PolicySet)
    (tmp_path / "b.cedar").write_text(SHUT)
    live.watch(notes)
    live.watch(notes)
    assert [rule.name for rule in live.current.rules()] == ["open", "shut"]
    (tmp_path / "b.cedar").unlink()
    live.watch(notes)
    live.watch(notes)
    assert [rule.name for rule in live.current.rules()] == ["open"]
