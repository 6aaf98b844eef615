"""One syslog message taken apart: RFC 5424, RFC 3164 and what senders make of it, or a plain line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from .times import iso_time_ns, old_time_ns

_PRIORITY = re.compile(r"<(0|[1-9]\d{0,2})>", re.ASCII)
_MOST_PRIORITY = 191
_NIL = "-"
_NAME_CHARACTERS = 255

# RFC 5424 §6. Whether it is one is told by its version and the first character of its time.
_IS_NEW = re.compile(r"[1-9]\d{0,2} (?:- |\d{4}-)", re.ASCII)
_NEW = re.compile(r"(\d{1,3}) (\S+) (\S+) (\S+) (\S+) (\S+) ", re.ASCII)
_ELEMENT = re.compile(r'\[([^\s=\]"]{1,255})((?: [^\s=\]"]{1,255}="(?:[^"\\]|\\.)*+")*+)\]', re.DOTALL)
_PARAMETER = re.compile(r' ([^\s=\]"]+)="((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')

# RFC 3164 §4.1.2, with the year where some devices put it, fractions, and a zone's name.
_OLD_TIME = re.compile(
    r"[*.]?(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?:(?P<year>\d{4}) )?(?P<clock>\d\d:\d\d:\d\d)"
    r"(?:\.(?P<fraction>\d{1,9}))?"
    r"(?: (?P<zone>[A-Z]{2,5})(?= \d{4} |: )| (?P<utc>UTC|GMT)(?= ))?"
    r"(?: (?P<late>(?:19|20)\d\d)(?= ))?:?(?: |$)",
    re.ASCII,
)  # fmt: skip
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,24})(?: |$)", re.ASCII)
_HOST = re.compile(r"([A-Za-z0-9:][A-Za-z0-9_.:%-]{0,254}) ", re.ASCII)
_HOST_NAME = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_.-]{0,254}", re.ASCII)
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}", re.ASCII)
_TAG = re.compile(r"([^\s\[\]:<>\"'=,;]{1,128})(?:\[([^\]\s]{1,128})\])?:(?: |$)", re.ASCII)
_PROCESS = re.compile(r"([^\s\[\]:<>\"'=,;]{1,128})\[(\d{1,10})\] ", re.ASCII)


class Message(msgspec.Struct, frozen=True):
    """What a message says; empty for what it does not say. time_ns: None if it says none that is one.

    data: of RFC 5424, parameters by element; a parameter that stands there twice has a list.
    """

    priority: int | None
    time_ns: int | None
    host: str = ""
    app: str = ""
    pid: str = ""
    msgid: str = ""
    data: dict[str, dict[str, Any]] = {}
    text: str = ""


def read_message(line: str, zone: str, now_ns: int) -> Message | str:
    """The message, or what is wrong with it, in words without values.

    Args:
        zone: Of a time that says none.
        now_ns: When it came: a time that says no year is of the year before that.
    """
    found = _PRIORITY.match(line)
    priority = int(found[1]) if found else None
    if found is None or priority is None or priority > _MOST_PRIORITY:
        # RFC 3164 §4.3.3: a priority that is none belongs to the text.
        return _old(None, line, zone, now_ns)
    rest = line[found.end() :]
    return _new(priority, rest) if _IS_NEW.match(rest) else _old(priority, rest, zone, now_ns)


@lru_cache(maxsize=4_096)
def is_host(name: str) -> bool:
    """Whether this can be a machine's name or address. Such names are kept in clear, and a number of sixteen
    digits or an address of mail is none."""
    return bool(_ADDRESS.fullmatch(name) or _HOST_NAME.fullmatch(name))


def _new(priority: int, rest: str) -> Message | str:
    """RFC 5424 §6.2: version, time, host, app, process, message id, structured data, text."""
    found = _NEW.match(rest)
    if found is None:
        return "is no message of RFC 5424: its header ends too early"
    version, time, *names = found.groups()
    if version != "1":
        return "has a version that is not known"
    if any(len(name) > _NAME_CHARACTERS for name in names):
        return f"has a name in its header of more than {_NAME_CHARACTERS} characters"
    time_ns = None if time == _NIL else iso_time_ns(time)
    if time_ns is None and time != _NIL:
        return "has a time that is none of RFC 5424"
    read = _structured(rest, found.end())
    if read is None:
        return "has structured data that is none of RFC 5424"
    data, end = read
    # §6.4: a text in UTF-8 may begin with its mark. rsyslog hands on the blank that followed a tag of old.
    text = rest[end + 1 :].removeprefix("\ufeff").removeprefix(" ")
    host, app, pid, msgid = ("" if name == _NIL else name for name in names)
    return Message(priority, time_ns, host, app, pid, msgid, data, text)


def _structured(rest: str, at: int) -> tuple[dict[str, dict[str, Any]], int] | None:
    """The elements from here, and where they end; None for what is none."""
    if rest[at : at + 1] == _NIL:
        end = at + 1
        return ({}, end) if rest[end : end + 1] in ("", " ") else None
    data: dict[str, dict[str, Any]] = {}
    end = at
    while found := _ELEMENT.match(rest, end):
        element = data.setdefault(found[1], {})
        for name, value in _PARAMETER.findall(found[2]):
            _put(element, name, _ESCAPED.sub(r"\1", value) if "\\" in value else value)
        end = found.end()
    return (data, end) if data and rest[end : end + 1] in ("", " ") else None


def _put(element: dict[str, Any], name: str, value: str) -> None:
    """A parameter; one that comes again (§6.3.3 allows it) makes a list."""
    if name not in element:
        element[name] = value
        return
    known = element[name]
    element[name] = [*known, value] if isinstance(known, list) else [known, value]


def _old(priority: int | None, rest: str, zone: str, now_ns: int) -> Message | str:
    """RFC 3164 §4.1: time, host, tag, text; where something is not there, the rest is still understood."""
    time_ns, at = _old_time(rest, zone, now_ns)
    if not at:
        # §4.3.2: without a time nothing is a host either. A tag tells itself.
        app, pid, end = _tag(rest, 0)
        return Message(priority, None, "", app, pid, text=rest[end:])
    host, begin = "", at
    app, pid, end = _tag(rest, at)
    if not end and (found := _HOST.match(rest, at)) and is_host(found[1]):
        app, pid, end = _tag(rest, found.end())
        # Without a tag the first word is a host only if it is an address: any text has a first word.
        if end or _ADDRESS.fullmatch(found[1]):
            host, begin = found[1], found.end()
    return Message(priority, time_ns, host, app, pid, text=rest[end or begin :])


def _old_time(rest: str, zone: str, now_ns: int) -> tuple[int | None, int]:
    """A time at the beginning, and where what follows it begins; 0 if there is none."""
    if found := _ISO_TIME.match(rest):
        time_ns = iso_time_ns(found[1])
        return time_ns, found.end() if time_ns is not None else 0
    found = _OLD_TIME.match(rest)
    if found is None:
        return None, 0
    month, day, year, clock, fraction, named, utc, late = found.groups("")
    time_ns = old_time_ns(month, day, clock, fraction, year or late, named or utc, zone, now_ns)
    return time_ns, found.end() if time_ns is not None else 0


def _tag(rest: str, at: int) -> tuple[str, str, int]:
    """Program, process, and where the text begins; 0 if no tag stands here."""
    found = _TAG.match(rest, at) or _PROCESS.match(rest, at)
    return (found[1], found[2] or "", found.end()) if found else ("", "", 0)
