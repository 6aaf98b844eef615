"""Who hears of what: those who may judge a request, and everybody when the glass is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...events import Event, Outcome
from ...identity import Identity
from ...policy import Request
from .channels import open_channels
from .links import ApproveLinks
from .notices import Judge, Notice, Notifier

if TYPE_CHECKING:
    from ..house import House
    from .sections import ReviewSection

_TOLD_JUDGES = 20


class Telling:
    """The notices of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.links = ApproveLinks(lambda: house.keyring.control_mac_key, house.clock)
        self.notifier = Notifier(open_channels(house.loaded, house.clock), self._failed)

    @classmethod
    def of(cls, house: House) -> Telling:
        """The notices of a house that has been told to tell."""
        made = cls(house)
        house.heard = lambda request: made.of_request(request, rule_of(house, request))
        house.glass.told = made.of_break_glass
        return made

    def of_request(self, request: Request, section: ReviewSection) -> None:
        """Tell those who may judge it."""
        if not self.notifier.channels:
            return
        house = self._house
        asker = house.control.actors.get(request.actor_id)
        judges = house.reviews.judges(section, house.control.actors.list(), asker)[:_TOLD_JUDGES]
        self.notifier.tell(lambda page: self._asked(request, asker, judges, page), "request")

    def of_waiting(self) -> None:
        """After a start: tell again of what still waits, for nobody knows what was delivered before."""
        house, now_ns = self._house, self._house.clock.now_ns()
        if not self.notifier.channels:
            return
        for request in house.control.requests.list("pending"):
            if now_ns < request.expires_ns:
                self.of_request(request, rule_of(house, request))

    def of_break_glass(self, event: Event) -> None:
        """Tell everybody, now."""
        tell_break_glass(self.notifier, event)

    def close(self) -> None:
        """Send what waits, and end."""
        self.notifier.close()

    def _asked(self, request: Request, asker: Identity, judges: list[Identity], page: str) -> Notice:
        place = self._place(request)
        return Notice(
            id=request.id, kind="request", title=f"{asker.name} asks for {place}", who=asker.name,
            resource=place, reason=request.reason, what=self._what(request), ends=str(request.expires_ns),
            judges=tuple(Judge(one.name, self._link(request, one, page)) for one in judges),
        )  # fmt: skip

    def _link(self, request: Request, judge: Identity, page: str) -> str:
        if not page:
            return ""
        return f"{page.rstrip('/')}/judge/{self.links.make(request.id, judge, request.expires_ns)}"

    def _place(self, request: Request) -> str:
        if request.of_masked:
            return self._house.control.reveals.of_request(request.id).resource
        if request.kind != "statement":
            return request.resource
        return self._house.control.statements.of_request(request.id).resource

    def _what(self, request: Request) -> str:
        if request.of_masked:
            kept = self._house.control.reveals.of_request(request.id)
            columns = ", ".join(f"{one.column} ({one.type})" for one in kept.columns)
            return f"{columns} of one row in clear, once: {kept.shown[:1_500]}"
        if request.kind != "statement":
            return f"{', '.join(request.verbs)} for {request.duration_ns // 10**9} s"
        # Redacted as in the record.
        return self._house.control.statements.of_request(request.id).shown[:2_000]

    def _failed(self, channel: str, notice: Notice, why: str) -> None:
        self._house.note(
            "notice.failed", outcome=Outcome(status="failure", reason=why), request_id=notice.id,
            attrs={"channel": channel, "kind": notice.kind},
        )  # fmt: skip


def tell_break_glass(notifier: Notifier, event: Event) -> None:
    """Tell everybody that the glass was broken."""
    who, resource = event.actor.name if event.actor else "", event.resource.id if event.resource else ""
    reason = event.access.reason if event.access else ""
    sheet = (event.attrs or {}).get("sheet", "")
    notice = Notice(
        id=event.id, kind="break-glass", title=f"BREAK-GLASS: {who} opened {resource}", who=who,
        resource=resource, reason=reason,
        what=f"sheet {sheet}; review it: glasshatch break-glass review {sheet}",
    )  # fmt: skip
    notifier.tell(lambda page: notice, "break-glass")


def rule_of(house: House, request: Request) -> ReviewSection:
    """The rule that a request falls under now."""
    verbs = request.verbs
    if request.kind == "statement":
        verbs = house.control.statements.of_request(request.id).verbs
    return house.reviews.of(request.kind, request.resource, verbs)
