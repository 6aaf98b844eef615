"""By the feeds: JSON, NDJSON, Kubernetes audit, odd bodies and headers, files, and the SDK."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import zstandard

from fixtures.feeding import EVENTS, Feeder
from fixtures.glasshatch import run
from glasshatch.sdk import Recorder

from .birds import Aviary
from .ways_gateway import SHORT

KUBERNETES = "/v1/sources/kubernetes/prod"


def json_events(aviary: Aviary, feeder: Feeder) -> None:
    """Every member of an event that takes text."""
    bodies: list[dict[str, Any]] = [
        {"action": "order.placed", "message": aviary.text("message")},
        {
            "action": "order.placed",
            "note": aviary.text("attrs"),
            "deep": [{"a": aviary.text("deep attrs", SHORT)}],
        },
        {"action": "order.placed", "native": {"raw": aviary.text("native")}},
        {"action": "order.placed", "list": aviary.text("adjacent lines", by="\n")},
        {
            "action": "order.placed",
            "outcome": {"status": "failure", "reason": aviary.text("outcome reason", SHORT)},
        },
        {"action": "order.placed", "statement": {"text": aviary.text("statement text", SHORT)}},
        {"action": "order.placed", "data": {"doc": aviary.text("data", SHORT)}},
    ]
    for sort in SHORT:
        value = aviary.one
        bodies += [
            {"action": "order.placed", "actor": {"id": value("actor id", sort).value, "type": "human"}},
            {"action": "order.placed", "actor": {"id": "7", "name": value("actor name", sort).value}},
            {"action": "order.placed", "actor": {"id": "8", "on_behalf_of": value("on behalf", sort).value}},
            {"action": "order.placed", "resource": {"type": "mail", "id": value("resource id", sort).value}},
            {
                "action": "order.placed",
                "resource": {"type": "mail", "id": "1", "name": value("resource", sort).value},
            },
            {
                "action": "order.placed",
                "client": {"user_agent": value("user agent", sort).value, "ip": "10.1.2.3"},
            },
            {"action": "order.placed", "labels": {"who": value("label", sort).value}},
            {"action": "order.placed", "labels": {value("label name", sort).value: "x"}},
            {"action": "order.placed", "id": value("event id", sort).value},
            {"action": "order.placed", "session_id": value("session", sort).value},
            {"action": "order.placed", "request_id": value("request", sort).value},
            {"action": "order.placed", "source": value("source", sort).value},
            {"action": value("action", sort).value, "message": "an action of another form"},
            {"action": "order.placed", value("member name", sort).value: 1},
            {"action": "order.placed", "a": {value("deep name", sort).value: {"x": True}}},
            {
                "action": "order.placed",
                "outcome": {"status": "failure", "code": value("outcome code", sort).value},
            },
            {"action": "order.placed", "decision": {"reason": value("claimed", sort).value}},
        ]
    answer = feeder.post("\n".join(json.dumps(body) for body in bodies))
    accepted, _, quarantined = answer.counts
    assert accepted + quarantined == len(bodies)


def odd_bodies(aviary: Aviary, feeder: Feeder) -> None:
    """What cannot be taken as it is: quarantined, refused, or packed."""
    lines = [
        '{"action": "order.placed", "message": ' + aviary.text("broken json", by=" "),
        json.dumps({"action": ["x"], "message": aviary.text("wrong type")}),
        json.dumps({"time": aviary.one("bad time", "email").value, "message": "x"}),
        json.dumps({"action": ["x"], aviary.one("quarantined name", "email").value: 1}),
        '{"' + aviary.one("broken name", "email").value + '": ',
        aviary.text("no json", by=" "),
        json.dumps({"action": "order.placed", "message": aviary.text("long item", SHORT) + "x" * (1 << 20)}),
        json.dumps({"action": "order.placed", "message": aviary.text("long event", SHORT) + "y " * 40_000}),
    ]
    feeder.post("\n".join(lines))
    feeder.post(b'{"message": "\xff %s"}' % aviary.text("invalid utf-8 item", SHORT, by=" ").encode())
    feeder.post("[" * 1_200 + f'"{aviary.one("too deep", "email").value}"' + "]" * 1_200)
    packed = gzip.compress(json.dumps({"action": "order.placed", "m": aviary.text("gzip body")}).encode())
    assert feeder.post(packed, Content_Encoding="gzip").status == 200
    assert feeder.post(packed[:-30], Content_Encoding="gzip").status in {200, 400}
    feeder.post(packed)
    zstd = zstandard.compress(json.dumps({"action": "order.placed", "m": aviary.text("zstd body")}).encode())
    assert feeder.post(zstd, Content_Encoding="zstd").status in {200, 400, 415}
    for sort in SHORT:
        name = aviary.one
        feeder.post(name("content type", sort).value, Content_Type="multipart/form-data; boundary=x")
        feeder.post(b"x", Content_Encoding=name("content encoding", sort).value)
        feeder.post(
            b"{}", User_Agent=name("header agent", sort).value, X_Forwarded_For=name("header", sort).value
        )
        feeder.post(b"{}", token=name("wrong token", sort).value)
        feeder.post(b"{}", path=f"/v1/events?name={name('query name', sort).value.replace('+', '%2B')}")
        feeder.post(b"{}", path=f"/v1/sources/kubernetes/{name('path name', sort).value.replace('+', '%2B')}")
        feeder.post(b"{}", path=f"/v1/{name('unknown path', sort).value}?x={name('query', sort).value}")
        feeder.post(b"{}", Cookie=f"sid={name('cookie', sort).value}", Referer=name("referer", sort).value)
    feeder.post(aviary.text("oversize body", SHORT).encode() + b"\n" * (33 << 20))


def kubernetes(aviary: Aviary, feeder: Feeder) -> None:
    """Secrets as they stand in a cluster's audit events."""

    def packed(way: str, sort: str) -> str:
        return base64.b64encode(aviary.one(way, sort).value.encode()).decode()

    def event(number: int, **more: Any) -> dict[str, Any]:
        return {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "verb": "create",
            "auditID": f"6f1c0f3e-0000-4000-8000-{number:012d}", "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/prod/secrets", "user": {"username": "ci"},
            "requestReceivedTimestamp": "2026-11-20T10:00:00.000000Z",
            "objectRef": {"resource": "secrets", "namespace": "prod", "name": "db"}, **more,
        }  # fmt: skip

    pods = {"resource": "pods", "namespace": "prod", "name": "web", "apiVersion": "v1"}
    secret = {"kind": "Secret"}
    events = []
    for number, sort in enumerate(SHORT, 1):
        one = aviary.one
        command = "&command=".join(["psql", one("k8s exec", sort).value.replace("+", "%2B")])
        container = {"name": "a", "env": [{"name": "KEY", "value": one("k8s env", sort).value}],
                     "args": ["--to", one("k8s args", sort).value]}  # fmt: skip
        events += [
            event(number * 10, requestObject=secret | {"data": {"pass": packed("k8s secret", sort)}}),
            event(number * 10 + 1, requestObject=secret | {"stringData": {"p": one("k8s text", sort).value}}),
            event(number * 10 + 2, objectRef=pods | {"subresource": "exec"},
                  requestURI=f"/api/v1/namespaces/prod/pods/web/exec?command={command}&stdin=true"),
            event(number * 10 + 3, objectRef=pods, requestObject={"spec": {"containers": [container]}}),
            event(number * 10 + 4, objectRef=pods, annotations={"note": one("k8s annotation", sort).value}),
            event(number * 10 + 5, objectRef=pods, userAgent=one("k8s agent", sort).value),
            event(number * 10 + 6, responseStatus={"code": 409, "message": one("k8s message", sort).value}),
            event(number * 10 + 7, objectRef=pods, oddMember={"x": one("k8s unknown member", sort).value}),
        ]  # fmt: skip
    body = json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events})
    accepted, _, _ = feeder.post(body, KUBERNETES, Content_Type="application/json").counts
    assert accepted == len(events)
    feeder.post(aviary.text("k8s garbage", SHORT, by=" "), KUBERNETES, Content_Type="application/json")


def pgaudit(aviary: Aviary, feeder: Feeder) -> None:
    """What clients ask of a database, in each form of its log, and what its messages repeat."""
    path = "/v1/sources/pgaudit/orders"
    time = "2026-11-20 10:00:00.000 UTC"

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def entry(line: int, message: str, **more: Any) -> dict[str, Any]:
        return {"timestamp": time, "pid": 7, "session_id": "6b0368c1.7", "line_num": line, "user": "ci",
                "dbname": "shop", "error_severity": "LOG", "message": message, **more}  # fmt: skip

    entries = []
    for number, sort in enumerate(SHORT):
        value = aviary.one
        text = 'SELECT 1 FROM c WHERE a = ""' + value("pg literal", sort).value + '"" AND b = '
        text = text.replace('""', "'") + quoted(aviary.text("pg forms", (sort,)))
        audit = f"AUDIT: SESSION,{number + 1},1,READ,SELECT,,," + _csv(text) + ","
        entries += [
            entry(8 * number + 1, audit + "<none>"),
            entry(8 * number + 2, audit + _csv(_csv(value("pg parameter", sort).value) + ",7")),
            entry(8 * number + 3, f"statement: SELECT {quoted(value('pg logged', sort).value)} -- "
                  + value("pg comment", sort).value),
            entry(8 * number + 4, "duration: 1.0 ms  execute <unnamed>: SELECT $1",
                  detail=f"parameters: $1 = {quoted(value('pg bind', sort).value)}"),
            entry(8 * number + 5, f'invalid input syntax for type integer: "{value("pg error", sort).value}"',
                  error_severity="ERROR", statement=f"SELECT {quoted(value('pg failed', sort).value)}::int"),
            entry(8 * number + 6, 'duplicate key value violates unique constraint "u"',
                  error_severity="ERROR", detail=f"Key (a)=({value('pg key', sort).value}) already exists."),
            entry(8 * number + 7, "new row violates check constraint", error_severity="ERROR",
                  detail=f"Failing row contains (1, {value('pg row', sort).value})."),
            entry(8 * number + 8, "AUDIT: SESSION,cut off " + value("pg cut", sort).value),
        ]  # fmt: skip
    body = "\n".join(map(json.dumps, entries))
    accepted, _, quarantined = feeder.post(body, path).counts
    assert (accepted, quarantined) == (7 * len(SHORT), len(SHORT))
    prefix = f"{time} [8] ci@shop psql "
    lines = [
        f"{prefix}LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,SELECT "
        f"{quoted(aviary.text('pg stderr', SHORT, by=' '))},<none>",
        f'{prefix}ERROR:  relation "x" does not exist',
        f"{prefix}STATEMENT:  SELECT {quoted(aviary.text('pg stderr statement', SHORT, by=' '))}",
        aviary.text("pg no entry", SHORT, by=" "),
        f'{time},"ci","shop",9,"[local]",6.9,1,"SELECT",{time},1/1,0,LOG,00000,"'
        f'statement: SELECT {quoted(aviary.text("pg csv", SHORT, by=" ")).replace(chr(34), chr(34) * 2)}"'
        + ","
        * 12,
        f'{time},"ci","shop",9,"[local]",6.9,2,"{aviary.text("pg broken csv", SHORT, by=" ")}',
    ]
    feeder.post("\n".join(lines), path)


def _csv(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def cloudtrail(aviary: Aviary, feeder: Feeder) -> None:
    """What people type into calls of a cloud, and what it answers."""
    records = []
    for number, sort in enumerate(SHORT):
        value = aviary.one
        records.append(
            {
                "eventVersion": "1.08", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
                "eventTime": "2026-11-20T10:00:00Z", "eventID": f"6f1c0f3e-0000-4000-8000-{number:012d}",
                "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ci"},
                "errorMessage": f"refused {value('trail error', sort).value}",
                "requestParameters": {
                    "userData": value("trail user data", sort).value,
                    "note": value("trail request", sort).value,
                    "environment": {"variables": {"A": value("trail environment", sort).value}},
                    "list": [{"masterUserPassword": value("trail password", sort).value}],
                },
                "responseElements": {"credentials": {"sessionToken": value("trail token", sort).value}},
                "userAgent": value("trail agent", sort).value,
                "odd": {"x": value("trail unknown", sort).value},
            }
        )  # fmt: skip
    path = "/v1/sources/cloudtrail/main"
    assert feeder.post(json.dumps({"Records": records}), path).counts == (len(records), 0, 0)
    wrong = {"Records": [{"eventVersion": "9", "x": aviary.text("trail of another version", SHORT)}]}
    assert feeder.post(json.dumps(wrong), path).counts == (0, 0, 1)
    feeder.post('{"Records":[{"eventVersion": ' + aviary.text("broken trail", SHORT, by=" ") + "}]}", path)


def named(word: str) -> str:
    """An audit event about an object of this name, which is kept: names are what the record is for."""
    return json.dumps(
        {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "verb": "get",
            "auditID": "0d1f7c52-1111-4000-8000-000000000001", "stage": "ResponseComplete",
            "user": {"username": "ci"}, "requestURI": "/api/v1/namespaces",
            "requestReceivedTimestamp": "2026-11-20T10:00:00.000000Z",
            "objectRef": {"resource": "configmaps", "namespace": "prod", "name": word},
        }
    )  # fmt: skip


def files(aviary: Aviary, feeder: Feeder, folder: Path, token_file: Path) -> None:
    """A file delivered by the command, with a broken line and a telling name."""
    file = folder / f"{aviary.one('file name', 'email').value}.jsonl"
    file.write_text(
        json.dumps({"action": "order.placed", "message": aviary.text("file")})
        + "\n{" + aviary.text("broken line", SHORT, by=" ") + "\n"
    )  # fmt: skip
    done = run(
        "ingest", "json", str(file), "--name", "shop", "--server",
        f"unix:{feeder.server.home}/run/glasshatch.sock", "--token-file", str(token_file),
    )  # fmt: skip
    assert done.returncode in {0, 7}, done.stderr
    file.unlink()


def sdk(aviary: Aviary, feeder: Feeder, folder: Path) -> None:
    """An application; its spool is its own and lies elsewhere."""
    recorder = Recorder("shop", server=feeder.server.url, token=lambda: feeder.token, spool=folder / "spool")
    with contextlib.closing(recorder):
        recorder.record("order.placed", actor="7", note=aviary.text("sdk"), outcome="success")
        for sort in SHORT:
            recorder.record("order.placed", actor=aviary.one("sdk actor", sort).value)
            recorder.record("order.placed", resource=f"mail/{aviary.one('sdk resource', sort).value}")
        assert recorder.flush()


__all__ = ["EVENTS", "cloudtrail", "files", "json_events", "kubernetes", "odd_bodies", "pgaudit", "sdk"]
