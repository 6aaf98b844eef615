"""The two compilers of a query find the same events, and a query survives being written down."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from glasshatch.errors import ConfigError
from glasshatch.events import (
    Actor,
    Client,
    Data,
    DecisionMade,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
    decode,
    encode,
)
from glasshatch.index import Index
from glasshatch.investigate.query import compile_predicate, compile_sql, parse, render

NOW_NS = 1_795_519_440_000_000_000
WORDS = [
    "alice",
    "Bob",
    "note",
    "NOTE",
    "customers",
    "a-b",
    "x.y",
    "über",
    "Ü",
    "<EMAIL:k7x2q>",
    "10",
    "1e3",
    "nan",
    "",
    "back\\slash",
    "tab\there",
    "new\nline",
    "per%cent",
    "under_score",
    "quo'te",
    'dou"ble',
    "a b c",
    "İ",
]
FIELDS = [
    "actor",
    "actor.name",
    "actor.roles",
    "action",
    "session",
    "trace",
    "ip",
    "resource",
    "statement.text",
    "outcome.status",
    "source.name",
    "attrs.a",
    "attrs.b.c",
    "labels.x",
    "native.deep",
    "links.id",
    "reason",
]

texts = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=2, max_size=4).map(" ".join)
texts |= st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace").decode())
numbers = st.integers(0, 50) | st.sampled_from([0, 10, 2**53 - 1])
times = st.sampled_from(
    [0, 1, NOW_NS, NOW_NS - 3_600 * 10**9, NOW_NS + 10**9, 4_102_444_800_000_000_001, 10**19]
)
members = st.dictionaries(
    st.sampled_from(["a", "b", "x", "deep"]),
    texts | numbers | st.booleans() | st.lists(texts, max_size=3) | st.fixed_dictionaries({"c": texts}),
    max_size=3,
)
events = st.builds(
    Event,
    id=texts,
    time=times.map(str),
    action=st.sampled_from(["statement.run", "order.paid", "x"]),
    source=st.builds(Source, kind=st.sampled_from(["gateway", "app"]), name=texts),
    observed_time=times.map(str),
    actor=st.none() | st.builds(Actor, id=texts, name=texts, roles=st.lists(texts, max_size=2).map(tuple)),
    outcome=st.none() | st.builds(Outcome, status=st.sampled_from(["success", "failure"]), reason=texts),
    session_id=texts,
    trace_id=texts,
    severity=st.integers(0, 6),
    client=st.none()
    | st.builds(Client, ip=st.sampled_from(["10.1.2.3", "::1", "no address", "", "fe80::1"])),
    resource=st.none() | st.builds(Resource, type=texts, id=texts, name=texts),
    data=st.none() | st.builds(Data, rows=numbers),
    statement=st.none() | st.builds(StatementText, text=texts),
    decision=st.none() | st.builds(DecisionMade, effect=st.just("allow"), rule=texts, reason=texts),
    labels=st.dictionaries(st.sampled_from(["x", "y"]), texts, max_size=2),
    attrs=members,
    native=st.none() | members,
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


values = st.sampled_from(
    [
        "alice",
        "al*",
        "?ob",
        "*",
        "note",
        "a-b",
        "x.y",
        "x*y",
        "custom*s",
        "<EMAIL:k7x2q>",
        "10",
        "über",
        "per%cent",
        "under_score",
        "under?score",
        "quo'te",
        "10.0.0.0/8",
        "::1",
        "*.run",
    ]
)
values |= texts.map(quoted)
ranges = st.tuples(
    st.sampled_from(["data.rows", "severity"]), st.sampled_from([">", ">=", "<", "<="]), st.integers(0, 50)
)
part = (
    values
    | st.tuples(st.sampled_from([field for field in FIELDS if field != "ip"]), values).map(
        lambda pair: f"{pair[0]}:{pair[1]}"
    )
    | st.sampled_from(
        ["ip:10.0.0.0/8", "ip:10.1.2.3", "ip:fe80::/10", "ip:10.*", "exists(actor)", "severity:3", "rows:*"]
    )
    | ranges.map(lambda three: f"{three[0]}{three[1]}{three[2]}")
    | st.sampled_from(
        [
            "attrs.a>5",
            "attrs.a<=10.5",
            "time>=now-1h",
            "time<2026-11-24",
            "time:2026-11-24",
            "actor.name>m",
            "time:[now-2h TO now]",
            "observed_time:[* TO now]",
            "data.rows:{9 TO 11}",
        ]
    )
)
queries = st.recursive(
    part,
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) AND ({two[1]})"),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index.open(tmp_path_factory.mktemp("index"), "default")
    yield index
    index.close()


@given(stored=st.lists(events, min_size=1, max_size=8), asked=st.lists(queries, min_size=1, max_size=6))
def test_sql_and_predicate_find_the_same(index: Index, stored: list[Event], asked: list[str]) -> None:
    index.clear()
    entries = [(number, encode(event)) for number, event in enumerate(stored)]
    index.apply(entries)
    for text in asked:
        query = parse(text)
        where, bound = compile_sql(query, NOW_NS)
        found = {number for (number,) in index.select(f"SELECT `index` FROM events WHERE {where}", bound)}
        wanted = compile_predicate(query, NOW_NS)
        expected = {number for number, data in entries if wanted(decode(data))}
        assert found == expected, (text, where, bound)


@given(text=queries)
def test_a_query_written_down_is_the_same_query(text: str) -> None:
    query = parse(text)
    again: Any = parse(render(query))
    assert compile_sql(again, NOW_NS) == compile_sql(query, NOW_NS)


@given(text=st.text(max_size=60) | st.text(alphabet='ab:*?()[]{}"<>=-!\\ ANDORT.', max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        query = parse(text)
        compile_sql(query, NOW_NS)
        compile_predicate(query, NOW_NS)
