"""What of an event is searched: its words, whole, and every member under its path."""

from __future__ import annotations

import pytest

from glasshatch.events import (
    TIME_MAX_NS,
    Access,
    Actor,
    Data,
    DecisionMade,
    Event,
    Link,
    RawPrincipal,
    Resource,
    Source,
    clipped,
)
from glasshatch.index.columns import FIELDS, body, flat, opened, words
from glasshatch.index.reading import read


def bodied(**members: object) -> str:
    event = Event(id="", time="1", action="x.y", source=Source(kind="app"), **members)  # type: ignore[arg-type]
    return body(event, opened(event))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("-- ,.; _", []),
        ("SELECT a_b FROM x.y", ["select", "a", "b", "from", "x", "y"]),
        ("<EMAIL:k7x2q>", ["email", "k7x2q"]),
        ("Über Straße", ["über", "straße"]),
        ("配送 完了", ["配送", "完了"]),
        ("say “hello”—now…", ["say", "hello", "now"]),
        ("6×7÷2", ["6", "7", "2"]),
        ("non\u00a0breaking\u200bspace", ["non", "breaking", "space"]),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_a_phrase_does_not_cross_texts() -> None:
    assert " two \n three " in bodied(attrs={"a": ["one two", "three four"]})


def test_the_same_text_in_two_places_stands_there_once() -> None:
    assert bodied(attrs={"a": "same text"}, native={"b": "same text"}).count("same text") == 1


def test_a_zero_byte_separates_words_like_any_other_character() -> None:
    assert " one two " in bodied(attrs={"a": "one\0two"})


def test_every_named_text_is_searched() -> None:
    text = bodied(
        actor=Actor(id="u-1", name="Alice", roles=("dba",)),
        resources=(Resource(type="table", id="shop/public.customers", name="customers"),),
        labels={"team": "Payments"},
        attrs={"deep": [{"a": {"b": "bottom"}}], "flag": True, "n": 42},
    )
    for word in ("alice", "dba", "customers", "payments", "bottom", "true", "42"):
        assert f" {word} " in text


def test_members_are_flat_and_whole() -> None:
    value = {"a": {"b": [1, {"c": "x"}, None]}, "many": {str(number): number for number in range(2_000)}}
    found = flat(value)
    assert found["a.b"] == ["1"]
    assert found["a.b.c"] == ["x"]
    assert found["many.1999"] == ["1999"]
    assert flat({"long": "x" * 20_000})["long"] == ["x" * 20_000]


@pytest.mark.parametrize(
    ("time", "held"), [("5", 5), ("", 0), ("no time", 0), ("-7", 0), ("9" * 30, TIME_MAX_NS)]
)
def test_a_time_that_no_calendar_knows_is_held_at_the_nearer_end(time: str, held: int) -> None:
    assert clipped(time) == held


def test_fields_read_by_column_are_what_each_reads_of_each_event() -> None:
    bare = Event(id="a", time="1", action="x.y", source=Source(kind="app"))
    full = Event(
        id="b", time="2", action="x.z", source=Source(kind="app", name="n"), severity=3, trace_id="t" * 32,
        actor=Actor(id="u", name="Uma", roles=("r", "s"), raw=RawPrincipal(principal="p")),
        resource=Resource(type="t", id="r1", name="one"), resources=(Resource(type="t", id="r2"),),
        access=Access(reason="because", approvers=("v",)), data=Data(rows=4, classes=("EMAIL",)),
        links=(Link(rel="x", id="l"),), decision=DecisionMade(effect="allow", rule="x"),
    )  # fmt: skip
    for events in ([bare], [bare, bare], [bare, full], [full, bare, full]):
        found, absent = read(events)
        assert found.keys() == FIELDS.keys()
        for name, field in FIELDS.items():
            assert list(found[name]) == [field.read(event) for event in events], name
            assert name not in absent or all(value == field.missing for value in found[name])
    assert "client.ip" in read([full])[1]
    assert not {"actor.id", "data.rows"} & read([bare, full])[1]
