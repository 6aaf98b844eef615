"""Feeds: HTTP deliveries of 1,000 events each, redacted and durable when they are acknowledged.

`glasshatch serve` runs in processes of its own, with index and detection behind the ledger; a client in
this process delivers NDJSON over TCP, each delivery after the one before was acknowledged, from as many
threads as `--clients`. Some turns deliver to the front's own socket while the back is stopped: what is
left then is the intake without index, detection and the hop between the processes. The events differ,
carry an id each, and one in four holds something personal.

In the same run, on the same events: the parser alone, the redactor alone, and durable appends to a ledger
without HTTP, parser and redactor. The ratios to these say more than the absolute figures.

With `--against DIR` (another version's `src`) the turns alternate between that version and this one.

With `--otlp` the turns alternate between JSON and OpenTelemetry's logs over gRPC and over HTTP (protobuf),
which carry the same things in attributes; the reader (protobuf to plain values) and the parser stand alone
then as well. Needs the development group, for the generated classes that make the requests.

Usage: python benchmarks/intake.py [--quick] [--seconds 60] [--clients 2] [--against DIR] [--otlp]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import platform
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from glasshatch.api.client import Client
from glasshatch.app.ports import free_port
from glasshatch.clock import SystemClock
from glasshatch.errors import GlasshatchError
from glasshatch.events import encode
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import Ledger
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.sources import SOURCES, Arrival, Parsed

EVENTS = 1_000
TURNS = 3


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="12 seconds of load instead of 60")
    arguments.add_argument("--seconds", type=int, default=0)
    arguments.add_argument("--clients", type=int, default=2)
    arguments.add_argument("--against", type=Path, help="the src folder of another version")
    arguments.add_argument("--otlp", action="store_true", help="OTLP over gRPC and HTTP beside JSON")
    arguments.add_argument("--directory", type=Path, default=Path("/var/tmp"))
    options = arguments.parse_args()
    seconds = options.seconds or (12 if options.quick else 60)
    root = Path(tempfile.mkdtemp(prefix="glasshatch-bench-", dir=options.directory))
    try:
        moods = ("otlp_grpc", "otlp_http", "server") if options.otlp else ("server", "front_alone")
        print(json.dumps(measure(root, seconds, options.clients, options.against, moods)))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(
    root: Path, seconds: int, clients: int, against: Path | None, moods: tuple[str, ...]
) -> dict[str, object]:
    """Turns of every kind one after the other, again and again, so that all share the machine's mood."""
    versions = {"this": None, **({"other": against} if against else {})}
    results: dict[tuple[str, str], list[Turn]] = {}
    alone: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running(root / name, source, otlp="otlp_grpc" in moods))
            for name, source in versions.items()
        }
        bare = stack.enter_context(Alone(root / "alone", otlp="otlp_grpc" in moods))
        each_s = max(2, seconds // (TURNS * len(moods)))
        for _ in range(TURNS):
            for name, server in servers.items():
                for mood in moods:
                    with server.back_stopped() if mood == "front_alone" else contextlib.nullcontext():
                        turn = deliver(server, each_s, clients, mood)
                    results.setdefault((name, mood), []).append(turn)
                    print(f"{name} {mood}: {turn.figures()}", file=sys.stderr)
                    server.await_indexed()
            for part, rate in bare.rates(max(1.0, each_s / 6)).items():
                alone.setdefault(part, []).append(rate)
    return summary(results, {part: statistics.median(rates) for part, rates in alone.items()}, clients)


def summary(
    results: dict[tuple[str, str], list[Turn]], alone: dict[str, float], clients: int
) -> dict[str, object]:
    found: dict[str, object] = {
        "benchmark": "intake", "python": platform.python_version(), "cpus": os.cpu_count(),
        "events_per_delivery": EVENTS, "clients": clients,
        **{f"{part}_alone_events_per_s": round(rate) for part, rate in alone.items()},
    }  # fmt: skip
    for (name, mood), turns in results.items():
        rate = statistics.median(turn.rate for turn in turns)
        times = sorted(itertools.chain.from_iterable(turn.times_s for turn in turns))
        found[f"{name}_{mood}"] = {
            "events_per_s": round(rate), "seconds": round(sum(turn.seconds for turn in turns), 1),
            "events": sum(turn.events for turn in turns),
            "front_cpu_us_per_event": round(cpu_us(turns), 1),
            "ack_p50_ms": round(statistics.median(times) * 1e3, 1),
            "ack_p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 1),
            "index_lag_max_s": round(max(turn.lag_s for turn in turns), 2),
            "recorded_to_found_p95_s": p95(turns),
            "index_behind_max_events": max(turn.behind for turn in turns),
            "to_ledger_alone": round(rate / alone["ledger"], 3),
            "to_redactor_alone": round(rate / alone["redactor"], 3),
        }  # fmt: skip
    for mood in dict.fromkeys(mood for _, mood in results):
        if ("other", mood) in results:
            rates = [statistics.median(t.rate for t in results[name, mood]) for name in ("this", "other")]
            found[f"{mood}_this_to_other"] = round(rates[0] / rates[1], 2)
            costs = [cpu_us(results[name, mood]) for name in ("this", "other")]
            found[f"{mood}_cpu_this_to_other"] = round(costs[0] / costs[1], 2)
    return found


def p95(turns: list[Turn]) -> float | None:
    """How long what is recorded takes until a search finds it; none where nothing was indexed."""
    lags = sorted(itertools.chain.from_iterable(turn.lags_s for turn in turns))
    return round(lags[int(len(lags) * 0.95)], 3) if lags else None


def cpu_us(turns: list[Turn]) -> float:
    return sum(turn.front_cpu_s for turn in turns) * 1e6 / sum(turn.events for turn in turns)


class Turn(msgspec.Struct):
    """One turn of load."""

    seconds: float
    events: int
    times_s: list[float]
    behind: int = 0
    lags_s: list[float] = []
    front_cpu_s: float = 0.0

    @property
    def lag_s(self) -> float:
        return max(self.lags_s, default=0.0)

    @property
    def rate(self) -> float:
        return self.events / self.seconds

    def figures(self) -> str:
        times = sorted(self.times_s)
        return (
            f"{self.rate:.0f} events/s, p50 {times[len(times) // 2] * 1e3:.0f} ms, "
            f"p99 {times[int(len(times) * 0.99)] * 1e3:.0f} ms, index {self.lag_s:.1f} s behind"
        )


def deliver(server: Server, seconds: float, clients: int, mood: str) -> Turn:
    """Deliver from several clients until the time is over; the index is watched meanwhile."""
    turn, front = Turn(0, 0, []), mood == "front_alone"
    end_s = time.perf_counter() + seconds
    lock = threading.Lock()

    def client(number: int) -> None:
        dice = random.Random(os.urandom(8))
        send, make = SENDERS[mood](server, number), make_body
        if mood.startswith("otlp"):
            make = OtlpBodies(dice).make
        while time.perf_counter() < end_s:
            body = make(dice)
            start_s = time.perf_counter()
            send(body)
            took_s = time.perf_counter() - start_s
            with lock:
                turn.times_s.append(took_s)
                turn.events += EVENTS

    watched = threading.Event()
    watching = threading.Thread(target=watch, args=(server, turn, watched))
    if not front:
        watching.start()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    start_s, used_s = time.perf_counter(), server.cpu_s("front")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turn.seconds = time.perf_counter() - start_s
    turn.front_cpu_s = server.cpu_s("front") - used_s
    watched.set()
    if not front:
        watching.join()
    return turn


def watch(server: Server, turn: Turn, stop: threading.Event) -> None:
    """How far the index is behind: in events, and in seconds until it has what was recorded when asked."""
    desk = Client(f"unix:{server.home}/run/glasshatch.sock", server.token)
    while not stop.is_set():
        asked_s, size = time.perf_counter(), 0
        while True:
            with contextlib.suppress(GlasshatchError):
                state = desk.index_state()
                size = size or state.ledger_size
                turn.behind = max(turn.behind, state.ledger_size - state.indexed)
                if state.indexed >= size:
                    break
            time.sleep(0.02)
        turn.lags_s.append(time.perf_counter() - asked_s)
        stop.wait(0.1)


def make_body(dice: random.Random) -> bytes:
    """1,000 different events as applications write them, some 350 bytes each."""
    now_ns = time.time_ns()
    lines = []
    for number in range(EVENTS):
        customer = dice.randrange(100_000)
        note = f"mail to customer{customer}@example.com" if number % 4 == 0 else "sent to the warehouse"
        lines.append(
            f'{{"id":"{uuid.UUID(int=dice.getrandbits(128), version=4)}","time":"{now_ns + number}",'
            f'"action":"order.paid","severity":1,"actor":{{"id":"svc-{number % 7}","type":"service"}},'
            f'"resource":"shop/orders","outcome":"success","trace_id":"{dice.getrandbits(128):032x}",'
            f'"labels":{{"region":"eu-west-{number % 3}"}},"message":"{note}",'
            f'"order":{{"number":{dice.randrange(900_000)},"items":{number % 9},"currency":"EUR"}}}}'
        )
    return "\n".join(lines).encode()


class OtlpBodies:
    """The same 1,000 events as OpenTelemetry's SDKs write them. Serialized once, then given other times: to
    make them anew would cost this machine more than to take them in."""

    def __init__(self, dice: random.Random) -> None:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
        from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
        from opentelemetry.proto.resource.v1.resource_pb2 import Resource

        def pairs(**given: object) -> list[KeyValue]:
            return [
                KeyValue(
                    key=name.replace("__", "."),
                    value=AnyValue(**{"int_value" if isinstance(item, int) else "string_value": item}),
                )
                for name, item in given.items()
            ]

        records = []
        for line in make_body(dice).splitlines():
            given = json.loads(line)
            order = given["order"]
            records.append(
                LogRecord(
                    time_unix_nano=1, observed_time_unix_nano=1, severity_number=9, severity_text="INFO",
                    event_name="order.paid", body=AnyValue(string_value=given["message"]),
                    trace_id=bytes.fromhex(given["trace_id"]), span_id=b"12345678",
                    attributes=pairs(
                        user__id=given["actor"]["id"], region=given["labels"]["region"],
                        order__number=order["number"], order__items=order["items"],
                        order__currency=order["currency"], server__address="shop.example.com",
                        code__function__name="shop.orders.pay", code__line__number=42,
                    ),
                )
            )  # fmt: skip
        resource = pairs(service__name="shop", service__version="2.1", telemetry__sdk__language="python")
        scope = ScopeLogs(log_records=records)
        request = ExportLogsServiceRequest(
            resource_logs=[ResourceLogs(resource=Resource(attributes=resource), scope_logs=[scope])]
        )
        self._body = bytearray(request.SerializeToString())
        self._times = [found.start() + 1 for found in re.finditer(b"[\x09\x59]\x01\0{7}", self._body)]
        assert len(self._times) == 2 * EVENTS

    def make(self, dice: random.Random) -> bytes:
        """The request again, of this moment."""
        now_ns = time.time_ns()
        for number, at in enumerate(self._times):
            struct.pack_into("<Q", self._body, at, now_ns + number // 2)
        return bytes(self._body)


def sending_json(where: str, server: Server, number: int) -> Callable[[bytes], None]:
    desk = Client(where, server.token)

    def send(body: bytes) -> None:
        result = desk.ingest("json", f"client{number}", body)
        if result.accepted != EVENTS:
            raise RuntimeError(f"not all were accepted: {result}")

    return send


def sending_http(server: Server, number: int) -> Callable[[bytes], None]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/x-protobuf"}

    def send(body: bytes) -> None:
        connection.request("POST", f"/v1/sources/otlp/client{number}/v1/logs", body, headers)
        answer = connection.getresponse()
        if answer.read() or answer.status != 200:
            raise RuntimeError(f"not all were accepted: {answer.status}")

    return send


def sending_grpc(server: Server, number: int) -> Callable[[bytes], None]:
    import grpc

    # A channel of its own for each client, as two processes have.
    channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", [("grpc.client", number)])
    export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")

    def send(body: bytes) -> None:
        if export(body, 60, [("authorization", f"Bearer {server.token}")]):
            raise RuntimeError("not all were accepted")

    return send


SENDERS: dict[str, Callable[[Server, int], Callable[[bytes], None]]] = {
    "server": lambda server, number: sending_json(f"http://127.0.0.1:{server.port}", server, number),
    "front_alone": lambda server, number: sending_json(f"unix:{server.home}/run/front.sock", server, number),
    "otlp_http": sending_http,
    "otlp_grpc": sending_grpc,
}
"""What delivers a body and waits until all of it is acknowledged."""


class Server(msgspec.Struct):
    """A running `glasshatch serve`."""

    home: Path
    port: int
    token: str
    process: subprocess.Popen[bytes]
    grpc_port: int = 0

    def part(self, name: str) -> int:
        found = subprocess.run(
            ["pgrep", "-f", f"serve --config {self.home}/glasshatch.toml --part {name}"],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        return int(found[0])

    def cpu_s(self, name: str) -> float:
        """Processor time that a part has used: what it costs, however busy the machine is."""
        fields = Path(f"/proc/{self.part(name)}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @contextlib.contextmanager
    def back_stopped(self) -> Iterator[None]:
        """The back does nothing until the block ends."""
        back = self.part("back")
        os.kill(back, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(back, signal.SIGCONT)

    def await_indexed(self) -> None:
        desk = Client(f"unix:{self.home}/run/glasshatch.sock", self.token)
        while True:
            with contextlib.suppress(GlasshatchError):
                state = desk.index_state()
                if state.indexed >= state.ledger_size:
                    return
            time.sleep(0.1)


@contextlib.contextmanager
def running(directory: Path, source: Path | None, *, otlp: bool = False) -> Iterator[Server]:
    """A server of this version, or of the one in a `src` folder."""
    directory.mkdir()
    home, token = directory / "home", directory / "root.token"
    environment = {**os.environ, **({"PYTHONPATH": str(source.absolute())} if source else {})}
    command = [sys.executable, "-m", "glasshatch"]
    subprocess.run(
        [*command, "init", home, "--token-out", token], env=environment, check=True, capture_output=True
    )
    api, gateway, grpc_port = free_port(), free_port(), free_port()
    receiver = f'[[receivers]]\nsource = "otlp/grpc"\nprotocol = "grpc"\nlisten = "127.0.0.1:{grpc_port}"\n'
    (home / "glasshatch.toml").write_text(
        f'version = 1\n[server]\napi = "127.0.0.1:{api}"\n[gateway]\npostgres = "127.0.0.1:{gateway}"\n'
        'tls_certificate = "tls/gateway.crt"\ntls_key = "tls/gateway.key"\n' + (receiver if otlp else "")
    )
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "serve", "--config", home / "glasshatch.toml"], env=environment, stdout=log, stderr=log
        )
    try:
        while b"ready:" not in (directory / "log").read_bytes():
            if process.poll() is not None:
                raise SystemExit((directory / "log").read_text())
            time.sleep(0.05)
        yield Server(home, api, token.read_text().strip(), process, grpc_port)
    finally:
        process.terminate()
        process.wait(60)


class Alone:
    """The parts of the intake by themselves, on the same events."""

    def __init__(self, directory: Path, *, otlp: bool = False) -> None:
        directory.mkdir()
        dice = random.Random(9)
        self.otlp = OtlpBodies(dice).make(dice) if otlp else b""
        ids = itertools.count()
        self.arrival = Arrival(time.time_ns(), "bench", "default", lambda: f"new{next(ids)}")
        self.lines = make_body(dice).split(b"\n")
        self.redactor = Redactor(Engine.load(cache_dir=directory), Tokens({1: b"k" * 32}, 1, "default"))
        self.events = [self._event(line) for line in self.lines]
        self.entries = [encode(event) for event in self.redactor.events(self.events)]
        keyring = Keyring.create(
            directory / "keys", "default", "example.com/bench", create_master_key_file(directory / "master")
        )
        self.ledger = Ledger.create(directory / "ledger", keyring, SystemClock())

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def rates(self, seconds: float) -> dict[str, float]:
        """Events per second of each."""
        otlp: dict[str, float] = {}
        if self.otlp:
            form = SOURCES["otlp"].form({"format": "protobuf"})
            items = [form.read(piece) for piece in form.split(self.otlp, 1)]
            parse = SOURCES["otlp"].parse
            otlp = {
                "otlp_reader": rate(self._read_otlp, seconds),
                "otlp_parser": rate(
                    lambda: [parse(item.value, item.data, self.arrival) for item in items], seconds
                ),
            }
        return otlp | {
            "parser": rate(lambda: [self._event(line) for line in self.lines], seconds),
            "redactor": rate(lambda: self.redactor.encoded(self.events), seconds),
            "ledger": rate(self._append, seconds),
        }

    def _event(self, line: bytes) -> object:
        parsed = SOURCES["json"].parse(msgspec.json.decode(line), line, self.arrival)
        assert isinstance(parsed, Parsed)
        return parsed.event

    def _read_otlp(self) -> None:
        form = SOURCES["otlp"].form({"format": "protobuf"})
        for piece in form.split(self.otlp, 1):
            form.read(piece)

    def _append(self) -> None:
        done = threading.Event()
        for entry in self.entries[:-1]:
            self.ledger.submit(entry)
        self.ledger.submit(self.entries[-1], lambda _: done.set())
        done.wait()


def rate(work: Callable[[], object], seconds: float) -> float:
    start_s, count = time.perf_counter(), 0
    while time.perf_counter() - start_s < seconds:
        work()
        count += EVENTS
    return count / (time.perf_counter() - start_s)


if __name__ == "__main__":
    main()
