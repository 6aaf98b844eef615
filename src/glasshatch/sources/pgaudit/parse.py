"""From an entry of PostgreSQL's log to an event; pgaudit's are statements, the others what they tell.

The message of an audit entry (pgaudit, "Format"): type, statement id, substatement id, class, command, object
type, object name, statement, parameters, and rows where they are logged.
"""

from __future__ import annotations

import csv
import hashlib
import re
from functools import lru_cache
from typing import Any

from ...events import (
    Actor,
    Client,
    Data,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
)
from ...statements import trace_of
from ..parsed import Arrival, Parsed, Rejected
from .messages import code_of, plain, statement_in, without_position
from .sessions import SESSION_REL
from .times import log_time_ns

_AUDIT = "AUDIT: "
_SEVERITY = {"ROLE": 3, "DDL": 2, "WRITE": 2}
_CLASSES = frozenset(("READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC"))
_LEVELS = {
    "LOG": 1, "INFO": 1, "NOTICE": 1, "DEBUG": 0, "WARNING": 2, "ERROR": 3, "FATAL": 4, "PANIC": 6,
}  # fmt: skip
_NOTHING = frozenset(("<not logged>", "<none>", "<previously logged>", "<long param suppressed>", ""))
_CONNECTIONS = (
    ("connection received: ", "connection.received"),
    ("connection authenticated: ", "connection.authenticated"),
    ("connection authorized: ", "connection.authorized"),
    ("replication connection authorized: ", "connection.authorized"),
    ("disconnection: ", "connection.closed"),
)
_GATEWAY = re.compile(r"glasshatch ([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")
_PLACE = re.compile(r"host=(\S+)(?: port=(\d+))?")
_NAME = 256
"""PostgreSQL's names have 63 bytes; what is longer comes from nobody who should be remembered whole."""

_REFUSED = ("28", "3D", "53")


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One entry, as jsonlog has it."""
    if not isinstance(value, dict):
        return Rejected("is no entry of a PostgreSQL log")
    message, severity = value.get("message"), value.get("error_severity")
    if not isinstance(message, str) or not isinstance(severity, str):
        return Rejected("is no entry of a PostgreSQL log: it has no message or no error_severity")
    happened_ns = log_time_ns(str(value.get("timestamp") or ""), _text(value, "timezone"))
    if happened_ns is None:
        return Rejected("has no time that can be understood: set the option timezone to log_timezone")
    entry = _Entry(value, message, severity, arrival)
    parts = entry.audit() if message.startswith(_AUDIT) else entry.told()
    if isinstance(parts, str):
        return Rejected(parts)
    statement = parts.get("statement")
    trace = trace_of(statement.text if statement is not None else "")
    event = Event(
        id=arrival.new_id(), time=str(happened_ns), source=Source(kind="pgaudit", name=arrival.name),
        actor=entry.actor(), client=entry.client(), session_id=entry.session(parts["action"]),
        resource=entry.resource(), trace_id=trace.trace_id, span_id=trace.span_id,
        links=entry.links(), **parts,
    )  # fmt: skip
    return Parsed(event, _key(value, data, arrival))


def _key(value: dict[str, Any], data: bytes, arrival: Arrival) -> str:
    """Session and line number; where a log does not show them, the entry's place and bytes."""
    session, line = value.get("session_id"), value.get("line_num")
    if session and line:
        return f"line {session} {line}"
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return f"entry {arrival.file} {arrival.line} {digest}"


class _Entry:
    """One entry on its way to an event."""

    def __init__(self, value: dict[str, Any], message: str, severity: str, arrival: Arrival) -> None:
        self._value = value
        self._message = message
        self._severity = severity
        self._base = f"postgres/{arrival.name}"

    def session(self, action: str) -> str:
        """The id of a client's session; the server's own processes have none."""
        own = action == "database.logged" and not self._value.get("user")
        return "" if own else _text(self._value, "session_id")

    def actor(self) -> Actor | None:
        user = _text(self._value, "user")
        return _actor(user[:_NAME]) if user else None

    def client(self) -> Client | None:
        host, port = _text(self._value, "remote_host"), _text(self._value, "remote_port")
        received = not host and self._message.startswith("connection received: ")
        if received and (found := _PLACE.search(self._message)):
            host, port = found[1], found[2] or ""
        return _client(host[:_NAME], port[:5]) if host and host != "[local]" else None

    def links(self) -> tuple[Link, ...]:
        """The gateway's session, which the gateway names to the database as its application."""
        found = _GATEWAY.fullmatch(_text(self._value, "application_name"))
        return (Link(rel=SESSION_REL, id=found[1]),) if found else ()

    def resource(self) -> Resource:
        return _database(self._base, _text(self._value, "dbname")[:_NAME])

    def audit(self) -> dict[str, Any] | str:
        """The parts of a statement's event, or why it is none."""
        try:
            row = _row(self._message[len(_AUDIT) :])
        except (csv.Error, StopIteration):
            return "is an audit entry that is cut off"
        if len(row) < 8 or row[0] not in ("SESSION", "OBJECT") or not (row[1] + row[2]).isdecimal():
            return "is an audit entry of another form than pgaudit's"
        kind, number, part, group, command, object_type, name, text = row[:8]
        attrs: dict[str, Any] = {
            "audit": kind.lower(), "statement_id": int(number), "substatement_id": int(part),
            "command": command,
        }  # fmt: skip
        if object_type:
            attrs["object_type"] = object_type
        if name:
            attrs["object"] = name
        if parameters := [one for one in row[8:9] if one not in _NOTHING]:
            attrs["parameters"] = _values(parameters[0])
        rows = row[9] if len(row) > 9 else ""
        known = group in _CLASSES
        return {
            "action": f"statement.{group.lower() if known else 'other'}", "severity": _SEVERITY.get(group, 1),
            "attrs": {**attrs, **self._attrs()}, "labels": {"class": group} if known else {},
            "statement": StatementText(text=text) if text not in _NOTHING else None,
            "data": Data(rows=int(rows)) if rows.isdecimal() and len(rows) < 16 else None,
            "resources": self._object(object_type, name),
        }  # fmt: skip

    def _object(self, kind: str, name: str) -> tuple[Resource, ...]:
        if not name:
            return ()
        return (Resource(type=kind.lower().replace(" ", "-"), id=f"{self.resource().id}/{name}", name=name),)

    def _attrs(self) -> dict[str, Any]:
        """What says in which place of the session this stands; the gaps are found by it."""
        value = self._value
        attrs: dict[str, Any] = {}
        if application := _text(value, "application_name"):
            attrs["application"] = application
        if line := value.get("line_num"):
            attrs["line"] = _number(line)
        if pid := value.get("pid"):
            attrs["pid"] = _number(pid)
        if gaps := _text(value, "gaps"):
            attrs["gaps"] = gaps
        return attrs

    def told(self) -> dict[str, Any]:
        """The parts of any other entry: a connection, an error, a statement that the server logged."""
        attrs = self._attrs()
        for begin, action in _CONNECTIONS:
            if self._message.startswith(begin):
                attrs["message"] = self._message if action != "connection.received" else begin.rstrip(": ")
                return {"action": action, "severity": 1, "attrs": attrs, "outcome": Outcome(status="success")}
        if (logged := statement_in(self._message)) is not None:
            return self._logged(logged, attrs)
        return self._failed(attrs) if self._severity in ("ERROR", "FATAL", "PANIC") else self._plain(attrs)

    def _logged(self, logged: tuple[str, str, str], attrs: dict[str, Any]) -> dict[str, Any]:
        milliseconds, kind, text = logged
        if milliseconds:
            attrs["duration_ms"] = milliseconds
        if kind:
            attrs["step"] = kind
        if parameters := _text(self._value, "detail"):
            attrs["parameters"] = re.findall(r"\$\d+ = (NULL|'(?:[^']|'')*+')", parameters)
        return {
            "action": "statement.timed" if milliseconds else "statement.logged",
            "severity": 1, "attrs": attrs,
            "statement": StatementText(text=text) if text else None,
        }  # fmt: skip

    def _failed(self, attrs: dict[str, Any]) -> dict[str, Any]:
        message = without_position(self._message)
        code = _text(self._value, "state_code") or code_of(message)
        text = _text(self._value, "statement")
        refused = self._severity == "FATAL" and code[:2] in _REFUSED
        action = "connection.refused" if refused else "statement.failed" if text else "database.failed"
        self._more(attrs)
        return {
            "action": action, "severity": 3 if refused else _LEVELS[self._severity], "attrs": attrs,
            "outcome": Outcome(status="failure", code=code, reason=plain(message)),
            "statement": StatementText(text=text) if text else None,
        }  # fmt: skip

    def _plain(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs["message"] = plain(self._message)
        self._more(attrs)
        text = _text(self._value, "statement")
        return {
            "action": "database.logged", "severity": _LEVELS.get(self._severity.rstrip("12345"), 1),
            "attrs": attrs, "statement": StatementText(text=text) if text else None,
        }  # fmt: skip

    def _more(self, attrs: dict[str, Any]) -> None:
        attrs["level"] = self._severity
        for name in ("detail", "hint"):
            if text := _text(self._value, name):
                attrs[name] = plain(text)


# Entries of a log share these, and to make a part takes longer than to find it.
@lru_cache(maxsize=4_096)
def _actor(user: str) -> Actor:
    return Actor(id=user, name=user, idp="postgres", raw=RawPrincipal(namespace="postgres", principal=user))


@lru_cache(maxsize=4_096)
def _client(host: str, port: str) -> Client:
    return Client(ip=host, port=int(port) if port.isdecimal() and len(port) < 6 else 0)


@lru_cache(maxsize=4_096)
def _database(base: str, name: str) -> Resource:
    if not name:
        return Resource(type="postgres", id=base, name=base.partition("/")[2])
    return Resource(type="postgres", id=f"{base}/{name}", name=name)


def _number(given: Any) -> int:
    if type(given) is int:
        return given if 0 <= given < 2**53 else 0
    return int(given) if type(given) is str and given.isdecimal() and len(given) < 16 else 0


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if type(found) is str:
        return "" if found == "00000" and name == "state_code" else found
    return str(found) if type(found) is int else ""


def _row(text: str) -> list[str]:
    """The fields of CSV; most entries have no quotation marks."""
    return text.split(",") if '"' not in text else next(csv.reader([text], strict=True))


def _values(text: str) -> list[str]:
    """pgaudit's parameters: CSV of its own, inside the field."""
    try:
        return next(csv.reader([text], strict=True))
    except (csv.Error, StopIteration):
        return [text]
