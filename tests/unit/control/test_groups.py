"""Groups of a directory in the store: members, names, and roles that move with them."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.control import Step
from glasshatch.errors import ConfigError, Conflict

NOW = 1_800_000_000_000_000_000
PROVIDER = "https://id.example"


def test_members_come_and_go_and_their_roles_with_them(office: Any) -> None:
    groups, told = office.store.groups, []
    made = groups.create(PROVIDER, "On Call", "e-1", NOW)
    people = (office.alice.id, office.bob.id)
    step = Step(come=people, roles={office.alice.id: ["oncall"]})
    groups.step(made.id, step, NOW, told.extend)
    assert [(one.name, one.roles) for one in told] == [("alice", ("oncall",))]
    assert groups.members(made.id) == sorted(people)
    # Who is in already, or out already, stays so, however often it is said.
    groups.step(made.id, Step(come=people, gone=(office.carol.id,)), NOW)
    groups.step(made.id, Step(gone=(office.bob.id, office.bob.id)), NOW)
    store = office.reopen()
    assert store.groups.members(made.id) == [office.alice.id]
    assert store.groups.of(people) == {office.alice.id: [store.groups.get(made.id)]}
    assert store.actors.named("alice").roles == ("oncall",)
    assert store.actors.current(office.alice.id).roles == ("oncall",)


def test_a_name_is_taken_once_whatever_its_capitals(office: Any) -> None:
    groups = office.store.groups
    first, other = (groups.create(PROVIDER, name, "", NOW) for name in ("Straße", "Other"))
    with pytest.raises(Conflict, match="this name"):
        groups.create(PROVIDER, "STRASSE", "", NOW)
    with pytest.raises(Conflict, match="this name"):
        groups.rename(other.__class__(id=other.id, provider=PROVIDER, name="STRASSE"), NOW)
    assert groups.page([PROVIDER], 0, 10, name="strasse") == (1, [first])
    assert groups.page([PROVIDER], 1, 10) == (2, [first])
    assert groups.page(["another"], 0, 10) == (0, [])


def test_a_group_goes_once_it_is_empty(office: Any) -> None:
    groups = office.store.groups
    made = groups.create(PROVIDER, "x", "", NOW)
    groups.step(made.id, Step(come=(office.alice.id,)), NOW)
    with pytest.raises(Conflict, match="in the group"):
        groups.remove(made.id)
    groups.step(made.id, Step(gone=(office.alice.id,)), NOW)
    groups.remove(made.id)
    assert office.reopen().groups.get(made.id) is None
    with pytest.raises(ConfigError, match="no such group"):
        office.store.groups.step(made.id, Step(), NOW)


def test_a_step_that_cannot_be_recorded_does_not_happen(office: Any) -> None:
    groups = office.store.groups
    made = groups.create(PROVIDER, "x", "", NOW)

    def fail(_: object) -> None:
        raise RuntimeError

    step = Step(come=(office.alice.id,), roles={office.alice.id: ["admin"]})
    with pytest.raises(RuntimeError):
        groups.step(made.id, step, NOW, fail)
    with pytest.raises(Conflict):
        groups.step(made.id, Step(come=("nobody",)), NOW)
    store = office.reopen()
    assert store.groups.members(made.id) == []
    assert store.actors.named("alice").roles == office.alice.roles
