"""Actors and tokens in the store."""

from __future__ import annotations

import time
from typing import Any

import pytest

from glasshatch.errors import ConfigError, Conflict, Denied
from glasshatch.identity import TokenRefused

NOW = 1_800_000_000_000_000_000
HOUR = 3600 * 10**9


def issue(office: Any, actor_id: str) -> tuple[str, str]:
    text, token = office.store.tokens.issue(actor_id, scopes=["connect"], lifetime_ns=HOUR, now_ns=NOW)
    return text, token.id


def refusal(office: Any, text: str, now_ns: int = NOW) -> str:
    with pytest.raises(TokenRefused) as refused:
        office.store.authenticate(text, now_ns)
    return refused.value.kind


def test_actors_survive_a_restart(office: Any) -> None:
    store = office.reopen()
    assert store.actors.list() == [office.alice, office.bob, office.carol]
    assert store.actors.named("bob") == store.actors.get(office.bob.id) == office.bob


def test_a_name_is_taken_once(office: Any) -> None:
    with pytest.raises(Conflict):
        office.store.actors.create("alice", now_ns=NOW)


@pytest.mark.parametrize("name", ["", " alice", "a\nb", "x" * 201])
def test_a_name_is_printable(office: Any, name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        office.store.actors.create(name, now_ns=NOW)


def test_roles_are_words_and_can_be_replaced(office: Any) -> None:
    with pytest.raises(ConfigError, match="roles"):
        office.store.actors.set_roles(office.alice.id, ["Admin!"], NOW)
    changed = office.store.actors.set_roles(office.alice.id, ["b", "a", "a"], NOW)
    assert changed.roles == office.store.actors.named("alice").roles == ("a", "b")


def test_an_unknown_actor_is_said_so(office: Any) -> None:
    for look in (office.store.actors.named, office.store.actors.get):
        with pytest.raises(ConfigError, match="no actor"):
            look("nobody")


def test_only_agents_act_for_somebody_and_only_for_a_human(office: Any) -> None:
    actors = office.store.actors
    bot = actors.create("bot", "agent", now_ns=NOW, on_behalf_of=office.alice.id)
    assert actors.get(bot.id).on_behalf_of == office.alice.id
    for type_, human in (("human", office.alice.id), ("agent", bot.id)):
        with pytest.raises(ConfigError, match="on_behalf_of"):
            actors.create("other", type_, now_ns=NOW, on_behalf_of=human)
    with pytest.raises(ConfigError, match="no actor"):
        actors.create("other", "agent", now_ns=NOW, on_behalf_of="nobody")


def test_a_token_proves_its_actor_also_after_a_restart(office: Any) -> None:
    text, token_id = issue(office, office.alice.id)
    for store in (office.store, office.reopen()):
        identity, token = store.authenticate(text, NOW)
        assert (identity, token.id, token.scopes) == (office.alice, token_id, ("connect",))


def test_the_secret_is_in_no_byte_of_the_file(office: Any) -> None:
    text, _ = issue(office, office.alice.id)
    office.store.close()
    for file in office.path.parent.iterdir():
        assert text.rsplit("_", 1)[1].encode() not in file.read_bytes()


def test_each_refusal_has_its_kind(office: Any) -> None:
    text, token_id = issue(office, office.alice.id)
    other, _ = issue(office, office.bob.id)
    forged = f"{text.rsplit('_', 1)[0]}_{other.rsplit('_', 1)[1]}"
    assert refusal(office, "password") == "unknown"
    assert refusal(office, "gh_" + "a" * 16 + "_" + "a" * 52) == "unknown"
    assert refusal(office, forged) == "wrong_secret"
    assert refusal(office, text, NOW + HOUR) == "expired"
    office.store.tokens.revoke(token_id, NOW)
    assert refusal(office, text) == "revoked"
    office.store.actors.set_disabled(office.bob.id, True, NOW)
    assert refusal(office, other) == "disabled"


def test_revocation_holds_at_once_for_a_token_just_used(office: Any) -> None:
    text, token_id = issue(office, office.alice.id)
    office.store.authenticate(text, NOW)
    first = office.store.tokens.revoke(token_id, NOW)
    assert refusal(office, text) == "revoked"
    assert office.store.tokens.revoke(token_id, NOW + 5) == first


def test_expiry_holds_for_a_token_just_used(office: Any) -> None:
    text, _ = issue(office, office.alice.id)
    office.store.authenticate(text, NOW + HOUR - 1)
    assert refusal(office, text, NOW + HOUR) == "expired"


def test_an_agent_is_shut_out_with_the_human_it_acts_for(office: Any) -> None:
    bot = office.store.actors.create("bot", "agent", now_ns=NOW, on_behalf_of=office.alice.id)
    text, _ = issue(office, bot.id)
    assert office.store.authenticate(text, NOW)[0] == bot
    office.store.actors.set_disabled(office.alice.id, True, NOW)
    assert refusal(office, text) == "disabled"
    office.store.actors.set_disabled(office.alice.id, False, NOW)
    assert office.store.authenticate(text, NOW)[0] == bot


def test_changed_roles_are_seen_at_the_next_use(office: Any) -> None:
    text, _ = issue(office, office.alice.id)
    office.store.authenticate(text, NOW)
    office.store.actors.set_roles(office.alice.id, ["auditor"], NOW)
    assert office.store.authenticate(text, NOW)[0].roles == ("auditor",)


def test_a_second_use_does_not_pay_for_the_hash_again(office: Any) -> None:
    text, _ = issue(office, office.alice.id)
    hashed = []
    hasher = office.store.tokens._hasher
    real = hasher.matches
    hasher.matches = lambda hash_, secret: hashed.append(1) or real(hash_, secret)
    for _ in range(3):
        office.store.authenticate(text, NOW)
    assert len(hashed) == 1
    office.store.tokens.forget()
    office.store.authenticate(text, NOW)
    assert len(hashed) == 2


def test_a_disabled_actor_gets_no_token(office: Any) -> None:
    office.store.actors.set_disabled(office.alice.id, True, NOW)
    with pytest.raises(Denied, match="disabled"):
        issue(office, office.alice.id)


def test_tokens_are_listed_by_actor(office: Any) -> None:
    _, token_id = issue(office, office.alice.id)
    issue(office, office.bob.id)
    assert [token.id for token in office.store.tokens.list(office.alice.id)] == [token_id]
    assert len(office.store.tokens.list()) == 2
    with pytest.raises(ConfigError, match="no token"):
        office.store.tokens.revoke("nothing", NOW)


def test_a_step_that_cannot_be_recorded_does_not_happen(office: Any) -> None:
    class LedgerDown(Exception):
        pass

    def fail(_: object) -> None:
        raise LedgerDown

    text, token_id = issue(office, office.alice.id)
    actors, tokens = office.store.actors, office.store.tokens
    steps = (
        lambda: actors.create("dave", now_ns=NOW, record=fail),
        lambda: actors.set_roles(office.alice.id, ["admin"], NOW, record=fail),
        lambda: actors.set_disabled(office.alice.id, True, NOW, record=fail),
        lambda: tokens.issue(office.bob.id, scopes=["*"], lifetime_ns=HOUR, now_ns=NOW, record=fail),
        lambda: tokens.revoke(token_id, NOW, record=fail),
    )
    for step in steps:
        with pytest.raises(LedgerDown):
            step()
    assert office.reopen().actors.list() == [office.alice, office.bob, office.carol]
    assert [token.id for token in office.store.tokens.list()] == [token_id]
    assert office.store.authenticate(text, NOW)[0] == office.alice


def test_what_ended_long_ago_is_forgotten_and_the_rest_opens_as_before(office: Any) -> None:
    told: list[int] = []
    old, _ = issue(office, office.alice.id)
    revoked, revoked_id = issue(office, office.alice.id)
    office.store.tokens.revoke(revoked_id, NOW)
    young, token = office.store.tokens.issue(
        office.alice.id, scopes=["*"], lifetime_ns=3 * HOUR, now_ns=NOW
    )  # fmt: skip
    assert office.store.tokens.prune(NOW + HOUR, record=told.append) == 0
    assert office.store.tokens.prune(NOW + HOUR + 1, record=told.append) == 2
    assert told == [2]
    assert refusal(office, old) == refusal(office, revoked) == "unknown"
    # The head of the table moved with them: what is left is what opens.
    store = office.reopen()
    assert [one.id for one in store.tokens.list()] == [token.id]
    assert store.authenticate(young, NOW)[0] == office.alice


def test_an_unknown_token_takes_as_long_as_a_wrong_secret(office: Any) -> None:
    text, _ = issue(office, office.alice.id)
    secret = issue(office, office.bob.id)[0].rsplit("_", 1)[1]
    wrong, unknown = f"{text.rsplit('_', 1)[0]}_{secret}", f"gh_{'b' * 16}_{secret}"

    def fastest(presented: str) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            refusal(office, presented)
            times.append(time.perf_counter() - start)
        return min(times)

    # Without the decoy the ratio is near 20; the margin is for a busy machine.
    assert 0.4 < fastest(unknown) / fastest(wrong) < 2.5
