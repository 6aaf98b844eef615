"""Kept searches: one's own under each name, shared or not, and none more than was recorded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from glasshatch.control import KeptSearch, searches
from glasshatch.errors import ConfigError, Conflict

NOW = 1_800_000_000_000_000_000


def wanted(owner_id: str, name: str, **more: Any) -> KeptSearch:
    plain = KeptSearch(
        id="", name=name, query="effect:deny", note="", owner_id=owner_id, shared=False, created_ns=0,
        changed_ns=0,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def test_each_finds_their_own_and_what_is_shared(office: Any) -> None:
    kept = office.store.searches
    first = kept.keep(wanted("alice", "refusals"), NOW)
    kept.keep(wanted("bob", "refusals", shared=True), NOW + 10**6)
    kept.keep(wanted("bob", "secret"), NOW + 2 * 10**6)
    assert [(one.owner_id, one.name) for one in kept.of("alice")] == [
        ("alice", "refusals"),
        ("bob", "refusals"),
    ]
    changed = kept.keep(wanted("alice", "refusals", query="x"), NOW + 10**7)
    assert (changed.id, changed.created_ns, changed.changed_ns) == (first.id, NOW, NOW + 10**7)
    assert [one.query for one in office.reopen().searches.of("alice")] == ["x", "effect:deny"]


def test_only_ones_own_is_forgotten_unless_one_may_more(office: Any) -> None:
    kept = office.store.searches
    shared = kept.keep(wanted("bob", "a", shared=True), NOW)
    own = kept.keep(wanted("bob", "b"), NOW + 10**6)
    for id, any_owner in ((shared.id, False), (own.id, True), ("none", True)):
        with pytest.raises(ConfigError, match="no such search"):
            kept.forget(id, "alice", any_owner)
    kept.forget(shared.id, "alice", True)
    kept.forget(own.id, "bob", False)
    assert office.reopen().searches.of("bob") == []


def test_what_cannot_be_recorded_is_neither_kept_nor_forgotten(office: Any) -> None:
    def fail(_search: object) -> None:
        raise Conflict("the ledger takes nothing")

    kept = office.store.searches
    with pytest.raises(Conflict):
        kept.keep(wanted("bob", "a"), NOW, fail)
    assert kept.of("bob") == []
    one = kept.keep(wanted("bob", "a"), NOW)
    with pytest.raises(Conflict):
        kept.forget(one.id, "bob", False, fail)
    assert kept.of("bob") == [one]


def test_one_actor_keeps_no_more_than_so_many(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "MOST_OF_ONE", 2)
    kept = office.store.searches
    for name in ("a", "b"):
        kept.keep(wanted("bob", name), NOW)
    with pytest.raises(Conflict, match="already"):
        kept.keep(wanted("bob", "c"), NOW)
    kept.keep(wanted("bob", "b", query="y"), NOW)
    kept.keep(wanted("alice", "c"), NOW)
