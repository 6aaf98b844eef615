"""Tails of the record."""

from __future__ import annotations

import pytest

from glasshatch.app.serve import hub
from glasshatch.errors import Unavailable
from glasshatch.events import Event, Source, encode
from glasshatch.investigate.query import compile_predicate, parse


def entries(*actions: str, ledger: str = "default") -> list[tuple[str, int, bytes]]:
    return [
        (ledger, index, encode(Event(id=f"e{index}", time="1", action=action, source=Source(kind="app"))))
        for index, action in enumerate(actions)
    ]


def test_a_tail_gets_what_it_wants_in_order() -> None:
    shared = hub.Hub()
    tail = shared.tail(lambda event: event.action == "order.paid")
    shared.publish(entries("order.paid", "order.made", "order.paid"))
    assert [found.index for found in tail.next(1)] == [0, 2]
    assert tail.next(0.01) == []


def test_a_tail_may_want_one_ledger_and_says_where_an_event_is() -> None:
    shared = hub.Hub()
    tail = shared.tail(compile_predicate(parse("ledger:shop"), 0))
    shared.publish([*entries("order.paid"), *entries("order.paid", "order.made", ledger="shop")])
    assert [found.place for found in tail.next(1)] == ["shop/0", "shop/1"]


def test_an_entry_of_a_newer_schema_does_not_end_a_tail() -> None:
    shared = hub.Hub()
    tail = shared.tail(lambda event: True)
    shared.publish([("default", 0, b'{"schema":99'), *entries("order.paid")])
    assert len(tail.next(1)) == 1


def test_a_slow_reader_learns_that_events_were_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_WAITING", 2)
    shared = hub.Hub()
    tail = shared.tail(lambda event: True)
    shared.publish(entries("a.b", "a.b", "a.b"))
    assert len(tail.next(1)) == 2
    with pytest.raises(Unavailable, match="skipped"):
        tail.next(0.01)


def test_closing_ends_every_tail() -> None:
    shared = hub.Hub()
    tail = shared.tail(lambda event: True)
    shared.close()
    with pytest.raises(Unavailable):
        tail.next(0.01)
    with pytest.raises(Unavailable):
        shared.tail(lambda event: True)


def test_a_closed_tail_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MAX_TAILS", 1)
    shared = hub.Hub()
    tail = shared.tail(lambda event: True)
    with pytest.raises(Unavailable):
        shared.tail(lambda event: True)
    tail.close()
    shared.tail(lambda event: True)
