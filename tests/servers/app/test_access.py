"""The access policy over an opened house: deeds, sights, reasons, hidden fields, and the review."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glasshatch.api.exposure_values import ExposureForm
from glasshatch.api.policy_values import ReplayForm
from glasshatch.api.search_values import CompleteForm, SaveForm
from glasshatch.api.values import EventFilter, EvidenceForm, RecordedEvent, SearchForm, StatsForm
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.app.local import LocalDesk
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Denied
from glasshatch.events import Data, Event, Resource, decode
from glasshatch.identity import Identity, with_reason

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "access.md"
OWN = """
@id("own.auditor") @reason("auditors read all but payroll")
permit(principal in Role::"auditor", action, resource);
@id("own.payroll") @reason("payroll is for its own people")
forbid(principal, action == Action::"record.read", resource) when { resource.resource like "json/payroll*" };
@id("own.support") @reason("support reads the shop")
permit(principal in Role::"support", action == Action::"record.read", resource)
when { resource.feed == "shop" };
@id("own.support-fields") @reason("support sees no details")
permit(principal in Role::"support", action == Action::"record.field", resource)
when { resource.name != "detail" && resource.name != "subjects" };
@id("own.admin") @reason("administrators")
permit(principal in Role::"admin", action in [Action::"policy.load", Action::"actor.change"], resource);
@id("own.admin-reads") @reason("administrators read with a ticket")
permit(principal in Role::"admin", action in [Action::"record.read", Action::"record.field"], resource)
when { context.reason like "*OPS-*" };
@id("own.privacy") @reason("privacy says who saw a data subject")
permit(
  principal in Role::"privacy", action in [Action::"exposure.subject", Action::"record.field"], resource
);
"""
SEES = 'feed:"shop" NOT resource:json/payroll*'
ASKING_HIDDEN = (
    "amount", "attrs.amount:1", "attrs.amount>0", "attrs.amount:*", "NOT attrs.amount:1",
    "(action:a OR attrs.amount:1)", "verb:x", "subject:x", "-data.subjects:x", "action:a labels.x:y",
)  # fmt: skip
PEOPLE = {
    "ann": ("auditor",),
    "sue": ("support",),
    "adm": ("admin",),
    "eng": ("engineer",),
    "pia": ("privacy",),
}


class World(msgspec.Struct):
    """A house whose record holds orders of a shop and a payroll, and people."""

    house: House
    desk: LocalDesk
    people: dict[str, Identity]

    def search(self, person: str, query: str = "", reason: str = "") -> list[Event]:
        caller = with_reason(self.people[person], reason)
        return [decode(one.event) for one in self.found(caller, query)]

    def found(self, caller: Identity, query: str) -> list[RecordedEvent]:
        found = self.desk.search(caller, SearchForm(query=query, limit=1_000))
        events: list[RecordedEvent] = found.events
        return events

    def last(self, action: str) -> Event:
        entries = (decode(data) for _, data in self.house.ledger.scan())
        return [event for event in entries if event.action == action][-1]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("access") / "home"
    create_home(directory)
    config = config_of(directory)
    (directory / "own.cedar").write_text(OWN)
    text = config.read_text()
    assert 'set = "production"' in text
    config.write_text(text.replace('set = "production"', 'set = "production"\naccess = "own.cedar"'))
    house = House(load_config(config), SystemClock())
    people = {
        name: house.control.actors.create(name, roles=roles, now_ns=house.clock.now_ns() + at * 10**6)
        for at, (name, roles) in enumerate(PEOPLE.items())
    }
    house.announce_start()
    for number in range(3):
        order = {"action": "order.placed", "actor": "web", "id": f"o{number}", "amount": number}
        house.intake.take("json", "shop", json.dumps(order).encode())
        house.intake.take(
            "json", "payroll",
            json.dumps({"action": "salary.paid", "id": f"p{number}", "resource": "json/payroll"}).encode(),
        )  # fmt: skip
    desk = LocalDesk(house)
    yield World(house, desk, people)
    desk.close()
    house.close()


def test_a_search_shows_what_the_rules_permit(world: World) -> None:
    seen = {event.action for event in world.search("ann")}
    assert {"order.placed", "policy.loaded", "server.started"} <= seen
    assert "salary.paid" not in seen
    assert {event.source.name for event in world.search("sue", "action:order.placed")} == {"shop"}
    assert all(event.source.name == "shop" for event in world.search("sue"))
    assert world.search("eng") == []


def test_the_ledger_says_the_same_as_the_index(world: World) -> None:
    from glasshatch.app.desk.main import FrontDesk

    front = FrontDesk(world.house)
    for person in PEOPLE:
        listed = front.list_events(world.people[person], EventFilter(action="*.p*"))
        found = world.found(world.people[person], "action:*.p*")
        assert {one.index for one in listed} == {one.index for one in found}, person


def test_an_administrator_says_why_and_it_is_recorded(world: World) -> None:
    assert not world.search("adm", "action:order.placed")
    assert not world.search("adm", "action:order.placed", "just looking")
    assert len(world.search("adm", "action:order.placed", "OPS-7: asked by anna@example.com")) == 3
    recorded = world.last("record.read")
    assert recorded.access is not None
    assert recorded.access.reason.startswith("OPS-7: asked by <EMAIL:")


def test_hidden_fields_are_neither_shown_nor_asked_for(world: World) -> None:
    sue = world.people["sue"]
    found = world.found(sue, "action:order.placed")
    assert len(found) == 3
    assert all(one.hidden == ("detail", "subjects") for one in found)
    assert not [one for one in found if b"amount" in bytes(one.event) or b'"attrs"' in bytes(one.event)]
    for query in ASKING_HIDDEN:
        with pytest.raises(Denied, match="may not see"):
            world.search("sue", query)
        with pytest.raises(Denied, match="may not see"):
            world.desk.tail(sue, query)
    for by in ("attrs.amount", "subject", "verb"):
        with pytest.raises(Denied, match="may not see"):
            world.desk.stats(sue, StatsForm(query="", by=(by,)))
    for refused in (
        lambda: world.desk.exposure(sue, ExposureForm()),
        lambda: world.desk.prove(sue, str(found[0].index)),
        lambda: world.desk.show_whole(sue, str(found[0].index)),
    ):
        with pytest.raises(Denied, match="may not see"):
            refused()
    assert world.desk.show_event(sue, str(found[0].index)).hidden == ("detail", "subjects")
    entries = world.desk.timeline(sue, "resource:json/shop", 10).entries
    assert not [one for one in entries if b'"attrs"' in bytes(one.event)]


def test_stages_and_suggestions_tell_nothing_that_is_hidden(world: World) -> None:
    sue, ann = world.people["sue"], world.people["ann"]
    for stages in (
        "stats count by attrs.amount", "stats sum(attrs.amount)", "stats uniq(subject)", "sort attrs.amount",
        "fields attrs.amount", "stats max(native.x) by action", "fields action, verb",
    ):  # fmt: skip
        with pytest.raises(Denied, match="may not see"):
            world.desk.search(sue, SearchForm(query=f"action:order.placed | {stages}"))
    counted = world.desk.search(sue, SearchForm(query="| stats count by source.name"))
    assert counted.table is not None
    assert {row[0] for row in counted.table.rows} == {"shop"}

    def suggested(who: Identity, query: str) -> list[str]:
        return [one.text for one in world.desk.complete(who, CompleteForm(query=query)).items]

    assert suggested(ann, "attrs.amount:")
    for query in ("attrs.amount:", "attrs.", "attrs.am", "verb:", "subject:"):
        assert not [
            one for one in suggested(sue, query) if one not in ("AND", "OR", "NOT", "|", "exists(")
        ], query
    assert "attrs." not in suggested(sue, "a")
    seen = {one.partition("/")[2] for one in suggested(sue, "resource.id:")}
    assert not [one for one in seen if one.startswith("payroll")]
    assert any("payroll" in one for one in suggested(world.people["adm"], "resource.id:")) is False
    with pytest.raises(Denied, match="may not see"):
        world.desk.save_search(sue, SaveForm(name="own", query="attrs.amount:1"))


def test_what_nobody_permits_is_refused_with_the_rule_or_the_role(world: World) -> None:
    with pytest.raises(Denied, match="sue may not do this") as refused:
        world.desk.make_evidence(world.people["sue"], EvidenceForm(query=""))
    assert "it takes the role auditor" in refused.value.hint
    with pytest.raises(Denied):
        world.desk.list_actors(world.people["adm"])


def test_entries_as_they_lie_are_for_who_sees_them_all(world: World) -> None:
    ann = world.people["ann"]
    with pytest.raises(Denied, match="may not see"):
        world.desk.read_bundle(ann, 0, 1)
    with pytest.raises(Denied, match="may not see"):
        world.desk.replay_policy(ann, ReplayForm())


def test_everybody_learns_what_they_may(world: World) -> None:
    view = world.desk.show_access(world.people["sue"], "")
    assert (view.sees, view.hidden) == (SEES, ("detail", "subjects"))
    assert not any(one.allowed for one in view.deeds)
    assert world.desk.show_access(world.people["ann"], "sue").sees == SEES
    with pytest.raises(Denied):
        world.desk.show_access(world.people["sue"], "ann")


def test_a_changed_policy_holds_from_the_next_question_and_a_broken_one_does_not(world: World) -> None:
    file = world.house.home.directory / "own.cedar"
    before = world.house.access_policies.current.hash
    file.write_text(
        OWN + '@id("own.x") @reason("r") permit(principal, action, resource) when { resource.x };'
    )
    with pytest.raises(ConfigError, match=r"own.cedar:\d+"):
        world.desk.load_policy(world.people["adm"])
    assert world.last("policy.refused").attrs["about"] == "access"
    assert world.house.access_policies.current.hash == before
    file.write_text(OWN.replace('resource.feed == "shop"', 'resource.feed == "payroll"'))
    world.desk.load_policy(world.people["adm"])
    loaded = world.last("policy.loaded")
    assert (loaded.attrs["about"], loaded.attrs["before"]) == ("access", before)
    assert {event.source.name for event in world.search("sue")} <= {"payroll"}
    file.write_text(OWN)
    world.desk.load_policy(world.people["adm"])
    assert {event.source.name for event in world.search("sue")} == {"shop"}


def test_the_review_finds_unused_grants_and_leavers_that_were_seen(world: World) -> None:
    control, clock = world.house.control, world.house.clock
    eng = world.people["eng"]
    request = control.requests.create(
        eng, resource="postgres/orders", verbs=("write",), duration_ns=3_600 * 10**9,
        reason="price of order 4", now_ns=clock.now_ns(),
    )  # fmt: skip
    _, grant = control.requests.approve(request.id, world.people["ann"], clock.now_ns())
    gone = control.actors.create("gone", roles=("engineer",), now_ns=clock.now_ns())
    world.desk.disable_actor(world.people["adm"], "gone")
    assert grant is not None
    review = world.desk.review_access(world.people["ann"])
    by_name = {actor.name: actor for actor in review.actors}
    assert [(one.id, one.uses) for one in by_name["eng"].grants] == [(grant.id, 0)]
    assert (by_name["gone"].disabled, by_name["gone"].since_left, by_name["gone"].deeds) == (True, 0, ())
    assert by_name["gone"].left
    world.house.note("session.refused", actor=gone.as_actor(), resource=None)
    world.house.note("statement.run", actor=eng.as_actor(), access=_granted(grant.id))
    review = world.desk.review_access(world.people["ann"])
    by_name = {actor.name: actor for actor in review.actors}
    assert by_name["gone"].since_left == 1
    assert [(one.uses, bool(one.last_used)) for one in by_name["eng"].grants] == [(1, True)]
    with pytest.raises(Denied):
        world.desk.review_access(world.people["sue"])


def _granted(id: str) -> object:
    from glasshatch.events import Access

    return Access(grant_id=id)


def test_the_rules_of_the_page_are_good(tmp_path: Path) -> None:
    from glasshatch.policy.access import AccessRules

    file = tmp_path / "page.cedar"
    file.write_text(PAGE.read_text().split("```cedar\n")[1].split("```")[0])
    assert len(AccessRules.load(file).rules()) == 4


def test_who_answers_for_data_subjects_is_bound_by_what_is_forbidden_too(world: World) -> None:
    """`exposure.subject` opens what nothing permits, and nothing that a rule forbids (own.payroll)."""
    pia, somebody = world.people["pia"], ExposureForm(subject="who.was.seen@example.com")
    (token,) = world.desk.exposure(pia, somebody).subjects
    for place in ("json/shop", "json/payroll"):
        world.house.note(
            "statement.finished", actor=world.people["eng"].as_actor(),
            resource=Resource(type="json", id=place),
            data=Data(rows=1, classes=("EMAIL",), subjects=(token,)),
        )  # fmt: skip
    assert [one.resource for one in world.desk.exposure(pia, somebody).answers] == ["json/shop"]
    assert world.desk.exposure(pia, somebody).count == 1
