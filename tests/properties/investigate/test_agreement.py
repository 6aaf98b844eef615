"""The two compilers of a query find the same events, and a query survives being written down.

Events are filled in every indexed field, or left empty in any; queries come as people type them and as
trees, which hold every kind of node with values that fit and that do not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from glasshatch.errors import ConfigError
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
    Resource,
    Source,
    StatementText,
    decode,
    encode,
)
from glasshatch.index import Index
from glasshatch.index.columns import FIELDS as COLUMNS
from glasshatch.index.columns import words
from glasshatch.investigate.query import (
    SEVERAL,
    And,
    Compare,
    Everything,
    Exists,
    Match,
    Not,
    Or,
    Query,
    Word,
    compile_predicate,
    compile_sql,
    parse,
    render,
    resolve,
)

NOW_NS = 1_795_519_440_000_000_000
LONG = "lorem ipsum " * 300 + "needle"
WORDS = [
    "alice", "Bob", "note", "NOTE", "customers", "a-b", "x.y", "über", "Ü", "ÜBER", "<EMAIL:k7x2q>", "10",
    "1e3", "1e-07", "1795519440000000001", "712432697017.76565325418533501",
    "007", "-3", "2.50", "nan", "true", "", " ", "back\\slash", "tab\there", "new\nline", "per%cent",
    "under_score", "quo'te", 'dou"ble', "a b c", "İ", "ß", "ſ", "\u212a", "日本語 text", "“note”", "e\u0301",
    "🙂 note",    "zero\0byte", "a*b", "10.1.2.3", "aaaaaaaaaa", LONG, "x" * 3_000,
]  # fmt: skip
FIELDS = [
    *(name for name, field in COLUMNS.items() if field.kind in ("id", "name", "text", "names")),
    *("actor", "resource", "user", "verb", "namespace", "class", "session", "trace", "statement"),
    *("attrs.a", "attrs.b.c", "attrs.verbs", "labels.x", "native.deep", "native.verb", "attrs.nothing"),
]
ADDRESSES = [
    "10.1.2.3", "::1", "no address", "", "fe80::1", "fe80::1%eth0", "::ffff:10.1.2.3", "::FFFF:0a01:203",
    "2001:DB8::5", "10.0.0.9", "010.1.2.3", "10.0.0.100", "::",
]  # fmt: skip
NUMBERS = [name for name, field in COLUMNS.items() if field.kind == "number"]

texts = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=2, max_size=4).map(" ".join)
texts |= st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace").decode())
numbers = st.integers(0, 50) | st.sampled_from([0, 10, 2**53 - 1])
times = st.sampled_from(
    [0, 1, NOW_NS, NOW_NS - 3_600 * 10**9, NOW_NS + 10**9, 4_102_444_800_000_000_001, 10**19]
)
members = st.dictionaries(
    st.sampled_from(["a", "b", "x", "deep", "verb", "verbs"]),
    texts
    | numbers
    | st.booleans()
    | st.none()
    | st.lists(texts | numbers | st.none(), max_size=3)
    | st.fixed_dictionaries({"c": texts | st.lists(st.fixed_dictionaries({"d": texts}), max_size=2)}),
    max_size=4,
)
several = st.lists(texts, max_size=2).map(tuple)
resources = st.builds(Resource, type=texts, id=texts, name=texts, env=texts)
events = st.builds(
    Event,
    id=texts,
    time=times.map(str),
    action=st.sampled_from(["statement.run", "order.paid", "x"]),
    source=st.builds(Source, kind=st.sampled_from(["gateway", "app"]), name=texts, instance=texts),
    observed_time=times.map(str) | st.just(""),
    actor=st.none()
    | st.builds(
        Actor, id=texts, name=texts, roles=several, on_behalf_of=texts,
        raw=st.none() | st.builds(RawPrincipal, namespace=texts, principal=texts),
    ),
    outcome=st.none()
    | st.builds(Outcome, status=st.sampled_from(["success", "failure"]), code=texts, reason=texts),
    session_id=texts,
    request_id=texts,
    trace_id=texts,
    span_id=texts,
    severity=st.integers(0, 6),
    client=st.none()
    | st.builds(
        Client, ip=st.sampled_from(ADDRESSES), user_agent=texts
    ),
    resource=st.none() | resources,
    resources=st.lists(resources, max_size=2).map(tuple),
    access=st.none()
    | st.builds(Access, grant_id=texts, approval_id=texts, approvers=several, reason=texts, ticket=texts),
    data=st.none()
    | st.builds(
        Data, rows=numbers, bytes=numbers, masked=numbers, clear=numbers, classes=several, columns=several,
        subjects=several,
    ),
    statement=st.none() | st.builds(StatementText, text=texts, shape=texts, hash=texts),
    decision=st.none() | st.builds(DecisionMade, effect=st.just("allow"), rule=texts, reason=texts),
    links=st.lists(st.builds(Link, rel=st.just("cause"), id=texts), max_size=2).map(tuple),
    labels=st.dictionaries(st.sampled_from(["x", "y"]), texts, max_size=2),
    attrs=members,
    native=st.none() | members,
)  # fmt: skip


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


values = st.sampled_from(
    [
        "alice",
        "al*",
        "?ob",
        "*",
        "**",
        "*e*s*",
        "a*a*a*a",
        "lo*um",
        "need?e",
        "*b*r",
        "日本*",
        "?",
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
with_letters = values.filter(lambda text: bool(words(text)) or text in ("*", "**", "?"))
groups = st.tuples(values, values, st.sampled_from([" OR ", " ", " AND NOT "])).map(
    lambda three: f"({three[0]}{three[2]}{three[1]})"
)
ranges = st.tuples(
    st.sampled_from([*NUMBERS, "rows:", "severity:", "attrs.a", "native.deep"]),
    st.sampled_from([">", ">=", "<", "<="]),
    st.integers(0, 50),
)
part = (
    with_letters
    | st.tuples(st.sampled_from(FIELDS), values | groups).map(lambda pair: f"{pair[0]}:{pair[1]}")
    | st.sampled_from(
        [
            "ip:10.0.0.0/8",
            "ip:10.1.2.3",
            "ip:fe80::/10",
            "ip:10.*",
            "exists(actor)",
            "severity:3",
            "rows:*",
            "ip>10.0.0.9",
            "ip<=::ffff:10.0.0.100",
            "ip:[:: TO ffff::]",
            "ip:::/0",
            "ip:2001:db8:0::5",
            "ip:::/80",
        ]
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
            "data.rows:([1 TO 5] OR >40)",
            "time:2026",
            "time<2026-11",
            "time:[2026-11-24T11 TO 2026-11-24T12:30Z}",
            "exists(verb)",
            "exists(attrs.b)",
            "attrs.a>1795519440000000000",
            "native.deep<1e-06",
            "attrs.a<=712432697017.765653254185335",
            "NOT exists(attrs.b.c)",
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
).filter(lambda text: len(text) <= 8_000)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index.open(tmp_path_factory.mktemp("index"), "default")
    yield index
    index.close()


def fits(query: Query) -> bool:
    """Whether both compilers take a tree; they refuse the same ones."""
    refused = 0
    for compiler in (compile_sql, compile_predicate):
        try:
            compiler(query, NOW_NS)
        except ConfigError:
            refused += 1
    assert refused in (0, 2)
    return not refused


def resolved(query: Query) -> Query:
    """With the full name of its field, as the parser leaves it."""
    if not isinstance(query, Match | Compare | Exists):
        return query
    name = resolve(query.field)
    return msgspec.structs.replace(query, field=SEVERAL.get(name, (name,))[0])


leaf_values = (
    st.sampled_from(["", "*", "a*", "10", "-1", "now-1h", "2026-11-24", "10.0.0.0/8", "x/y"]) | texts
)
leaves = (
    st.just(Everything())
    | st.builds(Word, leaf_values, st.booleans())
    | st.builds(Match, st.sampled_from([*FIELDS, *NUMBERS, "time", "client.ip"]), leaf_values, st.booleans())
    | st.builds(
        Compare,
        st.sampled_from([*FIELDS, *NUMBERS, "time", "client.ip"]),
        st.sampled_from(["<", "<=", ">", ">="]),
        leaf_values,
    )
    | st.builds(Exists, st.sampled_from([*FIELDS, *NUMBERS, "time", "client.ip"]))
).map(resolved)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(And, st.lists(inner, max_size=3).map(tuple))
        | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=5,
).filter(fits)


@given(
    stored=st.lists(events, min_size=1, max_size=8),
    asked=st.lists(queries.map(parse) | trees, min_size=1, max_size=8),
)
def test_sql_and_predicate_find_the_same(index: Index, stored: list[Event], asked: list[Query]) -> None:
    index.clear()
    entries = [(number, encode(event)) for number, event in enumerate(stored)]
    index.apply(entries)
    for query in asked:
        where, bound = compile_sql(query, NOW_NS)
        found = {number for (number,) in index.select(f"SELECT `index` FROM events WHERE {where}", bound)}
        wanted = compile_predicate(query, NOW_NS)
        expected = {number for number, data in entries if wanted(decode(data))}
        assert found == expected, (query, where, bound)


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
