"""Searching the record at the desk: visible to the caller, recorded before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

import msgspec

from ...api.access_values import notice_in
from ...api.gist import in_order
from ...api.ports import Events, Tail
from ...api.values import (
    EventFilter,
    Explored,
    Found,
    Histogram,
    IndexState,
    KnownAs,
    RecordedEvent,
    SearchForm,
    SessionSummary,
    Stats,
    StatsForm,
    Table,
)
from ...errors import ConfigError
from ...events import Event, Outcome, decode, read_place
from ...identity import Identity
from ...investigate import (
    NOBODY,
    Alias,
    Aliases,
    And,
    Hit,
    Investigator,
    Match,
    Or,
    Page,
    Query,
    SearchQuery,
    SessionQuery,
    Visibility,
    chosen,
    search,
    sessions,
)
from ..access import Access, require, shown
from ..access.narrowing import seen_by
from .coalescing import Note, note_read
from .following import RecordedTail

T = TypeVar("T")


class Behind(Protocol):
    """How the index comes after the ledger."""

    def caught_up(self) -> IndexState:
        """Wait, within reason, until what is durable now can be searched; say how far it came."""

    def begin_again(self) -> int:
        """Forget the index and fill it anew; how many entries there are."""

    def tail(self, wanted: Callable[[Event], bool]) -> Events:
        """Events as they come."""


class InvestigationPart:
    """The desk's `InvestigationDesk` port over an index."""

    def __init__(
        self,
        investigator: Investigator,
        behind: Behind,
        note: Note,
        access: Access,
        known: Callable[[Identity], Aliases],
    ) -> None:
        """`known` answers by which aliases a caller knows actors."""
        self._investigator = investigator
        self._behind = behind
        self._note = note
        self._access = access
        self._known = known

    def search(self, caller: Identity, form: SearchForm) -> Found:
        """A page of events that match, and how many there are."""
        state, eyes = self._behind.caught_up(), self._seen_by(caller)
        page = search(self._investigator, _wanted(form), eyes)
        self._read(caller, "search", _asked(page, form), _size(page), page.count)
        return self._found(caller, page, state, eyes)

    def explore(
        self, caller: Identity, form: SearchForm, whole: SearchForm, by: tuple[str, ...], limit: int
    ) -> Explored:
        """A page of matches with all that is shown beside it: one look, so one recorded read."""
        state, sight = self._behind.caught_up(), self._seen_by(caller)
        ask, times = self._investigator, {"since": whole.since, "until": whole.until}
        page = search(ask, _wanted(form), sight)
        count = page.count if form == whole else search(ask, _wanted(whole, 0), sight).count
        made = bool(page.table or page.fields)
        bars = ask.histogram(form.query, sight, **times)
        facets = {} if made else {
            name: ask.stats(form.query, sight, (name,), limit=limit, **times) for name in by
        }  # fmt: skip
        asked = _asked(page, form) | {"beside": ",".join(("histogram", *facets))}
        self._read(caller, "search", asked, _size(page), count)
        found = self._found(caller, page, state, sight)
        return Explored(
            found=msgspec.structs.replace(found, count=count), histogram=_as(bars, Histogram),
            facets={name: _as(one, Stats).rows for name, one in facets.items()},
        )  # fmt: skip

    def _found(self, caller: Identity, page: Page, state: IndexState, eyes: Visibility) -> Found:
        events = self._shown(caller, page.events, eyes.known)
        table = chosen(events, page.fields) if page.fields else page.table
        return Found(
            events=[] if table else events, count=page.count, indexed=state.indexed,
            ledger_size=state.ledger_size, positions=state.positions, next=page.next,
            table=_as(table, Table) if table else None, notice=notice_in(self._access.view(caller)),
        )  # fmt: skip

    def histogram(self, caller: Identity, form: SearchForm) -> Histogram:
        """Matches over time."""
        self._behind.caught_up()
        found = self._investigator.histogram(
            form.query, self._seen_by(caller), since=form.since, until=form.until
        )
        total = sum(bar.count for bar in found.bins)
        self._read(caller, "histogram", {"query": found.query}, total)
        return _as(found, Histogram)

    def stats(self, caller: Identity, form: StatsForm) -> Stats:
        """Matches counted by the values of fields."""
        self._behind.caught_up()
        found = self._investigator.stats(
            form.query, self._seen_by(caller), form.by, since=form.since, until=form.until, limit=form.limit
        )
        self._read(caller, "stats", {"query": found.query, "by": ",".join(found.by)}, found.total)
        notice = notice_in(self._access.view(caller))
        return msgspec.structs.replace(_as(found, Stats), notice=notice)

    def tail(self, caller: Identity, query: str) -> Tail:
        """Events that match, as they are recorded from now on."""
        wanted, recorded = self._investigator.predicate(query, self._seen_by(caller))
        self._read(caller, "tail", {"query": recorded}, 0)
        hidden = self._access.view(caller).hidden
        return RecordedTail(self._behind.tail(wanted), hidden, caller, recorded, self._note)

    def list_events(self, caller: Identity, filter: EventFilter) -> list[RecordedEvent]:
        """The newest events that match the filter, oldest first."""
        self._behind.caught_up()
        wanted = SearchQuery(
            text=filter_query(filter), since=filter.since, until=filter.until, after=filter.after,
            limit=filter.limit,
        )  # fmt: skip
        eyes = self._seen_by(caller)
        page = search(self._investigator, wanted, eyes)
        found = in_order(self._shown(caller, page.events))
        asked = {
            key: str(value) for key, value in msgspec.structs.asdict(filter).items() if value not in ("", -1)
        }
        self._read(caller, "events", asked, len(found))
        return found

    def show_event(self, caller: Identity, event_id: str) -> RecordedEvent:
        """One event, whole."""
        state = self._behind.caught_up()
        hit = self._investigator.event(event_id, self._seen_by(caller))
        place = read_place(event_id)
        if hit is None and place and place[1] < (minimum := state.minimums.get(place[0], 0)):
            raise ConfigError(
                f"entry {event_id} was pruned: entries are kept from {minimum} on",
                hint="its hash stays and proofs that were taken stay valid; search action:ledger.pruned",
            )
        if hit is None:
            raise ConfigError(
                f"no event {event_id[:80]} that you may see",
                hint="glasshatch events --format jsonl lists ids",
            )
        (found,) = self._shown(caller, [hit])
        self._read(caller, "event", {"event": event_id, "index": found.place}, 1)
        return found

    def list_sessions(self, caller: Identity, limit: int) -> list[SessionSummary]:
        """The newest sessions, oldest first."""
        self._behind.caught_up()
        found = sessions(self._investigator, self._seen_by(caller), SessionQuery(limit=limit))
        self._read(caller, "sessions", {"limit": str(limit)}, len(found))
        return [_as(row, SessionSummary) for row in found]

    def index_state(self, caller: Identity) -> IndexState:
        """How far the index has come; says nothing of the record's content."""
        return self._behind.caught_up()

    def rebuild_index(self, caller: Identity) -> int:
        """Make the index anew."""
        require(self._access.view(caller), "index.rebuild")
        self._note("index.rebuilt", actor=caller.as_actor(), outcome=Outcome(status="success"))
        return self._behind.begin_again()

    def _seen_by(self, caller: Identity) -> Visibility:
        seen = seen_by(self._access, caller, self._investigator.now_ns())
        return msgspec.structs.replace(seen, known=self._known(caller))

    def _shown(self, caller: Identity, hits: Iterable[Hit], known: Aliases = NOBODY) -> list[RecordedEvent]:
        hidden = self._access.view(caller).hidden
        return [shown(_recorded(hit, known), hidden) for hit in hits]

    def _read(
        self, caller: Identity, what: str, asked: dict[str, str], found: int, matches: int | None = None
    ) -> None:
        """Record the read before its answer leaves; if it cannot be recorded, there is no answer."""
        note_read(self._note, caller, what, asked, found, **({} if matches is None else {"matches": matches}))


def filter_query(filter: EventFilter) -> Query:
    """The filters of `glasshatch events` as a query; what a filter holds is never read as one."""
    parts: list[Query] = []
    if filter.actor:
        parts.append(Match("actor", filter.actor, True))
    if filter.action:
        parts.append(Match("action", filter.action, "*" not in filter.action))
    if filter.session:
        parts.append(Match("session_id", f"{filter.session}*"))
    if filter.resource:
        within = Match("resource", f"{filter.resource}/*")
        parts.append(Or((Match("resource", filter.resource, True), within)))
    return And(tuple(parts))


def _wanted(form: SearchForm, limit: int | None = None) -> SearchQuery:
    return SearchQuery(
        text=form.query, since=form.since, until=form.until, before=form.before, after=form.after,
        after_in=form.after_in, limit=form.limit if limit is None else limit,
        oldest_first=form.oldest_first, cursor=form.cursor,
    )  # fmt: skip


def _asked(page: Page, form: SearchForm) -> dict[str, str]:
    """What was looked for, as it may be recorded."""
    return {"query": page.query, "since": form.since, "until": form.until, "limit": str(form.limit)}


def _size(page: Page) -> int:
    return len(page.table.rows if page.table else page.events)


def _recorded(hit: Hit, known: Aliases) -> RecordedEvent:
    alias = known.of(decode(bytes(hit.event))) if known else None
    return RecordedEvent(hit.index, hit.event, hit.ledger, known_as=known_as(alias))


def known_as(alias: Alias | None) -> KnownAs | None:
    """Who somebody is by an alias, as the API says it."""
    return KnownAs(alias.actor, alias.actor_id, alias.id, alias.asserted) if alias is not None else None


def _as(value: Any, kind: type[T]) -> T:
    return msgspec.convert(value, kind, from_attributes=True)
