"""Stored events equal RFC 8785 whatever they carry; an independent implementation is the judge."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.errors import PeerError, TooLarge
from glasshatch.events import (
    Access,
    Actor,
    Client,
    Data,
    DecisionMade,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Redaction,
    Resource,
    Source,
    StatementText,
    decode,
    encode,
    foreign,
    uuid7,
)

# Surrogates included: foreign text may hold anything a decoder let through.
wild_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
text = st.text(max_size=20)
ascii_key = st.text(st.characters(max_codepoint=127), max_size=10)
wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | wild_text | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(wild_text | st.integers(), inner, max_size=4)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)
counts = st.integers(0, 2**53 - 1)


def texts(*names: str) -> dict[str, st.SearchStrategy[Any]]:
    return dict.fromkeys(names, text)


tuples = st.lists(text, max_size=3).map(tuple)
resources = st.builds(Resource, labels=st.dictionaries(ascii_key, text, max_size=2), **texts("type", "id"))
actors = st.builds(
    Actor,
    id=text,
    type=st.sampled_from(["human", "service", "agent", "unknown"]),
    roles=tuples,
    raw=st.none() | st.builds(RawPrincipal, **texts("namespace", "principal")),
    **texts("name", "on_behalf_of"),
)
events = st.builds(
    Event,
    id=st.uuids().map(str),
    time=st.integers(0, 2**63).map(str),
    action=text,
    source=st.builds(Source, **texts("kind", "name")),
    severity=st.integers(0, 6),
    outcome=st.none() | st.builds(Outcome, reason=text),
    actor=st.none() | actors,
    client=st.none() | st.builds(Client, ip=text, port=st.integers(0, 65_535)),
    resource=st.none() | resources,
    resources=st.lists(resources, max_size=2).map(tuple),
    access=st.none() | st.builds(Access, approvers=tuples, break_glass=st.booleans()),
    data=st.none() | st.builds(Data, rows=counts, bytes=counts, classes=tuples),
    statement=st.none() | st.builds(StatementText, **texts("text", "shape", "hash")),
    decision=st.none() | st.builds(DecisionMade, effect=st.sampled_from(["allow", "deny", "review"])),
    redaction=st.none() | st.builds(Redaction, counts=st.dictionaries(ascii_key, counts, max_size=3)),
    links=st.lists(st.builds(Link, rel=text, id=text), max_size=2).map(tuple),
    labels=st.dictionaries(ascii_key, text, max_size=2),
    attrs=st.dictionaries(wild_text, wild, max_size=3).map(foreign),
    native=wild.map(foreign),
)


@given(events)
def test_the_bytes_are_the_rfc_8785_form(event: Event) -> None:
    stored = encode(event)
    assert rfc8785.dumps(json.loads(stored)) == stored


@given(events)
def test_what_is_read_is_what_was_written(event: Event) -> None:
    assert decode(encode(event)) == event
    assert encode(decode(encode(event))) == encode(event)


@given(events, events)
def test_different_events_have_different_bytes(one: Event, other: Event) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(wild)
def test_foreign_data_is_canonical_and_stays_so(value: object) -> None:
    once = foreign(value)
    assert rfc8785.dumps(once) == rfc8785.dumps(json.loads(rfc8785.dumps(once)))
    assert foreign(once) == once


@given(st.binary(max_size=200))
def test_garbage_is_refused_as_garbage(data: bytes) -> None:
    with pytest.raises(PeerError, match="not a canonical event"):
        decode(data)


@given(st.text(min_size=1).filter(lambda text: text.strip("\0")), st.integers(1, 5))
def test_nothing_is_cut_silently(piece: str, factor: int) -> None:
    long = (foreign(piece) * 70_000)[: 14_000 * factor]
    event = Event(id="i", time="1", action="a.b", source=Source(kind="k"), attrs={"long": long})
    try:
        stored = encode(event)
    except TooLarge:
        return
    assert decode(stored).attrs["long"] == long


@given(st.integers(0, 2**48 * 10**6 - 1), st.binary(min_size=10, max_size=16))
def test_a_uuid7_is_one_and_carries_its_time(now_ns: int, random_bytes: bytes) -> None:
    value = uuid.UUID(uuid7(now_ns, random_bytes))
    assert value.variant == uuid.RFC_4122
    assert value.version == 7
    assert value.int >> 80 == now_ns // 1_000_000


@given(st.integers(0, 2**47), st.integers(1, 2**47), st.binary(min_size=10), st.binary(min_size=10))
def test_uuid7s_sort_by_their_millisecond(first_ms: int, gap_ms: int, one: bytes, other: bytes) -> None:
    earlier = uuid7(first_ms * 1_000_000, one)
    later = uuid7(min(first_ms + gap_ms, 2**48 - 1) * 1_000_000, other)
    assert earlier < later


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_uuid7s_of_one_instant_differ_by_74_random_bits(one: bytes, other: bytes) -> None:
    # 80 bits are handed in; version and variant take six places away from them.
    def kept(data: bytes) -> int:
        value = int.from_bytes(data, "big")
        return (value >> 68 & 0xFFF) << 62 | value & (1 << 62) - 1

    assert (uuid7(0, one) == uuid7(0, other)) == (kept(one) == kept(other))
