"""Speed of the masking engine, beside what it stands on, in the same run.

Prints one JSON object on its last line. `scan` gives MB/s and events/s of redacting batches of
about 600-byte events with nothing to find, a little, and a lot; each beside two baselines over the
same bytes: the raw Hyperscan triggers, and one alternation of all the detectors' expressions in
`re`. Values are new in every batch, and once more, as `seen`, in one batch that comes again. Rates are by
processor time of one core, since other work may run. `batch_64` gives what redacting 64 typical events
adds. `rows` gives typed answer rows per second; `event` the time one small event takes. `presidio` are the
same texts through Presidio without NER, if it is installed (`bash requirements/install.sh bench`).
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import time
from collections.abc import Callable, Iterator

from glasshatch.events import Event, Outcome, Source, StatementText
from glasshatch.gateway.connectors.postgres.answers import write_row
from glasshatch.masking import (
    KERNEL,
    SCAN_KERNEL,
    ColumnFacts,
    ColumnRule,
    Engine,
    Redactor,
    RowPlan,
    Tokens,
    plan_columns,
)
from quality_sets import subjects

BATCH = 256
TEXT, INT4, INT8, NUMERIC, BOOL, TIMESTAMPTZ = 25, 23, 20, 1700, 16, 1184
WORDS = """order service request completed handler payload queue worker retry cluster node latency upstream
cache miss commit snapshot replica vacuum checkpoint shard gateway session scheduler deployment rollout""".split()  # noqa: E501


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about 8 seconds instead of 40")
    seconds = 0.5 if parser.parse_args().quick else 3.0
    began = time.perf_counter()
    engine = Engine.load()
    load_ms = (time.perf_counter() - began) * 1000
    redactor = Redactor(engine, Tokens({1: bytes(range(32))}, 1, "default"))
    result = {
        "benchmark": "masking",
        "seconds_each": seconds,
        "load_without_cache_ms": round(load_ms, 1),
        "packs": [pack.name for pack in engine.packs],
        "types": len({detector.type for detector in engine.detectors}),
        "triggers": sum(len(detector.triggers) for detector in engine.detectors),
        "scan_kernel": SCAN_KERNEL,
        "scan": {name: scan(redactor, make, seconds) for name, make in CORPORA.items()},
        "batch_64": batch_times(redactor, seconds),
        "rows": rows(redactor, seconds),
        "event": events(redactor, seconds),
        "presidio": beside_presidio(redactor, seconds),
    }
    print(json.dumps(result))


def rate(work: Callable[[], object], units: int, seconds: float) -> float:
    """Units per second of processor time, over at least `seconds` of it after one warm-up."""
    work()
    count, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        work()
        count += 1
    return units * count / (time.process_time() - began)


def line(random_: random.Random) -> str:
    """A log record of about 600 bytes with ids, times and paths, and nothing personal."""
    fields = [
        f"2026-03-{random_.randint(10, 28)}T{random_.randint(10, 23)}:{random_.randint(10, 59)}:17.{random_.randint(100, 999)}Z",  # noqa: E501
        f"trace_id={random_.getrandbits(128):032x}",
        f"request={random_.getrandbits(64):016x} pod=orders-{random_.getrandbits(36):09x}-x{random_.randint(10, 99)}",  # noqa: E501
        f"path=/api/v1/orders/{random_.randint(1000, 99999)}/items status={random_.choice((200, 201, 404, 500))}",  # noqa: E501
        f"duration_ms={random_.randint(1, 9000)}.{random_.randint(0, 9)} bytes={random_.randint(100, 99999)}",
    ]
    while sum(map(len, fields)) < 560:
        fields.append(" ".join(random_.choices(WORDS, k=8)))
    return " ".join(fields)


def personal(random_: random.Random) -> str:
    number = random_.randint(10**6, 10**7 - 1)
    return random_.choice(
        (
            f"email=user{number}@example.com",
            f"client 203.0.113.{random_.randint(1, 254)}",
            f"phone +1415{number}",
            f"card {card(random_)}",
            f"ssn={random_.randint(100, 600)}-22-{random_.randint(1000, 9999)}",
            f'"password": "pw{number}x"',
        )
    )


def card(random_: random.Random) -> str:
    body = "4" + "".join(random_.choices("0123456789", k=14))
    total = sum(
        int(d) if i % 2 else (int(d) * 2 - 9 if int(d) > 4 else int(d) * 2) for i, d in enumerate(body)
    )
    return body + str(-total % 10)


def no_match(seed: int) -> list[str]:
    random_ = random.Random(f"1 {seed}")
    return [line(random_) for _ in range(BATCH)]


def typical(seed: int) -> list[str]:
    random_ = random.Random(f"2 {seed}")
    return [f"{line(random_)} {personal(random_)} {personal(random_)}" for _ in range(BATCH)]


def dense(seed: int) -> list[str]:
    random_ = random.Random(f"3 {seed}")
    return [line(random_)[:200] + " " + " ".join(personal(random_) for _ in range(16)) for _ in range(BATCH)]


Make = Callable[[int], list[str]]
CORPORA: dict[str, Make] = {"no_match": no_match, "typical": typical, "dense": dense}
BATCHES = 80
"""So many that what is remembered of values is forgotten before the first batch comes again."""


def scan(redactor: Redactor, make: Make, seconds: float) -> dict[str, float]:
    engine = redactor.engine
    batches = itertools.cycle([make(seed) for seed in range(BATCHES)])
    texts = make(0)
    joined = "\0".join(texts)
    data, size = joined.encode(), len(joined.encode())
    alternation = re.compile("|".join(f"(?:{plain(d.verify.pattern)})" for d in engine.detectors))
    ours = rate(lambda: redactor.texts(next(batches)), size, seconds)
    seen = rate(lambda: redactor.texts(texts), size, seconds)
    raw = rate(lambda: engine.triggers.hits(data, 10**9), size, seconds)
    sample = joined[:4_096]
    plain_re = rate(lambda: sum(1 for _ in alternation.finditer(sample)), len(sample), min(seconds, 1.5))
    return {
        "mb_per_s": round(ours / 1e6, 2),
        "seen_mb_per_s": round(seen / 1e6, 2),
        "events_per_s": round(ours / size * len(texts)),
        "findings_per_event": round(sum(map(len, engine.scan(texts))) / len(texts), 2),
        "raw_triggers_mb_per_s": round(raw / 1e6, 2),
        "of_raw_triggers": round(ours / raw, 3),
        "plain_re_mb_per_s": round(plain_re / 1e6, 3),
        "times_plain_re": round(ours / plain_re, 1),
    }


def batch_times(redactor: Redactor, seconds: float) -> dict[str, float]:
    """Milliseconds that redacting 64 typical events takes: processor time, and by the clock."""
    texts = [text for seed in range(8) for text in typical(1_000 + seed)]
    batches = [texts[at : at + 64] for at in range(0, len(texts), 64)]
    took: list[tuple[float, float]] = []
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for batch in batches:
            clock, used = time.perf_counter(), time.process_time()
            redactor.texts(batch)
            took.append((time.process_time() - used, time.perf_counter() - clock))
    used_ms, clock_ms = (sorted(1000 * one[way] for one in took[1:]) for way in (0, 1))
    last = int(len(used_ms) * 0.99)
    return {
        "p50_ms": round(used_ms[len(used_ms) // 2], 3),
        "p99_ms": round(used_ms[last], 3),
        "clock_p50_ms": round(clock_ms[len(clock_ms) // 2], 3),
        "clock_p99_ms": round(clock_ms[last], 3),
    }


def beside_presidio(redactor: Redactor, seconds: float) -> dict[str, object]:
    """Events per processor second through Presidio without NER, and how many times as many pass ours.

    Both only find: Presidio analyses a text at a time, ours takes them in batches, as each is used. The two
    take turns, so that other work on the machine slows down both.
    """
    missing = subjects.presidio_missing()
    if missing:
        return {"skipped": missing}
    analyze = subjects.presidio(more=False)
    return {name: _in_turns(redactor.engine, analyze, make, seconds / 3) for name, make in CORPORA.items()}


def _in_turns(engine: Engine, analyze: subjects.Scan, make: Make, seconds: float) -> dict[str, float]:
    few = itertools.cycle([make(seed)[:4] for seed in range(20)])
    batches = itertools.cycle([make(seed) for seed in range(BATCHES)])
    turns = [
        (
            rate(lambda: analyze(next(few)), 4, seconds),
            rate(lambda: engine.found(next(batches)), BATCH, seconds),
        )
        for _ in range(3)
    ]
    theirs, ours = (sorted(turn[side] for turn in turns)[1] for side in (0, 1))
    return {
        "presidio_events_per_s": round(theirs, 1),
        "own_events_per_s": round(ours),
        "times_presidio": round(ours / theirs),
    }


def plain(pattern: str) -> str:
    """A detector's expression as a part of one alternation: no named groups, no back references."""
    pattern = re.sub(r"\(\?P=\w+\)", "[\"']", pattern)
    pattern = re.sub(r"\(\?P<\w+>", "(?:", pattern).replace("(?i)", "")
    return re.sub(r"\\[1-9]", r"[ :.-]", pattern)


def rows(redactor: Redactor, seconds: float) -> dict[str, object]:
    """Answer rows of 10 columns, 4 of them masked or scanned, in read buffers of 500 rows.

    `new` never repeats a value: each costs its token or its scan. `seen` repeats all of them.
    """
    names = [
        ("id", INT4), ("email", TEXT), ("phone", TEXT), ("full_name", TEXT), ("amount", NUMERIC), ("created_at", TIMESTAMPTZ),  # noqa: E501
        ("active", BOOL), ("total", INT8), ("status", TEXT), ("note", TEXT),
    ]  # fmt: skip
    facts = [ColumnFacts(name, oid, 0, "public.customers", name) for name, oid in names]
    rules = [
        ColumnRule("public.customers.status", "STATUS", "keep"),
        ColumnRule("*.email", "EMAIL", subject=True),
    ]
    seen = plan_columns(facts, rules, redactor, False)
    batches = (answer(number * 500, 500) for number in itertools.count(1))
    new, new_cpu = paid(seen, batches, 500, seconds)
    again, again_cpu = paid(seen, itertools.cycle([answer(0, 500)]), 500, seconds)
    return {
        "kernel": KERNEL,
        "rows_per_s_10_columns_all_new": round(new),
        "rows_per_processor_s_10_columns_all_new": round(new_cpu),
        "rows_per_s_10_columns_all_seen": round(again),
        "rows_per_processor_s_10_columns_all_seen": round(again_cpu),
    }


def paid(plan: RowPlan, batches: Iterator[bytes], count: int, seconds: float) -> tuple[float, float]:
    """Rows masked per second, and per second of processor time; making the rows is not counted."""
    taken = used = rows = 0.0
    while taken < seconds:
        batch = next(batches)
        began, began_cpu = time.perf_counter(), time.process_time()
        plan.rewrite(batch)
        used += time.process_time() - began_cpu
        taken += time.perf_counter() - began
        rows += count
    return rows / taken, rows / used


def answer(first: int, count: int) -> bytes:
    """DataRow messages of 10 columns; notes and names differ in every row."""
    random_ = random.Random(first)
    return b"".join(
        write_row([
            b"%d" % n, b"user%d@example.com" % n, b"+1415%07d" % n, b"Name %d" % n, b"12.50", b"2026-03-01 10:00:00+00",  # noqa: E501
            b"t", b"99", b"paid", " ".join(random_.choices(WORDS, k=6)).encode(),
        ])
        for n in range(first, first + count)
    )  # fmt: skip


def events(redactor: Redactor, seconds: float) -> dict[str, float]:
    def event(text: str) -> Event:
        return Event(
            id="01890000-0000-7000-8000-000000000000", time="1", action="statement.run", source=Source(kind="gateway"),  # noqa: E501
            statement=StatementText(text=text, shape="select * from orders where id = ?", hash="0123456789abcdef"),  # noqa: E501
            outcome=Outcome(status="success"), attrs={"database": "orders"},
        )  # fmt: skip

    clean, found = event("select * from orders where id = 42"), event("select 'alice@example.com'")
    return {
        "clean_us": round(1e6 / rate(lambda: redactor.event(clean), 1, seconds), 1),
        "one_finding_us": round(1e6 / rate(lambda: redactor.event(found), 1, seconds), 1),
    }


if __name__ == "__main__":
    main()
