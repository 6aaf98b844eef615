"""From a syslog message to an event: a log line, or what a well-known program tells with certainty."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ...events import ACTIONS, Event, Link, Resource, Source
from ..parsed import Arrival, Parsed, Rejected
from ..quarantine import sent_by
from .grammar import Message, is_host, read_message
from .known import Told, understand

DEFAULT_ACTION = "log.recorded"
_FACILITIES = (
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock"
    " local0 local1 local2 local3 local4 local5 local6 local7"
).split()
"""RFC 5424 §6.2.1, by the names of syslog.h."""

_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_SEVERITIES = (6, 5, 5, 4, 3, 2, 1, 1)
_ACTION = re.compile(r"[a-z][a-z0-9_-]{0,40}\.[a-z][a-z0-9_-]{0,40}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOGGED = Told(DEFAULT_ACTION)
_BESIDE = ("peer_name", "charset")
_NO_MESSAGE = "has neither priority nor time, which a line of syslog begins with"


def parse(value: Any, data: bytes, arrival: Arrival) -> Parsed | Rejected:
    """One message; `value` as `message_item` makes it."""
    if not isinstance(value, dict) or not isinstance(line := value.get("line"), str):
        return Rejected("is no line of syslog")
    read = read_message(line, _text(value, "timezone"), arrival.now_ns)
    if isinstance(read, str):
        return Rejected(read)
    if read.priority is None and read.time_ns is None:
        # RFC 3164 §4.3.3 takes any packet for a message; in a file nothing says when such a line was written.
        if "peer" not in value:
            return Rejected(_NO_MESSAGE)
        if _CONTROL.search(line) or "charset" in value:
            return Rejected(f"{_NO_MESSAGE}, and is no text")
    return Parsed(_event(value, read, arrival), _key(value, data, arrival))


def _key(value: dict[str, Any], data: bytes, arrival: Arrival) -> str:
    """Syslog has no id: of what was received the receiver's own, in a file place and bytes. Two lines that
    are the same are two facts."""
    received = _text(value, "received")
    return f"received {received}" if received else arrival.key_of(data)


def _event(value: dict[str, Any], read: Message, arrival: Arrival) -> Event:
    time_ns = arrival.now_ns if read.time_ns is None else read.time_ns
    told = understand(read.app, read.text) or (Told(_action(read.msgid)) if read.msgid else _LOGGED)
    level = None if read.priority is None else read.priority & 7
    peer = _text(value, "peer")
    host = read.host if read.host and is_host(read.host) else peer
    return Event(
        id=arrival.new_id(), time=str(time_ns), action=told.action,
        source=Source(kind="syslog", name=arrival.name, instance=host),
        severity=max(told.severity, 0 if level is None else _SEVERITIES[level]), outcome=told.outcome,
        actor=told.actor, client=told.client, resource=_host(host) if host else None,
        links=_sender(peer), attrs=_attrs(value, read, told),
    )  # fmt: skip


def _attrs(value: dict[str, Any], read: Message, told: Told) -> dict[str, Any]:
    """What has no place of its own. There are few names: a loop takes longer than to ask for each."""
    attrs: dict[str, Any] = {"message": told.text or read.text}
    if (priority := read.priority) is not None:
        attrs["facility"], attrs["level"] = _FACILITIES[priority >> 3], _LEVELS[priority & 7]
    if read.app:
        attrs["app"] = read.app
    if read.pid:
        attrs["pid"] = read.pid
    if read.msgid:
        attrs["msgid"] = read.msgid
    if read.host and not is_host(read.host):
        attrs["hostname"] = read.host
    if read.data:
        attrs["data"] = read.data
    for name in _BESIDE:
        if name in value and (text := _text(value, name)):
            attrs[name] = text
    if read.time_ns is None:
        attrs["time_of"] = "arrival"
    if told.attrs:
        attrs |= told.attrs
    return attrs


def _action(msgid: str) -> str:
    """A message id that is a noun and a verb is an action, but for those that are ours to say."""
    return msgid if _ACTION.fullmatch(msgid) and msgid not in ACTIONS else DEFAULT_ACTION


@lru_cache(maxsize=4_096)
def _sender(peer: str) -> tuple[Link, ...]:
    """Many messages come from one sender."""
    return sent_by(peer)


@lru_cache(maxsize=4_096)
def _host(name: str) -> Resource:
    return Resource(type="host", id=f"host/{name}", name=name)


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
