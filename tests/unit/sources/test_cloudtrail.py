"""CloudTrail: real files of attacked accounts, each record an event, and no token of them kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

import msgspec
import pytest

from fixtures.logs_of_others import TRAIL, trail_record
from glasshatch.events import Event
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected

KIND = SOURCES["cloudtrail"]


def read(body: bytes) -> list[Parsed | Rejected]:
    form = KIND.form({})
    items = [form.read(piece) for piece in form.split(body, 1)]
    return [
        Rejected(item.problem)
        if item.problem
        else KIND.parse(item.value, item.data, Arrival(1, "trail", "default", lambda: "id"))
        for item in items
    ]


def one(**members: Any) -> Event:
    (found,) = read(json.dumps(trail_record(**{"name": "GetObject", **members})).encode())
    assert isinstance(found, Parsed), found
    return found.event


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    files = sorted(TRAIL.glob("*.json*"))
    assert len(files) == 11
    return [
        gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files
    ]


def records(body: bytes) -> list[dict[str, Any]]:
    found = json.loads(body)
    return list(found["Records"] if isinstance(found, dict) else found)


def test_every_record_of_real_files_is_an_event_once(bodies: list[bytes]) -> None:
    for body in bodies:
        found = read(body)
        assert all(isinstance(item, Parsed) for item in found)
        wanted = {f"event {record['eventID']}" for record in records(body)}
        assert [item.key for item in found if isinstance(item, Parsed)] == [
            f"event {record['eventID']}" for record in records(body)
        ]
        assert len(wanted) == len(found)


def test_a_record_whose_time_a_pipeline_moved_has_it_all_the_same() -> None:
    made = one(eventTime=None, **{"@timestamp": "2020-09-14T00:44:23.000Z"})
    assert made.time == "1600044263000000000"


DIGEST = {
    "awsAccountId": "111122223333", "digestStartTime": "2015-08-17T14:01:31Z",
    "digestEndTime": "2015-08-17T15:01:31Z", "digestS3Bucket": "trail", "digestS3Object": "AWSLogs/d.json.gz",
    "previousDigestS3Object": None, "digestSignatureAlgorithm": "SHA256withRSA",
    "logFiles": [{"s3Bucket": "trail", "s3Object": "AWSLogs/a.json.gz", "hashValue": "ff00",
                  "hashAlgorithm": "SHA-256", "newestEventTime": "2015-08-17T14:52:27Z"}],
}  # fmt: skip


def test_a_digest_file_is_an_event_that_says_which_files_were_delivered() -> None:
    (found,) = read(json.dumps(DIGEST, indent=1).encode())
    assert isinstance(found, Parsed)
    made = found.event
    assert (made.action, made.time, found.key) == (
        "digest.delivered", "1439823691000000000", "digest trail/AWSLogs/d.json.gz",
    )  # fmt: skip
    assert (made.resource and made.resource.id, made.attrs) == (
        "aws/111122223333/cloudtrail",
        {"log_files": 1},
    )
    assert made.native["logFiles"][0]["hashValue"] == "ff00"
    (many,) = read(json.dumps({**DIGEST, "logFiles": DIGEST["logFiles"] * 2_000}).encode())  # type: ignore[operator]
    assert isinstance(many, Parsed)
    assert (many.event.attrs, many.event.labels) == ({"log_files": 2_000}, {"truncated": "true"})
    (broken,) = read(json.dumps({**DIGEST, "digestEndTime": 7}).encode())
    assert isinstance(broken, Rejected)


def test_no_token_of_real_files_is_kept(bodies: list[bytes]) -> None:
    tokens = {
        record["responseElements"]["credentials"]["sessionToken"]
        for body in bodies
        for record in records(body)
        if isinstance((record.get("responseElements") or {}).get("credentials"), dict)
    }
    kept = b"".join(msgspec.json.encode(item) for body in bodies for item in read(body))
    assert tokens
    assert not [token for token in tokens if token[:40].encode() in kept]
    assert b"ASIA" in kept, "which key a session has is what tells sessions apart"


@pytest.mark.parametrize(
    "name",
    ["sessionToken", "secretAccessKey", "masterUserPassword", "password", "userData", "keyMaterial",
     "secretString", "plaintext", "authToken", "privateKey", "clientSecret"],
)  # fmt: skip
def test_what_is_secret_by_its_name_is_hidden(name: str) -> None:
    secret = "q9-planted-word"
    for place in ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails"):
        event = one(**{place: {"deep": [{name: secret, "other": "kept"}]}})
        assert secret.encode() not in msgspec.json.encode(event)
        assert b"kept" in msgspec.json.encode(event)


def test_environment_values_and_signed_addresses_are_hidden() -> None:
    event = one(
        requestParameters={
            "environment": {"variables": {"KEY": "q9-planted-word"}},
            "url": "https://b.example.com/o?X-Amz-Signature=q9-planted-word",
        }
    )
    assert b"q9-planted-word" not in msgspec.json.encode(event)
    assert b"KEY" in msgspec.json.encode(event)


def test_who_what_and_how_it_ended() -> None:
    event = one(errorCode="AccessDenied", errorMessage="no", readOnly=False)
    assert event.action == "sts.GetObject"
    assert event.outcome is not None
    assert event.actor is not None
    assert (event.outcome.status, event.outcome.code, event.severity) == ("failure", "AccessDenied", 3)
    assert (event.actor.id, event.actor.name) == ("arn:aws:iam::123456789012:user/ada", "ada")
    assert event.resource is not None
    assert event.resource.id == "aws/123456789012/us-east-1/sts"


def test_a_failed_sign_in_has_no_error_code() -> None:
    event = one(name="ConsoleLogin", responseElements={"ConsoleLogin": "Failure"})
    assert event.outcome is not None
    assert event.outcome.status == "failure"


@pytest.mark.parametrize(
    "members", [{"eventVersion": "2.0"}, {"eventVersion": None}, {"eventTime": "soon"}, {"userIdentity": "x"}]
)
def test_what_is_no_record_of_a_known_version_is_rejected(members: dict[str, Any]) -> None:
    (found,) = read(json.dumps({**trail_record("X"), **members}).encode())
    assert isinstance(found, Rejected)


def test_a_broken_record_costs_only_itself() -> None:
    good = json.dumps(trail_record("X")).encode()
    found = read(b'{"Records":[' + good + b',{"broken":},' + good + b"]}")
    assert [type(item) for item in found] == [Parsed, Rejected, Parsed]
    assert read(b'{"Records":[]}') == []
