"""Sessions, summed up from their events."""

from __future__ import annotations

import msgspec

from .investigator import Investigator
from .query import Match, Or, Query
from .query.sql import Parameter
from .views import SessionRow
from .visibility import Visibility

STATES = ("open", "closed", "refused", "aborted")
_STATE = (
    "multiIf(last = 'session.closed', 'closed', last = 'session.aborted', 'aborted',"
    " last = 'session.refused', 'refused', 'open')"
)
_SUMS = (
    "session_id, anyIf(actor_name, actor_name != '') AS who,"
    " anyIf(resource_id, resource_id != '') AS what, min(time) AS began,"
    " maxIf(time, action IN ('session.closed', 'session.aborted', 'session.refused')) AS ended,"
    " argMaxIf(action, `index`, action LIKE 'session.%') AS last,"
    " countIf(action IN ('statement.run', 'statement.denied', 'statement.held')) AS statements,"
    " countIf(action IN ('statement.denied', 'statement.held')) AS denied, sum(data_rows), sum(data_masked),"
    " min(`index`) AS opened"
)


class SessionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions. id: the one; actor: name or id; resource: its id, or what it lies within; denied: only
    those in which something was refused; since, until: ns, of the opening, until exclusive."""

    id: str = ""
    actor: str = ""
    resource: str = ""
    state: str = ""
    denied: bool = False
    since: str = ""
    until: str = ""
    limit: int = 50


def sessions(investigator: Investigator, visible: Visibility, wanted: SessionQuery) -> list[SessionRow]:
    """The newest sessions that match, oldest first, each summed up from all its events that are seen.

    Who and where are asked of a session as a whole: an event of it that names neither is counted as well.
    """
    index = investigator.index
    where, bound = investigator.compiled(visible.query())
    having, more = _having(investigator, wanted)
    if wanted.id:
        where, bound["own"] = f"{where} AND session_id = {{own:String}}", wanted.id
    rows = index.select(
        f"SELECT {_SUMS} FROM events WHERE session_id != '' AND source_kind = 'gateway' AND {where}"  # noqa: S608
        f" GROUP BY session_id HAVING {having} ORDER BY began DESC, opened DESC LIMIT {{limit:Int64}}",
        bound | more | {"limit": wanted.limit},
    )
    return [_session(row) for row in reversed(rows)]


def session_ids(investigator: Investigator, visible: Visibility, begun: str) -> list[str]:
    """The ids that begin so, at most two; only the very one, if there is it."""
    where, bound = investigator.compiled(visible.query())
    rows = investigator.index.select(
        "SELECT DISTINCT session_id FROM events"  # noqa: S608
        f" WHERE startsWith(session_id, {{begun:String}}) AND session_id != '' AND {where}"
        " ORDER BY length(session_id) LIMIT 2",
        bound | {"begun": begun},
    )
    found = [str(id) for (id,) in rows]
    return [begun] if begun in found else found


def _having(investigator: Investigator, wanted: SessionQuery) -> tuple[str, dict[str, Parameter]]:
    parts, bound = ["1"], dict[str, Parameter]()
    named: list[tuple[str, Query]] = []
    if wanted.actor:
        named.append(("who", Match("actor", wanted.actor, True)))
    if wanted.resource:
        within = Match("resource.id", f"{wanted.resource}/*")
        named.append(("what", Or((Match("resource.id", wanted.resource, True), within))))
    for prefix, query in named:
        test, values = investigator.compiled(query, prefix)
        parts.append(f"countIf({test}) > 0")
        bound |= values
    if wanted.state:
        parts.append(f"{_STATE} = {{state:String}}")
        bound["state"] = wanted.state
    if wanted.denied:
        parts.append("denied > 0")
    for name, side in (("since", ">="), ("until", "<")):
        if value := getattr(wanted, name):
            parts.append(f"began {side} {{{name}:Int64}}")
            bound[name] = int(value)
    return " AND ".join(parts), bound


def _session(row: tuple[object, ...]) -> SessionRow:
    id, actor, resource, opened, closed, last, statements, denied, rows, masked, _ = row
    states = {"session.closed": "closed", "session.aborted": "aborted", "session.refused": "refused"}
    return SessionRow(
        id=str(id), actor=str(actor), resource=str(resource), opened=str(opened),
        closed=str(closed) if closed else "", state=states.get(str(last), "open"),  # type: ignore[arg-type]
        statements=int(str(statements)), denied=int(str(denied)),
        rows=int(str(rows)), masked=int(str(masked)),
    )  # fmt: skip
