"""Tokens: what is shown, what is kept, and who is let in."""

from __future__ import annotations

import os
import re

import pytest

from glasshatch.errors import ConfigError, Denied
from glasshatch.identity import (
    TOKEN_PATTERN,
    Identity,
    Token,
    TokenHasher,
    TokenRefused,
    issue_token,
    parse_token,
    scope_allows,
    verify_token,
)

NOW = 1_800_000_000_000_000_000
HOUR = 3600 * 10**9
# The real argon2id at its lowest cost: its strength is not what these tests are about.
HASHER = TokenHasher(os.urandom, memory_kib=8, passes=1)


def issue(**changes: object) -> tuple[str, Token]:
    values = {"tenant": "default", "actor_id": "a1", "scopes": ["*"], "lifetime_ns": HOUR, "now_ns": NOW}
    return issue_token(**{**values, **changes}, hasher=HASHER, random=os.urandom)  # type: ignore[arg-type]


def verify(token: Token | None, text: str, now_ns: int = NOW) -> Token:
    presented = parse_token(text)
    assert presented is not None
    return verify_token(token, presented, now_ns, HASHER)


def test_a_token_is_accepted_until_its_last_moment() -> None:
    text, token = issue()
    assert verify(token, text, NOW + HOUR - 1) is token


def test_the_text_matches_the_published_pattern_and_the_secret_is_not_kept() -> None:
    text, token = issue()
    assert re.fullmatch(TOKEN_PATTERN, text)
    secret = text.rsplit("_", 1)[1]
    assert secret not in str(token.hash)
    assert token.hash.startswith("$argon2id$")


def test_neither_secret_nor_hash_shows_in_a_representation() -> None:
    text, token = issue()
    presented = parse_token(text)
    assert presented is not None
    assert presented.secret not in repr(presented)
    assert token.hash not in repr(token)


def test_two_tokens_share_nothing() -> None:
    (first, _), (second, _) = issue(), issue()
    assert first.split("_")[1] != second.split("_")[1]
    assert first.split("_")[2] != second.split("_")[2]


def test_unknown_id_and_wrong_secret_read_the_same_outside_and_differ_inside() -> None:
    text, token = issue()
    other = issue()[0].rsplit("_", 1)[1]
    with pytest.raises(TokenRefused) as wrong:
        verify(token, f"{text.rsplit('_', 1)[0]}_{other}")
    with pytest.raises(TokenRefused) as unknown:
        verify(None, text)
    assert str(wrong.value) == str(unknown.value)
    assert (wrong.value.kind, unknown.value.kind) == ("wrong_secret", "unknown")
    assert isinstance(wrong.value, Denied)


def test_an_unknown_id_costs_a_full_hash() -> None:
    verified: list[str | None] = []

    class Counting(TokenHasher):
        def matches(self, hash_: str | None, secret: str) -> bool:
            verified.append(hash_)
            return super().matches(hash_, secret)

    text, _ = issue()
    presented = parse_token(text)
    assert presented is not None
    with pytest.raises(TokenRefused):
        verify_token(None, presented, NOW, Counting(os.urandom, memory_kib=8, passes=1))
    assert verified == [None]


def test_expiry_is_said_clearly_but_only_to_the_holder() -> None:
    text, token = issue()
    with pytest.raises(TokenRefused, match="expired") as refused:
        verify(token, text, NOW + HOUR)
    assert refused.value.kind == "expired"
    wrong = f"{text.rsplit('_', 1)[0]}_{issue()[0].rsplit('_', 1)[1]}"
    with pytest.raises(TokenRefused, match="not accepted"):
        verify(token, wrong, NOW + HOUR)


@pytest.mark.parametrize(
    "text",
    ["", "gh_", "hunter2", "gh_short_secret", "gh_" + "a" * 16 + "_" + "a" * 53, "x" * 10**6,
     "gh_" + "a" * 16 + "_" + "a" * 51 + "\n", "gh_" + "A" * 16 + "_" + "a" * 52],
)  # fmt: skip
def test_what_is_no_token_is_not_taken_for_one(text: str) -> None:
    assert parse_token(text) is None


@pytest.mark.parametrize("scopes", [[], ["root"], ["connect:"], ["connect:a b"], ["connect:/x"], [""]])
def test_a_token_with_unclear_scopes_is_not_issued(scopes: list[str]) -> None:
    with pytest.raises(ConfigError):
        issue(scopes=scopes)


@pytest.mark.parametrize("lifetime_ns", [0, -1, 367 * 24 * HOUR])
def test_a_token_ends(lifetime_ns: int) -> None:
    with pytest.raises(ConfigError, match="lifetime"):
        issue(lifetime_ns=lifetime_ns)


@pytest.mark.parametrize(
    ("scope", "area", "target", "allowed"),
    [
        ("*", "admin", "", True),
        ("connect", "connect", "postgres/orders", True),
        ("connect", "read", "", False),
        ("connect:postgres/orders", "connect", "postgres/orders", True),
        ("connect:postgres/orders", "connect", "postgres/orders2", False),
        ("connect:postgres/orders", "connect", "postgres", False),
        ("connect:postgres/orders", "connect", "", False),
        ("connect:postgres", "connect", "postgres/orders", True),
        ("connect:*/orders", "connect", "mysql/orders", True),
        ("connect:*/orders", "connect", "mysql/other", False),
        ("read", "", "", True),
    ],
)
def test_a_scope_opens_its_area_and_nothing_else(scope: str, area: str, target: str, allowed: bool) -> None:
    assert scope_allows([scope], area, target) is allowed


def test_an_identity_becomes_the_actor_of_its_events() -> None:
    agent = Identity(
        id="a2", tenant="default", type="agent", name="bot", roles=("engineer",), on_behalf_of="a1"
    )
    actor = agent.as_actor()
    assert (actor.id, actor.type, actor.name, actor.roles, actor.on_behalf_of) == (
        "a2", "agent", "bot", ("engineer",), "a1",
    )  # fmt: skip
    assert agent.people() == {"a1", "a2"}


def test_a_disabled_identity_holds_no_role() -> None:
    gone = Identity(id="a", tenant="t", type="human", name="x", roles=("admin",), disabled=True)
    assert not gone.has_role("admin")
