"""Every action of the catalogue, and what other systems send, judged by OCSF's own schema."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema
import msgspec
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

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
    Redaction,
    Resource,
    Source,
    StatementText,
    encode,
)
from glasshatch.exports import FORMS, OCSF_VERSION, Item

OTHERS = ("create", "pods.get", "repo.destroy", "user.session.start", "", "Ä.ö", "a" * 300)


@functools.cache
def _schemas() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))


@functools.cache
def _judge(class_uid: int, profiles: tuple[str, ...] = ()) -> jsonschema.Draft202012Validator:
    schemas = _schemas()
    name = schemas.lookup_class_name_from_uid(class_uid=class_uid)
    schema = schemas.get_class_schema(class_name=name, profiles=list(profiles))
    return jsonschema.Draft202012Validator(schema)


def judged(event: Event) -> dict[str, Any]:
    """The event as it leaves, which the schema accepts."""
    item = Item("default", 7, encode(event), event)
    found: dict[str, Any] = json.loads(FORMS["ocsf"].line(item))
    judge = _judge(found["class_uid"], tuple(found["metadata"].get("profiles", ())))
    problems = [f"{list(one.path)}: {one.message[:200]}" for one in judge.iter_errors(found)]
    assert not problems, (event.action, problems)
    return found


def bare(action: str) -> Event:
    return Event(id="0197-x", time="1700000000000000000", action=action, source=Source(kind="gateway"))


def full(action: str) -> Event:
    return msgspec.structs.replace(
        bare(action),
        source=Source(kind="json", name="shop", instance="41", version="1"),
        observed_time="1700000000500000000",
        outcome=Outcome(status="failure", code="42501", reason="no"),
        severity=6,
        actor=Actor(
            id="u1", type="agent", name="bot", roles=("dba",), idp="corp", on_behalf_of="u2",
            raw=RawPrincipal(namespace="k8s", principal="system:x"),
        ),
        session_id="s1", request_id="r1", trace_id="a" * 32, span_id="b" * 16,
        client=Client(ip="2001:db8::1", port=443, user_agent="psql"),
        resource=Resource(
            type="postgres", id="postgres/orders", name="orders", env="production", labels={"a": "b"}
        ),
        resources=(Resource(type="table", id="postgres/orders/public.payments"), Resource(type="pod")),
        access=Access(grant_id="g1", reason="why"),
        data=Data(rows=3, classes=("email",), subjects=("<EMAIL:x>",)),
        statement=StatementText(text="select 1", shape="select ?", hash="ab"),
        decision=DecisionMade(effect="deny", rule="r", reason="because", policy_hash="cd"),
        redaction=Redaction(counts={"email": 1}, pack_hash="ef"),
        links=(Link(rel="alert", id="al"), Link(rel="event", id="e1")),
        labels={"k": "v"}, attrs={"title": "T", "rule": "x", "explanation": "E", "n": 1},
        native={"verb": "get"},
    )  # fmt: skip


@pytest.mark.parametrize("action", [*ACTIONS, *OTHERS])
@pytest.mark.parametrize("make", [bare, full])
def test_what_leaves_is_of_its_class(action: str, make: Any) -> None:
    found = judged(make(action))
    assert found["metadata"]["version"] == OCSF_VERSION
    assert found["metadata"]["uid"] == "0197-x"
    assert found["metadata"]["event_code"] == action
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["category_uid"] == found["class_uid"] // 1000


@pytest.mark.parametrize(
    ("action", "class_uid", "activity"),
    [
        ("session.opened", 3002, 1), ("signin.refused", 3002, 1), ("session.closed", 3002, 2),
        ("actor.created", 3001, 1), ("statement.run", 6005, 4), ("alert.raised", 2004, 1),
        ("record.read", 6003, 2), ("server.started", 6002, 3), ("grant.issued", 3004, 1),
        ("group.removed", 3006, 5),
        ("pods.delete", 6003, 4), ("witness.refused", 6003, 99),
    ],
)  # fmt: skip
def test_the_class_follows_from_the_action(action: str, class_uid: int, activity: int) -> None:
    found = judged(bare(action))
    assert (found["class_uid"], found["activity_id"]) == (class_uid, activity)


def test_nothing_of_an_event_is_lost() -> None:
    found = judged(full("statement.denied"))
    assert found["metadata"]["original_time"] == "1700000000000000000"
    assert found["time"] == 1_700_000_000_000
    assert found["metadata"]["logged_time"] == 1_700_000_000_500
    assert (found["metadata"]["log_name"], found["metadata"]["sequence"]) == ("default", 7)
    assert found["query_info"] == {"query_string": "select 1", "uid": "ab"}
    assert found["actor"]["user"]["uid_alt"] == "system:x"
    assert found["actor"]["authorizations"][0]["decision"] == "deny"
    assert found["status_id"] == 2
    assert found["unmapped"]["data"]["subjects"] == ["<EMAIL:x>"]
    assert found["unmapped"]["attrs"]["n"] == 1
    assert json.loads(found["raw_data"]) == {"verb": "get"}


def test_a_refusal_without_an_outcome_is_a_failure() -> None:
    denied = msgspec.structs.replace(bare("statement.denied"), decision=DecisionMade(effect="deny"))
    assert judged(denied)["status"] == "Failure"
    assert judged(bare("statement.run"))["status"] == "Unknown"


def test_a_schema_that_would_accept_anything_is_noticed() -> None:
    found = json.loads(FORMS["ocsf"].line(Item("default", 7, b"{}", bare("statement.run"))))
    del found["database"]
    assert list(_judge(6005).iter_errors(found))
