"""The door behind the glass: a sheet and a reason open it, whoever else is away.

Everything it needs is in memory and in the book. It opens only after the book has the use durably; what the
ledger, the control store and the channels make of it comes after, and nobody waits for them long.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from ...clock import Clock
from ...errors import Denied, GlasshatchError
from ...events import Access, Actor, Client, Event, Outcome, Resource, encode, uuid7
from ...identity import Emergency, Identity
from ...masking import Redactor
from ..shortening import without_bulk
from .book import Book
from .records import Recovered, Reviewed, Used
from .sheets import Sheet, opens, read_typed, sheets_of

_REASON_CHARACTERS = 10
_LEDGER_SECONDS = 2.0
_NOT = "the break-glass sheet is not accepted"
_HINT = "type the sheet as it is printed, a space, and why: ghb-0001-… the payment database is down"


class Ledgering(Protocol):
    """The recorder, as far as it is needed here."""

    def record(self, event: Event, timeout_s: float = 30.0) -> Any: ...


class Door:
    """One book's sheets. Blocks on the disk; safe from any thread.

    `ledger` takes events while it works; None where there is none, as on an emergency.
    """

    def __init__(
        self,
        book: Book,
        redactor: Redactor,
        clock: Clock,
        make: Callable[..., Event],
        ledger: Callable[[], Ledgering | None],
        size: Callable[[], int],
    ) -> None:
        """`make` makes an event of now; `size` says how many entries the ledger is known to have."""
        self.book = book
        self._redactor = redactor
        self._clock = clock
        self._make = make
        self._ledger = ledger
        self._size = size
        self._lock = threading.RLock()
        self.told: Callable[[Event], object] = lambda event: None
        """Told of every use, and of nothing else, for whoever must hear of it at once."""
        self.anchored: Callable[[int], object] = lambda count: None
        """Told how many records the book has, after each that was added."""

    def sheets(self) -> dict[int, Sheet]:
        """Every sheet, by its number."""
        return sheets_of(self.book.records)

    @property
    def armed(self) -> bool:
        """Whether some sheet could still open something."""
        now_ns = self._clock.now_ns()
        return self.book.damage is None and any(
            not one.revoked and now_ns < (one.ends_ns or one.printed.until_ns)
            for one in self.sheets().values()
        )

    def open(self, user: str, secret: str, resource: str, client: Client) -> Identity:
        """Who stands at the door, if a sheet opens it; durable in the book when this returns.

        Raises:
            Denied: The sheet is not accepted; where its holder proved to have it, says why.
            Unavailable: The use cannot be recorded anywhere: nobody passes.
        """
        typed = read_typed(secret)
        if typed is None:
            raise Denied(_NOT, hint=_HINT)
        with self._lock:
            sheets = self.sheets()
            number, text = typed.sheets[0]
            sheet = sheets.get(number)
            if not opens(sheet, text) or sheet is None or sheet.printed.holder != user:
                raise Denied(_NOT, hint=_HINT)
            self._require_live(sheet, resource)
            override = self._override(sheet, sheets, typed.sheets[1:])
            reason = self._reason(typed.reason)
            return self._use(sheet, resource, reason, override, client)

    def _require_live(self, sheet: Sheet, resource: str) -> None:
        from ...policy import resource_matches

        now_ns, printed = self._clock.now_ns(), sheet.printed
        if sheet.revoked:
            raise Denied(f"sheet {sheet.number} was revoked", hint="use another one")
        if not any(resource_matches(pattern, resource) for pattern in printed.resources):
            raise Denied(f"sheet {sheet.number} does not open {resource}", hint=", ".join(printed.resources))
        if now_ns >= printed.until_ns:
            raise Denied(f"sheet {sheet.number} is too old", hint="use another one")
        if sheet.review is not None:
            raise Denied(f"sheet {sheet.number} was used, and that is reviewed", hint="use another one")
        if sheet.first_ns and now_ns >= sheet.ends_ns:
            raise Denied(f"sheet {sheet.number} was used: it opens nothing again", hint="use another one")

    def _override(self, sheet: Sheet, sheets: dict[int, Sheet], more: tuple[tuple[int, str], ...]) -> int:
        """The number of the second holder's sheet, where one is needed; it counts as used, too."""
        if sheet.first_ns or not (open_uses := _unreviewed_of(sheet, sheets)):
            return 0
        listed = ", ".join(str(one.number) for one in open_uses)
        if not more:
            raise Denied(
                f"{sheet.printed.holder} has used sheet {listed}, and nobody has reviewed that",
                hint="have it reviewed (glasshatch break-glass review), or type a second holder's sheet"
                " behind yours",
            )
        second = sheets.get(more[0][0])
        if not opens(second, more[0][1]) or second is None:
            raise Denied("the second sheet is not accepted", hint=_HINT)
        if second.printed.holder_id == sheet.printed.holder_id:
            raise Denied("both sheets are one person's", hint="it takes a second person")
        if second.first_ns or second.revoked or self._clock.now_ns() >= second.printed.until_ns:
            raise Denied("the second sheet opens nothing any more", hint="use another one")
        if _unreviewed_of(second, sheets):
            raise Denied("the second holder has an unreviewed use too", hint="have one of them reviewed")
        return second.number

    def _reason(self, text: str) -> str:
        if len(text) < _REASON_CHARACTERS:
            raise Denied(
                f"say why, in at least {_REASON_CHARACTERS} characters, behind the sheet", hint=_HINT
            )
        return self._redactor.text(text[:500])[0]

    def _use(self, sheet: Sheet, resource: str, reason: str, override: int, client: Client) -> Identity:
        printed, now_ns = sheet.printed, self._clock.now_ns()
        first = not sheet.first_ns
        ends_ns = min(now_ns + printed.window_s * 10**9, printed.until_ns) if first else sheet.ends_ns
        if not first:
            reason = sheet.reason
        who = Identity(
            id=printed.holder_id, tenant=printed.tenant, type="human", name=printed.holder,
            roles=printed.roles,
            emergency=Emergency(
                grant_id=grant_of(sheet.number), resources=printed.resources, verbs=printed.verbs,
                until_ns=ends_ns, reason=reason,
            ),
        )  # fmt: skip
        attrs: dict[str, Any] = {
            "sheet": sheet.number, "ends": str(ends_ns), "first": first, "book": len(self.book.records) + 1,
        }  # fmt: skip
        if override:
            attrs["override_by"] = self.sheets()[override].printed.holder
            attrs["override_sheet"] = override
        kind, _, name = resource.partition("/")
        event = self._make(
            "breakglass.used", actor=who.as_actor(), outcome=Outcome(status="success"), client=client,
            resource=Resource(type=kind, id=resource, name=name),
            access=Access(grant_id=grant_of(sheet.number), reason=reason, break_glass=True), attrs=attrs,
        )  # fmt: skip
        used = Used(
            at_ns=now_ns, entry=self.entry(event), at_size=self._size(), number=sheet.number,
            resource=resource, until_ns=ends_ns, first=first, reason=reason, override=override,
        )  # fmt: skip
        # From here on the sheet is used, whatever becomes of the session.
        self.write(used)
        self._pass_on(event)
        self.told(event)
        return who

    def entry(self, event: Event) -> bytes:
        """An event as the ledger would store it."""
        redacted = self._redactor.event(event)
        try:
            return encode(redacted)
        except GlasshatchError:
            return encode(without_bulk(redacted))

    def write(self, *records: Any) -> None:
        """Add to the book; raises `Unavailable` if it cannot be."""
        with self._lock:
            self.book.append(records)
            self.anchored(len(self.book.records))

    def _pass_on(self, event: Event) -> None:
        """To the ledger, if it is there; recovery brings it what it does not take now."""
        ledger = self._ledger()
        if ledger is None:
            return
        try:
            ledger.record(event, _LEDGER_SECONDS)
        except GlasshatchError:
            return
        self.settled()

    def settled(self) -> None:
        """The ledger has everything, unless events of sessions lie in the book."""
        from .records import Noted

        with self._lock:
            tail: list[Any] = []
            for record in reversed(self.book.records):
                if isinstance(record, Recovered):
                    break
                tail.append(record)
            # Uses go to the ledger one by one; where anything else waits, the next start looks.
            waiting = sum(1 for record in tail if record.entry)
            if waiting == 1 and not any(isinstance(record, Noted) for record in tail):
                self.write(Recovered(at_ns=self._clock.now_ns()))

    def review(
        self, number: int, by: Identity, verdict: Any, comment: str, record: Callable[[Sheet], Event]
    ) -> Sheet:
        """Somebody else looks at a use; from here on its holder may use another sheet.

        Raises:
            Denied: It is their own use, or one they stood by.
            Conflict, ConfigError: There is nothing to review.
        """
        from ...errors import ConfigError, Conflict

        with self._lock:
            sheets = self.sheets()
            sheet = sheets.get(number)
            if sheet is None:
                raise ConfigError(
                    f"there is no sheet {number}", key="NUMBER", hint="glasshatch break-glass list"
                )
            if not sheet.first_ns:
                raise Conflict(f"sheet {number} was not used")
            if sheet.review is not None:
                raise Conflict(f"sheet {number} is reviewed already")
            _require_other(by, sheet, sheets)
            event = record(sheet)
            reviewed = Reviewed(
                at_ns=self._clock.now_ns(), entry=self.entry(event), at_size=self._size(), number=number,
                by=by.name, verdict=verdict, comment=self._redactor.text(comment)[0],
            )  # fmt: skip
            self.write(reviewed)
            self._pass_on(event)
            return self.sheets()[number]


def grant_of(number: int) -> str:
    """How a sheet stands in events as a grant."""
    return f"break-glass/{number}"


def new_id(now_ns: int) -> str:
    """A fresh id of an event."""
    return uuid7(now_ns, os.urandom(10))


def claimed(name: str) -> Actor:
    """Somebody who has only said a name."""
    return Actor(id="", name=name)


def _unreviewed_of(sheet: Sheet, sheets: dict[int, Sheet]) -> list[Sheet]:
    """What the same person used before, and nobody looked at."""
    same = sheet.printed.holder_id
    return [
        one for one in sheets.values()
        if one.printed.holder_id == same and one.number != sheet.number and one.unreviewed
    ]  # fmt: skip


def _require_other(by: Identity, sheet: Sheet, sheets: dict[int, Sheet]) -> None:
    stood = [one for one in sheets.values() if one.overrides == sheet.number or one.number == sheet.overrides]
    if by.people() & {sheet.printed.holder_id, *(one.printed.holder_id for one in stood)}:
        raise Denied("nobody reviews their own use, nor one that they stood by", hint="ask somebody else")
    if by.type != "human":
        raise Denied("only humans review", hint="ask a person")
