"""The end of every sign-in: a token of the person's own, recorded before anybody has it."""

from __future__ import annotations

import os

from ...api.signin_values import SignedIn
from ...events import Client, Link, Outcome
from ...identity import Identity, Token
from ..config import duration_seconds
from ..house import House

LABEL = "signin:"
"""How the label of a token begins that a sign-in gave out."""


class Issuing:
    """Gives out the tokens of sign-ins."""

    def __init__(self, house: House) -> None:
        self._house = house

    def accept(self, actor: Identity, way: str, client: Client | None, **facts: object) -> SignedIn:
        """Who signed in, with their token. way: as in `password` or `provider`.

        Raises:
            Denied: The actor is disabled.
            Unavailable: It cannot be recorded; nobody is signed in then.
        """
        house = self._house
        lifetime_ns = duration_seconds(house.loaded.config.identity.session) * 1_000_000_000

        def record(token: Token) -> None:
            house.note(
                "signin.accepted", actor=actor.as_actor(), client=client, outcome=Outcome(status="success"),
                attrs={"way": way, "token_id": token.id, "expires": str(token.expires_ns), **facts},
                links=(Link(rel="actor", id=actor.id),),
            )  # fmt: skip

        text, token = house.control.tokens.issue(
            actor.id, scopes=("*",), lifetime_ns=lifetime_ns, now_ns=house.clock.now_ns(),
            label=LABEL + way, issued_by=actor.id, record=record,
        )  # fmt: skip
        return SignedIn(
            token=text, id=token.id, actor=actor.name, roles=actor.roles, expires=str(token.expires_ns)
        )


def random_name() -> str:
    """A name nobody can guess, for something that waits in memory."""
    return os.urandom(24).hex()
