"""Aliases: who is meant by a name elsewhere at the time of each event, and how questions find them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.events import Actor, Event, RawPrincipal, Source
from glasshatch.investigate import Alias, Aliases, Query
from glasshatch.investigate.query import compile_predicate, parse, redacted, render

DAY = 86_400 * 10**9
NOON = 20_000 * DAY + DAY // 2


def alias(principal: str = "alice@example.com", actor: str = "alice", **members: Any) -> Alias:
    return Alias(**{
        "id": f"alias-{principal}-{actor}", "namespace": "kubernetes", "principal": principal,
        "actor": actor, "actor_id": f"id-{actor}", "asserted": "admin", **members,
    })  # fmt: skip


def event(principal: str, time_ns: int = NOON, feed: str = "shop", namespace: str = "kubernetes") -> Event:
    raw = RawPrincipal(namespace=namespace, principal=principal)
    return Event(
        id="e", time=str(time_ns), action="pods.get", source=Source(kind="kubernetes", name=feed),
        actor=Actor(id=principal, name=principal, raw=raw),
    )  # fmt: skip


def found(known: Aliases, query: str, event: Event) -> bool:
    return compile_predicate(known.resolved(parse(query)), NOON)(event)


def test_a_question_about_an_actor_finds_their_aliases() -> None:
    known = Aliases([alias()])
    for query in ("actor:alice", "user:ALICE", "actor.name:ali*", "actor.id:id-alice", 'actor:"alice"'):
        assert found(known, query, event("alice@example.com")), query
        assert found(known, query, event("Alice@Example.com")), query
        assert not found(known, query, event("bob@example.com")), query
    for query in ("actor:bob", 'actor:"ali*"', "actor.raw.principal:alice", "NOT actor:alice"):
        assert not found(known, query, event("alice@example.com")), query
    assert not found(Aliases(), "actor:alice", event("alice@example.com"))


@pytest.mark.parametrize(
    ("members", "time_ns", "holds"),
    [
        ({}, 0, True),
        ({"since_ns": NOON}, NOON - 1, False),
        ({"since_ns": NOON}, NOON, True),
        ({"until_ns": NOON}, NOON - 1, True),
        ({"until_ns": NOON}, NOON, False),
        ({"feed": "shop"}, NOON, True),
        ({"feed": "other"}, NOON, False),
        ({"namespace": "postgres"}, NOON, False),
    ],
)
def test_an_alias_holds_where_and_when_it_was_said_to(
    members: dict[str, Any], time_ns: int, holds: bool
) -> None:
    known, one = Aliases([alias(**members)]), event("alice@example.com", time_ns)
    assert (known.of(one) is not None) is holds
    assert found(known, "actor:alice", one) is holds


def test_what_the_provider_says_goes_before_what_was_declared() -> None:
    known = Aliases([alias(), alias(actor="bob", asserted="scim"), alias(actor="carol", asserted="oidc")])
    named = known.of(event("alice@example.com"))
    assert named is not None
    assert named.actor == "carol"


@given(st.data())
def test_a_question_finds_exactly_those_who_are_meant(data: st.DataObject) -> None:
    """Whoever an event is said to be is who finds it, also where aliases of different trust contradict."""
    times = st.integers(0, 4).map(lambda day: day * DAY)
    aliases = data.draw(st.lists(st.builds(
        alias, st.sampled_from(["p", "P", "q"]), st.sampled_from(["alice", "bob", "carol"]),
        asserted=st.sampled_from(["oidc", "scim", "admin"]), since_ns=times, until_ns=times,
        feed=st.sampled_from(["", "shop", "other"]),
    ), max_size=6))  # fmt: skip
    known = Aliases(aliases)
    one = event(
        data.draw(st.sampled_from(["p", "q", "r"])),
        data.draw(times),
        data.draw(st.sampled_from(["shop", "x"])),
    )
    named = known.of(one)
    for actor in ("alice", "bob", "carol"):
        assert found(known, f"actor:{actor}", one) is (named is not None and named.actor == actor)


def test_a_principal_is_found_as_it_stands_in_the_record() -> None:
    known = Aliases([alias()], lambda text: [f"<EMAIL:{len(text)}>"])
    assert known.of(event("<EMAIL:17>")) is not None
    assert known.of(event("alice@example.com")) is not None


def test_what_is_recorded_of_a_question_is_what_was_asked() -> None:
    asked: Query = parse("actor:alice action:pods.*")
    Aliases([alias()]).resolved(asked)
    assert render(redacted(asked, lambda text: text)) == "actor:alice action:pods.*"
