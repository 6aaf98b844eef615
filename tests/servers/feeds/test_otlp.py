"""OTLP against a real server: OpenTelemetry's own SDK and exporters, and everything that can be wrong."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry._logs import LogRecord as ApiRecord
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from fixtures.depth import rounds
from fixtures.feeding import Feeder, invite_feeder, issue
from fixtures.glasshatch import RunningServer, free_port
from fixtures.otlp import as_json, record, request
from glasshatch.sources.otlp.receive import SERVICE

LOGS = "/v1/sources/otlp/shop/v1/logs"
PROTOBUF, JSON = "application/x-protobuf", "application/json"


PORT = {"plain": free_port(), "tls": free_port()}
RECEIVERS = f"""
[[receivers]]
source = "otlp/shop"
protocol = "grpc"
listen = "127.0.0.1:{PORT["plain"]}"
[[receivers]]
source = "otlp/shop"
protocol = "grpc-tls"
listen = "127.0.0.1:{PORT["tls"]}"
tls_certificate = "tls/gateway.crt"
tls_key = "tls/gateway.key"
"""


@pytest.fixture(scope="module")
def feeder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feeder]:
    server = RunningServer(tmp_path_factory.mktemp("otlp"), RECEIVERS).start()
    try:
        server.invite("auditor", "auditor")
        yield Feeder(server, invite_feeder(server, "ingest:otlp/shop"))
    finally:
        server.stop()


class Told(msgspec.Struct):
    """An answer: its status, its headers, and what it says in protobuf or JSON."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def rejected(self) -> int:
        """How many records were not taken."""
        assert self.status == 200, self.body
        if self.headers["content-type"] == JSON:
            return int(json.loads(self.body).get("partialSuccess", {}).get("rejectedLogRecords", 0))
        return ExportLogsServiceResponse.FromString(self.body).partial_success.rejected_log_records

    @property
    def error(self) -> Status:
        """A `google.rpc.Status`."""
        assert self.status != 200
        if self.headers["content-type"] == JSON:
            told = json.loads(self.body)
            return Status(code=told["code"], message=told["message"])
        try:
            return Status.FromString(self.body)
        except DecodeError:  # pragma: no cover - says what came
            raise AssertionError(self.body) from None


def post(
    feeder: Feeder, body: bytes, path: str = LOGS, kind: str = PROTOBUF, token: str = "", **more: str
) -> Told:
    connection = http.client.HTTPConnection("127.0.0.1", feeder.server.api_port, timeout=120)
    headers = {"Authorization": f"Bearer {token or feeder.token}", "Content-Type": kind}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    # Refused before all was sent, the answer is there all the same.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    found = Told(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


def export(provider: LoggerProvider, mark: str, count: int) -> None:
    """What an application does: records of its own through the SDK."""
    logger = provider.get_logger("shop.orders", "1.4")
    for number in range(count):
        logger.emit(
            ApiRecord(
                event_name="order.paid", severity_number=SeverityNumber.INFO, severity_text="INFO",
                body=f"order {number} paid", attributes={"mark": mark, "number": number, "user.id": "una"},
            )
        )  # fmt: skip
    assert provider.force_flush(120_000)
    provider.shutdown()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_the_sdk_exports_over_http(feeder: Feeder, compression: Compression) -> None:
    mark = uuid.uuid4().hex
    exporter = OTLPLogExporter(
        feeder.server.url + LOGS, headers={"authorization": f"Bearer {feeder.token}"}, compression=compression
    )
    provider = LoggerProvider(Resource({"service.name": "shop", "service.version": "2.1"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=100))
    export(provider, mark, 250)
    assert feeder.count(f"attrs.mark:{mark} source.kind:otlp source.name:shop action:order.paid") == 250
    (found,) = feeder.server.jsonl("search", f"attrs.mark:{mark} attrs.number:7", person="auditor")
    event = found["event"]
    assert (event["native"], event["severity"], event["actor"]["id"]) == ("order 7 paid", 1, "una")
    assert event["attrs"]["scope"] == {"name": "shop.orders", "version": "1.4"}
    assert event["source"]["version"] == "2.1"


@pytest.mark.parametrize("way", ["plain", "tls"])
def test_the_sdk_exports_over_grpc(feeder: Feeder, way: str) -> None:
    mark = uuid.uuid4().hex
    certificate = (feeder.server.home / "tls" / "gateway.crt").read_bytes()
    exporter = GrpcExporter(
        f"localhost:{PORT[way]}", insecure=way == "plain", compression=grpc.Compression.Gzip,
        credentials=grpc.ssl_channel_credentials(certificate) if way == "tls" else None,
        headers={"authorization": f"Bearer {feeder.token}"},
    )  # fmt: skip
    provider = LoggerProvider(Resource({"service.name": "shop"}))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=100))
    export(provider, mark, 250)
    assert feeder.count(f"attrs.mark:{mark} source.kind:otlp source.name:shop action:order.paid") == 250


def call(feeder: Feeder, body: bytes, token: str | None = None, **more: Any) -> tuple[grpc.StatusCode, Any]:
    """What gRPC says to a message: its code, and its answer or what is wrong."""
    given = feeder.token if token is None else token
    metadata = more.pop("metadata", [("authorization", f"Bearer {given}")])
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{PORT['plain']}", options=options, **more) as channel:
        method = channel.unary_unary(f"/{SERVICE}/Export")
        try:
            return grpc.StatusCode.OK, ExportLogsServiceResponse.FromString(method(body, 120, metadata))
        except grpc.RpcError as error:
            return error.code(), error


def test_grpc_takes_what_http_takes_and_tells_what_it_does_not_take(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    good, bad = record("good", attributes={"mark": mark}), record(attributes={"mail": "x"})
    body = request(good, bad, good).SerializeToString().replace(b"\x12\x03\x0a\x01x", b"\x12\x03\x0a\x01\xff")
    for _ in range(2):
        code, answer = call(feeder, body)
        assert code is grpc.StatusCode.OK
        assert answer.partial_success.error_message in ("record 2 is not UTF-8", "")
    assert post(feeder, body).rejected in (0, 1)
    assert feeder.count(f"attrs.mark:{mark}") == 2


def test_grpc_refuses_with_its_own_codes(feeder: Feeder) -> None:
    codes = grpc.StatusCode
    good = request(record("x")).SerializeToString()
    other = issue(feeder.server, "feeder", "ingest:otlp/other")
    bomb = request(record("x" * 40_000_000)).SerializeToString()
    cases = [
        (call(feeder, good, metadata=[]), codes.UNAUTHENTICATED),
        (call(feeder, good, "gh_" + "a" * 16 + "_" + "b" * 52), codes.UNAUTHENTICATED),
        (call(feeder, good, metadata=[("authorization", "Basic eDp5")]), codes.UNAUTHENTICATED),
        (call(feeder, good, other), codes.PERMISSION_DENIED),
        (call(feeder, b"nonsense" * 9), codes.INVALID_ARGUMENT),
        (call(feeder, bomb), codes.RESOURCE_EXHAUSTED),
        (call(feeder, bomb, compression=grpc.Compression.Gzip), codes.RESOURCE_EXHAUSTED),
        (call(feeder, b"\x0a\x00" * 300_000), codes.INVALID_ARGUMENT),
        (call(feeder, good), codes.OK),
    ]
    assert [code for (code, _), _ in cases] == [wanted for _, wanted in cases]
    assert feeder.server.jsonl("search", "action:source.refused", person="auditor")
    assert feeder.peak_mib("front") < 900
    assert "a bug" not in feeder.server.log.read_text()


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
@pytest.mark.parametrize("path", [LOGS, "/v1/logs?name=shop"])
def test_both_forms_at_both_paths_are_answered_in_their_own_form(
    feeder: Feeder, path: str, kind: str
) -> None:
    made = request(record("x"), record("y"), mark=uuid.uuid4().hex)
    body = made.SerializeToString() if kind == PROTOBUF else as_json(made)
    for _ in range(2):  # delivered again, it changes nothing
        answer = post(feeder, body, path, kind)
        assert (answer.rejected, answer.headers["content-type"]) == (0, kind)
    assert (
        feeder.count(f"attrs.resource.mark:{made.resource_logs[0].resource.attributes[0].value.string_value}")
        == 2
    )
    assert post(feeder, gzip.compress(body), path, kind, Content_Encoding="gzip").rejected == 0


def test_our_own_path_answers_as_for_any_source(feeder: Feeder) -> None:
    made = request(record("x"), record("x"), mark=uuid.uuid4().hex)
    path = "/v1/sources/otlp/shop"
    assert feeder.post(as_json(made), path).counts == (2, 0, 0)
    assert feeder.post(as_json(made), path, Content_Type=JSON).counts == (0, 2, 0)
    assert post(feeder, made.SerializeToString(), path).rejected == 0


def test_a_bad_record_is_quarantined_and_counted_and_the_others_go_in(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    before = feeder.count("action:intake.quarantined")
    good, bad = record("good", attributes={"mark": mark}), record(attributes={"mark": mark, "mail": "x"})
    body = request(good, bad, good).SerializeToString().replace(b"\x12\x03\x0a\x01x", b"\x12\x03\x0a\x01\xff")
    answer = post(feeder, body)
    assert answer.rejected == 1
    said = ExportLogsServiceResponse.FromString(answer.body).partial_success.error_message
    assert said == "record 2 is not UTF-8"
    assert feeder.count(f"attrs.mark:{mark}") == 2
    assert feeder.count("action:intake.quarantined") == before + 1


REFUSED = {
    "garbage": (b"nonsense" * 9, {}, 400),
    "garbage in JSON": (b"nonsense" * 9, {"kind": JSON}, 400),
    "no gzip": (b"nonsense", {"Content_Encoding": "gzip"}, 400),
    "an unknown encoding": (b"x", {"Content_Encoding": "br"}, 400),
    "a gzip bomb": (gzip.compress(b"\0" * (1 << 28)), {"Content_Encoding": "gzip"}, 413),
    "a bomb of records": (gzip.compress(b"\x0a\x00" * 20_000_000), {"Content_Encoding": "gzip"}, 413),
    "another content type": (b"x", {"kind": "text/plain"}, 415),
    "no content type": (b"x", {"kind": ""}, 415),
    "no token": (b"", {"Authorization": ""}, 401),
    "another scheme": (b"", {"Authorization": "Basic eDp5"}, 401),
    "a token that is none": (b"", {"token": "gh_" + "a" * 16 + "_" + "b" * 52}, 401),
    "another name": (b"", {"path": "/v1/sources/otlp/other/v1/logs"}, 403),
    "no name": (b"", {"path": "/v1/logs"}, 403),
    "100 MB": (b"x" * 100_000_000, {}, 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_told_as_a_status(feeder: Feeder, name: str) -> None:
    body, more, status = REFUSED[name]
    answer = post(feeder, body, **more)
    assert answer.status == status
    assert answer.headers["content-type"] == (more.get("kind") or PROTOBUF if status != 415 else JSON)
    assert answer.error.code == {400: 3, 413: 3, 415: 3, 401: 16, 403: 7}[status]
    assert answer.error.message
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert post(feeder, request(record("x")).SerializeToString()).rejected == 0


def test_what_is_secret_or_personal_is_not_kept(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    mail, secret, name = "planted.person@example.com", "hunter2planted", "Plantonia Canarywoman"
    attributes = {
        "mark": mark, "user.email": mail, "http.request.header.authorization": [f"Bearer {secret}"],
        "db.password": secret, "user.full_name": name, "db.system.name": "postgresql",
        "db.query.text": f"UPDATE people SET mail = '{mail}' WHERE name = $1", "db.query.parameter.0": name,
        "map": {"inner": {"password": secret, "list": [mail]}}, "bytes": mail.encode(),
    }  # fmt: skip
    body = {"text": f"mail to {mail}", "token": secret}
    assert post(feeder, request(record(body, attributes=attributes)).SerializeToString()).rejected == 0
    found = feeder.server.command("search", f"attrs.mark:{mark}", "--format", "jsonl", person="auditor")
    assert mark in found.stdout
    assert not [value for value in (mail, secret, name) if value in found.stdout], found.stdout


class Watched(LogRecordExporter):
    """An exporter, and the numbers of the records that it was told are taken."""

    def __init__(self, inner: LogRecordExporter) -> None:
        self.inner = inner
        self.taken: list[int] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        result = self.inner.export(batch)
        if result is LogRecordExportResult.SUCCESS:
            self.taken += [int(one.log_record.attributes["number"]) for one in batch]
        return result

    def shutdown(self) -> None:
        self.inner.shutdown()

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_exporters_go_on_through_kills_and_nothing_is_lost_or_doubled(
    feeder: Feeder, caplog: pytest.LogCaptureFixture
) -> None:
    """The front is killed under the load of both exporters, which send again what got no answer."""
    stop, run = threading.Event(), uuid.uuid4().hex[:8]
    headers = {"authorization": f"Bearer {feeder.token}"}
    grpc_exporter = GrpcExporter(f"127.0.0.1:{PORT['plain']}", insecure=True, headers=headers, timeout=200)
    watched = {
        f"http {run}": Watched(OTLPLogExporter(feeder.server.url + LOGS, headers=headers, timeout=200)),
        f"grpc {run}": Watched(grpc_exporter),
    }
    threads = [threading.Thread(target=emit, args=(one, mark, stop)) for mark, one in watched.items()]
    for thread in threads:
        thread.start()
    try:
        for turn in range(rounds(1, 8)):
            enough = (turn + 1) * 500
            wait_until(lambda: all(len(one.taken) > enough for one in watched.values()))  # noqa: B023
            feeder.server.kill_part("front")
            away = post(feeder, b"")
            assert away.status == 200 or (away.headers["retry-after"].isdecimal() and away.error.code == 14)
        wait_until(lambda: all(len(one.taken) > enough + 500 for one in watched.values()))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert "exporting logs to" in caplog.text, "no call over gRPC was hit"
    assert "exporting logs batch" in caplog.text, "no delivery over HTTP was hit"
    for mark, one in watched.items():
        stored = Counter(numbers_of(feeder, mark))
        assert not set(one.taken) - set(stored), "acknowledged, and not in the record"
        assert set(stored.values()) == {1}, "in the record twice"


def emit(exporter: LogRecordExporter, mark: str, stop: threading.Event) -> None:
    """Emit until it is enough; every record is told apart by its number alone."""
    provider = LoggerProvider(Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_export_batch_size=50))
    logger, numbers = provider.get_logger("kill"), itertools.count()
    while not stop.is_set():
        for _ in range(50):
            logger.emit(ApiRecord(body="the same", attributes={"mark": mark, "number": next(numbers)}))
        provider.force_flush(300_000)
    provider.shutdown()


def numbers_of(feeder: Feeder, mark: str) -> list[int]:
    """The numbers of the records with a mark, from the record itself."""
    asked = ("events", "--action", "log.recorded", "--limit", "100000")
    events = [line["event"].get("attrs", {}) for line in feeder.server.jsonl(*asked, person="auditor")]
    return [one["number"] for one in events if one.get("mark") == mark]


def wait_until(condition: Any, timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
