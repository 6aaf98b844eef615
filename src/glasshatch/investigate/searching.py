"""A page of a search: in the order of time with a cursor, in another order, or as a table."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..index import KEPT, Index, restored
from .cursors import Cursor, question_of, read_cursor
from .expressions import Expressions
from .investigator import Investigator
from .query import Query
from .query.sql import Parameter
from .tables import as_answered, counted, sorted_by
from .views import Hit, Page
from .visibility import Visibility

_Bound = dict[str, Parameter]
_Read = list[tuple[Hit, int]]
"""Events with their times as they are indexed."""


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; since, until: ns, until exclusive.

    `before` and `after` are indices in any ledger, `after_in` has one for each that it names. `cursor` is
    the `next` of the page before; all but the limit then have to be the same.
    """

    text: str | Query = ""
    since: str = ""
    until: str = ""
    before: int = -1
    after: int = -1
    after_in: Mapping[str, int] = {}
    limit: int = 100
    oldest_first: bool = False
    cursor: str = ""


def search(investigator: Investigator, wanted: SearchQuery, visible: Visibility) -> Page:
    """A page of matches, and how many there are; or what the query's stages make of them.

    Raises:
        ConfigError: With the place of a mistake; or the cursor does not fit.
        Denied: The answer would tell what is hidden.
    """
    return _Search(investigator, wanted, visible).page()


class _Search:
    """One question."""

    def __init__(self, investigator: Investigator, wanted: SearchQuery, visible: Visibility) -> None:
        self._index = investigator.index
        self._wanted = wanted
        self._question = question_of(
            str(wanted.text), wanted.since, wanted.until, wanted.before, wanted.after, wanted.after_in,
            wanted.oldest_first,
        )  # fmt: skip
        self._at = read_cursor(wanted.cursor, self._question) if wanted.cursor else None
        self._now_ns = self._at.now_ns if self._at else investigator.now_ns()
        self._pipeline, self._recorded = investigator.ask(wanted.text, visible)
        where, self._bound = investigator.narrowed(
            self._pipeline.query, visible, wanted.since, wanted.until, self._now_ns
        )
        self._where = where + _between(wanted, self._bound)

    def page(self) -> Page:
        # Looked up before asking: what comes in between is on no later page and perhaps on this one.
        seen = self._at.seen if self._at else self._index.watermarks
        if self._pipeline.stats and self._wanted.limit:
            count = self._counted(0, 0)
            table = counted(self._index, self._pipeline, self._where, self._bound)
            return Page([], count, self._recorded, table=as_answered(table, self._pipeline.stats))
        found, limit = self._found()
        count = self._counted(len(found), limit)
        hits = [hit for hit, _ in found]
        whole = bool(self._pipeline.order or self._pipeline.limit)
        following = "" if whole or not found or len(found) < limit else self._after(found[-1], count, seen)
        return Page(hits, count, self._recorded, following, fields=self._pipeline.fields)

    def _found(self) -> tuple[_Read, int]:
        pipeline, write = self._pipeline, Expressions(self._bound)
        # A limit of 0 asks for the count only, whatever the query says.
        limit = (pipeline.limit or self._wanted.limit) if self._wanted.limit else 0
        where = self._where
        if pipeline.order:
            order = sorted_by(pipeline.order, write)
        else:
            side = "ASC" if self._wanted.oldest_first else "DESC"
            order = f"time {side}, ledger {side}, `index` {side}"
        if self._at:
            where += " AND " + self._at.condition(self._wanted.oldest_first, self._bound)
        return (_read(self._index, where, self._bound, order, limit) if limit else []), limit

    def _counted(self, found: int, limit: int) -> int:
        """How many match: a page that is not full holds them all."""
        if self._at:
            return self._at.count
        if found < limit:
            return found
        ((count,),) = self._index.select(f"SELECT count() FROM events WHERE {self._where}", self._bound)  # noqa: S608
        return int(count)

    def _after(self, last: tuple[Hit, int], count: int, seen: Mapping[str, int]) -> str:
        hit, time_ns = last
        return Cursor(
            self._question, self._now_ns, count, time_ns, hit.ledger, hit.index, dict(seen)
        ).written()


def _read(index: Index, where: str, bound: _Bound, order: str, limit: int) -> _Read:
    # The table is ordered by tenant first: only when that is named, a page is read from the end it begins at.
    rows = index.select(
        f"SELECT `index`, ledger, time, {KEPT} FROM events WHERE tenant = {{tenant:String}} AND {where}"  # noqa: S608
        f" ORDER BY {order} LIMIT {{limit:Int64}}",
        {**bound, "tenant": index.tenant, "limit": limit},
    )
    return [
        (Hit(number, msgspec.Raw(restored(row).encode()), ledger), time_ns)
        for number, ledger, time_ns, *row in rows
    ]


def _between(wanted: SearchQuery, bound: _Bound) -> str:
    where = ""
    if wanted.before >= 0:
        where += " AND `index` < {before:Int64}"
        bound["before"] = wanted.before
    if wanted.after >= 0:
        where += " AND `index` > {after:Int64}"
        bound["after"] = wanted.after
    for number, (ledger, index) in enumerate(wanted.after_in.items()):
        where += f" AND (ledger != {{in{number}:String}} OR `index` > {{after{number}:Int64}})"
        bound |= {f"in{number}": ledger, f"after{number}": index}
    return where
