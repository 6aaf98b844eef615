"""Somebody leaves: what they signed in with ends at once, in every process."""

from __future__ import annotations

from collections.abc import Callable

from ...control import IssuedCertificate
from ...events import Actor, Link, Outcome
from ...identity import Identity, Token
from ..house import House


class Leaving:
    """Ends tokens and certificates. Their gateway sessions end with them, within a moment."""

    def __init__(self, house: House) -> None:
        self._house = house

    def end_everything(self, actor: Identity, reason: str, by: Actor | None = None) -> int:
        """End all tokens and certificates of somebody; how many there were.

        Also those that an administrator issued: who is gone is gone.
        """
        house = self._house
        now_ns = house.clock.now_ns()
        told = Outcome(status="success", reason=reason)
        count = 0
        for token in house.control.tokens.list(actor.id):
            if not token.revoked_ns and now_ns < token.expires_ns:
                house.control.tokens.revoke(token.id, now_ns, record=self._noting("token.revoked", by, told))
                count += 1
        for one in house.control.certificates.list(actor.id):
            if not one.revoked_ns and now_ns < one.expires_ns:
                house.control.certificates.revoke(
                    one.id, now_ns, record=self._noting("certificate.revoked", by, told)
                )
                count += 1
        return count

    def _noting(
        self, action: str, by: Actor | None, told: Outcome
    ) -> Callable[[Token | IssuedCertificate], None]:
        def note(ended: Token | IssuedCertificate) -> None:
            name = action.partition(".")[0]
            self._house.note(
                action, actor=by, outcome=told, attrs={name: ended.id, "holder": ended.actor_id},
                links=(Link(rel="actor", id=ended.actor_id),),
            )  # fmt: skip

        return note
