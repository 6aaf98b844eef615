"""Questions about the record, asked of its index under the asker's visibility."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ..clock import Clock
from ..errors import ConfigError
from ..events import Event, read_place
from ..index import FAILED, KEPT, Index, bar_sql, restored
from ..index.columns import lower
from .aliases import NOBODY, Aliases
from .expressions import Expressions
from .query import (
    And,
    Compare,
    Query,
    compile_predicate,
    compile_sql,
    findable,
    known_field,
    parse,
    parse_pipeline,
    redacted,
    render,
    resolve,
    stages_redacted,
)
from .query.piping import bin_width
from .query.sql import Parameter
from .query.stages import Pipeline, fields_in, render_pipeline
from .views import Bin, Bins, CountRow, Counts, Hit
from .visibility import Visibility

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

    def redactions(self) -> tuple[Callable[[str], str], ...]:
        """How texts are redacted, and how they were under earlier token keys."""
        return (self._redact, *self._older())

    def now_ns(self) -> int:
        """The time that `now` in a query means."""
        return self._clock.now_ns()

    def parse(self, text: str | Query, known: Aliases = NOBODY) -> tuple[Query, str]:
        """The query that finds what is meant in a redacted record, and its text as it may be recorded.

        What is asked of an actor is asked of their aliases too.

        Raises:
            ConfigError: With the place of a mistake.
        """
        asked = parse(text) if isinstance(text, str) else text
        return findable(known.resolved(asked), self._redact, *self._older()), render(
            redacted(asked, self._redact)
        )

    def predicate(self, text: str, visible: Visibility) -> tuple[Callable[[Event], bool], str]:
        """A test of events as they come, and the query as it may be recorded."""
        query, recorded = self.parse(text, visible.known)
        visible.check(query)
        return compile_predicate(And((visible.query(), query)), self._clock.now_ns()), recorded

    def ask(self, text: str | Query, visible: Visibility) -> tuple[Pipeline, str]:
        """A query with its stages, as they find what is meant, and as they may be recorded.

        Raises:
            ConfigError: With the place of a mistake.
            Denied: It names what is hidden.
        """
        asked = parse_pipeline(text) if isinstance(text, str) else Pipeline(text)
        query = findable(visible.known.resolved(asked.query), self._redact, *self._older())
        visible.check(query)
        visible.check_fields(fields_in(asked))
        made = stages_redacted(asked, self._redact)
        clean = msgspec.structs.replace(made, query=redacted(asked.query, self._redact))
        return msgspec.structs.replace(made, query=query), render_pipeline(clean)

    def storable(self, text: str, visible: Visibility) -> str:
        """A query as it may be kept to be asked again: when, from where, and who acted stay as they are, the
        last only if the record has somebody of that very name in clear; raises as `ask`."""
        self.ask(text, visible)
        asked = parse_pipeline(text)
        made = stages_redacted(asked, self._redact)
        clean = redacted(asked.query, self._redact, self._in_clear)
        if clean == asked.query and made == asked:
            return text.strip()
        return render_pipeline(msgspec.structs.replace(made, query=clean), aliases=True)

    def _in_clear(self, leaf: Query) -> bool:
        field, value = getattr(leaf, "field", ""), getattr(leaf, "value", "")
        if field in ("time", "observed_time", "client.ip"):
            return True
        if field not in ("actor", "actor.name", "actor.id") or self._redact(value) == value:
            return False
        found = self.index.select(
            "SELECT 1 FROM events WHERE tenant = {tenant:String}"
            " AND (lower(actor_name) = {who:String} OR lower(actor_id) = {who:String}) LIMIT 1",
            {"tenant": self.index.tenant, "who": lower(value)},
        )
        return bool(found)

    def histogram(self, text: str, visible: Visibility, *, since: str = "", until: str = "") -> Bins:
        """Matches over time, in about sixty bars of a round width; stages are left out of account."""
        recorded, where, bound = self._where(text, visible, since, until)
        ((count, first, last),) = self.index.select(
            f"SELECT count(), min(time), max(time) FROM events WHERE {where}",  # noqa: S608
            bound,
        )
        if not count:
            return Bins("0", [], recorded)
        width = _width_ns(first, last + 1)
        rows = self.index.select(
            f"SELECT {bar_sql(width)} AS bar, count(), countIf({FAILED})"  # noqa: S608
            f" FROM events WHERE {where} GROUP BY bar ORDER BY bar",
            bound,
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
        visible.check_fields(name for name in by if not bin_width(name))
        if isinstance(text, str):
            parse(text)  # a query whose stages say otherwise than `by`
        recorded, where, bound = self._where(text, visible, since, until)
        if len(by) > _MAX_GROUPS:
            raise ConfigError(f"at most {_MAX_GROUPS} fields can be counted by", key="by")
        ((total,),) = self.index.select(f"SELECT count() FROM events WHERE {where}", bound)  # noqa: S608
        if not by:
            return Counts((), [], total, recorded)
        write = Expressions(bound)
        groups = [_group(name, write) for name in by]
        names = ", ".join(f"g{number}" for number in range(len(groups)))
        chosen = ", ".join(f"{group} AS g{number}" for number, group in enumerate(groups))
        rows = self.index.select(
            f"SELECT {chosen}, count() AS n, countIf({FAILED}), min(time), max(time) FROM events"  # noqa: S608
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
        found = hits(self.index, where, bound, 1, True)
        return found[0] if found else None

    def _where(
        self, text: str | Query, visible: Visibility, since: str, until: str
    ) -> tuple[str, str, dict[str, Parameter]]:
        pipeline, recorded = self.ask(text, visible)
        where, bound = self.narrowed(pipeline.query, visible, since, until, self._clock.now_ns())
        return recorded, where, bound

    def narrowed(
        self, query: Query, visible: Visibility, since: str, until: str, now_ns: int
    ) -> tuple[str, dict[str, Parameter]]:
        """The condition of a query as it is asked by somebody about a time, and its parameters."""
        parts = [visible.query(), query]
        if since:
            parts.append(Compare("time", ">=", instant(since)))
        if until:
            parts.append(Compare("time", "<", instant(until)))
        where, bound = compile_sql(And(tuple(parts)), now_ns)
        # The table is ordered by tenant first: only when that is named, a span of time is looked up in it.
        return f"tenant = {{tenant:String}} AND {where}", bound | {"tenant": self.index.tenant}

    def compiled(self, query: Query, prefix: str = "p") -> tuple[str, dict[str, Parameter]]:
        """The condition of a query that is ours; its parameters have names with this prefix."""
        where, bound = compile_sql(query, self._clock.now_ns())
        where = re.sub(r"\{p(\d+):", rf"{{{prefix}\1:", where)
        return where, {f"{prefix}{name[1:]}": value for name, value in bound.items()}


def hits(
    index: Index, where: str, bound: Mapping[str, Parameter], limit: int, oldest_first: bool
) -> list[Hit]:
    """Events that meet a condition, by time and then by ledger and index."""
    order = "ASC" if oldest_first else "DESC"
    # The table is ordered by tenant first: only when that is named, a page is read from the end it begins at.
    rows = index.select(
        f"SELECT `index`, ledger, {KEPT} FROM events WHERE tenant = {{tenant:String}} AND {where}"  # noqa: S608
        f" ORDER BY time {order}, ledger {order}, `index` {order} LIMIT {{limit:Int64}}",
        {**bound, "tenant": index.tenant, "limit": limit},
    )
    return [Hit(number, msgspec.Raw(restored(row).encode()), ledger) for number, ledger, *row in rows]


def instant(time_ns: str | int) -> str:
    """Nanoseconds as the language takes them at any size, beside years; another time stays as it is."""
    return f"{int(time_ns):019d}" if str(time_ns).isdecimal() else str(time_ns)


def _group(name: str, write: Expressions) -> str:
    if width_s := bin_width(name):
        return f"toString({bar_sql(width_s * 10**9)})"
    return write.text(_known(name))


def _known(name: str) -> str:
    if known_field(full := resolve(name)):
        return full
    raise ConfigError(f"there is no field {name[:60]!r}", key="by", hint="docs/reference/query.md lists them")


def _width_ns(start: int, stop: int) -> int:
    wanted_s = (stop - start) / 10**9 / _BARS
    return next((width for width in _WIDTHS_S if width >= wanted_s), _WIDTHS_S[-1]) * 10**9
