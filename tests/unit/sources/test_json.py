"""Arbitrary JSON becomes events: what has a place is put there, nothing is dropped, types are not guessed."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from glasshatch.events import ACTIONS, Event, decode, encode
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected

NOW_NS = 1_795_385_333 * 10**9
_ids = itertools.count()


def arrival(line: int = 0, file: str = "") -> Arrival:
    new_id = lambda: f"00000000-0000-7000-8000-{next(_ids):012}"  # noqa: E731
    return Arrival(NOW_NS, "shop", "default", new_id, file, line)


def parse(value: Any, line: int = 0, file: str = "") -> Parsed | Rejected:
    return SOURCES["json"].parse(value, json.dumps(value).encode(), arrival(line, file))


def event_of(**members: Any) -> Event:
    found = parse(members)
    assert isinstance(found, Parsed), found
    return decode(encode(found.event))


def test_canonical_members_have_their_place() -> None:
    event = event_of(
        id="0190c7a2-0000-7000-8000-000000000001", time="2026-11-22T22:08:52.654007123Z", action="order.paid",
        severity="error", actor={"id": "u1", "type": "human", "roles": ["a"]}, resource="postgres/orders",
        outcome="failure", client={"ip": "192.0.2.1", "port": 5}, session_id="s1", request_id=7,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", labels={"a": "b", "n": 1},
        statement="select 1", links=[{"rel": "caused_by", "id": "x"}], data={"rows": 3}, more={"x": [1, 2]},
    )  # fmt: skip
    assert event.id == "0190c7a2-0000-7000-8000-000000000001"
    assert event.time == "1795385332654007123"
    assert (event.action, event.severity) == ("order.paid", 4)
    assert event.actor is not None
    assert (event.actor.id, event.actor.type, event.actor.roles) == ("u1", "human", ("a",))
    assert event.resource is not None
    assert (event.resource.type, event.resource.name) == ("postgres", "orders")
    assert event.outcome is not None
    assert event.outcome.status == "failure"
    assert event.client is not None
    assert (event.client.ip, event.client.port) == ("192.0.2.1", 5)
    assert (event.session_id, event.request_id) == ("s1", "7")
    assert event.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert event.span_id == "00f067aa0ba902b7"
    assert event.labels == {"a": "b", "n": "1"}
    assert event.links[0].rel == "caused_by"
    assert event.attrs == {"more": {"x": [1, 2]}}
    assert (event.source.kind, event.source.name) == ("json", "shop")


@pytest.mark.parametrize(
    ("members", "attrs"),
    [
        (
            {"actor": {"id": "u", "type": "User", "alternateId": "a"}},
            {"actor": {"type": "User", "alternateId": "a"}},
        ),
        ({"resources": [{"ARN": "arn:x", "type": "T"}]}, {"resources": [{"ARN": "arn:x"}]}),
        (
            {"client": {"ip": "not an address", "port": 70_000}},
            {"client": {"ip": "not an address", "port": 70_000}},
        ),
        ({"action": "user logged in"}, {"action": "user logged in"}),
        ({"severity": "blue"}, {"severity": "blue"}),
        ({"severity": 99}, {"severity": 99}),
        ({"trace_id": "abc", "span_id": "d"}, {"trace_id": "abc", "span_id": "d"}),
        ({"traceparent": "nonsense"}, {"traceparent": "nonsense"}),
        ({"id": "order-5"}, {"id": "order-5"}),
        ({"outcome": {"status": "ok", "code": 5}}, {"outcome": {"status": "ok"}}),
        (
            {"labels": {"deep": {"a": 1}, "dedup": "x", "clock": "y"}},
            {"labels": {"deep": {"a": 1}, "dedup": "x", "clock": "y"}},
        ),
        ({"links": [{"href": "x"}]}, {"links": [{"href": "x"}]}),
        ({"service": {"name": "x"}}, {"service": {"name": "x"}}),
        ({"msg": "hello"}, {"message": "hello"}),
        ({"x": 1, "attrs": {"x": 2}}, {"x": 2, "x'": 1}),
        ({"big": 2**70, "f": 1.5, "nul": "a\0b"}, {"big": str(2**70), "f": "1.5", "nul": "a\0b"}),
    ],
)
def test_what_does_not_fit_is_kept_by_its_name(members: dict[str, Any], attrs: dict[str, Any]) -> None:
    assert event_of(**members).attrs == attrs


@pytest.mark.parametrize(
    "members",
    [
        {"actor": 5}, {"actor": []}, {"action": 5}, {"action": None}, {"time": "yesterday"}, {"time": {}},
        {"time": True}, {"time": "2026-11-22 22:00:00"}, {"resource": 5}, {"resources": {}}, {"links": "x"},
        {"labels": []}, {"attrs": []}, {"session_id": {}}, {"id": []}, {"id": True}, {"severity": []},
        {"source": 5}, {"client": 5}, {"data": "x"}, {"outcome": 5}, {"trace_id": []},
    ],
)  # fmt: skip
def test_a_type_that_cannot_be_meant_is_refused_by_name(members: dict[str, Any]) -> None:
    found = parse(members)
    assert isinstance(found, Rejected)
    assert next(iter(members)) in found.reason


@pytest.mark.parametrize("value", [5, "x", None, [], True, 1.5, [{}]])
def test_what_is_no_object_is_refused(value: Any) -> None:
    assert isinstance(parse(value), Rejected)


def test_a_reason_never_repeats_a_value() -> None:
    secret = "hunter2secret"
    for name in ("time", "actor", "labels", "client", "data", "id", "resources"):
        for value in (secret, [secret], {"x": secret}, 5):
            found = parse({name: value})
            assert not isinstance(found, Rejected) or secret not in found.reason


@pytest.mark.parametrize("kind", ["gateway", "glasshatch", "kubernetes"])
def test_nobody_speaks_for_the_gateway(kind: str) -> None:
    event = event_of(
        source={"kind": kind, "name": "x"}, decision={"effect": "allow"}, tenant="other", schema=1
    )
    assert event.source.kind == "json"
    assert event.tenant == "default"
    assert event.decision is None
    assert event.attrs["claimed"]["source"] == {"kind": kind, "name": "x"}
    assert event.attrs["claimed"]["decision"] == {"effect": "allow"}


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_nobody_says_what_glasshatch_itself_says(action: str) -> None:
    event = event_of(action=action)
    assert event.action == "event.recorded"
    assert event.attrs["claimed"] == {"action": action}


def test_an_event_is_told_again_by_its_id_or_by_its_place_in_a_file() -> None:
    def key(value: Any, line: int = 0, file: str = "") -> str:
        found = parse(value, line, file)
        assert isinstance(found, Parsed)
        return found.key

    assert key({"id": "a"}) == key({"id": "a", "more": 1}) != key({"id": "b"})
    assert key({"id": 5}) == key({"id": "5"})
    assert key({"x": 1}) == ""
    assert key({"x": 1}, 3, "f") == key({"x": 1}, 3, "f")
    others = {key({"x": 1}, 4, "f"), key({"x": 1}, 3, "g"), key({"x": 2}, 3, "f")}
    assert len(others | {key({"x": 1}, 3, "f")}) == 4


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        ("2026-11-22T22:08:52Z", 1795385332 * 10**9),
        ("2026-11-22T23:08:52.5+01:00", 1795385332 * 10**9 + 5 * 10**8),
        ("2026-11-22 22:08:52.123 UTC", 1795385332 * 10**9 + 123 * 10**6),
        (1795385332, 1795385332 * 10**9),
        ("1795385332.000000001", 1795385332 * 10**9 + 1),
        (1795385332123, 1795385332123 * 10**6),
        (1795385332123456789, 1795385332123456789),
        (1795385332.25, 1795385332 * 10**9 + 25 * 10**7),
    ],
)
def test_times_are_read_exactly(time: Any, ns: int) -> None:
    assert event_of(time=time).time == str(ns)
    assert event_of(timestamp=time).time == str(ns)


@pytest.mark.parametrize(
    ("value", "understood"),
    [
        ({"schema": 99, "source": {"kind": "app", "name": "shop"}}, False),
        ({"schema": 1, "source": {"kind": "app", "name": "shop"}}, True),
        ({"schema": 99, "source": "shop"}, True),
        ({"schema": 99}, True),
        ({"schema": "99", "source": {"name": "shop"}}, True),
        ({"schema": True, "source": {"name": "shop"}}, True),
    ],
)
def test_an_event_of_a_newer_schema_is_not_guessed_at(value: dict[str, Any], understood: bool) -> None:
    found = SOURCES["json"].parse({"action": "a.b", **value}, b"{}", arrival())
    assert isinstance(found, Parsed if understood else Rejected)
