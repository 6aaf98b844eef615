"""OTLP: what the generated classes write is read alike from both forms, and becomes an event."""

from __future__ import annotations

import base64
import gzip
import json
import math
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from fixtures.otlp import ASSETS, KIND, NOW_NS, as_json, pairs, read, record, request, value
from glasshatch.errors import ConfigError, PeerError, TooLarge
from glasshatch.events import Event, decode, encode
from glasshatch.sources import Parsed, Rejected, read_lines
from glasshatch.sources.otlp import wire


def parsed(body: bytes, format: str = "protobuf", **arrival: Any) -> list[Parsed]:
    found = read(body, format, **arrival)
    assert all(isinstance(one, Parsed) for one in found), found
    return [one for one in found if isinstance(one, Parsed)]


def event(body: Any = None, resource: dict[str, Any] | None = None, **members: Any) -> Event:
    """The event of one record, which must be the same from protobuf and from JSON."""
    made = request(record(body, **members), **(resource or {}))
    (binary,), (text,) = parsed(made.SerializeToString()), parsed(as_json(made), "json")
    assert binary.event == text.event
    assert decode(encode(binary.event)) == binary.event
    return binary.event


def test_the_example_of_the_specification() -> None:
    (found,) = parsed((ASSETS / "logs.json").read_bytes(), "json")
    made = found.event
    assert (made.time, made.severity, made.native) == ("1544712660300000000", 2, "Example log record")
    assert (made.trace_id, made.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (made.source.kind, made.source.name, made.action) == ("otlp", "my.service", "log.recorded")
    assert made.labels == {"level": "Information"}
    assert made.attrs["int.attribute"] == 10
    assert made.attrs["double.attribute"] == "637.704"
    assert made.attrs["array.attribute"] == ["many", "values"]
    assert made.attrs["map.attribute"] == {"some.map.key": "some value"}
    assert made.attrs["scope"] == {
        "name": "my.library", "version": "1.0.0",
        "attributes": {"my.scope.attribute": "some scope attribute"},
    }  # fmt: skip


def test_an_environment_stays_where_the_event_has_no_resource_that_could_be_in_it() -> None:
    given = {"service.name": "shop", "deployment.environment.name": "prod", "host.name": "h1"}
    alone = event("hello", given)
    assert alone.resource is None
    assert alone.attrs["resource"] == {"host.name": "h1", "deployment.environment.name": "prod"}
    reaching = event("hello", given, attributes={"server.address": "db1"})
    assert reaching.resource is not None
    assert (reaching.resource.env, reaching.attrs["resource"]) == ("prod", {"host.name": "h1"})
    other = event("hello", given, attributes={
        "glasshatch.resource.type": "door", "glasshatch.resource.id": "d1", "glasshatch.resource.env": "lab",
    })  # fmt: skip
    assert other.attrs["resource"]["deployment.environment.name"] == "prod"


PLACES = {
    "actor.id": ({"user.id": "u1", "user.name": "una"}, "u1"),
    "actor.name": ({"user.id": "u1", "user.name": "una"}, "una"),
    "actor.roles": ({"user.id": "u1", "user.roles": ["a", "b"]}, ("a", "b")),
    "actor.raw.principal": ({"enduser.id": "u1"}, "u1"),
    "actor.type": ({"gen_ai.agent.name": "helper", "user.id": "u1"}, "agent"),
    "actor.on_behalf_of": ({"gen_ai.agent.id": "agent-1", "user.id": "u1"}, "u1"),
    "session_id": ({"session.id": "s1"}, "s1"),
    "request_id": ({"request.id": 7}, "7"),
    "client.ip": ({"client.address": "192.0.2.7", "client.port": 99}, "192.0.2.7"),
    "client.port": ({"client.address": "192.0.2.7", "client.port": 99}, 99),
    "client.device": ({"client.address": "laptop"}, "laptop"),
    "client.user_agent": ({"user_agent.original": "curl"}, "curl"),
    "outcome.status": ({"error.type": "timeout"}, "failure"),
    "outcome.code": ({"http.response.status_code": 503}, "503"),
    "resource.id": (
        {"db.system.name": "postgresql", "server.address": "db1", "server.port": 5432, "db.namespace": "shop",
         "db.collection.name": "orders"}, "postgresql/db1:5432/shop/orders",
    ),
    "resource.name": ({"server.address": "mail.example.com"}, "mail.example.com"),
    "resource.type": ({"k8s.pod.name": "web-1", "k8s.namespace.name": "shop"}, "pods"),
    "data.rows": ({"db.response.returned_rows": 12}, 12),
    "statement.text": ({"db.system.name": "postgresql", "db.query.text": "SELECT 1"}, "SELECT 1"),
    "attrs": ({"db.system.name": "redis", "db.query.text": "GET a"}, {"db.query.text": "GET a"}),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_an_attribute_stands_in_its_place_and_nowhere_else(place: str) -> None:
    attributes, wanted = PLACES[place]
    made: Any = event(attributes=attributes)
    for name in place.split("."):
        made = getattr(made, name)
    assert made == wanted


@pytest.mark.parametrize(
    ("status", "wanted"), [(200, "success"), (302, "success"), (404, "failure"), (500, "failure")]
)
def test_an_http_status_says_how_it_ended(status: int, wanted: str) -> None:
    made = event(attributes={"http.response.status_code": status})
    assert made.outcome is not None
    assert made.outcome.status == wanted


def test_a_resource_says_where_it_arose_and_the_record_what_was_reached() -> None:
    where = {
        "service_name": "shop", "service_instance_id": "i-1", "service_version": "2.1", "host_name": "h",
        "k8s_cluster_name": "c", "k8s_namespace_name": "n", "k8s_pod_name": "p",
        "deployment_environment_name": "prod",
    }  # fmt: skip
    made = event(resource=where, attributes={"server.address": "pay.example.com"})
    assert made.source.name == "shop"
    assert (made.source.instance, made.source.version) == ("i-1", "2.1")
    assert made.resource is not None
    assert (made.resource.id, made.resource.env) == ("server/pay.example.com", "prod")
    assert [one.id for one in made.resources] == ["kubernetes/c/n/pods/p"]
    assert made.attrs["resource"] == {"host.name": "h"}
    alone = event(resource=where)
    assert alone.resource is not None
    assert (alone.resource.id, alone.resources) == ("kubernetes/c/n/pods/p", ())


def test_what_an_application_says_in_our_own_words() -> None:
    made = event(
        event_name="order.refunded",
        attributes={
            "glasshatch.actor.id": "una", "glasshatch.actor.type": "human", "user.id": "u1",
            "glasshatch.resource.type": "order", "glasshatch.resource.id": "order/7",
            "glasshatch.outcome.status": "failure", "glasshatch.outcome.reason": "too late",
        },
    )  # fmt: skip
    assert made.action == "order.refunded"
    assert made.actor is not None
    assert (made.actor.id, made.actor.type, made.actor.on_behalf_of) == ("una", "human", "u1")
    assert made.resource is not None
    assert (made.resource.type, made.resource.id) == ("order", "order/7")
    assert made.outcome is not None
    assert (made.outcome.status, made.outcome.reason) == ("failure", "too late")
    assert made.attrs == {}


@pytest.mark.parametrize(
    ("name", "action", "left"),
    [
        ("order.paid", "order.paid", {}),
        ("gen_ai.client.inference", "gen_ai.client.inference", {}),
        ("paid", "log.recorded", {"event_name": "paid"}),
        ("a b.c", "log.recorded", {"event_name": "a b.c"}),
        ("x." + "y" * 200, "log.recorded", {"event_name": "x." + "y" * 200}),
        ("statement.run", "log.recorded", {"claimed": {"action": "statement.run"}}),
    ],
)
def test_an_event_name_of_our_form_is_the_action(name: str, action: str, left: dict[str, Any]) -> None:
    made = event(event_name=name)
    assert (made.action, made.attrs) == (action, left)
    older = event(attributes={"event.name": name})
    assert (older.action, older.attrs) == (action, left)


@pytest.mark.parametrize(
    ("number", "severity"), [(0, 0), (1, 1), (9, 1), (10, 2), (13, 3), (17, 4), (18, 5), (24, 6)]
)
def test_severities(number: int, severity: int) -> None:
    assert event(severity_number=number).severity == severity


def test_times() -> None:
    assert event(time_unix_nano=5, observed_time_unix_nano=7).time == "5"
    assert event(time_unix_nano=5, observed_time_unix_nano=7).attrs == {}
    late = event(time_unix_nano=5, observed_time_unix_nano=7 * 10**9)
    assert (late.time, late.attrs) == ("5", {"observed_time_unix_nano": str(7 * 10**9)})
    assert event(time_unix_nano=0, observed_time_unix_nano=7).time == "7"
    assert event(time_unix_nano=0).time == str(NOW_NS)
    assert event(time_unix_nano=2**64 - 1).time == str(2**64 - 1)


def test_ids_of_another_length_are_kept_as_they_came() -> None:
    made = event(trace_id=b"\x01" * 16, span_id=b"\x02" * 3)
    assert (made.trace_id, made.span_id, made.attrs) == ("01" * 16, "", {"span_id": "020202"})
    assert event(trace_id=bytes(16), span_id=bytes(8)).attrs == {}


def test_values_are_canonical_in_both_forms() -> None:
    odd = {
        "long": 2**62, "negative": -(2**62), "fraction": 0.1, "not": math.nan, "more": -math.inf,
        "bytes": b"\xff\0", "nothing": None, "list": [1, "a", None, [2.5]], "map": {"ä": {"b": True}},
        "ünicode": "日本", "empty": "",
    }  # fmt: skip
    made = event(odd, attributes=odd)
    wanted = {
        "long": str(2**62), "negative": str(-(2**62)), "fraction": "0.1", "not": "NaN", "more": "-Infinity",
        "bytes": base64.b64encode(b"\xff\0").decode(), "nothing": None, "list": [1, "a", None, ["2.5"]],
        "map": {"\\xe4": {"b": True}}, "\\xfcnicode": "日本", "empty": "",
    }  # fmt: skip
    assert made.native == wanted
    assert made.attrs == wanted


def test_a_value_nested_too_deep_is_cut_and_the_rest_is_kept() -> None:
    deep: Any = "bottom"
    for _ in range(80):
        deep = [deep]
    body = _deep_request(4_000)
    (made,) = parsed(body)
    assert "[TOO DEEP]" in str(made.event.native)
    decode(encode(made.event))
    nested = b'{"arrayValue":{"values":[' * 5_000 + b'{"intValue":1}' + b"]}}" * 5_000
    record = b'{"timeUnixNano":"1","body":%s}' % nested
    lines = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}' % record
    (refused,) = read(lines, "lines")
    assert isinstance(refused, Rejected)


def _deep_request(depth: int) -> bytes:
    data = b"\x0a\x01x"
    for _ in range(depth):
        inner = _field(1, data)
        data = _field(5, inner)
    return _field(1, _field(2, _field(2, _field(5, data) + b"\x09" + (1).to_bytes(8, "little"))))


def _field(number: int, data: bytes) -> bytes:
    length, out = len(data), bytearray([number << 3 | 2])
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    return bytes([*out, length]) + data


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.builds(
    record,
    body=VALUES,
    attributes=st.dictionaries(st.text(), VALUES, max_size=5),
    time_unix_nano=st.integers(0, 2**64 - 1),
    observed_time_unix_nano=st.integers(0, 2**64 - 1),
    severity_number=st.integers(0, 24),
    severity_text=st.text(),
    event_name=st.text(),
    trace_id=st.binary(max_size=16),
    span_id=st.binary(max_size=8),
    flags=st.integers(0, 2**32 - 1),
    dropped_attributes_count=st.integers(0, 2**32 - 1),
)


@given(made=RECORDS)
def test_both_forms_of_any_record_give_the_same_event(made: LogRecord) -> None:
    both = request(made, service_name="shop")
    (binary,), (text,) = parsed(both.SerializeToString()), parsed(as_json(both), "json")
    assert binary.event == text.event
    decode(encode(binary.event))


@given(made=RECORDS)
def test_the_reader_agrees_with_the_generated_classes(made: LogRecord) -> None:
    found = wire.read_record(made.SerializeToString())
    assert found.get("timeUnixNano", 0) == made.time_unix_nano
    assert found.get("observedTimeUnixNano", 0) == made.observed_time_unix_nano
    assert found.get("severityNumber", 0) == made.severity_number
    assert found.get("severityText", "") == made.severity_text
    assert found.get("eventName", "") == made.event_name
    assert found.get("traceId", "") == made.trace_id.hex()
    assert found.get("spanId", "") == made.span_id.hex()
    assert found.get("flags", 0) == made.flags
    assert found.get("droppedAttributesCount", 0) == made.dropped_attributes_count
    assert list(found["attributes"]) == [
        one.key.encode("ascii", "backslashreplace").decode() for one in made.attributes
    ]


@given(data=st.binary(max_size=200))
def test_any_bytes_are_records_or_refused_and_never_a_surprise(data: bytes) -> None:
    for body, format in ((data, "protobuf"), (data, "json"), (data, "lines"), (data, "")):
        try:
            found = read(body, format)
        except PeerError:
            continue
        assert all(isinstance(one, Parsed) or 0 < len(one.reason) < 300 for one in found)


@given(made=RECORDS, data=st.data())
def test_a_damaged_record_costs_only_itself(made: LogRecord, data: st.DataObject) -> None:
    good, whole = record("good"), bytearray(made.SerializeToString())
    at = data.draw(st.integers(0, max(0, len(whole) - 1)))
    whole[at : at + 1] = data.draw(st.binary(max_size=2))
    scope = (
        _field(2, good.SerializeToString()) + _field(2, bytes(whole)) + _field(2, good.SerializeToString())
    )
    found = read(_field(1, _field(2, scope)))
    assert len(found) == 3
    assert isinstance(found[0], Parsed)
    assert isinstance(found[2], Parsed)


def test_unknown_fields_are_passed_over() -> None:
    made = record("x").SerializeToString()
    more = b"\xfa\x01\x03abc" + b"\x80\x02\x05" + b"\x8d\x02abcd" + b"\x91\x02abcdefgh"
    (found,) = parsed(_field(1, _field(2, _field(2, made + more) + more) + more) + more)
    assert found.event.native == "x"
    tree = json.loads(as_json(request(record("x"))))
    tree["later"] = tree["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["later"] = [{"a": 1}]
    assert parsed(json.dumps(tree).encode(), "json")[0].event.native == "x"


JSON_RECORDS = {
    "a time as a text": ('"timeUnixNano":"12"', "12"),
    "a time as a number": ('"timeUnixNano":12', "12"),
    "a severity by its name": ('"timeUnixNano":1,"severityNumber":"SEVERITY_NUMBER_WARN2"', 3),
    "an empty value": ('"body":{}', None),
    "null everywhere": ('"body":null,"attributes":null,"traceId":null,"severityText":null', None),
}


@pytest.mark.parametrize("name", JSON_RECORDS)
def test_what_senders_of_json_write(name: str) -> None:
    members, wanted = JSON_RECORDS[name]
    (found,) = parsed(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{%s}]}]}]}' % members.encode(), "json")
    assert wanted in (found.event.time, found.event.severity, found.event.native)


BAD_JSON = [
    '"timeUnixNano":"soon"', '"timeUnixNano":-1', '"timeUnixNano":1.5',
    '"timeUnixNano":"99999999999999999999999"', '"body":{"boolValue":"x"}',
    '"severityNumber":"LOUD"', '"traceId":"xyz"', '"attributes":{"a":1}', '"body":"plain"', '"eventName":7',
    '"body":{"intValue":"a"}', '"body":{"bytesValue":"*"}', '"body":{"doubleValue":"one"}',
]  # fmt: skip


@pytest.mark.parametrize("members", BAD_JSON)
def test_a_bad_record_in_json_costs_only_itself_and_the_reason_holds_no_value(members: str) -> None:
    records = b'[{"body":{"stringValue":"a"}},{%s},{}]' % members.encode()
    first, bad, last = read(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":%s}]}]}' % records, "json")
    assert isinstance(first, Parsed)
    assert isinstance(last, Parsed)
    assert isinstance(bad, Rejected)
    assert not [word for word in ("soon", "LOUD", "xyz", "plain", "99999", "one") if word in bad.reason]


@pytest.mark.parametrize(
    ("body", "format"),
    [
        (b"nonsense", "protobuf"), (b"\xff" * 50, "protobuf"), (b"\x0a\x7f", "protobuf"),
        (b"nonsense", "json"), (b'{"resourceLogs":[', "json"), (b"[]", "json"),
        (b'{"resourceSpans":[]}', "json"), (b'{"a":1}', "json"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_as_a_whole(body: bytes, format: str) -> None:
    with pytest.raises(PeerError):
        read(body, format)


def test_nothing_is_no_records() -> None:
    assert read(b"") == []
    assert read(b"{}", "json") == []
    assert read(request().SerializeToString()) == []


def test_a_bomb_of_empty_records_is_refused() -> None:
    for body in (
        _field(1, _field(2, b"\x12\x00" * 300_000)),
        b"\x0a\x00" * 300_000,
        _field(1, b"\x12\x00" * 300_000),
    ):
        with pytest.raises(TooLarge):
            read(body)
    with pytest.raises(ConfigError):
        KIND.form({"format": "xml"})


def keys(*records: LogRecord, **arrival: Any) -> list[str]:
    return [one.key for one in parsed(request(*records).SerializeToString(), **arrival)]


def test_equal_records_of_one_delivery_are_two_and_delivered_again_they_are_the_same() -> None:
    same = record("GET /")
    assert len(set(keys(same, same, record("other")))) == 3
    assert keys(same, same) == keys(same, same)
    assert keys(record("other"), same)[1] == keys(same)[0]  # however a sender cuts its deliveries


def test_records_whose_times_are_coarse_are_the_same_only_within_the_same_delivery() -> None:
    coarse = record("GET /", time_unix_nano=5 * 10**9)
    assert keys(coarse, coarse) == keys(coarse, coarse)
    assert not set(keys(coarse)) & set(keys(coarse, record("other")))
    fine = record("GET /", time_unix_nano=5 * 10**9, observed_time_unix_nano=7)
    assert keys(fine)[0] == keys(fine, record("other"))[0]


def test_a_record_without_any_time_is_recorded_each_time_it_comes() -> None:
    assert keys(record("x", time_unix_nano=0)) == [""]
    assert len(set(keys(record("x", time_unix_nano=0), record("x", time_unix_nano=0), line=3, file="f"))) == 2


def test_a_uid_tells_a_record_whatever_else_it_says() -> None:
    uid = "0191d6ab-0000-7000-8000-000000000001"
    first, second = (record(body, attributes={"log.record.uid": uid}) for body in ("a", "b"))
    assert keys(first) == keys(second) == [f"uid {uid}"]
    assert event(attributes={"log.record.uid": uid}).id == uid
    assert event(attributes={"log.record.uid": "01ARZ3"}).attrs == {"log.record.uid": "01ARZ3"}


def test_the_same_record_of_two_services_is_two() -> None:
    one, other = (request(record("x"), service_name=name).SerializeToString() for name in ("a", "b"))
    assert parsed(one)[0].key != parsed(other)[0].key


def test_a_value_that_a_statement_was_given_stands_where_the_intake_looks() -> None:
    sql = {
        "db.query.text": "SELECT $1",
        "db.query.parameter.0": "x",
        "db.query.parameter.n": 5,
        "parameters": {"a": 1},
    }
    assert event(attributes=sql).attrs == {"parameters": ["x", "5"], "parameters'": {"a": 1}}
    other = {"db.query.parameter.0": "x"}
    assert event(attributes=other).attrs == {"db.query.parameter": {"0": "x"}}


def test_headers_stand_under_their_own_names_which_tell_what_is_secret() -> None:
    made = event(
        attributes={"http.request.header.authorization": ["Bearer x"], "http.request.header.accept": ["*"]}
    )
    assert made.attrs == {"http.request.header": {"authorization": ["Bearer x"], "accept": ["*"]}}


def test_one_name_twice_is_told_apart() -> None:
    made = event(attributes={"resource": 1, "scope": 2, "resource'": 3}, resource={"host_name": "h"})
    assert made.attrs == {"resource": 1, "scope": 2, "resource'": 3, "resource''": {"host.name": "h"}}


@pytest.mark.parametrize("format", ["protobuf", "json"])
def test_the_form_is_told_by_the_first_bytes(format: str) -> None:
    made = request(record("one"), record("two"))
    body = made.SerializeToString() if format == "protobuf" else as_json(made)
    assert [one.event.native for one in parsed(body, "")] == ["one", "two"]
    pretty = json.dumps(json.loads(as_json(made)), indent=2).encode()
    assert [one.event.native for one in parsed(pretty, "")] == ["one", "two"]
    lines = as_json(made) + b"\n\nbroken\n" + as_json(made) + b'\n{"a":1}\n'
    found = read(lines, "")
    assert [type(one) for one in found] == [Parsed, Parsed, Rejected, Parsed, Parsed, Rejected]


def test_a_request_in_parts_is_their_sum() -> None:
    one, other = (request(record(body), service_name=body).SerializeToString() for body in "ab")
    assert [found.event.source.name for found in parsed(one + other)] == ["a", "b"]
    assert pairs({"a": 1})[0].value == value(1)


def natives(path: Path) -> list[object]:
    """The bodies of a file's records, part by part as the command delivers it."""
    found: list[object] = []
    for part in read_lines(path, KIND.form({})):
        found += [one.event.native for one in parsed(part.body, "", file="f", line=part.first)]
    return found


def test_a_file_of_requests_is_read_in_parts_and_one_request_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "logs"
    lines = [as_json(request(record(f"{number} " + "x" * 40_000), record(number))) for number in range(130)]
    file.write_bytes(b"\n".join(lines) + b"\n")  # 5 MB, more than is read at once
    assert len(natives(file)) == 260
    ends_with_a_line_end = request(record("a\n")).SerializeToString()
    made = request(record(time_unix_nano=0, event_name="a.b\n")).SerializeToString()
    for body in (ends_with_a_line_end, made):
        file.write_bytes(gzip.compress(body))
        assert len(natives(file)) == 1
    assert made.endswith(b"\n")
    file.write_bytes(json.dumps(json.loads(lines[0]), indent=1).encode())
    assert len(natives(file)) == 2
