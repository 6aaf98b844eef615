"""Rows by the compiled kernel are those that Python makes, column by column, whatever the bytes are."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.depth import rounds
from glasshatch.errors import GlasshatchError
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
    SealedField,
    Source,
    StatementText,
    encode,
)
from glasshatch.index import compiled
from glasshatch.index.columnplan import told
from glasshatch.index.rows import Entry, rows, rows_in_python
from glasshatch.sources import SOURCES, Arrival, Parsed

ASSETS = Path(__file__).parents[2] / "assets"
pytestmark = pytest.mark.skipif(compiled.kernel() is None, reason="the column kernel is not compiled")

SPELLED = [
    "", "a", "id", "text", "ABC def", "x-1_y.z", "1700000000000000000", "007", "-5", "two\nlines", 'quo"te',
    "back\\slash", "\0", "\x01", "\x1f tab\t", "é", "Straße ΑΣ ΟΔΟΣ", "日本 語", "🙂", "İ",
    "select 1 where a = 'b'", 'abc","id":"def', '","text":"', "\x7f", "words " * 40,
]  # fmt: skip
texts = st.sampled_from(SPELLED) | st.text(max_size=12).map(
    lambda text: text.encode("utf-8", "replace").decode()
)
names = st.lists(texts, max_size=3).map(tuple)
whole = st.integers(-9, 99) | st.sampled_from([0, 2**53 - 1, 10**18, -(10**17)])
keys = st.sampled_from(["a", "b", "a.b", "", "id", "text", "time", "value", "é", 'k"', "long key"])
trees = st.recursive(
    texts | whole | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
sealed = st.builds(SealedField, field=texts, commitment=texts, subject=texts)
resources = st.builds(
    Resource, type=texts, id=texts, name=texts, env=texts, labels=st.dictionaries(keys, texts, max_size=2)
)
times = st.sampled_from(
    ["1700000000123456789", "0", "", "5", "4102444800000000001", "9" * 19, "9" * 30, "-7", "1_0"]
)
EVENTS = st.builds(
    Event, id=texts, time=times, observed_time=times, action=texts, severity=whole, session_id=texts,
    source=st.builds(Source, kind=texts, name=texts, instance=texts, version=texts),
    request_id=texts, trace_id=texts, span_id=texts,
    outcome=st.none()
    | st.builds(Outcome, status=st.sampled_from(["success", "failure", "unknown"]), code=texts, reason=texts),
    actor=st.none()
    | st.builds(
        Actor, id=texts, type=st.sampled_from(["human", "agent", "unknown"]), name=texts, roles=names,
        idp=texts, on_behalf_of=texts,
        raw=st.none() | st.builds(RawPrincipal, namespace=texts, principal=texts),
    ),
    client=st.none() | st.builds(Client, ip=texts, port=whole, geo=texts, user_agent=texts),
    resource=st.none() | resources, resources=st.lists(resources, max_size=2).map(tuple),
    access=st.none()
    | st.builds(Access, grant_id=texts, approvers=names, reason=texts, break_glass=st.booleans()),
    data=st.none() | st.builds(Data, rows=whole, classes=names, subjects=names, purpose=texts),
    statement=st.none() | st.builds(StatementText, text=texts, shape=texts, hash=texts),
    decision=st.none() | st.builds(DecisionMade, effect=st.sampled_from(["allow", "deny"]), reason=texts),
    redaction=st.none()
    | st.builds(
        Redaction, counts=st.dictionaries(keys, whole, max_size=2), pack_hash=texts,
        sealed=st.lists(sealed, max_size=2).map(tuple),
    ),
    links=st.lists(st.builds(Link, rel=texts, id=texts), max_size=2).map(tuple),
    labels=st.dictionaries(keys, texts, max_size=3), attrs=st.dictionaries(keys, trees, max_size=4),
    native=trees,
)  # fmt: skip


def check(entries: Sequence[Entry]) -> None:
    made, expected = rows("shop", entries), rows_in_python("shop", entries)
    made.validate(full=True)
    assert made.schema == expected.schema
    for name in expected.column_names:
        assert made[name].to_pylist() == expected[name].to_pylist(), name
    assert made.combine_chunks().equals(expected.combine_chunks())


def left_out(entries: Sequence[Entry]) -> list[int]:
    kernel: Any = compiled.kernel()
    found: list[int] = kernel.Columns(compiled._plan(), compiled._line, secrets.randbits(62)).take(entries)
    return found


def entries_of(events: Sequence[bytes]) -> list[Entry]:
    return [("default" if index % 3 else "eu", index, data) for index, data in enumerate(events)]


@settings(max_examples=rounds(25, 500))
@given(st.lists(EVENTS, min_size=1, max_size=3))
def test_events_of_every_kind(events: list[Event]) -> None:
    check(entries_of([encode(event) for event in events]))


@settings(max_examples=rounds(25, 500))
@given(st.lists(EVENTS, min_size=1, max_size=2), st.data())
def test_bytes_that_were_changed(events: list[Event], data: st.DataObject) -> None:
    entries = []
    for event in events:
        stored = bytearray(encode(event))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(stored)))
            put = data.draw(st.sampled_from(PIECES) | st.binary(max_size=2))
            stored[at : at + data.draw(st.sampled_from([0, 0, 1, 2, 9]))] = put
        entries.append(bytes(stored))
    check(entries_of(entries))


PIECES = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"\xed\xa0\x80", b"0", b"-", b"1e5",
    b".5", b"null", b"true", b" ", b'\\"', b"\\u0001", b"\\u00e9", b"\\ud83d", b"\\/", b'"id":"a",',
    b'"x":{},', b"", b'"schema":2', b'"text":"a"', b"[" * 200, b"123456789012345678901",
]  # fmt: skip


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_bytes_that_are_no_event(entries: list[bytes]) -> None:
    check(entries_of(entries))


def stored(**members: Any) -> bytes:
    plain = {"action": "a.b", "id": "1", "source": {"kind": "app"}, "time": "5"} | members
    return msgspec.json.encode(plain, order="sorted")


@pytest.mark.parametrize(
    "data",
    [
        stored(schema=2), stored(schema=0), stored(unknown=1), stored(severity="3"), stored(severity=10**18),
        stored(severity=2**64), stored(outcome={"status": "perhaps"}), stored(actor=None), stored(actor={}),
        stored(labels={"a": 1}), stored(labels=None), stored(attrs=[1]), stored(attrs={"a": 1.5}),
        stored(native=0), stored(native=""), stored(native=False),
        stored(native=["x", ["y"], {"": {"": "z"}}]),
        stored()[:-1], stored() + b" ", b" " + stored(), stored() + stored(), b"", b"{}", b"null", b"[]",
        stored().replace(b":", b": ", 1), stored().replace(b'"5"', b'"\\u0035"'), b"[" * 5_000,
        b'{"action":"a","action":"b","id":"1","source":{"kind":"app"},"time":"5"}',
        b'{"id":"1","action":"a","source":{"kind":"app"},"time":"5"}',
        stored(attrs={"deep": json.loads("[" * 90 + "]" * 90)}),
        stored(attrs={"deep": json.loads("[" * 300 + "1" + "]" * 300)}),
        stored(attrs={"long" * 2_000: {f"m{number}": number for number in range(1_500)}}),
        stored(statement={"text": 'a","id":"1'}, attrs={"text": 'a","id":"1'}),
        stored(id="same", resource={"id": "same", "type": "same"}, attrs={"id": "same"}),
    ],
)  # fmt: skip
def test_entries_that_are_unusual(data: bytes) -> None:
    check([("default", 0, stored()), ("default", 1, data), ("eu", 2, stored(severity=1))])


def test_only_bytes_are_taken() -> None:
    for data in (None, "text", bytearray(b"{}")):
        with pytest.raises(TypeError):
            left_out([("default", 0, data)])  # type: ignore[list-item]


def test_many_entries_that_are_left_out_keep_their_places() -> None:
    check(entries_of([stored(severity=number) if number % 4 else b"?" for number in range(40)]))
    check(entries_of([b"?"] * 5))


def test_what_is_recorded_is_not_left_out() -> None:
    events = [
        Event(
            id="1", time="5", action="x.y", source=Source(kind="app"), labels={"a": "é"},
            attrs={"a": [{"b": 1}, {"b": "two"}], 'c"d': "\n"}, native={"x": None},
            resources=(Resource(type="t", id="r"),), redaction=Redaction(counts={"EMAIL": 1}, sealed=()),
        ),
        Event(id="2", time="6", action="x", source=Source(kind="app"), decision=DecisionMade(effect="deny")),
    ]  # fmt: skip
    assert left_out(entries_of([encode(event) for event in events])) == []


def test_every_member_of_the_model_and_every_column_is_in_the_plan() -> None:
    columns = compiled.kernel().Columns(compiled._plan(), compiled._line, 0)
    _, found = columns.columns()
    expected = set(rows_in_python("shop", entries_of([stored()])).column_names)
    assert found.keys() | {"tenant"} == expected
    (event,) = [shape for shape in told().shapes if len(shape) == len(msgspec.structs.fields(Event))]
    assert told().shapes[-1] == event


def real(kind: str, files: str, unwrap: str = "") -> Iterator[bytes]:
    count = itertools.count()
    for path in sorted(ASSETS.glob(files)):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        items = json.loads(data)[unwrap] if unwrap else map(json.loads, data.splitlines())
        for item in itertools.islice(items, rounds(400, 100_000)):
            place = Arrival(10**18, "s", "default", lambda: f"{next(count):032}", path.name, 1)
            parsed = SOURCES[kind].parse(item, json.dumps(item).encode(), place)
            if isinstance(parsed, Parsed):
                yield encoded(parsed.event)


def encoded(event: Event) -> bytes:
    try:
        return encode(event)
    except GlasshatchError:
        return b""


REAL = [
    ("kubernetes", "k8s-real/audit.log.gz", ""), ("json", "k8s-real/audit.log.gz", ""),
    ("cloudtrail", "cloudtrail/2*.json.gz", "Records"), ("json", "cloudtrail/2*.json.gz", "Records"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "files", "unwrap"), REAL)
def test_real_events_whole_and_with_damage(kind: str, files: str, unwrap: str) -> None:
    events = list(real(kind, files, unwrap))
    assert len(events) > 50
    check(entries_of(events))
    assert len(left_out(entries_of(events))) <= len(events) // 20
    chance, damaged = random.Random(7), []
    for data in events[:: rounds(8, 1)]:
        at = chance.randrange(len(data) or 1)
        damaged.append(data[:at] + chance.choice(PIECES) + data[at + chance.randrange(3) :])
    check(entries_of(damaged))
