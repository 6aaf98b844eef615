"""Questions about the record, asked of its index under the asker's visibility."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ..clock import Clock
from ..errors import ConfigError
from ..events import Event, read_place
from ..index import Index
from ..index.columns import Field
from .query import (
    SEVERAL,
    And,
    Compare,
    Query,
    compile_predicate,
    compile_sql,
    findable,
    parse,
    redacted,
    render,
)
from .query.fields import fields_of, open_member, resolve
from .query.sql import Parameter
from .views import Bin, Bins, CountRow, Counts, Hit, Page, SessionRow
from .visibility import Visibility

_FAILED = "(outcome_status = 'failure' OR decision_effect = 'deny')"
_BARS = 60
_MAX_GROUPS = 3
_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
             172_800, 604_800, 2_592_000, 7_776_000, 31_536_000)  # fmt: skip


class Investigator:
    """Asks the index. Every literal of a query is redacted first, so it matches what was recorded."""

    def __init__(
        self,
        index: Index,
        redact: Callable[[str], str],
        clock: Clock,
        older: Callable[[], Sequence[Callable[[str], str]]] = tuple,
    ) -> None:
        """`older` answers how texts were redacted under the token keys before the one in use."""
        self.index = index
        self._redact = redact
        self._older = older
        self._clock = clock

    def now_ns(self) -> int:
        """The time that `now` in a query means."""
        return self._clock.now_ns()

    def parse(self, text: str | Query) -> tuple[Query, str]:
        """The query that finds what is meant in a redacted record, and its text as it may be recorded.

        Raises:
            ConfigError: With the place of a mistake.
        """
        asked = parse(text) if isinstance(text, str) else text
        return findable(asked, self._redact, *self._older()), render(redacted(asked, self._redact))

    def predicate(self, text: str, visible: Visibility) -> tuple[Callable[[Event], bool], str]:
        """A test of events as they come, and the query as it may be recorded."""
        query, recorded = self.parse(text)
        visible.check(query)
        return compile_predicate(And((visible.query(), query)), self._clock.now_ns()), recorded

    def search(
        self,
        text: str | Query,
        visible: Visibility,
        *,
        since: str = "",
        until: str = "",
        before: int = -1,
        after: int = -1,
        after_in: Mapping[str, int] | None = None,
        limit: int = 100,
        oldest_first: bool = False,
    ) -> Page:
        """A page of matches by time, and how many there are.

        `before` and `after` are indices in any ledger, `after_in` has one for each that it names.
        """
        recorded, where, bound = self._where(text, visible, since, until)
        ((count,),) = self.index.select(f"SELECT count() FROM events WHERE {where}", bound)  # noqa: S608
        if before >= 0:
            where += " AND `index` < {before:Int64}"
            bound["before"] = before
        if after >= 0:
            where += " AND `index` > {after:Int64}"
            bound["after"] = after
        for number, (ledger, index) in enumerate((after_in or {}).items()):
            where += f" AND (ledger != {{in{number}:String}} OR `index` > {{after{number}:Int64}})"
            bound |= {f"in{number}": ledger, f"after{number}": index}
        return Page(self._hits(where, bound, limit, oldest_first), count, recorded)

    def histogram(self, text: str, visible: Visibility, *, since: str = "", until: str = "") -> Bins:
        """Matches over time, in about sixty bars of a round width."""
        recorded, where, bound = self._where(text, visible, since, until)
        ((count, first, last),) = self.index.select(
            f"SELECT count(), min(time), max(time) FROM events WHERE {where}",  # noqa: S608
            bound,
        )
        if not count:
            return Bins("0", [], recorded)
        width = _width_ns(first, last + 1)
        rows = self.index.select(
            f"SELECT intDiv(time, {{width:Int64}}) * {{width:Int64}} AS bar, count(), countIf({_FAILED})"  # noqa: S608
            f" FROM events WHERE {where} GROUP BY bar ORDER BY bar",
            bound | {"width": width},
        )
        bins = [Bin(str(start), number, failed) for start, number, failed in rows]
        return Bins(str(width), bins, recorded)

    def stats(
        self,
        text: str,
        visible: Visibility,
        by: Sequence[str],
        *,
        since: str = "",
        until: str = "",
        limit: int = 20,
    ) -> Counts:
        """Matches counted by the values of up to three fields, the most frequent first.

        Raises:
            ConfigError: A field is unknown, or there are too many.
        """
        visible.check_fields(by)
        recorded, where, bound = self._where(text, visible, since, until)
        if len(by) > _MAX_GROUPS:
            raise ConfigError(f"at most {_MAX_GROUPS} fields can be counted by", key="by")
        ((total,),) = self.index.select(f"SELECT count() FROM events WHERE {where}", bound)  # noqa: S608
        if not by:
            return Counts((), [], total, recorded)
        groups = [_group(name, number, bound) for number, name in enumerate(by)]
        names = ", ".join(f"g{number}" for number in range(len(groups)))
        chosen = ", ".join(f"{group} AS g{number}" for number, group in enumerate(groups))
        rows = self.index.select(
            f"SELECT {chosen}, count() AS n, countIf({_FAILED}), min(time), max(time) FROM events"  # noqa: S608
            f" WHERE {where} GROUP BY {names} ORDER BY n DESC, {names} LIMIT {{limit:Int64}}",
            bound | {"limit": limit},
        )
        width = len(groups)
        counted = [
            CountRow(tuple(map(str, row[:width])), row[width], row[width + 1], *map(str, row[width + 2 :]))
            for row in rows
        ]
        return Counts(tuple(map(resolve, by)), counted, total, recorded)

    def event(self, event_id: str, visible: Visibility) -> Hit | None:
        """One event by its id, its index or `NAME/INDEX`; None if there is none that may be seen."""
        where, bound = compile_sql(visible.query(), self._clock.now_ns())
        place = read_place(event_id)
        if place is not None:
            where = f"{where} AND ledger = {{ledger:String}} AND `index` = {{wanted:Int64}}"
            bound = bound | {"ledger": place[0], "wanted": place[1]}
        else:
            where, bound = f"{where} AND id = {{wanted:String}}", bound | {"wanted": event_id}
        found = self._hits(where, bound, 1, True)
        return found[0] if found else None

    def sessions(self, visible: Visibility, limit: int) -> list[SessionRow]:
        """The newest sessions, oldest first, summed up from their events."""
        where, bound = compile_sql(visible.query(), self._clock.now_ns())
        rows = self.index.select(
            "SELECT session_id, anyIf(actor_name, actor_name != ''), anyIf(resource_id, resource_id != ''),"  # noqa: S608
            " min(time), maxIf(time, action IN ('session.closed', 'session.aborted', 'session.refused')),"
            " argMaxIf(action, `index`, action LIKE 'session.%'),"
            " countIf(action IN ('statement.run', 'statement.denied', 'statement.held')),"
            " countIf(action IN ('statement.denied', 'statement.held')), sum(data_rows), sum(data_masked),"
            " min(`index`) AS opened"
            f" FROM events WHERE session_id != '' AND source_kind = 'gateway' AND {where}"
            " GROUP BY session_id ORDER BY min(time) DESC, opened DESC LIMIT {limit:Int64}",
            bound | {"limit": limit},
        )
        return [_session(row) for row in reversed(rows)]

    def _where(
        self, text: str | Query, visible: Visibility, since: str, until: str
    ) -> tuple[str, str, dict[str, Parameter]]:
        query, recorded = self.parse(text)
        visible.check(query)
        parts = [visible.query(), query]
        if since:
            parts.append(Compare("time", ">=", instant(since)))
        if until:
            parts.append(Compare("time", "<", instant(until)))
        where, bound = compile_sql(And(tuple(parts)), self._clock.now_ns())
        return recorded, where, bound

    def _hits(self, where: str, bound: dict[str, Parameter], limit: int, oldest_first: bool) -> list[Hit]:
        return hits(self.index, where, bound, limit, oldest_first) if limit else []


def hits(
    index: Index, where: str, bound: Mapping[str, Parameter], limit: int, oldest_first: bool
) -> list[Hit]:
    """Events that meet a condition, by time and then by ledger and index."""
    order = "ASC" if oldest_first else "DESC"
    # The table is ordered by tenant first: only when that is named, a page is read from the end it begins at.
    rows = index.select(
        f"SELECT `index`, raw, ledger FROM events WHERE tenant = {{tenant:String}} AND {where}"  # noqa: S608
        f" ORDER BY time {order}, ledger {order}, `index` {order} LIMIT {{limit:Int64}}",
        {**bound, "tenant": index.tenant, "limit": limit},
    )
    return [Hit(number, msgspec.Raw(raw.encode()), ledger) for number, raw, ledger in rows]


def instant(time_ns: str | int) -> str:
    """Nanoseconds as the language takes them at any size, beside years; another time stays as it is."""
    return f"{int(time_ns):019d}" if str(time_ns).isdecimal() else str(time_ns)


def _width_ns(start: int, stop: int) -> int:
    wanted_s = (stop - start) / 10**9 / _BARS
    return next((width for width in _WIDTHS_S if width >= wanted_s), _WIDTHS_S[-1]) * 10**9


def _group(name: str, number: int, bound: dict[str, Parameter]) -> str:
    """The expression that a field is counted by; its values are texts."""
    full = resolve(name)
    if full in SEVERAL:
        every = [_group(one, number * 10 + place, bound) for place, one in enumerate(SEVERAL[full], 1)]
        return f"arrayStringConcat(arrayFilter(x -> x != '', [{', '.join(every)}]), ', ')"
    member = open_member(full)
    if member:
        bound[f"path{number}"] = member[1]
        return f"arrayStringConcat({member[0]}[{{path{number}:String}}], ', ')"
    fields: tuple[Field, ...] = fields_of(full)
    if not fields:
        raise ConfigError(
            f"there is no field {name[:60]!r}", key="by", hint="docs/reference/query.md lists them"
        )
    if fields[0].kind == "names":
        return f"arrayStringConcat({fields[0].column}, ', ')"
    return f"toString({fields[0].column})"


def _session(row: tuple[object, ...]) -> SessionRow:
    id, actor, resource, opened, closed, last, statements, denied, rows, masked, _ = row
    states = {"session.closed": "closed", "session.aborted": "aborted", "session.refused": "refused"}
    return SessionRow(
        id=str(id), actor=str(actor), resource=str(resource), opened=str(opened),
        closed=str(closed) if closed else "", state=states.get(str(last), "open"),  # type: ignore[arg-type]
        statements=int(str(statements)), denied=int(str(denied)),
        rows=int(str(rows)), masked=int(str(masked)),
    )  # fmt: skip
