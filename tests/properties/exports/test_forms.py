"""Whatever an event holds: CEF reads back, OCSF is of its class, a message of syslog has its header."""

from __future__ import annotations

import functools
import json
import re
from io import BytesIO

import jsonschema
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from pyarrow import parquet

from fixtures.cef import read_cef
from glasshatch.events import (
    ACTIONS,
    Access,
    Actor,
    Client,
    Data,
    DecisionMade,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
    encode,
    foreign,
)
from glasshatch.exports import FORMS, OCSF_VERSION, Item, Syslog, SyslogTarget

TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "a=b", "c|d", "e\\", "\n", "\u2028", " x ", "1.2.3.4", "::1"]
)
RESOURCES = st.builds(Resource, type=TEXT, id=TEXT, name=TEXT, labels=st.dictionaries(TEXT, TEXT, max_size=2))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2), max_leaves=5,
)  # fmt: skip
STATUSES, TYPES = ["success", "failure", "unknown"], ["human", "service", "agent", "unknown"]
EFFECTS, RELATIONS = ["allow", "deny", "review"], ["alert", "event", "x"]
NAMES = st.lists(TEXT, max_size=2).map(tuple)
EVENTS = st.builds(
    Event,
    id=TEXT, time=st.integers(-(10**20), 10**20).map(str), action=st.sampled_from(list(ACTIONS)) | TEXT,
    source=st.builds(Source, kind=TEXT, name=TEXT, instance=TEXT), tenant=TEXT,
    observed_time=st.integers(0, 4 * 10**18).map(str) | st.just(""),
    outcome=st.none() | st.builds(Outcome, status=st.sampled_from(STATUSES), code=TEXT, reason=TEXT),
    severity=st.integers(-3, 99),
    actor=st.none() | st.builds(
        Actor, id=TEXT, type=st.sampled_from(TYPES), name=TEXT, roles=NAMES, idp=TEXT, on_behalf_of=TEXT,
        raw=st.none() | st.builds(RawPrincipal, principal=TEXT),
    ),
    session_id=TEXT, request_id=TEXT, trace_id=TEXT, span_id=TEXT,
    client=st.none() | st.builds(Client, ip=TEXT, port=st.integers(-1, 70_000), user_agent=TEXT),
    resource=st.none() | RESOURCES, resources=st.lists(RESOURCES, max_size=2).map(tuple),
    access=st.none() | st.builds(Access, grant_id=TEXT, reason=TEXT),
    data=st.none() | st.builds(Data, rows=st.integers(0, 10**9), classes=NAMES),
    statement=st.none() | st.builds(StatementText, text=TEXT, shape=TEXT, hash=TEXT),
    decision=st.none() | st.builds(DecisionMade, effect=st.sampled_from(EFFECTS), rule=TEXT),
    links=st.lists(st.builds(Link, rel=st.sampled_from(RELATIONS), id=TEXT), max_size=2).map(tuple),
    labels=st.dictionaries(TEXT, TEXT, max_size=2),
    attrs=st.dictionaries(TEXT | st.sampled_from(["title", "rule"]), VALUES, max_size=2).map(foreign),
    native=VALUES.map(foreign),
)  # fmt: skip


@functools.cache
def judge(class_uid: int, profiles: tuple[str, ...]) -> jsonschema.Draft202012Validator:
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))
    name = schemas.lookup_class_name_from_uid(class_uid=class_uid)
    return jsonschema.Draft202012Validator(schemas.get_class_schema(class_name=name, profiles=list(profiles)))


def item(event: Event) -> Item:
    return Item("default", 1, encode(event), event)


@given(EVENTS)
def test_every_form_takes_any_event(event: Event) -> None:
    one = Item("default", 1, encode(event), event)
    ocsf_is_of_its_class(one)
    cef_reads_back(one)
    a_message_of_syslog_has_its_header(one)
    lines_hold_the_stored_bytes(one)


def ocsf_is_of_its_class(one: Item) -> None:
    found = json.loads(FORMS["ocsf"].line(one))
    judging = judge(found["class_uid"], tuple(sorted(found["metadata"].get("profiles", ()))))
    assert not [problem.message[:200] for problem in judging.iter_errors(found)]


def cef_reads_back(one: Item) -> None:
    line = FORMS["cef"].line(one).decode()
    assert len(line.splitlines()) == 1
    header, members = read_cef(line)
    assert len(header) == 6
    said = one.event.statement
    if said is not None and (text := said.text or said.shape):
        kept = re.sub("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]", " ", text).strip(" ")
        assert members.get("msg", "") == kept


def a_message_of_syslog_has_its_header(one: Item) -> None:
    message = Syslog(SyslogTarget("udp", "127.0.0.1", 1, "höst name"), FORMS["cef"]).message(one)
    stamp = r"(?:-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"
    header = rf"<(?:10[4-9]|11[01])>1 {stamp} h_st_name glasshatch - [\x21-\x7e]{{1,32}} - CEF:0\|"
    assert re.match(header.encode(), message), message[:200]
    assert b"\n" not in message


def lines_hold_the_stored_bytes(one: Item) -> None:
    line = FORMS["jsonl"].line(one)
    assert b"\n" not in line
    assert bytes(msgspec.json.decode(line, type=dict[str, msgspec.Raw])["event"]) == one.data


@given(st.lists(EVENTS, max_size=4))
def test_parquet_takes_any_event(events: list[Event]) -> None:
    data = FORMS["parquet"].file(tuple(Item("default", 1, encode(event), event) for event in events))
    table = parquet.read_table(BytesIO(data))
    assert table["event"].to_pylist() == [encode(event).decode() for event in events]
    assert table["id"].to_pylist() == [event.id for event in events]
