"""What exporters are answered, read by the generated classes."""

from __future__ import annotations

import json

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from glasshatch.errors import (
    ConfigError,
    Conflict,
    Denied,
    GlasshatchError,
    NotAuthenticated,
    PeerError,
    TooLarge,
    Unavailable,
)
from glasshatch.sources import IntakeResult
from glasshatch.sources.intake import Problem
from glasshatch.sources.otlp.answers import JSON, PROTOBUF, RETRY_SECONDS, answer, retry_details, status


def test_nothing_is_said_where_everything_was_taken() -> None:
    assert answer(IntakeResult(accepted=7), PROTOBUF) == b""
    assert answer(IntakeResult(accepted=7), JSON) == b"{}"


@pytest.mark.parametrize("rejected", [1, 3, 5, 300])
def test_what_was_not_taken_is_counted_and_the_first_are_named(rejected: int) -> None:
    problems = tuple(Problem(number, "is not UTF-8 — é") for number in range(2, min(rejected, 20) + 2))
    result = IntakeResult(accepted=1, quarantined=rejected, problems=problems)
    told = ExportLogsServiceResponse.FromString(answer(result, PROTOBUF)).partial_success
    assert told.rejected_log_records == rejected
    assert told.error_message.startswith("record 2 is not UTF-8 — é")
    assert (f"and {rejected - 3} more" in told.error_message) == (rejected > 3)
    partial = json.loads(answer(result, JSON))["partialSuccess"]
    assert partial == {"rejectedLogRecords": str(rejected), "errorMessage": told.error_message}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotAuthenticated("x"), 16), (Denied("x"), 7), (Unavailable("x"), 14), (TooLarge("x"), 3),
        (PeerError("x"), 3), (ConfigError("x"), 3), (Conflict("x"), 10), (GlasshatchError("x"), 13),
    ],
)  # fmt: skip
def test_every_error_has_its_code(error: GlasshatchError, code: int) -> None:
    told = Status.FromString(status(error, PROTOBUF))
    assert (told.code, told.message) == (code, str(error))
    assert json.loads(status(error, JSON)) == {"code": code, "message": str(error)}


def test_who_may_come_again_is_told_after_how_long() -> None:
    details = dict(retry_details(14, "later"))
    told = Status.FromString(details["grpc-status-details-bin"])
    assert (told.code, told.message) == (14, "later")
    info = RetryInfo()
    assert told.details[0].Unpack(info)
    assert info.retry_delay.seconds == RETRY_SECONDS
    assert RetryInfo.FromString(details["google.rpc.retryinfo-bin"]) == info
