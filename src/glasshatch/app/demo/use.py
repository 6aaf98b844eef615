"""The day's second half: what the record is good for. Each step reads where a user would read."""

from __future__ import annotations

import contextlib
import http.client
import importlib.resources
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from .clean import Searcher
from .day import crowding, demand
from .stage import SERVICES, Stage

AUDIT_FILE = "kubernetes-audit.jsonl.gz"
AUDIT_SECRETS = (
    "N0t-in-the-record!7", "sk_demo_51Hx9fakefakefake", "postgresql://shop:Tr0ub4dor@db/shop",
    "cat /run/secrets/payment-key", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImRlbW8ifQ.ZGVtby1wYXlsb2Fk.c2lnbmF0dXJl",
)  # fmt: skip
"""What the shipped audit file holds in clear or in base64, and the record must not."""

_BULK_ROWS = 1_500
_ALERT_SECONDS = 2.0


def timeline(stage: Stage) -> dict[str, Any]:
    """Three services fail a checkout; alice looks at the order; one timeline tells it all in one order."""
    customer, card = stage.shop.customers[11], stage.shop.cards[11]
    with _services(stage) as web_port:
        connection = http.client.HTTPConnection("127.0.0.1", web_port, timeout=30)
        connection.request("POST", "/", f"4711\n{customer.email}\n{card}".encode())
        answer = connection.getresponse()
        trace_id = answer.headers["Trace"]
    demand(answer.status == 502, f"the checkout fails: {answer.status}")
    comment = f"/*traceparent='00-{trace_id}-00f067aa0ba902b7-01'*/"
    looked = stage.psql("alice", f"SELECT id, item FROM orders WHERE customer_id = 12 LIMIT 3 {comment};")
    demand(looked.status == 0 and not looked.err, f"alice looks at the orders: {looked.err}")
    found = _jsonl(stage, "carol", "timeline", f"trace:{trace_id}")
    events = [entry["event"] for entry in found]
    sources = {event["source"].get("name") for event in events}
    demand(
        {*SERVICES, "postgres"} <= sources,
        f"all four sources are on it, not only {sorted(map(str, sources))}",
    )
    actions = [event["action"] for event in events]
    wanted = ["checkout.started", "order.created", "payment.declined", "order.cancelled", "checkout.finished",
              "statement.run", "statement.finished"]  # fmt: skip
    places = [actions.index(action) for action in wanted if action in actions]
    demand(len(places) == len(wanted), f"nothing is missing on it: {actions}")
    demand(places == sorted(places), f"they stand in the order in which they happened: {actions}")
    text = msgspec.json.encode(found).decode()
    demand(card not in text and customer.email not in text, "the card and the e-mail are not in clear")
    return {"trace": trace_id, "events": len(events), "sources": len(sources)}


def alert(stage: Stage) -> dict[str, Any]:
    """A bulk read raises an alert within two seconds, and a local webhook is told of it.

    Where the processors are crowded, so many times longer is allowed, and the answer says what it took.
    """
    begun_ns = time.time_ns()
    done = stage.psql(
        "alice", f"SELECT email, phone FROM customers ORDER BY id LIMIT {_BULK_ROWS};", timeout_s=60
    )
    demand(len(done.out.splitlines()) == _BULK_ROWS, f"alice reads {_BULK_ROWS} rows: {done.err}")
    read_ns = time.time_ns()
    told = stage.webhook.wait(
        lambda one: one.alert["rule"]["id"] == "bulk-personal-read" and int(one.alert["raised"]) >= begun_ns,
        60,
    )
    demand(told is not None, "the webhook is told, with a signature that holds")
    assert told is not None
    seconds = max(0.0, (told.time_ns - read_ns) / 1e9)
    limit = _ALERT_SECONDS * crowding()
    demand(seconds <= limit, f"within {limit:.1f} s, not {seconds:.1f} s")
    listed = _jsonl(stage, "carol", "alerts", "ls")
    demand(any(one["id"] == told.alert["id"] for one in listed), "`alerts ls` shows it")
    taken = _jsonl(stage, "bob", "alerts", "ack", told.alert["id"], "--comment", "asked alice, it was a test")
    demand(taken[0]["state"] == "acknowledged", "bob takes it on")
    return {"told_after_s": round(seconds, 2), "rule": told.alert["rule"]["id"]}


def kubernetes(stage: Stage) -> dict[str, Any]:
    """An audit file of a cluster goes in, twice: each fact is there once, and nothing secret is."""
    with tempfile.TemporaryDirectory(prefix="glasshatch-audit-") as folder:
        file = Path(folder) / AUDIT_FILE
        file.write_bytes(importlib.resources.files(__package__).joinpath(AUDIT_FILE).read_bytes())
        results = [
            _jsonl(stage, "admin", "ingest", "kubernetes", str(file), "--name", "demo")[0]["result"]
            for _ in range(2)
        ]
    first, second = results
    total = first["accepted"] + first["duplicates"]
    demand(total > 0 and first["quarantined"] == 0, f"the file is understood: {first}")
    demand(second["accepted"] == 0, f"a second time adds nothing: {second}")
    found = stage.command(
        "carol", "search", "source.kind:kubernetes", "--limit", "10000", "--format", "jsonl"
    )
    hits = Searcher(AUDIT_SECRETS).search(found.out.encode())
    demand(bool(found.out) and not hits, f"no secret of it is in the record: {sorted(hits)}")
    count = stage.command("carol", "search", "source.kind:kubernetes action:secrets.*", "--count").out.strip()
    demand(count.isdecimal() and int(count) > 0, "who touched secrets can be searched for")
    return {"events": total, "touching_secrets": int(count)}


def audited(stage: Stage) -> dict[str, Any]:
    """Every read above stands in the ledger: who read, what they asked, how much they got."""
    mark = f"nobody-{time.time_ns()}@example.com"
    stage.command("carol", "search", mark, "--count")
    wanted = dict(stage.reads)
    # Out of the ledger itself, past the index that the reads went through.
    reads = [line["event"] for line in _reads_in_ledger(stage)]
    found = Counter((event["actor"]["name"], event["attrs"]["what"]) for event in reads)
    missing = {f"{who} {what}": count for (who, what), count in wanted.items() if found[who, what] < count}
    demand(len(wanted) >= 5 and not missing, f"every read is recorded; {missing} are not, of {wanted}")
    nameless = [event["id"] for event in reads if not (event["actor"]["id"] and event["data"]["recipient"])]
    demand(not nameless, "each says who got what")
    text = msgspec.json.encode(reads).decode()
    demand(mark not in text, "an address that was searched for is not kept in clear")
    asked = [event["attrs"].get("filter", {}).get("query", "") for event in reads]
    demand(any("<EMAIL:" in query for query in asked), "but as a token")
    return {"reads": sum(wanted.values()), "recorded": len(reads), "by": len({who for who, _ in wanted})}


def _reads_in_ledger(stage: Stage) -> list[dict[str, Any]]:
    """What the ledger itself holds of reads, read with the server stopped: no index stands between."""
    stage.stop_server()
    try:
        return _jsonl(stage, "admin", "events", "--action", "record.read", "--limit", "100000")
    finally:
        stage.start_server()


@contextlib.contextmanager
def _services(stage: Stage) -> Iterator[int]:
    """The three programs, each in a process of its own; yields the port of the first."""
    running: list[subprocess.Popen[str]] = []
    url = ""
    try:
        for name in reversed(SERVICES):
            command = [
                sys.executable, "-m", "glasshatch.app.demo.service", name, str(stage.home.socket),
                str(stage.tokens / f"{name}.token"), str(stage.root / "spools" / name), url,
            ]  # fmt: skip
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            running.append(process)
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            demand(port.isdecimal(), f"the service {name} starts")
            url = f"http://127.0.0.1:{port}"
        yield int(port)
    finally:
        for process in running:
            process.communicate(timeout=30)


def _jsonl(stage: Stage, person: str, *command: str) -> list[dict[str, Any]]:
    done = stage.command(person, *command, "--format", "jsonl")
    demand(done.status == 0, f"`glasshatch {command[0]}` works for {person}: {done.err}")
    return [msgspec.json.decode(line) for line in done.out.splitlines()]
