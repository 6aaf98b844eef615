"""Ten million varied events in the index: what they take on disk, and how long questions last.

A hundredth is made the real way, by the index out of encoded events (`--ledger`: all of them out of a ledger,
and then questions are compared with plain Python over it). The others are copies made inside the database,
one after the other in time, with ids, traces, sessions and numbers of their own and other digits in random
texts, so that their words are as many and as rare as if they had been recorded; rows of some are made anew
from their entries and compared. `--keep` leaves the index in a folder, goes on with one that was begun there,
and asks one that is whole at once. The last line is one JSON object.

Usage: python benchmarks/search.py [--quick] [--events 100000] [--copies 99] [--keep FOLDER] [--ledger]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.house import House
from glasshatch.clock import SystemClock
from glasshatch.events import (
    Actor,
    Client,
    Data,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
    decode,
    encode,
    uuid7,
)
from glasshatch.index import KEPT, Index, restored
from glasshatch.index.rows import rows
from glasshatch.investigate import Investigator, SearchQuery, Visibility, search
from glasshatch.investigate.investigator import instant
from glasshatch.investigate.query import Everything, compile_predicate, parse

ALL = Visibility(Everything())
BATCH = 10_000
VERBS = ("select", "insert", "update", "delete", "get", "list", "watch", "create")
NOUNS = ("customers", "orders", "invoices", "payments", "sessions", "secrets", "pods", "deployments", "carts")
TEAMS = tuple(f"team{number}" for number in range(40))
DAY_NS = 86_400 * 10**9
START_NS = 1_790_000_000 * 10**9
EVERY_NS = DAY_NS // 1_000_000
TOGETHER = 4
"""So many copies are one insert: larger parts need fewer merges."""
WORDS_IN = {
    "trace_id": "{}", "session_id": "{}", "resource_id": "replaceAll({}, '/', ' ')",
    "statement_text": "lower(trimBoth(replaceRegexpAll({}, '[^a-zA-Z0-9]+', ' ')))",
}  # fmt: skip
"""Of what is other in each copy: its words, as they stand in a line of the body."""
RARE = 997
"""Every so many events hold a rare word of their own hundred."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="50,000 events, once copied")
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--copies", type=int, default=99)
    arguments.add_argument("--ledger", action="store_true", help="by way of a ledger, and compared with it")
    arguments.add_argument("--directory", default="/var/tmp")
    arguments.add_argument("--keep", default="", help="make or use the index in this folder, and leave it")
    options = arguments.parse_args()
    count, copies = (50_000, 1) if options.quick else (options.events, options.copies)
    root = Path(options.keep or tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    try:
        print(json.dumps(by_ledger(root, count) if options.ledger else measure(root, count, copies)))
    finally:
        if not options.keep:
            shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, count: int, copies: int) -> dict[str, Any]:
    result = described(count * (copies + 1))
    index = Index.open(root / "index", "default")
    try:
        if not index.watermark:
            result["indexing"] = applied(index, made_entries(count))
        result["copying"] = copied(index, count, copies)
        settle(index)
        result["bytes_per_event"] = sizes(index, count * (copies + 1))
        result["questions"] = questions(
            Investigator(index, lambda text: text, SystemClock()), count * (copies + 1)
        )
        result["memory_mib"] = {"now": status_mib("VmRSS"), "peak": status_mib("VmHWM")}
    finally:
        index.close()
    result["load_after"] = round(os.getloadavg()[0], 1)
    return result


def by_ledger(root: Path, count: int) -> dict[str, Any]:
    result = described(count)
    house = House(load_config(create_home(root / "home").config_file), SystemClock())
    index = Index.open(root / "index", "default")
    try:
        fill(house, count)
        result["indexing"] = applied(index, house.ledger.scan(0))
        settle(index)
        investigator = Investigator(index, lambda text: house.redactor.text(text)[0], SystemClock())
        result["questions"] = questions(investigator, count)
        result["ratios"] = ratios(house, investigator, index, result["questions"])
    finally:
        index.close()
        house.close()
    result["load_after"] = round(os.getloadavg()[0], 1)
    return result


def described(count: int) -> dict[str, Any]:
    return {
        "benchmark": "search", "python": platform.python_version(), "cpus": os.cpu_count(), "events": count,
        "load_before": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def made(number: int, chance: random.Random) -> Event:
    """An event unlike its neighbours: actors, objects and statements of uneven frequency, a million a day."""
    verb, noun = chance.choice(VERBS), NOUNS[min(int(chance.expovariate(0.5)), len(NOUNS) - 1)]
    time_ns = START_NS + number * EVERY_NS + chance.randrange(EVERY_NS)
    user = f"user{int(chance.paretovariate(1.2)) % 5_000}"
    failed = chance.random() < 0.03
    rare = f" rareword{number // RARE % 100}" if number % RARE == 0 else ""
    return Event(
        id=uuid7(time_ns, chance.randbytes(10)), time=str(time_ns), observed_time=str(time_ns + 10**6),
        action=f"{noun}.{verb}", severity=chance.randrange(5),
        source=Source(kind=("gateway", "app", "kubernetes")[number % 3], name=f"service{number % 40}"),
        outcome=Outcome(status="failure" if failed else "success", code="42501" if failed else ""),
        actor=Actor(id=f"a-{user}", name=user, type="human", roles=("engineer",)),
        session_id=f"{number // 50:016x}", trace_id=f"{number // 7:032x}",
        client=Client(ip=f"10.{chance.randrange(4)}.{chance.randrange(256)}.{chance.randrange(256)}"),
        resource=Resource(type=noun, id=f"shop/{noun}/{chance.randrange(100_000)}", name=noun, env="prod"),
        data=Data(rows=int(chance.paretovariate(0.8)) % 100_000),
        statement=StatementText(
            text=f"{verb} note, total from {noun} where id = {number}"
            f" and city = <TEXT:{chance.randrange(10**9):012x}>"
            + rare
        ),
        labels={"team": TEAMS[int(chance.paretovariate(0.6)) % len(TEAMS)], "zone": f"z{number % 4}"},
        attrs={"duration_ms": chance.randrange(5_000), "verbs": [verb], "zone": f"z{chance.randrange(9)}"},
    )  # fmt: skip


def fill(house: House, count: int) -> None:
    chance, done = random.Random(7), threading.Semaphore(0)
    for number in range(count):
        house.ledger.submit(encode(made(number, chance)), lambda _: done.release())
        if number >= 20_000:
            done.acquire()
    for _ in range(min(count, 20_000)):
        done.acquire()


def made_entries(count: int) -> Iterator[tuple[int, bytes]]:
    chance = random.Random(7)
    return ((number, encode(made(number, chance))) for number in range(count))


def applied(index: Index, entries: Iterator[tuple[int, bytes]]) -> dict[str, Any]:
    """Indexes them; making or reading the entries is not counted."""
    seconds = cpu_s = 0.0
    while batch := list(itertools.islice(entries, BATCH)):
        begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
        index.apply(batch)
        seconds, cpu_s = seconds + time.perf_counter() - begun_s, cpu_s + time.process_time() - begun_cpu_s
    count = index.watermark
    print(f"indexed {count} in {seconds:.1f} s", file=sys.stderr)
    return {
        "events_per_s": round(count / seconds), "cpu_us_per_event": round(cpu_s / count * 1e6),
        "memory_mib": status_mib("VmRSS"),
    }  # fmt: skip


def copied(index: Index, count: int, copies: int) -> dict[str, Any]:
    """Copies as if they had been recorded after one another: other ids, times, words, objects."""
    begun_s = time.perf_counter()
    columns = [name for (name,) in index.select(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'events'"
            " AND default_kind = '' ORDER BY position"
    )]  # fmt: skip
    names, chance = ", ".join(f"`{name}`" for name in columns), random.Random(13)
    ((last,),) = index.select("SELECT max(`index`) FROM events")
    for first in range(last // count + 1, copies + 1, TOGETHER):
        selects = []
        for copy in range(first, min(first + TOGETHER, copies + 1)):
            moved = _moved(copy * count, chance)
            chosen = ", ".join(f"{moved.get(name, f'`{name}`')} AS `{name}_`" for name in columns)
            selects.append(
                f"SELECT {chosen} FROM events WHERE tenant = 'default' AND `index` < {count}"
                f" AND time < {START_NS + count * EVERY_NS}"
            )
        index._ready().run(
            f"INSERT INTO events ({names}) {' UNION ALL '.join(selects)} SETTINGS max_insert_threads = 1,"
            f" max_threads = 1, min_insert_block_size_rows = {len(selects) * count},"
            " min_insert_block_size_bytes = 1200000000"
        )
        print(
            f"{first + len(selects) - 1} copies after {time.perf_counter() - begun_s:.0f} s", file=sys.stderr
        )
    whole = index.select("SELECT count(), max(`index`) + 1 FROM events")
    assert whole == [(count * (copies + 1),) * 2], "a build was cut short: delete the folder"
    check_copies(index, count)
    return {"seconds": round(time.perf_counter() - begun_s)}


def _moved(by: int, chance: random.Random) -> dict[str, str]:
    """What becomes of each column of an event that is `by` later: its expression in SQL.

    Digits are exchanged for others, so that what was random is so again, and as rare.
    """
    digits = "".join(chance.sample("0123456789", 10))
    time_ns, later = f"(time + {by * EVERY_NS})", f"(`index` + {by})"

    def other(column: str) -> str:
        return f"translate({column}, '0123456789', '{digits}')"

    behind = other("substring(id, 16)")
    stamp = f"leftPad(lower(hex(intDiv({time_ns}, 1000000))), 12, '0')"
    text = f"replaceOne({other('statement_text')}, {other('toString(`index`)')}, toString({later}))"
    found = {
        "index": later, "time": time_ns,
        "month": f"toYYYYMM(toDateTime(intDiv({time_ns}, 1000000000), 'UTC'))",
        "id": f"concat(substring({stamp}, 1, 8), '-', substring({stamp}, 9), '-7', {behind})",
        "trace_id": f"leftPad(lower(hex(intDiv({later}, 7))), 32, '0')",
        "session_id": f"leftPad(lower(hex(intDiv({later}, 50))), 16, '0')",
        "statement_text": text, "resource_id": other("resource_id"),
    }  # fmt: skip
    body = "body"
    for name, words in WORDS_IN.items():
        was, becomes = words.format(name), words.format(found[name])
        body = f"replaceOne({body}, concat(' ', {was}, ' '), concat(' ', {becomes}, ' '))"
    return found | {"body": body}


def check_copies(index: Index, count: int) -> None:
    """Of some copies: what is kept of the entry makes the very row that lies there, column by column."""
    columns = list(rows("default", [("default", 0, encode(made(0, random.Random(7))))]).column_names)
    names = ", ".join(f"`{name}`" for name in columns)
    found = index.select(
        f"SELECT {names}, {KEPT} FROM events WHERE `index` % 99991 = 5 OR `index` % {count} = 997"
    )
    width = len(columns)
    again = rows("default", [
        ("default", row[columns.index("index")], restored(row[width:]).encode()) for row in found
    ]).to_pylist()  # fmt: skip
    for row, one in zip(found, again, strict=True):
        for name, value in zip(columns, row, strict=False):
            made_anew = dict(one[name]) if isinstance(value, dict) else one[name]
            assert made_anew == (dict(value) if isinstance(value, dict) else value), (name, value, one[name])
    print(f"checked {len(found)} rows", file=sys.stderr)


def settle(index: Index) -> None:
    """Wait until merges are done, ten minutes at most: what is measured is the index at rest."""
    for _ in range(600):
        if index.select("SELECT count() FROM system.merges") == [(0,)]:
            return
        time.sleep(1)


def sizes(index: Index, count: int) -> dict[str, float]:
    """Bytes on disk for an event: of each column that takes at least a tenth of one, and of each index."""
    found = {
        name: size / count
        for name, size in index.select(
            "SELECT column, sum(column_bytes_on_disk) AS n FROM system.parts_columns"
            " WHERE table = 'events' AND active GROUP BY column ORDER BY n DESC"
        )
    }
    found |= {
        f"index {name}": size / count
        for name, size in index.select(
            "SELECT name, data_compressed_bytes + marks_bytes FROM system.data_skipping_indices"
            " WHERE table = 'events' ORDER BY 2 DESC"
        )
    }
    ((whole,),) = index.select(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE table = 'events' AND active"
    )
    rounded = {name: round(size, 1) for name, size in found.items() if size >= 0.1}
    return {"whole": round(whole / count, 1)} | rounded


def questions(investigator: Investigator, count: int) -> dict[str, Any]:
    """Each kind many times, with other values each time, so that no answer is remembered."""
    chance = random.Random(11)

    def find(text: str, limit: int = 100) -> Any:
        return search(investigator, SearchQuery(text=text, limit=limit), ALL)

    def hour() -> str:
        start_ns = START_NS + chance.randrange(count * EVERY_NS)
        return f"time>={instant(start_ns)} time<{instant(start_ns + DAY_NS // 24)}"

    kinds: dict[str, tuple[int, Callable[[], Any]]] = {
        "newest_page": (40, lambda: find("")),
        "actor_and_time": (40, lambda: find(f"actor:user{chance.randrange(40)} {hour()}")),
        "trace_id": (40, lambda: find(f"trace:{chance.randrange(count // 7):032x}")),
        "rare_word": (40, lambda: find(f"rareword{chance.randrange(100)}")),
        "top_k_actors": (20, lambda: investigator.stats("", ALL, ("actor.name",))),
        "label": (20, lambda: find(f"labels.team:team{chance.randrange(40)}")),
        "action_by_minute": (10, lambda: find("| stats count by bin(1m), action")),
        "phrase": (20, lambda: find(f'"from secrets where id {chance.randrange(count)}"')),
        "pattern": (3, lambda: find(f"rarew*{chance.randrange(100)}")),
        "field_and_not": (10, lambda: find(f"actor:user{chance.randrange(40)} -status:success")),
        "histogram_actor": (
            10, lambda: investigator.histogram(f"actor:user{chance.randrange(40)}", ALL),
        ),
        "histogram_all": (10, lambda: investigator.histogram("", ALL)),
        "top_k_of_severity": (
            10, lambda: investigator.stats(f"severity:{chance.randrange(5)}", ALL, ("actor.name",)),
        ),
    }  # fmt: skip
    return {name: timed(name, times, ask, investigator.index) for name, (times, ask) in kinds.items()}


def timed(name: str, times: int, ask: Callable[[], Any], index: Index) -> dict[str, float]:
    """How long, with how much processor time of all threads, and how much the database unpacked for it."""
    ask()
    taken, unpacked = [], unpacked_bytes(index)
    begun_cpu_s = time.process_time()
    for _ in range(times):
        begun_s = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - begun_s) * 1e3)
    cpu_s = time.process_time() - begun_cpu_s
    taken.sort()
    found = {
        "p50_ms": round(statistics.median(taken), 1), "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
        "min_ms": round(taken[0], 1), "max_ms": round(taken[-1], 1), "cpu_ms": round(cpu_s / times * 1e3, 1),
        "unpacked_mb": round((unpacked_bytes(index) - unpacked) / times / 1e6, 1),
    }  # fmt: skip
    print(name, found, file=sys.stderr)
    return found


def unpacked_bytes(index: Index) -> int:
    told = index.select("SELECT value FROM system.events WHERE event = 'CompressedReadBufferBytes'")
    return int(told[0][0]) if told else 0


def ratios(house: House, investigator: Investigator, index: Index, asked: dict[str, Any]) -> dict[str, float]:
    """How many times as long the same question takes without the index, and how long next to bare SQL."""
    wanted = compile_predicate(parse("rareword42"), 0)
    begun_s = time.perf_counter()
    found = [number for number, data in house.ledger.scan(0) if wanted(decode(data))]
    scan_ms = (time.perf_counter() - begun_s) * 1e3
    page = search(investigator, SearchQuery(text="rareword42", limit=1_000), ALL)
    assert sorted(hit.index for hit in page.events) == found, "index and ledger differ"
    bare = timed(
        "bare_sql",
        20,
        lambda: index.select("SELECT count() FROM events WHERE hasToken(body, 'rareword7')"),
        index,
    )
    return {
        "ledger_scan_ms": round(scan_ms), "scan_to_word": round(scan_ms / asked["rare_word"]["p50_ms"]),
        "word_to_bare_sql": round(asked["rare_word"]["p50_ms"] / bare["p50_ms"], 1),
    }  # fmt: skip


def status_mib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024


if __name__ == "__main__":
    main()
