"""All events that match, by time, page after page: for what takes them out, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..index import KEPT, restored
from .investigator import Investigator, instant
from .query import And, Compare, Query, compile_sql
from .views import Hit
from .visibility import Visibility

_PAGE = 2_000


class Walk(msgspec.Struct, frozen=True):
    """How many events match, the query as it may be recorded, and the events; to be read once."""

    count: int
    query: str
    hits: Iterator[Hit]


def walk(
    investigator: Investigator, text: str, visible: Visibility, below: Mapping[str, int], *,
    since: str = "", until: str = "", page: int = _PAGE,
) -> Walk:  # fmt: skip
    """Events that match, oldest first; of those alone that stand below an index of their ledger.

    So what is recorded meanwhile, this walk among it, is not in it, and the count holds.

    Raises:
        ConfigError: The query has a mistake.
        Denied: It asks about what may not be seen.
    """
    query, recorded = investigator.parse(text)
    visible.check(query)
    parts: list[Query] = [visible.query(), query]
    if since:
        parts.append(Compare("time", ">=", instant(since)))
    if until:
        parts.append(Compare("time", "<", instant(until)))
    where, bound = compile_sql(And(tuple(parts)), investigator.now_ns())
    bounds: dict[str, Any] = {**bound, "tenant": investigator.index.tenant}
    for number, (ledger, stop) in enumerate(sorted(below.items())):
        where += f" AND (ledger != {{in{number}:String}} OR `index` < {{below{number}:Int64}})"
        bounds |= {f"in{number}": ledger, f"below{number}": stop}
    where = f"tenant = {{tenant:String}} AND {where}"
    ((count,),) = investigator.index.select(f"SELECT count() FROM events WHERE {where}", bounds)  # noqa: S608
    return Walk(count, recorded, _pages(investigator, where, bounds, page))


def _pages(investigator: Investigator, where: str, bound: dict[str, Any], page: int) -> Iterator[Hit]:
    last: tuple[int, str, int] | None = None
    while True:
        after, more = "", {"limit": page}
        if last is not None:
            # By the first part the table skips what is before; the second tells those of the same time apart.
            after = (
                " AND time >= {time:Int64}"
                " AND (time, ledger, `index`) > ({time:Int64}, {ledger:String}, {at:Int64})"
            )
            more |= {"time": last[0], "ledger": last[1], "at": last[2]}  # type: ignore[dict-item]
        rows = investigator.index.select(
            f"SELECT `index`, ledger, time, {KEPT} FROM events WHERE {where}{after}"  # noqa: S608
            " ORDER BY time, ledger, `index` LIMIT {limit:Int64}",
            {**bound, **more},
        )
        for number, ledger, _, *row in rows:
            yield Hit(number, msgspec.Raw(restored(row).encode()), ledger)
        if len(rows) < page:
            return
        number, ledger, time_ns, *_ = rows[-1]
        last = (time_ns, ledger, number)
