"""What a decision costs: anew, from memory, and for many people; prints one JSON object.

Decisions are asked about the statements of the shared cases' kinds, under the shipped sets. Times are of the
processor, so that other programs count little; the unit is a run of `hashlib.sha256` over 64 KiB in the same
process, so that machines can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Callable

from glasshatch.identity import Identity
from glasshatch.policy import PolicySet, suppose_actor, suppose_ask, suppose_resource
from glasshatch.policy.access import DEEDS, AccessRules
from glasshatch.statements import analyze

STATEMENTS = (
    "SELECT name, city FROM customers WHERE id = {n}",
    "SELECT o.id, sum(p.amount) FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.day = {n}",
    "UPDATE orders SET status = 'sent', note_{n} = 1 WHERE id = 7",
    "DELETE FROM customers_{n}",
    "WITH gone AS (DELETE FROM a_{n} RETURNING *) SELECT count(*) FROM gone",
    "COPY orders_{n} TO PROGRAM 'cat'",
)


def timed(work: Callable[[int], object], times: int) -> dict[str, float]:
    """Percentiles in microseconds of processor time, each of one call."""
    taken = []
    for number in range(times):
        start_ns = time.thread_time_ns()
        work(number)
        taken.append((time.thread_time_ns() - start_ns) / 1000)
    taken.sort()
    return {"p50_us": round(taken[len(taken) // 2], 1), "p99_us": round(taken[int(len(taken) * 0.99)], 1)}


def anew(held: PolicySet | AccessRules, work: Callable[[int], object], times: int) -> dict[str, float]:
    """As `timed`, with nothing in memory before each call."""

    def forgotten(number: int) -> object:
        held.forget()
        return work(number)

    return timed(forgotten, times)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=3_000)
    times = options.parse_args().times
    policy, access = PolicySet.load("production"), AccessRules.load("roles")
    where, who = suppose_resource("postgres/orders"), suppose_actor(roles=("engineer",))
    asks = [
        suppose_ask(analyze("sql", text.format(n=number)), who, where, masked=("public.customers.email",))
        for number in range(times // len(STATEMENTS) + 1)
        for text in STATEMENTS
    ]
    people = [
        Identity(
            id=f"u{number}", tenant="default", type="human", name=f"u{number}", roles=("engineer", "admin")
        )
        for number in range(times)
    ]
    block = bytes(65_536)
    print(json.dumps({
        "machine": platform.processor() or platform.machine(), "python": platform.python_version(),
        "times": times,
        "unit_sha256_64k": timed(lambda _: hashlib.sha256(block).digest(), times),
        "statement_anew": timed(lambda number: policy.decide(asks[number]), times),
        "statement_from_memory": timed(lambda _: policy.decide(asks[times - 1]), times),
        "session_anew": anew(policy, lambda number: policy.authorise(people[number], where), times),
        "deed_anew": anew(access, lambda number: access.deed(people[number], DEEDS[number % 5]), times),
        "sight_anew": anew(access, lambda number: access.sight(people[number]), min(times, 2_000)),
        "session_of_many": timed(lambda number: policy.authorise(people[number], where), times),
        "sight_from_memory": timed(lambda _: access.sight(people[min(times, 2_000) - 1]), times),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
