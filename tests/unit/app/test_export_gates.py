"""What an export may see is what the access policy of the moment says of its own service."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from glasshatch.app.access import ROLES, Entitlements
from glasshatch.app.exports.gates import Gates
from glasshatch.app.exports.sections import ExportSection
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, Denied
from glasshatch.events import Client, Event, Source, StatementText, encode
from glasshatch.exports import Gate
from glasshatch.investigate import Investigator
from glasshatch.policy import Source as PolicySource
from glasshatch.policy.access import AccessRules

OWN = """
@id("own.export") @reason("the lake takes what feeds bring")
permit(principal in Role::"lake", action == Action::"record.export", resource);
@id("own.read") @reason("the lake reads json and what is of its ledger")
permit(principal in Role::"lake", action == Action::"record.read", resource)
when { resource.source == "json" || resource.ledger == "lake" };
@id("own.fields") @reason("the lake sees no statements and no clients")
permit(principal in Role::"lake", action == Action::"record.field", resource)
when { resource.name == "subjects" };
"""


def _rules(policy: str) -> AccessRules:
    if not policy:
        return AccessRules.load("roles")
    return AccessRules("own", (PolicySource("own.cedar", policy),))


def gate(query: str = "", roles: tuple[str, ...] = ("lake",), policy: str = OWN) -> Gate:
    rules = _rules(policy)
    entitled = Entitlements(lambda: rules, ROLES)
    section = ExportSection(form="jsonl", to="file:x", query=query, roles=roles)
    investigator = Investigator(cast(Any, None), lambda text: text, ManualClock())
    return Gates("x", section, "default", investigator, entitled.view)()


def event(kind: str) -> Event:
    return Event(
        id="e", time="1", action="order.created", source=Source(kind=kind), client=Client(ip="192.0.2.1"),
        statement=StatementText(text="select 1"), attrs={"a": 1}, labels={"b": "c"},
    )  # fmt: skip


def test_it_sees_the_events_that_its_role_sees() -> None:
    found = gate()
    assert found.matches(event("json"), "default")
    assert not found.matches(event("kubernetes"), "default")
    assert found.matches(event("kubernetes"), "lake")


def test_its_query_narrows_that_and_never_widens_it() -> None:
    assert not gate("action:session.*").matches(event("json"), "default")
    assert gate("action:order.*").matches(event("json"), "default")
    assert not gate("source.kind:kubernetes OR action:*").matches(event("kubernetes"), "default")


def test_fields_that_it_may_not_see_do_not_leave() -> None:
    strip = gate().stripped
    assert strip is not None
    left = json.loads(strip(encode(event("json"))))
    assert not left.keys() & {"client", "statement", "attrs", "labels", "native"}
    assert left["id"] == "e"


def test_a_query_cannot_ask_about_what_it_may_not_see() -> None:
    with pytest.raises(Denied, match="may not see"):
        gate("statement.text:select")
    with pytest.raises(ConfigError):
        gate("action:(")


def test_by_the_shipped_policy_an_auditor_exports_all_and_an_engineer_nothing() -> None:
    found = gate(roles=("auditor",), policy="")
    assert found.matches(event("kubernetes"), "hr")
    assert found.stripped is None
    for role in ("engineer", "admin", "approver"):
        with pytest.raises(Denied, match="may not do this"):
            gate(roles=(role,), policy="")
