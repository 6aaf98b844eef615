"""What stages make of events in the index is what plain Python makes of the same events.

The pages of a search hold each match once, whatever is recorded between them; and no text behind `|` is
anything but understood or refused with its place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from fixtures.depth import rounds
from glasshatch.errors import ConfigError
from glasshatch.events import Actor, Data, Event, Outcome, Resource, Source, decode, encode
from glasshatch.index import Index
from glasshatch.index.columns import flat
from glasshatch.investigate import Everything, Investigator, Page, SearchQuery, Visibility, search
from glasshatch.investigate.expressions import text_of
from glasshatch.investigate.query import (
    SEVERAL,
    compile_predicate,
    parse_pipeline,
    render_pipeline,
)
from glasshatch.investigate.query.fields import fields_of, open_member

NOW_NS = 1_795_519_440_000_000_000
ALL = Visibility(Everything())
DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
WORDS = ["alice", "Bob", "a b", "", "x, y", "über", "10", "-2.5", "1e3", "tab\there", "<EMAIL:k7x2q>", "0"]
GROUPS = ["actor", "actor.name", "resource", "action", "severity", "outcome.status", "verb", "attrs.a",
          "labels.x", "time", "data.classes", "actor.roles", "ledger", "native.deep"]  # fmt: skip
NUMBERS = ["data.rows", "severity", "attrs.a", "native.deep"]

texts = st.sampled_from(WORDS)
members = st.dictionaries(
    st.sampled_from(["a", "verb", "verbs", "deep"]),
    texts | st.integers(-5, 50) | st.lists(texts | st.integers(0, 9) | st.none(), max_size=3),
    max_size=3,
)
several = st.lists(texts, max_size=2).map(tuple)
events = st.builds(
    Event,
    id=texts,
    time=st.integers(0, 4 * 3_600).map(lambda seconds: str(NOW_NS - seconds * 10**9 + seconds % 3)),
    action=st.sampled_from(["statement.run", "order.paid"]),
    source=st.builds(Source, kind=st.sampled_from(["gateway", "app"])),
    severity=st.integers(0, 6),
    actor=st.none() | st.builds(Actor, id=texts, name=texts, roles=several),
    outcome=st.none() | st.builds(Outcome, status=st.sampled_from(["success", "failure"])),
    resource=st.none() | st.builds(Resource, type=texts, id=texts, name=texts),
    data=st.none() | st.builds(Data, rows=st.integers(0, 90), classes=several),
    labels=st.dictionaries(st.just("x"), texts, max_size=1),
    attrs=members,
    native=st.none() | members,
)  # fmt: skip
stored_events = st.lists(events, max_size=8)
groups = st.lists(st.sampled_from([*GROUPS, "bin(7m)", "bin(1h)"]), max_size=3, unique=True)
made = st.lists(
    st.just("count")
    | st.tuples(st.sampled_from(["sum", "min", "max", "avg"]), st.sampled_from(NUMBERS)).map(
        lambda pair: f"{pair[0]}({pair[1]})"
    )
    | st.sampled_from(GROUPS).map("uniq({})".format)
    | st.sampled_from(["min(time)", "max(time)"]),
    min_size=1, max_size=4, unique=True,
)  # fmt: skip
queries = st.sampled_from(["", "action:statement.*", "NOT actor:alice", "severity>2 OR rows<9"])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index.open(tmp_path_factory.mktemp("index"), "default")
    yield index
    index.close()


class Clock:
    """Stands still."""

    def now_ns(self) -> int:
        return NOW_NS


def ask(index: Index, text: str, **more: Any) -> Page:
    investigator = Investigator(index, lambda text: text, Clock())  # type: ignore[arg-type]
    return search(investigator, SearchQuery(text=text, **more), ALL)


def fill(index: Index, events: Sequence[Event]) -> None:
    index.clear()
    index.apply([(number, encode(event)) for number, event in enumerate(events)])


@given(stored=stored_events, query=queries, groups=groups, made=made)
def test_tables_over_the_index_and_by_hand_are_the_same(
    index: Index, stored: list[Event], query: str, groups: list[str], made: list[str]
) -> None:
    fill(index, stored)
    by = f" by {', '.join(groups)}" if groups else ""
    text = f"{query} | stats {', '.join(made)}{by}"
    page = ask(index, text)
    assert page.table is not None
    wanted = compile_predicate(parse_pipeline(query).query, NOW_NS)
    matches = [event for event in map(decode, map(encode, stored)) if wanted(event)]
    assert page.count == len(matches)
    assert page.table.columns == (*groups, *made)
    by_hand = table_by_hand(matches, groups, made)
    width = len(groups)
    assert sorted(row[:width] for row in page.table.rows) == sorted(by_hand)
    for row in page.table.rows:
        assert list(row[width:]) == pytest.approx(by_hand[row[:width]], nan_ok=False)


def table_by_hand(
    events: list[Event], groups: list[str], made: list[str]
) -> dict[tuple[Any, ...], list[Any]]:
    found: dict[tuple[Any, ...], list[Event]] = defaultdict(list)
    if not groups:
        found[()] = []
    for event in events:
        found[tuple(group_of(event, one) for one in groups)].append(event)
    return {key: [made_of(some, one) for one in made] for key, some in found.items()}


def group_of(event: Event, group: str) -> str:
    width_s = {"bin(7m)": 420, "bin(1h)": 3_600}.get(group)
    if width_s is None:
        return text_of(event, group)
    return str(event.time_ns // (width_s * 10**9) * width_s * 10**9)


def made_of(events: list[Event], text: str) -> Any:
    if text == "count":
        return len(events)
    function, field = text[:-1].split("(")
    if function == "uniq":
        return len({one for event in events for one in values_of(event, field) if one})
    numbers = [number for event in events for number in numbers_of(event, field)]
    if field == "time":
        return str({"min": min, "max": max}[function](numbers)) if numbers else None
    if function == "sum":
        return sum(numbers)
    mean = sum(numbers) / len(numbers) if numbers else None
    return mean if function == "avg" else {"min": min, "max": max}[function](numbers, default=None)


def values_of(event: Event, field: str) -> list[str]:
    if member := open_member(field):
        return flat(getattr(event, member[0])).get(member[1], [])
    if field not in SEVERAL and field != "actor" and fields_of(field)[0].kind == "names":
        return list(fields_of(field)[0].read(event))
    return [text_of(event, field)]


def numbers_of(event: Event, field: str) -> list[Any]:
    if open_member(field):
        return [float(one) for one in values_of(event, field) if DECIMAL.fullmatch(one)]
    return [fields_of(field)[0].read(event)]


@given(stored=stored_events, columns=st.lists(st.sampled_from(["data.rows", "time", "severity"]), max_size=2,
                                              unique=True), down=st.booleans())  # fmt: skip
def test_events_are_sorted_by_fields(
    index: Index, stored: list[Event], columns: list[str], down: bool
) -> None:
    fill(index, stored)
    order = ", ".join(f"{'-' if down else ''}{one}" for one in columns) or "time"
    page = ask(index, f"| sort {order} | limit 5")
    found = [decode(bytes(hit.event)) for hit in page.events]
    keys = [tuple(fields_of(one)[0].read(event) for one in columns or ["time"]) for event in found]
    every = sorted((tuple(fields_of(one)[0].read(event) for one in columns or ["time"]) for event in stored),
                   reverse=down and bool(columns))  # fmt: skip
    assert keys == every[:5]


@settings(max_examples=rounds(12, 200))
@given(stored=st.lists(events, min_size=1, max_size=9), later=stored_events, width=st.integers(1, 4),
       oldest_first=st.booleans(), query=queries)  # fmt: skip
def test_pages_hold_each_match_once_whatever_comes_between(
    index: Index, stored: list[Event], later: list[Event], width: int, oldest_first: bool, query: str
) -> None:
    fill(index, stored)
    whole = [hit.index for hit in ask(index, query, limit=100, oldest_first=oldest_first).events]
    page = ask(index, query, limit=width, oldest_first=oldest_first)
    found = [hit.index for hit in page.events]
    for event in [*later, *stored]:
        if not page.next:
            break
        index.apply([(index.watermark, encode(event))])
        page = ask(index, query, limit=width, oldest_first=oldest_first, cursor=page.next)
        assert page.count == len(whole)
        found += [hit.index for hit in page.events]
    assert found == whole[: len(found)]
    assert page.next or found == whole


@given(query=queries, groups=groups, made=made)
def test_stages_written_down_are_the_same_stages(query: str, groups: list[str], made: list[str]) -> None:
    by = f" by {', '.join(groups)}" if groups else ""
    pipeline = parse_pipeline(f"{query} | stats {', '.join(made)}{by} | sort -{made[0]} | limit 3")
    again = parse_pipeline(render_pipeline(pipeline))
    assert render_pipeline(again) == render_pipeline(pipeline)
    assert (again.stats, again.order, again.limit) == (pipeline.stats, pipeline.order, pipeline.limit)


PIECES = ["|", "stats", "count", "sum(", "rows", ")", "by", "bin(1m)", "bin(", ",", "sort", "-", "desc",
          "limit", "5", "fields", "actor", "as", "x", "uniq(actor)", " ", "(", "attrs.x", "a", '"', "||",
          ":"]  # fmt: skip


@given(
    text=st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join) | st.text(max_size=30).map("| ".__add__)
)
def test_any_stages_are_understood_or_refused_with_a_place(text: str) -> None:
    refused: ConfigError | None = None
    try:
        parse_pipeline(text)
    except ConfigError as error:
        refused = error
    if refused is not None:
        place = re.search(r"at position (\d+)$", refused.message)
        assert place is not None, refused.message
        assert 1 <= int(place[1]) <= len(text) + 1
        assert refused.hint


@pytest.mark.parametrize("text", ["x", "", "AAAA", "gA", "9" * 20_000, "\u00e9"])
def test_a_cursor_that_is_none_is_refused(index: Index, text: str) -> None:
    if text:
        with pytest.raises(ConfigError, match="cursor"):
            ask(index, "", cursor=text)


def test_counts_by_fields_take_bins_of_time(index: Index) -> None:
    times = [NOW_NS, NOW_NS + 10**9, NOW_NS + 3_600 * 10**9]
    fill(index, [Event(id="1", time=str(time), action="a", source=Source(kind="app")) for time in times])
    investigator = Investigator(index, lambda text: text, Clock())  # type: ignore[arg-type]
    counts = investigator.stats("", ALL, ("bin(1h)", "action"))
    hour = 3_600 * 10**9
    assert sorted((row.values, row.count) for row in counts.rows) == [
        ((str(NOW_NS // hour * hour), "a"), 2), ((str(NOW_NS // hour * hour + hour), "a"), 1),
    ]  # fmt: skip
    for wrong in ("bin(0m)", "bin(1y)", "bin(999d)", "bin()"):
        with pytest.raises(ConfigError, match="there is no field"):
            investigator.stats("", ALL, (wrong,))


def test_a_cursor_of_another_question_is_refused(index: Index) -> None:
    fill(index, [Event(id="1", time="1", action="a", source=Source(kind="app"))] * 3)
    page = ask(index, "action:a", limit=2)
    assert page.next
    with pytest.raises(ConfigError, match="another question"):
        ask(index, "action:b", limit=2, cursor=page.next)
    with pytest.raises(ConfigError, match="another question"):
        ask(index, "action:a", limit=2, cursor=page.next, oldest_first=True)
