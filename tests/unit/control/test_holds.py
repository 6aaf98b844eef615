"""Legal holds: live until released, once, and known by every token of their subject."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.errors import ConfigError, Conflict

NOW = 1_800_000_000_000_000_000
TOKENS = ("<EMAIL:aaaaaaaaaaaa>", "<EMAIL:bbbbbbbbbbbb>")


def test_a_hold_counts_until_it_is_released(office: Any) -> None:
    holds = office.store.holds
    assert holds.live() == frozenset()
    first = holds.place(TOKENS, reason="court 17", by="carol", now_ns=NOW, ticket="L-1")
    second = holds.place(TOKENS[:1], reason="court 18", by="carol", now_ns=NOW + 10**6)
    assert holds.live() == set(TOKENS)
    assert [hold.id for hold in holds.on(TOKENS[1:])] == [first.id]
    holds.release(first.id, "bob", NOW + 10**7)
    assert office.reopen().holds.live() == {TOKENS[0]}
    kept = office.store.holds.list()
    assert [(hold.id, hold.released_by, hold.ticket) for hold in kept] == [
        (first.id, "bob", "L-1"), (second.id, "", ""),
    ]  # fmt: skip


def test_a_hold_is_released_once(office: Any) -> None:
    holds = office.store.holds
    hold = holds.place(TOKENS, reason="court 17", by="carol", now_ns=NOW)
    holds.release(hold.id, "bob", NOW + 10**7)
    with pytest.raises(Conflict, match="released already"):
        holds.release(hold.id, "bob", NOW + 3)
    with pytest.raises(ConfigError, match="no hold"):
        holds.release("none", "bob", NOW + 3)


def test_a_hold_that_cannot_be_recorded_does_not_count(office: Any) -> None:
    def fail(_hold: object) -> None:
        raise Conflict("the ledger takes nothing")

    with pytest.raises(Conflict):
        office.store.holds.place(TOKENS, reason="court 17", by="carol", now_ns=NOW, record=fail)
    assert office.store.holds.list() == []
