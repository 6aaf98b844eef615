"""What an exporter is answered, in the form in which it asked. Pure.

OTLP 1.x, "OTLP/HTTP Response" and "Partial Success": a record that was not taken is counted, whoever sends
it again gains nothing. An error is a `google.rpc.Status`.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from ...errors import (
    ConfigError,
    Conflict,
    Denied,
    GlasshatchError,
    NotAuthenticated,
    PeerError,
    TooLarge,
    Unavailable,
)

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
RETRY_SECONDS: Final = 2
"""After how long an exporter is asked to try again where something is away or full."""

_SHOWN_PROBLEMS: Final = 3


class Outcome(Protocol):
    """What is asked of the result of a delivery."""

    @property
    def quarantined(self) -> int: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...


class Problem(Protocol):
    """An item that was not taken as an event."""

    @property
    def item(self) -> int: ...

    @property
    def reason(self) -> str: ...


def answer(result: Outcome, kind: str) -> bytes:
    """An `ExportLogsServiceResponse`; empty of content if every record was taken."""
    rejected, message = result.quarantined, _message(result)
    if kind == JSON:
        partial = {"rejectedLogRecords": str(rejected), "errorMessage": message}
        return msgspec.json.encode({"partialSuccess": partial} if rejected else {})
    if not rejected:
        return b""
    return _field(1, b"\x08" + _varint(rejected) + _field(2, message.encode()))


def status(error: GlasshatchError, kind: str) -> bytes:
    """A `google.rpc.Status`, whose message names what, where and the cure, and never a value."""
    code, message = grpc_code(error), str(error)
    if kind == JSON:
        return msgspec.json.encode({"code": code, "message": message})
    return b"\x08" + _varint(code) + _field(2, message.encode())


def grpc_code(error: GlasshatchError) -> int:
    """The number of gRPC's code for an error: what may be sent again is `UNAVAILABLE` and nothing else."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), _INTERNAL)


def retry_details(code: int, message: str) -> tuple[tuple[str, bytes], ...]:
    """Metadata by which a caller over gRPC learns when to try again: OTLP's `google.rpc.RetryInfo` among the
    details of a status; some SDKs look for it alone."""
    delay = _field(1, b"\x08" + _varint(RETRY_SECONDS))
    detail = _field(1, b"type.googleapis.com/google.rpc.RetryInfo") + _field(2, delay)
    whole = b"\x08" + _varint(code) + _field(2, message.encode()) + _field(3, detail)
    return (("grpc-status-details-bin", whole), ("google.rpc.retryinfo-bin", delay))


_INTERNAL: Final = 13
_CODES: Final[tuple[tuple[type[GlasshatchError], int], ...]] = (
    (NotAuthenticated, 16), (Denied, 7), (Unavailable, 14), (TooLarge, 3), (PeerError, 3), (ConfigError, 3),
    (Conflict, 10),
)  # fmt: skip


def _message(result: Outcome) -> str:
    said = [f"record {one.item} {one.reason}" for one in result.problems[:_SHOWN_PROBLEMS]]
    more = result.quarantined - len(said)
    return "; ".join([*said, f"and {more} more"] if said and more > 0 else said)


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return bytes((number << 3 | 2,)) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
