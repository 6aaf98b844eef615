"""Aliases: a principal is one actor at a time, and what was declared ends without being forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.errors import ConfigError, Conflict

from .conftest import kept_alias

NOW = 1_800_000_000_000_000_000
HOUR = 3_600 * 10**9


def test_an_alias_holds_until_it_ends_and_stays_listed(office: Any) -> None:
    aliases = office.store.aliases
    made = aliases.add(kept_alias(office.alice.id), NOW)
    ended = aliases.end(made.id, NOW + HOUR, NOW + 2 * HOUR, by="carol", why="she left")
    kept = office.reopen().aliases.list()
    assert kept == [ended]
    assert (kept[0].until_ns, kept[0].ended_by, kept[0].ended_why) == (NOW + HOUR, "carol", "she left")


@pytest.mark.parametrize(
    ("other", "met"),
    [
        ({}, True),
        ({"principal": "ALICE@example.com"}, True),
        ({"principal": "bob@example.com"}, False),
        ({"namespace": "postgres"}, False),
        ({"feed": "shop"}, True),
        ({"since_ns": NOW + HOUR}, False),
        ({"since_ns": NOW + HOUR - 1}, True),
        ({"until_ns": NOW}, False),
        ({"until_ns": NOW + 1}, True),
        ({"since_ns": NOW - HOUR, "until_ns": NOW + 2 * HOUR}, True),
    ],
)
def test_two_actors_cannot_be_one_principal_at_one_time(
    office: Any, other: dict[str, Any], met: bool
) -> None:
    aliases = office.store.aliases
    aliases.add(kept_alias(office.alice.id, since_ns=NOW, until_ns=NOW + HOUR), NOW)
    second = kept_alias(office.bob.id, **other)
    if not met:
        assert aliases.add(second, NOW + 1).actor_id == office.bob.id
        return
    with pytest.raises(Conflict, match="another actor"):
        aliases.add(second, NOW + 1)
    assert len(aliases.list()) == 1


def test_other_feeds_may_have_other_people_under_one_name(office: Any) -> None:
    aliases = office.store.aliases
    aliases.add(kept_alias(office.alice.id, "app", feed="shop"), NOW)
    aliases.add(kept_alias(office.bob.id, "app", feed="orders"), NOW + 1)
    with pytest.raises(Conflict):
        aliases.add(kept_alias(office.carol.id, "app"), NOW + 2)


def test_what_never_held_is_in_nobodys_way(office: Any) -> None:
    aliases = office.store.aliases
    wrong = aliases.add(kept_alias(office.alice.id, since_ns=NOW), NOW)
    aliases.end(wrong.id, NOW, NOW + HOUR, by="carol", why="a mistake")
    assert aliases.add(kept_alias(office.bob.id), NOW + HOUR).actor_id == office.bob.id


def test_what_was_to_hold_from_ever_and_never_did_is_in_nobodys_way_either(office: Any) -> None:
    """Two identities merged by mistake, taken apart, and merged with the right one."""
    aliases = office.store.aliases
    wrong = aliases.add(kept_alias(office.alice.id), NOW)
    aliases.end(wrong.id, 0, NOW + HOUR, by="carol", why="a mistake")
    assert aliases.add(kept_alias(office.bob.id), NOW + HOUR).actor_id == office.bob.id


def test_an_alias_ends_once_and_never_later(office: Any) -> None:
    aliases = office.store.aliases
    made = aliases.add(kept_alias(office.alice.id), NOW)
    aliases.end(made.id, NOW + HOUR, NOW, by="carol", why="left")
    with pytest.raises(Conflict, match="had ended"):
        aliases.end(made.id, NOW + 2 * HOUR, NOW, by="carol", why="later")
    assert aliases.end(made.id, NOW + 1, NOW, by="carol", why="earlier").until_ns == NOW + 1
    with pytest.raises(ConfigError, match="no alias"):
        aliases.end("none", NOW, NOW, by="carol", why="x")


def test_an_alias_that_cannot_be_recorded_does_not_count(office: Any) -> None:
    def refuse(alias: object) -> None:
        raise Conflict("the record is away")

    with pytest.raises(Conflict, match="away"):
        office.store.aliases.add(kept_alias(office.alice.id), NOW, record=refuse)
    assert office.reopen().aliases.list() == []
