"""Conditions on events, and what they refuse to mean."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fixtures.detecting import entry
from glasshatch.detect.matching import BadCondition, actions_of, compile_match, could_be
from glasshatch.events import decode

EVENT = decode(
    entry(
        0,
        0,
        action="statement.finished",
        actor={"id": "a1", "name": "alice", "type": "human", "roles": ["engineer", "oncall"]},
        outcome={"status": "failure", "code": "42P01"},
        resources=[{"type": "table", "name": "orders"}, {"type": "table", "name": "pg_class"}],
        data={"rows": 12, "classes": ["EMAIL", "NAME"]},
        labels={"team": "shop", "app.kubernetes.io/name": "till"},
        attrs={"verbs": ["select"], "affected": "900719925474099300", "deep": {"er": 4, "flag": True}},
        native={"objectRef": {"resource": "secrets"}, "items": [{"n": 1}, {"n": 2}]},
    )
)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({"action": "statement.finished"}, True),
        ({"action": "statement.*"}, True),
        ({"action": "session.*"}, False),
        ({"action": ["session.opened", "statement.fin*"]}, True),
        ({"actor.name": "alice", "actor.type": "human"}, True),
        ({"actor.name": "alice", "actor.type": "agent"}, False),
        ({"actor.roles": "oncall"}, True),
        ({"actor.roles": {"not": "oncall"}}, False),
        ({"actor.roles": {"not": ["auditor"]}}, True),
        ({"client.ip": "10.0.0.1"}, False),
        ({"client.ip": {"not": "10.0.0.1"}}, True),
        ({"client.ip": {"exists": False}}, True),
        ({"data.rows": 12}, True),
        ({"data.rows": {"ge": 12, "lt": 13}}, True),
        ({"data.rows": {"gt": 12}}, False),
        ({"data.rows": {"le": 11}}, False),
        ({"data.masked": 0}, True),
        ({"access.break_glass": True}, False),
        ({"data.classes": {"exists": True}}, True),
        ({"data.columns": {"exists": True}}, False),
        ({"resources.name": "pg_*"}, True),
        ({"resources.name": {"not": "pg_*"}}, False),
        ({"labels.team": "shop"}, True),
        ({"labels.app.kubernetes.io/name": "till"}, True),
        ({"attrs.verbs": "select"}, True),
        ({"attrs.affected": {"gt": 900719925474099299}}, True),
        ({"attrs.deep.er": 4}, True),
        ({"attrs.deep.er": True}, False),
        ({"attrs.deep.flag": True}, True),
        ({"attrs.deep.none": 4}, False),
        ({"native.objectRef.resource": ["secrets", "configmaps"]}, True),
        ({"native.items.n": 2}, True),
        ({"native.items.n": {"not": 2}}, False),
    ],
)
def test_conditions(conditions: dict[str, Any], holds: bool) -> None:
    assert compile_match(conditions)(EVENT, None) is holds


def test_each_stands_for_one_item() -> None:
    matches = compile_match({"each.name": {"not": "pg_*"}}, "resources")
    assert [matches(EVENT, item) for item in EVENT.resources] == [True, False]


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"actor": "alice"}, "name a member"),
        ({"actor.nam": "alice"}, "has no `nam`"),
        ({"nonsense": 1}, "has no `nonsense`"),
        ({"action.verb": "x"}, "nothing below"),
        ({"each.name": "x"}, "no `each`"),
        ({"labels": "x"}, "name a member"),
        ({"data.rows": "12"}, "number"),
        ({"data.rows": {"ge": 1.5}}, "whole numbers"),
        ({"data.rows": {"ge": True}}, "whole numbers"),
        ({"actor.name": {"ge": 1}}, "whole numbers"),
        ({"actor.name": 5}, "cannot be compared"),
        ({"actor.name": "al*ce"}, "only stand at the end"),
        ({"actor.name": []}, "empty list"),
        ({"actor.name": {}}, "empty table"),
        ({"actor.name": {"matches": ".*"}}, "unknown"),
        ({"actor.name": {"exists": "yes"}}, "true or false"),
        ({"access.break_glass": "true"}, "cannot be compared"),
    ],
)
def test_what_cannot_be_meant_is_refused(conditions: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadCondition, match=reason) as refused:
        compile_match(conditions)
    assert refused.value.field == next(iter(conditions))


def test_rules_are_asked_by_action() -> None:
    patterns = actions_of({"action": ["session.refused", "statement.*"]})
    assert could_be("statement.run", patterns)
    assert could_be("session.refused", patterns)
    assert not could_be("session.opened", patterns)
    assert could_be("anything", actions_of({"action": {"not": "x"}}))


def test_conditions_survive_an_event_with_nothing_in_it() -> None:
    bare = msgspec.structs.replace(EVENT, actor=None, data=None, resources=(), attrs={}, native=None)
    assert not compile_match({"data.rows": {"le": 5}})(bare, None)
    assert not compile_match({"native.items.n": 2})(bare, None)
    assert compile_match({"resources.name": {"not": "pg_*"}})(bare, None)
