"""Somebody leaves: what they signed in with ends at once, in every process."""

from __future__ import annotations

from collections.abc import Callable

from ...control import IssuedCertificate
from ...events import Access, Actor, Link, Outcome
from ...identity import Identity, Token
from ..breakglass.door import grant_of
from ..breakglass.records import Revoked
from ..house import House


class Leaving:
    """Ends what opens anything. Gateway sessions end with it, within a moment."""

    def __init__(self, house: House) -> None:
        self._house = house

    def end_everything(self, actor: Identity, reason: str, by: Actor | None = None) -> int:
        """End all tokens, certificates and break-glass sheets of somebody; how many there were.

        Also those that an administrator issued: who is gone is gone.
        """
        house = self._house
        now_ns = house.clock.now_ns()
        told = Outcome(status="success", reason=reason)
        count = 0
        for token in house.control.tokens.list(actor.id):
            if not token.revoked_ns and now_ns < token.expires_ns:
                house.control.tokens.revoke(
                    token.id, now_ns, record=self._noting("token.revoked", "token_id", by, told)
                )
                count += 1
        for one in house.control.certificates.list(actor.id):
            if not one.revoked_ns and now_ns < one.expires_ns:
                house.control.certificates.revoke(
                    one.id, now_ns, record=self._noting("certificate.revoked", "certificate", by, told)
                )
                count += 1
        return count + self._end_sheets(actor, told, by)

    def _end_sheets(self, actor: Identity, told: Outcome, by: Actor | None) -> int:
        """Break-glass sheets too: they would open without anybody being asked."""
        house, count = self._house, 0
        for sheet in house.glass.sheets().values():
            if sheet.printed.holder_id == actor.id and not sheet.revoked:
                house.note(
                    "breakglass.revoked", actor=by, outcome=told,
                    access=Access(grant_id=grant_of(sheet.number), break_glass=True),
                    attrs={"sheet": sheet.number, "holder": sheet.printed.holder},
                    links=(Link(rel="actor", id=actor.id),),
                )  # fmt: skip
                revoked = Revoked(
                    at_ns=house.clock.now_ns(), number=sheet.number, by=by.name if by else "the provider"
                )
                house.glass.write(revoked)
                count += 1
        return count

    def _noting(
        self, action: str, named: str, by: Actor | None, told: Outcome
    ) -> Callable[[Token | IssuedCertificate], None]:
        def note(ended: Token | IssuedCertificate) -> None:
            self._house.note(
                action, actor=by, outcome=told, attrs={named: ended.id, "holder": ended.actor_id},
                links=(Link(rel="actor", id=ended.actor_id),),
            )  # fmt: skip

        return note
