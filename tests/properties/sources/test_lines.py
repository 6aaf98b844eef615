"""What the compiled step makes of an item is what the parser and the intake make of it, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.audit import event as audit_event
from glasshatch.events import ACTIONS, Actor, encode_whole, uuid7
from glasshatch.sources import SOURCES
from glasshatch.sources.items import Piece, read_item
from glasshatch.sources.json.lines import KERNEL, quick
from glasshatch.sources.making import Maker
from glasshatch.sources.parsed import Circumstances
from glasshatch.sources.taken import Delivery

ASSETS = Path(__file__).parents[2] / "assets"
NOW_NS = 1_795_385_340 * 10**9
DRAWN = bytes(range(200, 210))
compiled = pytest.mark.skipif(KERNEL != "compiled", reason="the kernel of lines is not compiled")

DELIVERIES = (
    Circumstances(
        NOW_NS, "prod", "default", Actor(id="svc"), "", False, b"k" * 32, lambda n: DRAWN * (n // 10)
    ),
    Circumstances(NOW_NS, "p", "acme", None, "a/é.log", True, b"", lambda n: DRAWN * (n // 10)),
    Circumstances(NOW_NS, 'é"', "acme", None, "", False, b"k" * 64, lambda n: DRAWN * (n // 10)),
)

TEXTS = st.text(max_size=9) | st.sampled_from(
    [
        "shop/orders", "/x", "x/", "success", "failure", "unknown", "10.0.0.1", "1.2.3.256", "01.2.3.4",
        "::1",
        "human", "service", "agent", "kubernetes", "gateway", "json", "sdk", "info", "WARN", "fatal",
        "\u212a",
        'a\\b"\t', "\x7f\u2028", "\U0001f600", "a" * 32, "b" * 16, "A" * 32, f"00-{'a' * 32}-{'b' * 16}-01",
        "2026-11-22T22:08:52.654007Z", "2026-11-22 22:08:52+02:00", "2028-02-29T23:59:59.1234567891-11:30",
        "2027-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T22:08:60Z", "2026-11-22", "1795385340",
        "1795385340123", "1795385340123456", "1795385340000000000", "1795385340.5", "0001795385340",
        "99999999",
        "9f9f9f9f-1234-4321-9f9f-9f9f9f9f9f9f", "9F9f9f9f-1234-4321-9f9f-9f9f9f9f9f9f", "x" * 128,
        "x" * 129,
        "order.paid", "-x", "x:y/z.w-1", *list(ACTIONS)[:2], "event.recorded", "dedup", "clock",
    ]
)  # fmt: skip
NUMBERS = (
    st.sampled_from(
        [0, 3, 6, 7, 80, 65_535, 65_536, 1795385340, 1795385340123, 1795385340000000000, 2**53 - 1, 2**53,
         -(2**53),
         2**63, -(2**63), 10**18, 10**19 - 1, 10**19, 1.5, -0.5, 0.0, -0.0, 1e22, 1e-7, 0.0001, 0.00012,
         0.00001,
         100.0, 1795385340.25, 1795385340.123456, 4503599627370.495, 4503599627370.4969, 99999999999.99999]
    )
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-10_000, 10_000, places=3).map(float)
)  # fmt: skip
SCALARS = TEXTS | NUMBERS | st.sampled_from([True, False, None])
INNER = st.sampled_from(
    ["id", "name", "type", "idp", "roles", "on_behalf_of", "env", "labels", "code", "reason", "status",
     "ip", "port",
     "geo", "device", "user_agent", "kind", "instance", "version", "dedup", "dedup2", "clock", "a",
     "principal"]
) | st.text(max_size=3)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["id", "time", "timestamp", "@timestamp", "ts", "action", "severity", "level", "source", "service",
     "actor",
     "resource", "labels", "session_id", "request_id", "native", "outcome", "client", "trace_id", "span_id",
     "traceparent", "msg", "message", "attrs", "access", "decision", "observed_time", "redaction",
     "schema", "tenant",
     "resources", "links", "data", "statement", "metadata", "claimed", "id'"]
) | st.text(max_size=5)  # fmt: skip
OBJECTS = st.dictionaries(MEMBERS, VALUES, max_size=6)
FORMS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\r: ")])

USUAL = [
    {"id": "9f9f9f9f-1234-4321-9f9f-9f9f9f9f9f9f", "time": str(NOW_NS), "action": "order.paid",
     "severity": 1,
     "actor": {"id": "svc-1", "type": "service", "roles": ["a", "b"]}, "resource": "shop/orders",
     "outcome": "success", "trace_id": "a" * 32, "labels": {"region": "eu", "n": 1}, "message": "é",
     "order": {"number": 7, "currency": "EUR", "price": 1.5}},
    {"ts": 1795385340.123, "level": "WARN", "msg": "slow", "service": "shop", "took_ms": 12.5,
     "user": None},
    {"id": 17, "@timestamp": "2026-11-22T22:08:52.654007Z", "actor": "mia", "client": "10.0.0.1",
     "session_id": 5,
     "resource": {"type": "table", "id": 4}, "native": {"b": [1, {"a": 2}], "a": True}, "attrs": {"z": 1}},
    {"schema": 1, "tenant": "x", "source": {"kind": "sdk", "version": "1"},
     "outcome": {"status": "failure", "code": 5},
     "traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "client": {"ip": "10.0.0.1", "port": 80},
     "labels": {"zone": "a"}},
]  # fmt: skip


def made(data: bytes, by: Circumstances) -> tuple[Any, Any]:
    """The answer of the compiled step, and what parser and intake make of it."""
    piece: Piece = (12, data)
    read = quick(by)
    assert read is not None
    kind = SOURCES["json"]
    maker = Maker(lambda count: DRAWN, by.tenant, list, by.secret, None, None)
    one = maker.item(Delivery(kind, by.name, by.by, by.now_ns, by.file, int(by.from_file)), read_item(piece))
    if one.problem or one.skewed:
        return read([piece])[0], None
    return read([piece])[0], (
        encode_whole(one.event),
        one.event.source.kind,
        one.key,
        one.short,
        one.content,
        one.time_ns,
    )


def agree(data: bytes, deliveries: Sequence[Circumstances] = DELIVERIES) -> bool:
    """Whether the compiled step took it; what it made must then be the same."""
    took = False
    for by in deliveries:
        got, wanted = made(data, by)
        assert got is None or got == wanted
        took = took or got is not None
    return took


@compiled
@given(OBJECTS, st.booleans(), FORMS)
def test_objects_of_all_kinds(value: dict[str, Any], escaped: bool, separators: tuple[str, str]) -> None:
    value = {"time": str(NOW_NS), **value}
    agree(json.dumps(value, ensure_ascii=escaped, separators=separators).encode("utf-8", "replace"))


@compiled
@given(st.dictionaries(MEMBERS, SCALARS, max_size=5))
def test_flat_objects(value: dict[str, Any]) -> None:
    agree(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


@compiled
@given(
    OBJECTS | st.sampled_from(USUAL),
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 3),
            st.sampled_from([b"{", b"}", b'"', b"\\", b",", b":", b" ", b"0", b".", b"e5", b"-",
            b"\\u0041", b"\\/",
                             b"\xc3", b"\xff", b"\xed\xa0\x80", b"\0", b"null", b'"id":"x",', b"[[[[[[[[",
                             b"]"]),
        ),
        min_size=1,
        max_size=3,
    ),
)  # fmt: skip
def test_what_is_no_json_any_more(value: dict[str, Any], changes: list[tuple[float, int, bytes]]) -> None:
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    for where, cut, put in changes:
        at = int(where * len(data))
        data = data[:at] + put + data[at + cut :]
    agree(data)


@compiled
@pytest.mark.parametrize("number", range(len(USUAL)))
def test_the_usual_is_taken(number: int) -> None:
    assert agree(json.dumps(USUAL[number]).encode())
    assert agree(json.dumps(USUAL[number], ensure_ascii=False, indent=1).encode())


@compiled
def test_escapes_that_need_not_be_are_read() -> None:
    assert agree(
        rb'{"message":"\u003ca\u003E \u00e9\u20ac\ud83d\ude00 \/ \" \\u0041 \u005c\u0022","a\u0026b":1}'
    )
    for text in (rb"\ud83d", rb"\ude00", rb"\ud83dx", rb"\ud83d\u0041", rb"\u0000", rb"\u00zz", rb"\u00"):
        assert not agree(b'{"message":"' + text + b'"}')
    assert not agree(rb'{\u0022message":1}')


@compiled
def test_what_is_cut_anywhere_is_left_to_the_parser() -> None:
    whole = json.dumps(USUAL[0], ensure_ascii=False).encode()
    assert not any(agree(whole[:size], DELIVERIES[:1]) for size in range(len(whole)))


@compiled
def test_lines_of_real_logs() -> None:
    lines = gzip.decompress((ASSETS / "kubernetes-audit.jsonl.gz").read_bytes()).splitlines()[:300]
    took = [agree(line, DELIVERIES[:1]) for line in [*lines, json.dumps(audit_event()).encode()]]
    assert sum(took) > len(took) // 4


@compiled
def test_what_is_too_large_or_too_deep_is_left_to_the_parser() -> None:
    assert not agree(b'{"a":"' + b"x" * 40_000 + b'"}')
    assert not agree(b'{"a":' * 17 + b"1" + b"}" * 17)
    assert agree(b'{"a":' * 16 + b"1" + b"}" * 16)
    assert not agree(b'{"a":[' + b"1," * 2_000 + b"1]}")
    assert not agree(json.dumps({f"m{number}": 1 for number in range(300)}).encode())
    assert agree(json.dumps({f"m{number}": 1 for number in range(249, 0, -1)}).encode())


@compiled
def test_a_batch_is_read_item_by_item() -> None:
    read = quick(DELIVERIES[0])
    assert read is not None
    items: list[Piece] = [(1, json.dumps(USUAL[0]).encode()), (2, b"{"), (3, memoryview(b'{"a":1}'))]
    first, second, third = read(items)
    assert (first, second, third) == (made(bytes(items[0][1]), DELIVERIES[0])[0], None, *read(items[2:]))
    assert third is not None
    assert json.loads(third[0])["id"] == uuid7(NOW_NS, DRAWN)
    assert read([]) == []


@compiled
@given(st.binary(max_size=64), st.binary(min_size=1, max_size=400))
def test_digests_are_those_of_the_library(secret: bytes, data: bytes) -> None:
    from glasshatch.sources.json import linekernel

    assert linekernel.digest(secret, data) == hashlib.blake2b(data, digest_size=16, key=secret).hexdigest()
