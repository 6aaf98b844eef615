"""The query language: what is understood, what is refused and where, and what it compiles to."""

from __future__ import annotations

import msgspec
import pytest

from glasshatch.api.answers import Problem, problem, raised
from glasshatch.errors import ConfigError
from glasshatch.events import Actor, Client, Data, Event, Outcome, Resource, Source, StatementText
from glasshatch.investigate.query import (
    Match,
    compile_predicate,
    compile_sql,
    findable,
    parse,
    parse_pipeline,
    redacted,
    render,
    render_pipeline,
    stages_redacted,
)

NOW_NS = 1_795_519_440_000_000_000
HOUR_NS = 3_600 * 10**9
EVENT = Event(
    id="0199-a",
    time=str(NOW_NS - HOUR_NS),
    action="statement.denied",
    source=Source(kind="gateway", name="postgres"),
    actor=Actor(id="u-7", name="Alice", roles=("engineer", "dba")),
    outcome=Outcome(status="failure", code="42501"),
    session_id="s-1",
    trace_id="4bf92f",
    client=Client(ip="10.1.2.3", user_agent="psql 15"),
    severity=3,
    resource=Resource(type="postgres", id="postgres/shop", name="shop"),
    data=Data(rows=40, classes=("EMAIL",)),
    resources=(Resource(type="table", id="postgres/shop/public.customers", name="public.customers"),),
    statement=StatementText(text="SELECT note FROM customers WHERE email = <EMAIL:k7x2q>"),
    labels={"team": "Payments"},
    attrs={
        "n": 12, "verbs": ["delete", "select"], "deep": {"a": {"b": "x.y"}}, "a b": {'c "d"': "e"},
        "at_ns": NOW_NS, "small": "1e-07",
    },
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "actor:alice",
        "actor:u-7",
        "actor.name:ALICE",
        "actor.roles:dba",
        "role:(admin OR dba)",
        "action:statement.*",
        "action:statement.denie?",
        "customers",
        "CUSTOMERS",
        '"note from customers"',
        "cust*",
        "statement.text:note",
        'statement.text:"note from"',
        "<EMAIL:k7x2q>",
        '"<EMAIL:k7x2q>"',
        "statement:<EMAIL:k7x2q>",
        "-outcome.status:success",
        "NOT outcome:success",
        "!outcome:success",
        "status:failure AND code:42501",
        "nothing OR customers",
        "(nothing OR customers) session:s-1",
        "session:s-*",
        "trace:4bf92f",
        "ip:10.0.0.0/8",
        "client.ip:10.1.2.3",
        "rows:40",
        "rows>39",
        "data.rows:[40 TO 50]",
        "data.rows:{39 TO 40]",
        "data.rows:[* TO 40]",
        "severity>=3",
        "time>=now-2h",
        "time:[now-2h TO now]",
        "resource:postgres/shop",
        "resource:public.customers",
        "labels.team:payments",
        "attrs.n:12",
        "attrs.n>11.5",
        "attrs.verbs:delete",
        "attrs.deep.a.b:x.y",
        "attrs.deep.a.b:*",
        "exists(trace_id)",
        "class:email",
        "trace:* -span:*",
        "*",
        "psql",
        "client.user_agent:15",
        "user:alice",
        "verb:delete",
        "verb:(select AND delete)",
        "verb:(select delete)",
        "verb:(insert OR NOT update)",
        "verb:(-insert !update)",
        "rows:>39",
        "rows:(<5 OR >=40)",
        "rows:([1 TO 5] OR [40 TO 40])",
        "data.rows:* AND NOT rows:([1 TO 5])",
        "time:2026",
        "time:2026-11",
        "time:2026-11-24",
        "time:2026-11-24T10",
        "time:2026-11-24T10:24",
        "time:2026-11-24T10:24Z",
        "time:2026-11-24T10:24:00.000000000Z",
        "time:2026-11-24T11:24:00+01:00",
        'time:"2026-11-24 10:24"',
        "time>now-999999w",
        "and_more OR customers",
        '"customers" AND"note"',
        "ip:[10.0.0.9 TO 10.1.100.3]",
        "ip>=10.1.2.3",
        "ip<10.1.10.0",
        "ip:::ffff:10.1.2.3",
        "exists(attrs.deep)",
        "attrs.deep.a:*",
        'attrs."a b"."c \\"d\\"":e',
        'exists(attrs."a b")',
        "attrs.at_ns>=1795519440000000000",
        "attrs.small<1e-6",
        "attrs.n:[1.1e1 TO 1.3E+1]",
    ],
)
def test_it_finds(text: str) -> None:
    assert compile_predicate(parse(text), NOW_NS)(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "actor:bob",
        "alic",
        "custom",
        '"customers note"',
        "action:statement",
        "session:s",
        "trace:4BF92F",
        "rows<40",
        "data.rows:{40 TO 50}",
        "time<now-2h",
        "ip:11.0.0.0/8",
        "attrs.n:13",
        "attrs.n>12",
        "attrs.verbs:del",
        "exists(span_id)",
        "-customers",
        "NOT (customers OR nothing)",
        "labels.team:pay",
        "statement.text:not",
        "time:2020-01-01",
        "resource:postgres/sho",
        "verb:(select update)",
        "verb:(select AND NOT delete)",
        "actor:(alice AND bob)",
        "time:2025",
        "time<now-999999w",
        "time:2026-11-24T10:24:00.000000001Z",
        "ip:[10.0.0.9 TO 10.0.0.100]",
        "ip>9.0.0.0 ip<10.0.0.0",
        "ip>::",
        "ip:::/0",
        "attrs.de:*",
        "exists(attrs.deep.a.c)",
        "attrs.at_ns<1795519440000000000",
        "attrs.small>1e-6",
    ],
)
def test_it_does_not_find(text: str) -> None:
    assert not compile_predicate(parse(text), NOW_NS)(EVENT)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("(a", 3),
        ("a)", 2),
        ('actor:"x', 7),
        ("data.rows:[1 TO 2", 18),
        ("actor:", 7),
        ("a OR ", 6),
        ("a AND", 6),
        ("NOT", 4),
        ("[", 1),
        ("a AND OR b", 7),
        ("a rows:many", 8),
        ("rows:(1 OR many)", 12),
        ("rows:[1 TO x]", 12),
        ("a time>=soon", 9),
        ("ip:10.0.0.0/99", 4),
        ("a\nactr.name:x", 3),
        ('"two words" actr.name:x', 13),
        ("a and b", 3),
        ("not a", 1),
        ("a actor.name=bob", 13),
        ("actor.name!=bob", 11),
        ("a - b", 3),
        ('actor:x ""', 9),
        ("OR a", 1),
        ("a AND AND b", 7),
        ("a ip>soon", 6),
        ("a ip:[10.0.0.1 TO x]", 19),
        ('a attrs."b', 9),
        ('"not closed', 1),
        ('"((" ' + "(" * 40 + "a", 36),
    ],
)
def test_a_mistake_is_placed(text: str, position: int) -> None:
    with pytest.raises(ConfigError, match=f"position {position}") as caught:
        parse(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("OR a", "nothing stands before OR"),
        ("a AND AND b", "nothing stands before AND"),
        ('a "b', "a quote is opened and not closed"),
        ("ACTOR.NAME:x", "did you mean actor.name?"),
        ("native:x", "as in native.path:value"),
    ],
)
def test_a_mistake_is_told_as_what_it_is(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_a_mistake_keeps_its_place_on_the_wire() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a rows:many")
    again = raised(msgspec.json.decode(msgspec.json.encode(problem(caught.value)), type=Problem))
    assert isinstance(again, ConfigError)
    assert (again.position, again.message, again.hint) == (8, caught.value.message, caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 9_000,
        "(" * 40 + "a" + ")" * 40,
        "-" * 300 + "a",
        " ".join(["a"] * 300),
        "actor:(" + "a " * 300 + ")",
        "rows:many",
        "time>soon",
        "ip:10.0.0.0/99",
        "attrs.n>x",
        "rows:" + "9" * 30,
        "actr.name:x",
        "attrs:x",
        "evil.field:1",
        "http://example.com",
        '"\u2014"',
        "time>2026-W48",
        "time>20261124",
        "time>2026-13",
        "time>now-1y",
    ],
)
def test_what_cannot_be_asked_is_an_error_with_a_cure(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_sql(parse(text), NOW_NS)
    assert caught.value.hint
    assert len(str(caught.value)) < 300


def test_a_misspelt_field_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("actor.nam:alice")
    assert "actor.name" in caught.value.hint


def test_no_text_of_a_query_becomes_sql() -> None:
    hostile = "x') OR 1=1; DROP TABLE events --"
    sql, bound = compile_sql(parse(f'actor:"{hostile}" "{hostile}" attrs.{"a" * 5}:"{hostile}"'), NOW_NS)
    assert "DROP" not in sql
    assert "'" not in sql.replace("''", "")
    assert hostile.lower() in [str(value) for value in bound.values()]


def redact(text: str) -> str:
    return text.replace("alice@example.com", "<EMAIL:k7x2q>")


def test_literals_are_redacted_before_anything_keeps_them() -> None:
    query = parse('alice@example.com OR statement:"to alice@example.com" OR attrs.mail:alice@example.com')
    assert "alice@example.com" not in render(redacted(query, redact))
    assert "alice@example.com" not in render(redacted(parse("actor.name:alice@example.com"), redact))
    assert compile_predicate(findable(query, redact), NOW_NS)(EVENT)


def test_who_acted_is_clear_in_the_record_and_found_by_name_and_as_a_word() -> None:
    event = msgspec.structs.replace(EVENT, actor=Actor(id="u-9", name="alice@example.com"), statement=None)
    for text in ("actor.name:alice@example.com", "actor:alice@example.com", "alice@example.com"):
        assert compile_predicate(findable(parse(text), redact), NOW_NS)(event)
        assert not compile_predicate(findable(parse(text), redact), NOW_NS)(
            msgspec.structs.replace(event, actor=None)
        )


def test_no_text_that_is_looked_for_stays_clear_outside_of_identities() -> None:
    query = findable(parse("statement:alice@example.com attrs.a:alice@example.com"), redact)
    assert "alice@example.com" not in str(compile_sql(query, NOW_NS))


def test_a_range_of_addresses_and_a_time_are_never_redacted() -> None:
    query = findable(parse("ip:10.0.0.0/8 time>=2020-01-01"), lambda text: "<X:1>")
    assert compile_predicate(query, NOW_NS)(EVENT)


def test_a_members_name_is_redacted_like_a_value() -> None:
    asked = parse_pipeline('attrs."alice@example.com":x | stats count by attrs."alice@example.com"')
    kept = stages_redacted(asked, redact)
    kept = msgspec.structs.replace(kept, query=redacted(asked.query, redact))
    token = 'attrs."<EMAIL:k7x2q>"'
    assert render_pipeline(kept) == f"{token}:x | stats count by {token}"
    assert findable(asked.query, redact) == Match("attrs.<EMAIL:k7x2q>", "x")
    assert parse_pipeline(render_pipeline(kept)).query == Match("attrs.<EMAIL:k7x2q>", "x")


@pytest.mark.parametrize(
    "text",
    [
        'actor.name>"a<b"', 'actor.name<="=x"', 'attrs."a:b">5', 'labels."x y":*', 'attrs."q\\"":z',
        '| stats sum(attrs."a b") by labels."x:y" | sort -sum(attrs."a b")',
        'x | sort -attrs."a b" | fields attrs."a b", time',
    ],
)  # fmt: skip
def test_odd_values_and_names_are_written_so_that_they_are_read_again(text: str) -> None:
    pipeline = parse_pipeline(text)
    again = parse_pipeline(render_pipeline(pipeline))
    assert msgspec.structs.replace(again, place=0) == msgspec.structs.replace(pipeline, place=0)
