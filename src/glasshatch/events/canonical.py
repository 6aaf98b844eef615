"""The stored bytes of an event: written once, sorted, and equal to RFC 8785.

Verification never re-encodes; readers pass stored bytes on, which is how unknown members of a
newer schema survive.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import ConfigError, PeerError, TooLarge
from .model import SCHEMA_VERSION, Event

MAX_ENTRY_BYTES = 65_535
"""C2SP tlog-tiles bundles carry a two-byte length, so a leaf cannot be larger."""

_SAFE_INTEGER = 2**53 - 1
_MAX_DEPTH = 64
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """The canonical bytes of an event whose foreign parts went through `foreign`.

    Raises:
        TooLarge: The event exceeds `MAX_ENTRY_BYTES`; nothing is truncated silently.
    """
    data = encode_whole(event)
    if len(data) > MAX_ENTRY_BYTES:
        raise TooLarge(
            f"event {event.id} ({event.action}) has {len(data)} bytes, the limit is {MAX_ENTRY_BYTES}",
            hint="shorten attrs or native; events recorded through a server are kept whole beside the ledger",
        )
    return data


def encode_whole(event: Event) -> bytes:
    """The canonical bytes of an event as by `encode`, however many they are."""
    return _encoder.encode(event)


def decode(data: bytes | memoryview) -> Event:
    """Read stored bytes; members this version does not know are ignored here but kept in the bytes.

    Raises:
        PeerError: The bytes are no event.
        ConfigError: The event was written by a newer schema than this program reads.
    """
    try:
        event = _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        # The message of a msgspec error names a path and types, never a value of the input.
        raise PeerError(f"not a canonical event: {error}") from None
    except UnicodeDecodeError:
        raise PeerError("not a canonical event: it is not UTF-8") from None
    if event.schema > SCHEMA_VERSION:
        raise ConfigError(
            f"event schema {event.schema} is newer than {SCHEMA_VERSION}", hint="upgrade glasshatch"
        )
    return event


def foreign(value: Any, _depth: int = 0) -> Any:
    """Make foreign JSON-like data canonical: ASCII keys, no floats, no integers beyond 2^53.

    Floats and large integers become strings, lone surrogates U+FFFD, anything nested deeper than
    64 levels the string `[TOO DEEP]`; bytes are read as UTF-8 with replacement.
    """
    if _depth > _MAX_DEPTH:
        return "[TOO DEEP]"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, dict):
        return _members(value, _depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [foreign(item, _depth + 1) for item in value]
    return _text(str(value))


def _members(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    """Members under ASCII names; two names that become the same are told apart by a trailing `'`."""
    members: dict[str, Any] = {}
    for key, item in value.items():
        name = _key(str(key))
        while name in members:
            name += "'"
        # Most members are short plain texts: a call for each of them would take twice the time.
        members[name] = item if type(item) is str and item.isascii() else foreign(item, depth + 1)
    return members


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def _key(key: str) -> str:
    return key if key.isascii() else key.encode("ascii", "backslashreplace").decode("ascii")
