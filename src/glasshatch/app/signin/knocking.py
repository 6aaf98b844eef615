"""Who tries a token that is over: their own, proven by its secret, and so worth knowing of a leaver."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from typing import Final

from ...errors import GlasshatchError
from ...events import Link, Outcome
from ...identity import Identity, TokenRefused
from ..authority import TokenAuthenticator
from ..house import House

_AGAIN_NS: Final = 3_600 * 10**9
_MOST: Final = 10_000


class Knocking:
    """Tells by a token who asks at the desk, and records who is refused for one that is over.

    Once an hour for each token: a program that goes on asking fills no record. What nobody proves to be
    anybody's is not recorded. The gateway's sessions record their own refusals.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._tokens = TokenAuthenticator(house.control, house.clock)
        self._lock = threading.Lock()
        self._told: OrderedDict[str, int] = OrderedDict()

    def identify(self, token: str, area: str, target: str = "") -> Identity:
        """See `TokenAuthenticator.identify`."""
        try:
            return self._tokens.identify(token, area, target)
        except TokenRefused as refused:
            if refused.holder and self._is_new(refused.token_id):
                # The answer is the same, whether it can be recorded or not: nobody comes in.
                with contextlib.suppress(GlasshatchError):
                    self._note(refused)
            raise

    def _is_new(self, token_id: str) -> bool:
        now_ns = self._house.clock.monotonic_ns()
        with self._lock:
            told_ns = self._told.get(token_id)
            if told_ns is not None and now_ns - told_ns < _AGAIN_NS:
                return False
            self._told[token_id] = now_ns
            self._told.move_to_end(token_id)
            if len(self._told) > _MOST:
                self._told.popitem(last=False)
            return True

    def _note(self, refused: TokenRefused) -> None:
        holder = self._house.control.actors.get(refused.holder)
        self._house.note(
            "signin.refused", actor=holder.as_actor(),
            outcome=Outcome(status="failure", code=refused.kind, reason=refused.message),
            attrs={"way": "token", "token_id": refused.token_id}, links=(Link(rel="actor", id=holder.id),),
        )  # fmt: skip
