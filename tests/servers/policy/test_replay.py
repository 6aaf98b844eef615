"""A changed policy tried on what people did: the same one differs in nothing, another in the right things."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from fixtures.glasshatch import run
from glasshatch.api.policy_values import PolicyFile, PolicyText, ReplayForm
from glasshatch.errors import ConfigError, Denied

from .conftest import CANARY, PRODUCTION, PolicyServer

STRICTER = """
@id("own.no-cities")
@reason("where people live is nobody's business")
forbid(principal, action == Action::"statement.run", resource)
when { context.columns.contains("customers.city") };
"""
DAY = f"""
SELECT id, city FROM customers WHERE id = 1;
SELECT name, email FROM customers WHERE email = '{CANARY}';
SELECT count(*) FROM orders WHERE cents > 5 AND id IN (1, 2, 3) LIMIT 10;
INSERT INTO orders VALUES (9999, 1, 5);
UPDATE orders SET cents = 1 WHERE id = 7;
DELETE FROM orders;
SELECT * FROM customers;
SELECT nobody_knows(1);
BEGIN; SELECT 1; COMMIT;
PREPARE p AS SELECT city FROM customers WHERE id = $1; EXECUTE p(1);
SELECT c.city FROM customers c JOIN orders o ON o.customer = c.id WHERE o.id = 3;
COPY (SELECT id FROM orders WHERE id < 3) TO STDOUT;
SET statement_timeout = '5s';
"""


def text(policy: str) -> PolicyText:
    return PolicyText(name="own", files=(PolicyFile(name="own.cedar", text=policy),))


@pytest.fixture(scope="module")
def since(server: PolicyServer) -> str:
    """When a day of statements began."""
    begun = str(time.time_ns())
    server.psql("bob", DAY)
    return begun


def test_the_policy_that_decided_decides_the_same_again(server: PolicyServer, since: str) -> None:
    found = server.client("carol").replay_policy(ReplayForm(policy=text(PRODUCTION), since=since))
    assert found.differences == ()
    assert found.judged >= 14
    assert not found.more
    assert found.skipped == {}


def test_another_policy_differs_in_what_it_forbids_and_names_events(server: PolicyServer, since: str) -> None:
    found = server.client("carol").replay_policy(ReplayForm(policy=text(PRODUCTION + STRICTER), since=since))
    (difference,) = found.differences
    assert (difference.actor, difference.resource) == ("bob", "postgres/shop")
    assert (difference.was_effect, difference.was_rule) == ("allow", "production.everyday")
    assert (difference.effect, difference.rule) == ("deny", "own.no-cities")
    assert difference.count == 3
    carol = server.client("carol")
    texts = [json.loads(bytes(carol.show_event(id).event))["statement"]["text"] for id in difference.events]
    assert len(texts) == 3
    assert all("city" in one for one in texts)
    assert any("prepared" in why for why in found.uncertain)


def test_a_looser_policy_shows_what_it_would_let_through(server: PolicyServer, since: str) -> None:
    loose = '@id("all") @reason("r") permit(principal, action, resource);'
    found = server.client("carol").replay_policy(ReplayForm(policy=text(loose), since=since))
    was = {(one.was_effect, one.was_rule) for one in found.differences}
    assert ("deny", "production.no-unbounded-write") in was
    assert ("review", "production.unknown") in was
    assert {one.effect for one in found.differences} == {"allow"}


def test_until_is_exclusive_and_a_replay_is_a_recorded_read(server: PolicyServer, since: str) -> None:
    carol = server.client("carol")
    assert carol.replay_policy(ReplayForm(since=since, until=since)).judged == 0
    read = server.events("record.read attrs.what:policy.replay")[-1]
    assert (read["actor"]["name"], read["attrs"]["filter"]["until"]) == ("carol", since)
    with pytest.raises(Denied):
        server.client("admin").replay_policy(ReplayForm())
    with pytest.raises(ConfigError):
        carol.replay_policy(ReplayForm(since="yesterday"))


def test_the_command_prints_the_sum_and_no_value(server: PolicyServer, since: str, tmp_path: Path) -> None:
    own = tmp_path / "own.cedar"
    own.write_text(PRODUCTION + STRICTER)
    token = str(server.home.parent / "carol.token")
    done = run(
        "policy", "replay", "--policy", str(own), "--since", "1h", "--data", str(server.home),
        "--token-file", token,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "own.no-cities" in done.stdout
    assert "would come out otherwise" in done.stderr
    assert "canary" not in done.stdout + done.stderr
