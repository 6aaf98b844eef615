"""By OpenTelemetry's logs: every member of a record that takes text, and what cannot be read."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from fixtures.feeding import Feeder
from fixtures.otlp import as_json, pairs, record, request

from .birds import Aviary
from .ways_gateway import SHORT

PATH = "/v1/sources/otlp/shop"
_ATTRIBUTES = (
    "user.id", "user.name", "user.email", "enduser.id", "user.roles", "gen_ai.agent.name", "client.address",
    "user_agent.original", "session.id", "request.id", "server.address", "db.namespace", "error.type",
    "glasshatch.actor.id", "glasshatch.resource.id", "glasshatch.outcome.reason", "log.record.uid",
    "event.name", "code.file.path", "http.request.header.cookie", "rpc.request.metadata.x",
    "db.query.parameter.0",
)  # fmt: skip


def otlp(aviary: Aviary, feeder: Feeder) -> None:
    """In JSON and in protobuf, under a resource and a scope that hold something too."""
    for form in ("json", "protobuf"):
        records = list(_records(aviary, form))
        made = request(*records, service_name=aviary.one(f"otlp {form} service", "email").value)
        scope = made.resource_logs[0].scope_logs[0].scope
        scope.CopyFrom(InstrumentationScope(name=aviary.one(f"otlp {form} scope", "email").value))
        scope.attributes.extend(pairs({"a": aviary.text(f"otlp {form} scope attributes", SHORT)}))
        if form == "json":
            assert feeder.post(as_json(made), PATH).counts == (len(records), 0, 0)
        else:
            assert feeder.post(made.SerializeToString(), PATH).counts == (len(records), 0, 0)
    bad = request(record(attributes={"a": aviary.text("otlp broken record", SHORT), "b": "zzz"}))
    assert feeder.post(bad.SerializeToString().replace(b"zzz", b"z\xffz"), PATH).counts == (0, 0, 1)
    feeder.post(as_json(bad).replace(b'"timeUnixNano": "', b'"timeUnixNano": "x'), PATH)
    feeder.post(b'{"resourceLogs": [' + aviary.text("otlp broken request", SHORT, by=" ").encode(), PATH)
    feeder.post(aviary.text("otlp no request", SHORT, by=" ").encode(), f"{PATH}/v1/logs", Content_Type="x/y")


def _records(aviary: Aviary, form: str) -> list[LogRecord]:
    def say(place: str) -> str:
        return aviary.text(f"otlp {form} {place}", SHORT)

    found = [
        record(say("body"), attributes={"a": say("attribute"), "deep": {"b": [say("deep attribute")]}}),
        record({"text": say("body map"), "list": [say("body list")]}),
        record(say("body bytes").encode(), attributes={"a": say("bytes").encode()}),
        record(attributes={"db.query.text": f"SELECT '{aviary.one(f'otlp {form} sql', 'email').value}'"}),
        record(attributes={"db.query.text": say("command"), "db.system.name": "redis"}),
    ]
    for sort in SHORT:
        for name in _ATTRIBUTES:
            given: Any = aviary.one(f"otlp {form} {name}", sort).value
            found.append(record(attributes={name: [given] if "header" in name else given}))
        found.append(record(severity_text=aviary.one(f"otlp {form} level", sort).value))
        found.append(record(event_name=aviary.one(f"otlp {form} event", sort).value))
        found.append(record(attributes={aviary.one(f"otlp {form} name", sort).value: 1}))
    for number, one in enumerate(found):
        one.time_unix_nano += number
    return found
