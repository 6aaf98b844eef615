"""What one entry of a session tells of the next ones: from where it comes, and which numbers are due.

pgaudit numbers the statements of a session one by one, those that it does not log included, and the server
numbers the lines of a session's log. A number that is missing is a statement or a line that did not come.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ...events import Client, Event, Link
from ..parsed import Gap, Memory

STATEMENTS: Final = "statements"
LINES: Final = "lines"
SESSION_REL: Final = "session"
"""The relation of a link to the gateway's session."""
_WANTED = {"": (STATEMENTS, LINES), "all": (STATEMENTS, LINES), LINES: (LINES,), STATEMENTS: (STATEMENTS,)}


def remember(memory: Memory, event: Event) -> tuple[Event, tuple[Gap, ...]]:
    """The event with its session and where that came from, and which numbers are missing before it.

    Of a session whose beginning was not seen nothing is said to be missing before its first entry.
    """
    attrs = dict(event.attrs)
    pid, line, wanted = attrs.get("pid"), attrs.pop("line", None), _WANTED.get(attrs.pop("gaps", ""), ())
    if not pid or event.source.kind != "pgaudit" or event.action.startswith(("recording.", "intake.")):
        return event, ()
    name = str(pid)
    known = _known(memory, name, event)
    event = _completed(event, known, attrs)
    gaps = []
    if line is None:
        # A stderr log has no numbers of lines, and of events learned from the record they are not known.
        known.pop(LINES, None)
    for of, number in ((LINES, line), (STATEMENTS, attrs.get("statement_id"))):
        if isinstance(number, int) and number > 0:
            last = known.get(of)
            if last is not None and number > last + 1 and of in wanted:
                gaps.append(Gap(of, event.session_id, last + 1, number - 1, event.resource))
            known[of] = max(number, last or 0)
    if event.action == "connection.closed":
        if name in memory:
            del memory[name]
    else:
        memory[name] = known
    return event, tuple(gaps)


def _known(memory: Memory, name: str, event: Event) -> dict[str, Any]:
    """What is known of the session that the process serves; a process number comes again for another one."""
    if event.action == "connection.received":
        return _begun(event, name)
    known = dict(memory.get(name) or {})
    if event.session_id and known.get("session") not in (None, event.session_id):
        known = {}
    if event.attrs.get("line") == 1:
        known = {STATEMENTS: 0, LINES: 0}
    return known


def _begun(event: Event, pid: str) -> dict[str, Any]:
    """A session's id is the second of its beginning and its process, both hexadecimal (%c of the log)."""
    session = event.session_id or f"{event.time_ns // 10**9:x}.{int(pid):x}"
    known: dict[str, Any] = {"session": session, STATEMENTS: 0, LINES: 0}
    if event.client is not None:
        known["ip"], known["port"] = event.client.ip, event.client.port
    return known


def _completed(event: Event, known: dict[str, Any], attrs: dict[str, Any]) -> Event:
    session = event.session_id or known.get("session", "")
    if session:
        known["session"] = session
    # The gateway names its session when it connects. A client may name its application otherwise later, or as
    # another session: the first name stays.
    named = next((link for link in event.links if link.rel == SESSION_REL), None)
    ours = known.setdefault("gateway", named.id) if named is not None else known.get("gateway", "")
    links = tuple(link for link in event.links if link.rel != SESSION_REL)
    if ours:
        links = (Link(rel=SESSION_REL, id=ours), *links)
    client = event.client
    if client is None and known.get("ip"):
        client = Client(ip=known["ip"], port=known.get("port", 0))
    return msgspec.structs.replace(event, session_id=session, client=client, attrs=attrs, links=links)
