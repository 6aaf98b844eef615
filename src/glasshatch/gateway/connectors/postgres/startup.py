"""The first packet of a client: what it wants, and which of its settings may reach the database."""

from __future__ import annotations

import re
import struct

import msgspec

from ....errors import Denied, PeerError
from .wire import STARTUP_BYTES, cstring, message

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102
PROTOCOL_3_0 = 196608

_INT32 = struct.Struct(">I")

SETTINGS = frozenset(
    {
        "bytea_output",
        "datestyle",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "extra_float_digits",
        "geqo",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "intervalstyle",
        "jit",
        "lc_messages",
        "lock_timeout",
        "plan_cache_mode",
        "search_path",
        "statement_timeout",
        "timezone",
        "work_mem",
    }
)
"""Settings a client may bring. Anything else could change who it is (`role`) or how text is read."""

_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.\-]*)=((?:[^\s\\]|\\.)*)\s*", re.DOTALL)


class Startup(msgspec.Struct, frozen=True):
    """A request to open a session. `settings` are already checked; names are lower case."""

    user: str
    database: str
    application: str
    settings: dict[str, str]
    newer_minor: bool
    unknown_options: tuple[str, ...]


class Cancel(msgspec.Struct, frozen=True):
    """A request to cancel what another connection runs."""

    process: int
    key: bytes


def take_packet(buffer: bytearray) -> bytes | None:
    """Take one startup packet (without its length) off the buffer; None until it is whole.

    Raises:
        PeerError: Its length is impossible, so this is no PostgreSQL client.
    """
    if len(buffer) < 4:
        return None
    (length,) = _INT32.unpack_from(buffer)
    if not 8 <= length <= STARTUP_BYTES:
        raise PeerError("the first bytes are not PostgreSQL's", hint="connect with a PostgreSQL client")
    if len(buffer) < length:
        return None
    packet = bytes(buffer[4:length])
    del buffer[:length]
    return packet


def packet_code(packet: bytes) -> int:
    """The protocol version or request code of a startup packet."""
    return int(_INT32.unpack_from(packet)[0])


def read_cancel(packet: bytes) -> Cancel:
    """Read a CancelRequest. Raises PeerError if it is malformed."""
    if not 9 <= len(packet) <= 8 + 256:
        raise PeerError("a malformed cancel request")
    return Cancel(int(_INT32.unpack_from(packet, 4)[0]), packet[8:])


def read_startup(packet: bytes) -> Startup:
    """Read and check a startup packet.

    Raises:
        PeerError: It is malformed or not protocol 3.
        Denied: It asks for replication, or for a setting that may not be brought.
    """
    version = packet_code(packet)
    if version >> 16 != 3:
        raise PeerError(
            "the client speaks a protocol other than 3", hint="use a client of PostgreSQL 7.4 or later"
        )
    pairs = _pairs(packet[4:])
    options = tuple(name for name in pairs if name.startswith("_pq_."))
    user = pairs.pop("user", "")
    if not user:
        raise PeerError("the startup packet names no user")
    if pairs.pop("replication", "false").lower() not in ("false", "off", "no", "0"):
        raise Denied(
            "replication connections are not let through",
            hint="connect to the database directly for replication",
        )
    database = pairs.pop("database", "") or user
    application = pairs.pop("application_name", "")[:128]
    pairs.update(_options(pairs.pop("options", "")))
    return Startup(user, database, application, _settings(pairs), version & 0xFFFF > 0, options)


def negotiate(startup: Startup) -> bytes:
    """NegotiateProtocolVersion, if the client asked for more than protocol 3.0; otherwise nothing."""
    if not startup.newer_minor and not startup.unknown_options:
        return b""
    # The whole version, as servers have always sent it; libpq 18 takes a bare minor one for a downgrade to 0.
    body = _INT32.pack(PROTOCOL_3_0) + _INT32.pack(len(startup.unknown_options))
    return message(b"v", body + b"".join(cstring(name) for name in startup.unknown_options))


def startup_packet(parameters: dict[str, str]) -> bytes:
    """The startup packet of protocol 3.0 with these parameters."""
    body = b"".join(cstring(name) + cstring(value) for name, value in parameters.items()) + b"\0"
    return _INT32.pack(len(body) + 8) + _INT32.pack(PROTOCOL_3_0) + body


def ssl_request() -> bytes:
    """Ask the server for TLS."""
    return _INT32.pack(8) + _INT32.pack(SSL_REQUEST)


def cancel_request(process: int, key: bytes) -> bytes:
    """The packet that cancels what a backend runs."""
    return _INT32.pack(12 + len(key)) + _INT32.pack(CANCEL_REQUEST) + _INT32.pack(process) + key


def _pairs(body: bytes) -> dict[str, str]:
    if not body.endswith(b"\0"):
        raise PeerError("a malformed startup packet")
    parts = body[:-1].split(b"\0")
    # `name\0value\0...\0`: an even number of strings and the empty rest of the split.
    if len(parts) % 2 != 1 or parts[-1] or not all(parts[0:-1:2]):
        raise PeerError("a malformed startup packet")
    try:
        texts = [part.decode("utf-8") for part in parts]
    except UnicodeDecodeError:
        raise PeerError("a startup packet that is not UTF-8") from None
    return dict(zip(texts[0:-1:2], texts[1:-1:2], strict=True))


def _options(text: str) -> dict[str, str]:
    """The settings of `options` (`-c name=value`, `--name=value`, backslash escapes a blank)."""
    found: dict[str, str] = {}
    position = len(text) - len(text.lstrip())
    while position < len(text):
        match = _OPTION.match(text, position)
        if not match:
            raise Denied(
                "the connection's options hold more than settings", hint="use options='-c name=value'"
            )
        found[match[1].replace("-", "_")] = re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)
        position = match.end()
    return found


def _settings(pairs: dict[str, str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, value in pairs.items():
        folded = name.lower()
        if folded.startswith("_pq_."):
            continue
        if folded == "client_encoding":
            _require_utf8(value)
        elif folded == "application_name":
            continue
        elif folded in SETTINGS:
            settings[folded] = value
        else:
            raise Denied(
                f"the setting {folded[:64]} may not be brought at connection time", hint="leave it out"
            )
    return settings


def _require_utf8(value: str) -> None:
    if value.strip("'\" ").lower().replace("_", "").replace("-", "") not in {"utf8", "unicode", "sqlascii"}:
        # In another encoding the database could read a statement otherwise than policy did.
        raise Denied("only client_encoding UTF8 is let through", hint="set PGCLIENTENCODING=UTF8")
