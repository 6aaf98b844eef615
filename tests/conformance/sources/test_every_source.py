"""What every source promises, whatever it reads: one list, so a new one is held to it as well."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from fixtures.audit import event as audit_event
from fixtures.logs_of_others import log_entry, mapped_items, trail_record
from glasshatch.events import decode, encode
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected

ROOT = Path(__file__).resolve().parents[3]
NOW_NS = 1_795_385_333 * 10**9
SAMPLES: dict[str, list[dict[str, Any]]] = {
    "json": [{"id": "a", "action": "order.paid"}, {"id": "b", "message": "anything", "n": 1.5}],
    "kubernetes": [audit_event(number=1), audit_event("secrets", "get", number=2)],
    "pgaudit": [log_entry(1, "AUDIT: SESSION,1,1,READ,SELECT,,,SELECT 1,<none>"), log_entry(2, "checkpoint")],
    "cloudtrail": [trail_record("GetObject", 1), trail_record("AssumeRole", 2)],
    "syslog": [
        {"line": '<165>1 2026-11-22T22:14:15.003Z vm app - ID47 [a@1 x="1"] text', "received": "boot 1"},
        {
            "line": "<38>Nov 22 22:14:15 vm sshd[7]: Invalid user x from 192.0.2.7 port 22",
            "received": "boot 2",
        },
    ],
    "otlp": [
        {
            "timeUnixNano": NOW_NS,
            "eventName": "order.paid",
            "attributes": {"log.record.uid": "01J", "n": 1.5},
        },
        {"body": {"text": "anything"}, "resource": {"k8s.pod.name": "a"}, "observedTimeUnixNano": NOW_NS + 1},
    ],
    **{kind: mapped_items(kind) for kind in ("github", "okta", "gcp")},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=25,
)


def parse(kind: str, value: Any) -> Parsed | Rejected:
    ids = itertools.count()
    arrival = Arrival(NOW_NS, "one", "default", lambda: f"00000000-0000-7000-8000-{next(ids):012}")
    return SOURCES[kind].parse(value, msgspec.json.encode(value), arrival)


def test_every_source_has_samples_and_a_page() -> None:
    assert set(SAMPLES) == set(SOURCES)
    for kind in SOURCES:
        assert (ROOT / "docs" / "sources" / f"{kind}.md").is_file()


@pytest.mark.parametrize("kind", SOURCES)
def test_a_sample_is_an_event_that_can_be_written(kind: str) -> None:
    for sample in SAMPLES[kind]:
        found = parse(kind, sample)
        assert isinstance(found, Parsed), found
        again = decode(encode(found.event))
        assert again.source.kind == kind
        assert again.source.name == "one"


@pytest.mark.parametrize("kind", SOURCES)
def test_a_parser_is_pure(kind: str) -> None:
    for sample in SAMPLES[kind]:
        before = msgspec.json.encode(sample)
        assert parse(kind, sample) == parse(kind, sample)
        assert msgspec.json.encode(sample) == before


@pytest.mark.parametrize("kind", SOURCES)
def test_two_facts_have_two_keys_and_a_copy_has_the_same(kind: str) -> None:
    keys = [found.key for sample in SAMPLES[kind] if isinstance(found := parse(kind, sample), Parsed)]
    again = [found.key for sample in SAMPLES[kind] if isinstance(found := parse(kind, sample), Parsed)]
    assert all(keys)
    assert len(set(keys)) == len(SAMPLES[kind])
    assert keys == again


@pytest.mark.parametrize("kind", SOURCES)
def test_what_weighs_a_copy_agrees_with_the_parser(kind: str) -> None:
    weigh = SOURCES[kind].weigh
    for sample in SAMPLES[kind]:
        found = parse(kind, sample)
        assert isinstance(found, Parsed)
        assert weigh is None or weigh(sample) == (found.key, found.weight)


@pytest.mark.parametrize("kind", SOURCES)
@given(value=JSON)
def test_anything_is_an_event_or_refused_with_a_reason(kind: str, value: Any) -> None:
    _check(parse(kind, value))


@pytest.mark.parametrize("kind", SOURCES)
@given(data=st.data())
def test_a_sample_with_something_else_in_it_is_an_event_or_refused(kind: str, data: st.DataObject) -> None:
    sample = dict(data.draw(st.sampled_from(SAMPLES[kind])))
    for name in data.draw(
        st.lists(st.sampled_from([*sample, "labels", "actor", "client", "time"]), max_size=3)
    ):
        sample[name] = data.draw(JSON)
    _check(parse(kind, sample))


def _check(found: Parsed | Rejected) -> None:
    if isinstance(found, Rejected):
        assert 0 < len(found.reason) < 200
    else:
        decode(encode(found.event))
