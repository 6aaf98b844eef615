"""The scripted day: what alice, bob and the attacker in us do, and whether each promise held.

Every step acts through real clients and reads the result where a user would see it. A step
returns what it saw; a broken promise raises `NotSo`.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from typing import Any

import msgspec

from .stage import Finished, Stage

_TOKEN = re.compile(r"<[A-Z_]+:[^>]+>")
_GRANT_SECONDS = 6


class NotSo(Exception):
    """A step saw something else than what was promised; the text says what."""


def masked(stage: Stage) -> dict[str, Any]:
    """Alice reads customers and payments: nothing personal in the clear, tokens that join."""
    people = stage.psql(
        "alice",
        "SELECT id, first_name, last_name, email, phone FROM customers WHERE id <= 40 ORDER BY id;",
    )
    again = stage.psql(
        "alice",
        "SELECT c.email, o.item FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.id <= 40;",
    )
    cards = stage.psql(
        "alice", "SELECT id, card_number, card_holder, amount_cents FROM payments ORDER BY id LIMIT 40;"
    )
    seen = people.out + again.out + cards.out
    demand(
        len(people.out.splitlines()) == 40,
        f"40 customers were read, not {len(people.out.splitlines())}: {people.err}",
    )
    demand(len(cards.out.splitlines()) == 40, f"40 payments were read: {cards.err}")
    leaked = [value for value in stage.shop.planted() if value in seen]
    demand(not leaked, f"{len(leaked)} values came through in the clear")
    first = {row.split("|")[3] for row in people.out.splitlines()}
    joined = {row.split("|")[0] for row in again.out.splitlines()}
    demand(bool(joined) and joined <= first, "the same customer has the same token in two queries")
    demand(all(_TOKEN.fullmatch(token) for token in first), "every e-mail is a token")
    return {"rows": 80 + len(again.out.splitlines()), "tokens_that_join": len(joined)}


def blocked(stage: Stage) -> dict[str, Any]:
    """She tries to destroy things: policy refuses, psql says why, the tables stand."""
    before = _counts(stage)
    errors = {}
    for statement in ("DROP TABLE payments", "/*x*/ DELETE FROM customers"):
        done = stage.psql("alice", f"{statement};")
        demand("ERROR" in done.err and "policy" in done.err.lower(), f"a clear refusal, not: {done.err!r}")
        errors[statement] = done.err.strip().splitlines()[0]
    demand(_counts(stage) == before, "the tables are untouched")
    denied = events_of(stage, "alice", "--action", "statement.denied")
    demand(len(denied) >= 2, "both refusals are recorded")
    return {"errors": errors, "tables": before}


def granted(stage: Stage) -> dict[str, Any]:
    """She asks for write access, bob approves, one UPDATE passes, then the grant runs out."""
    number = 1 + time.time_ns() % 900
    seconds = round(_GRANT_SECONDS * crowding())
    update = f"UPDATE customers SET note = 'call back' WHERE id = {number};"
    demand(_refused(stage.psql("alice", update)), "without a grant the UPDATE is refused")
    asked = stage.command(
        "alice", "request", "postgres/shop", "--verb", "update", "--for", f"{seconds}s",
        "--reason", "correct a note after a call, ticket SHOP-7", "--format", "jsonl",
    )  # fmt: skip
    request = _one(asked)
    own = stage.command("alice", "approve", request["id"])
    demand(own.status == 3, "she cannot approve her own request")
    approved = _one(stage.command("bob", "approve", request["id"], "--format", "jsonl"))
    issued_s = time.monotonic()
    demand(approved["state"] == "approved", f"bob's approval counts: {approved['state']}")
    done = stage.psql("alice", update)
    demand(done.status == 0 and not done.err, f"the grant lets the UPDATE through: {done.err}")
    demand(stage.behind(f"SELECT note FROM customers WHERE id = {number}") == "call back", "the row changed")
    demand(
        _refused(stage.psql("alice", "DELETE FROM customers WHERE id = 1;")), "the grant allows no other verb"
    )
    time.sleep(max(0.0, issued_s + seconds + 1.0 - time.monotonic()))
    demand(_refused(stage.psql("alice", update)), "after it ran out the UPDATE is refused again")
    expired = events_of(stage, "admin", "--action", "grant.expired")
    demand(any(approved["grant_id"] in str(event) for event in expired), "its end is recorded")
    return {"grant": approved["grant_id"], "lasted_s": seconds}


def durable(stage: Stage) -> dict[str, Any]:
    """The server is killed in the middle of alice's work; all that was answered is in the record."""
    mark = time.time_ns() % 900_000 + 100_000
    # A file, not a pipe: psql must not wait for us to write while we wait for it to answer.
    with tempfile.NamedTemporaryFile("w", prefix="glasshatch-day-", suffix=".sql") as script:
        script.write("".join(f"SELECT {mark} AS mark, {step} AS step;\n" for step in range(20_000)))
        script.flush()
        process = stage.open_psql("alice", "-f", script.name)
        assert process.stdout is not None
        answered = [process.stdout.readline() for _ in range(200)]
        stage.kill_server()
        rest, _ = process.communicate()
    answered += rest.splitlines()
    steps = {int(line.split("|")[1]) for line in answered if line.startswith(f"{mark}|")}
    stage.start_server()
    recorded = events_of(stage, "alice", "--action", "statement.run", "--limit", "100000")
    texts = {event["statement"]["text"].strip(" ;") for event in recorded if "statement" in event}
    missing = [step for step in steps if f"SELECT {mark} AS mark, {step} AS step" not in texts]
    demand(len(steps) >= 200, f"she had at least 200 answers, not {len(steps)}")
    demand(not missing, f"{len(missing)} of {len(steps)} answered statements are not in the record")
    return {"answered_before_the_kill": len(steps), "missing": 0}


def typed(stage: Stage) -> list[str]:
    """She types what should never be kept, in every way a session offers; says what was planted."""
    customer, card = stage.shop.customers[6], stage.shop.cards[6]
    passwords = ["winter-Sleet-4711", "Mole.under.Hedge9"]
    for statement in (
        f"SELECT id FROM customers WHERE email = '{customer.email}';",
        f'SELECT 1 AS "{customer.email}";',
        f"SELECT 1 /* called {customer.phone} */;",
        f"SELECT $tag${card}$tag$, E'{customer.email}', U&'{customer.phone}';",
        f"INSERT INTO payments VALUES (1, 1, '{card}', 'x', {card}, 'y');",
        f"ALTER ROLE glasshatch PASSWORD '{passwords[0]}';",
        f"SELEKT '{customer.email}' {card};",
        "SELECT email::int FROM customers WHERE id = 7;",
        f"SELECT '{customer.email}'::int;",
        f"PREPARE p AS SELECT id FROM orders WHERE item = $1; EXECUTE p('{customer.email}');",
    ):
        stage.psql("alice", statement)
    stage.command(
        "alice", "request", "postgres/shop", "--verb", "update",
        "--reason", f"customer {customer.email} with card {card} called from {customer.phone}",
    )  # fmt: skip
    stage.psql_as(customer.email, passwords[1], "SELECT 1;")
    return [*stage.shop.planted(), *passwords]


def _counts(stage: Stage) -> dict[str, int]:
    return {
        table: int(stage.behind(f"SELECT count(*) FROM {table}"))
        for table in ("customers", "orders", "payments")
    }


def events_of(stage: Stage, person: str, *filters: str) -> list[dict[str, Any]]:
    """Events as a person sees them with `glasshatch events`."""
    done = stage.command(person, "events", "--format", "jsonl", *filters)
    demand(done.status == 0, f"{person} may read these events: {done.err}")
    return [msgspec.json.decode(line)["event"] for line in done.out.splitlines()]


def _one(done: Finished) -> dict[str, Any]:
    demand(done.status == 0, f"the command succeeds: {done.err}")
    answer: dict[str, Any] = msgspec.json.decode(done.out)
    return answer


def _refused(done: Finished) -> bool:
    return "ERROR" in done.err and "policy" in done.err.lower()


def crowding() -> float:
    """How many times longer things take because other programs want the same processors; 1 if none does."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def demand(condition: bool, promise: str) -> None:
    """Raise `NotSo` with the promise unless the condition holds."""
    if not condition:
        raise NotSo(promise)
