"""Whether those who signed in through the provider are still there: it is asked again and again, behind."""

from __future__ import annotations

import sys
import threading

import msgspec

from ...control import ProviderLink
from ...errors import Denied, GlasshatchError, Unavailable, place_of_bug
from ...events import Link, Outcome
from ...identity import Identity
from ...identity.openid import OpenIdClient, TokenFault
from ..house import House
from .admitting import Admitting
from .leaving import Leaving

_LOOK_SECONDS = 2.0
_AGAIN_NS = 60 * 1_000_000_000


class Refreshing:
    """Asks the provider about everybody whose time has come. While it is away, everything stays as it is."""

    def __init__(self, house: House, client: OpenIdClient, admitting: Admitting, leaving: Leaving) -> None:
        self._house = house
        self._client = client
        self._admitting = admitting
        self._leaving = leaving
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="provider", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self.look()
            except GlasshatchError as error:
                sys.stderr.write(f"glasshatch: asking the identity provider: {error}\n")
            except Exception as error:
                sys.stderr.write(f"glasshatch: a bug where the provider is asked: {place_of_bug(error)}\n")

    def look(self) -> None:
        """Ask about everybody who is due; the first time that it is away ends the look."""
        for link in self._house.control.links.due(self._house.clock.now_ns()):
            if self._stop.is_set() or not self._ask(link):
                return

    def _ask(self, link: ProviderLink) -> bool:
        house = self._house
        if house.control.actors.get(link.id).disabled:
            self._forget(link)
            return True
        try:
            person = self._client.refresh(self._admitting.refresh_token(link))
            self._admitting.renew(link, person)
        except Unavailable:
            self._later(link)
            return False
        except Denied as error:
            self._gone(link, house.control.actors.get(link.id), error)
        return True

    def _later(self, link: ProviderLink) -> None:
        """Not now: in a minute. Nobody loses anything because a provider is away."""
        now_ns = self._house.clock.now_ns()
        later = msgspec.structs.replace(link, refresh_ns=now_ns + _AGAIN_NS)
        self._house.control.links.keep(later, now_ns)

    def _gone(self, link: ProviderLink, actor: Identity, error: Denied) -> None:
        """The provider does not vouch for them any more, or their groups open nothing: they are out, at
        once."""
        house, now_ns = self._house, self._house.clock.now_ns()
        kind = error.kind if isinstance(error, TokenFault) else "groups"
        self._leaving.end_everything(actor, f"the identity provider does not vouch for them any more: {kind}")
        if actor.roles and not actor.disabled:
            house.control.actors.set_roles(
                actor.id, (), now_ns,
                record=lambda done: house.note(
                    "actor.changed", outcome=Outcome(status="success", reason=error.message),
                    attrs={
                        "subject": {
                            "id": done.id, "name": done.name, "type": done.type, "roles": [],
                            "on_behalf_of": "", "disabled": done.disabled,
                        },
                        "by": "identity provider",
                    },
                    links=(Link(rel="actor", id=done.id),),
                ),
            )  # fmt: skip
        # Last: a crash before it asks once more, and finds the same.
        self._forget(link)

    def _forget(self, link: ProviderLink) -> None:
        """Ask no more, until they sign in again."""
        over = msgspec.structs.replace(link, refresh="", key_id="", refresh_ns=0)
        self._house.control.links.keep(over, self._house.clock.now_ns())
