"""No secret that stands in an audit event is kept, wherever it stands; what tells who did what is."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import msgspec
import pytest

from fixtures.audit import event, planted
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected
from glasshatch.sources.items import Item
from glasshatch.sources.kubernetes import texts
from glasshatch.sources.quarantine import quarantined

WORD = "Zq7kxWvplanted"
PLACES = dict(planted(WORD))
NOW_NS = 1_795_385_333 * 10**9
_ids = itertools.count()


def arrival() -> Arrival:
    return Arrival(NOW_NS, "prod", "default", lambda: f"00000000-0000-7000-8000-{next(_ids):012}")


def data_of(value: Any) -> bytes:
    return msgspec.json.encode(value)


def parsed(value: dict[str, Any]) -> Parsed:
    found = SOURCES["kubernetes"].parse(value, data_of(value), arrival())
    assert isinstance(found, Parsed), found
    return found


@pytest.fixture(scope="module")
def redact() -> Redactor:
    return Redactor(Engine.load(), Tokens({1: b"k" * 32}, 1, "default"), frozenset({"kubernetes"}))


def holds(data: bytes, word: str) -> bool:
    """Whether the word stands there in clear, in any case, or in base64 at any offset."""
    raw = word.encode()
    forms = [base64.b64encode(b"\0" * n + raw)[(0, 2, 3)[n] : -4] for n in range(3)]
    return raw.lower() in data.lower() or any(form in data for form in forms)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_planted_is_not_kept(place: str, redact: Redactor) -> None:
    value = PLACES[place]
    assert holds(msgspec.json.encode(value), WORD), "nothing was planted"
    found = SOURCES["kubernetes"].parse(value, data_of(value), arrival())
    if isinstance(found, Parsed):
        kept = redact.event(found.event)
    else:
        item = Item(1, value, msgspec.json.encode(value))
        kept = redact.event(quarantined(SOURCES["kubernetes"], item, found.reason, arrival(), redact.texts))
    assert not holds(msgspec.json.encode(kept), WORD)


@pytest.mark.parametrize("cut", [40, 200, 500, 900])
def test_a_line_that_broke_off_keeps_names_only(cut: int, redact: Redactor) -> None:
    data = msgspec.json.encode(event("secrets", requestObject={"data": {"pin": WORD}, "kind": "Secret"}))
    at = data.index(WORD.encode())
    line = data[: min(at + 12, max(cut, at + 12))]
    item = Item(1, None, line, "is not JSON")
    kept = quarantined(SOURCES["kubernetes"], item, "is not JSON", arrival(), redact.texts)
    assert not holds(msgspec.json.encode(kept), WORD[:10])
    assert "auditID" in kept.attrs["members"]


def test_what_tells_who_did_what_stays() -> None:
    found = parsed(
        event(
            "secrets",
            "patch",
            requestObject={
                "kind": "Secret",
                "metadata": {"name": "db", "labels": {"app": "shop"}},
                "data": {"password": "eA=="},
            },
        )
    )
    kept = found.event
    assert kept.source.kind == "kubernetes"
    assert (kept.action, kept.actor and kept.actor.name) == ("secrets.patch", "carol")
    assert kept.resource is not None
    assert kept.resource.id.startswith("kubernetes/prod/shop/secrets/thing-")
    assert kept.client is not None
    assert kept.client.ip == "192.0.2.7"
    body = kept.native["requestObject"]
    assert body["metadata"] == {"name": "db", "labels": {"app": "shop"}}
    assert body["data"] == {"password": "[REDACTED]"}


def test_names_of_variables_and_where_they_come_from_stay() -> None:
    container = {"name": "app", "image": "shop:1", "env": [
        {"name": "PLAIN", "value": WORD},
        {"name": "TAKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "pin"}}}]}  # fmt: skip
    kept = parsed(event(requestObject={"spec": {"containers": [container]}})).event
    found = kept.native["requestObject"]["spec"]["containers"][0]
    assert found["image"] == "shop:1"
    assert found["env"][0] == {"name": "PLAIN", "value": "[REDACTED]"}
    assert found["env"][1]["valueFrom"] == {"secretKeyRef": {"name": "db", "key": "pin"}}


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("/api/v1/pods?limit=500&resourceVersion=0", "/api/v1/pods?limit=500&resourceVersion=0"),
        ("/api/v1/pods?labelSelector=app%3Dshop", "/api/v1/pods?labelSelector=app=shop"),
        ("/x/exec?command=ls&stdin=true", "/x/exec?command=[REDACTED]&stdin=true"),
        ("/healthz", "/healthz"),
        ("/a/proxy/b?c=d", "/a/proxy/[REDACTED]?[REDACTED]"),
    ],
)
def test_parameters_that_are_known_stay(uri: str, kept: str) -> None:
    assert parsed(event(requestURI=uri)).event.native["requestURI"] == kept


def test_a_message_that_speaks_of_names_only_stays() -> None:
    message = 'pods is forbidden: User "carol" cannot list resource "pods" in the namespace "kube-system"'
    status = {"code": 403, "reason": "Forbidden", "message": message}
    kept = parsed(event(responseStatus=status)).event
    assert kept.native["responseStatus"]["message"] == message
    assert kept.outcome is not None
    assert (kept.outcome.status, kept.outcome.code) == ("failure", "403")
    assert kept.severity == 3


def test_under_impersonation_the_impersonated_acts_and_the_real_one_is_named() -> None:
    kept = parsed(event(impersonatedUser={"username": "dan", "groups": ["ops"]})).event
    assert kept.actor is not None
    assert kept.actor.id == "dan"
    assert kept.actor.raw is not None
    assert kept.actor.raw.principal == "carol"


def test_a_body_that_is_too_long_is_left_out_and_said() -> None:
    items = [{"metadata": {"name": f"pod-{n}", "uid": f"{n:036}"}} for n in range(2_000)]
    kept = parsed(event(verb="list", responseObject={"kind": "PodList", "items": items})).event
    assert kept.native["responseObject"] == "[TOO LARGE]"
    assert kept.labels["truncated"] == "true"


@pytest.mark.parametrize(
    "value",
    [
        {}, [], 5, None, "x", {"apiVersion": "v1"}, {**event(), "auditID": 5}, {**event(), "stage": "Other"},
        {**event(), "user": None}, {**event(), "user": {"username": 5}},
        {**event(), "requestReceivedTimestamp": "x", "stageTimestamp": None},
    ],
)  # fmt: skip
def test_what_is_no_audit_event_is_refused(value: Any) -> None:
    assert not isinstance(SOURCES["kubernetes"].parse(value, data_of(value), arrival()), Parsed)


@pytest.mark.parametrize("name", list(event()))
@pytest.mark.parametrize("wrong", [None, 5, "x", [], {}, [{}], {"a": [1]}, True])
def test_a_member_of_another_type_does_no_harm(name: str, wrong: Any, redact: Redactor) -> None:
    found = SOURCES["kubernetes"].parse(
        {**event(), name: wrong}, data_of({**event(), name: wrong}), arrival()
    )
    if isinstance(found, Parsed):
        msgspec.json.decode(msgspec.json.encode(redact.event(found.event)), type=type(found.event))


def test_in_a_list_only_the_list_says_which_version_its_items_have() -> None:
    item = {name: value for name, value in event(number=7).items() if name not in ("kind", "apiVersion")}
    assert parsed(item).key == parsed(event(number=7)).key
    for version in ("audit.k8s.io/v2", "v1", 1, None):
        other = event(apiVersion=version)
        assert isinstance(SOURCES["kubernetes"].parse(other, data_of(other), arrival()), Rejected)


def test_what_the_api_server_cut_is_marked_and_weighs_less_than_what_is_whole() -> None:
    whole = event(requestObject={"kind": "Pod"}, level="Request")
    cut = event(annotations={"audit.k8s.io/truncated": "true"})
    assert parsed(cut).event.labels["truncated"] == "true"
    assert "truncated" not in parsed(whole).event.labels
    assert parsed(cut).weight < parsed(whole).weight


def test_a_refused_impersonation_is_told_by_what_the_server_said() -> None:
    said = 'users "admin" is forbidden: User "carol" cannot impersonate resource "users" in API group ""'
    status = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": said}
    refused = parsed(event(responseStatus={"code": 403}, responseObject=status)).event
    assert (refused.labels["impersonation"], refused.labels["impersonator"]) == ("refused", "carol")
    assert refused.actor is not None
    assert refused.actor.id == "carol"
    assert refused.severity == 3
    used = parsed(event(impersonatedUser={"username": "dan"})).event
    assert (used.labels["impersonation"], used.labels["impersonator"]) == ("used", "carol")
    assert "impersonation" not in parsed(event(responseStatus={"code": 403})).event.labels


@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_is_judged_by_its_code(code: int) -> None:
    refused = parsed(event(responseStatus={"code": code, "status": "Success"})).event
    assert refused.outcome is not None
    assert (refused.outcome.status, refused.severity) == ("failure", 3)


def test_the_quick_ways_past_a_text_miss_nothing_that_the_long_way_finds() -> None:
    tokens = ("abcdef.0123456789abcdef", "eyJhbGciOi.eyJzdWIi.c2ln", "Bearer abcdefgh", "BASIC\tYWxhZGRpbg==",
              "ba\u017fic abcdefgh", "bearer\u00a0abcdefgh")  # fmt: skip
    for token, before, behind in itertools.product(
        tokens, ("", "x ", "(", "a=", "\u00e9"), ("", " y", ",", ")")
    ):
        text = f"{before}{token}{behind}"
        if texts._TOLD.search(text):
            assert token not in texts.clean_text(text), text
    for word in ("nginx", "apps/v1", "kube-system", "A1b2" * 15, "a.b", "f" * 59, "f" * 60, "-x", "{x}"):
        if texts.is_simple(word):
            assert texts.clean_text(word) == word
            assert texts.clean_inner(word, lambda value: "changed") is None


def test_a_name_that_tells_of_a_secret_is_told_however_often_it_comes() -> None:
    body = {"kind": "Thing", "spec": {"region": "eu", "apiToken": "planted-word", "more": {"region": "us"}}}
    for _ in range(3):
        kept = parsed(event(requestObject=body)).event.native["requestObject"]["spec"]
        assert kept == {"region": "eu", "apiToken": "[REDACTED]", "more": {"region": "us"}}
