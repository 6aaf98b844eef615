"""Links by which one approver judges one request: signed, bound to both, and used up by one word.

Nothing is stored for them. Whoever opens one must be signed in as the approver it names; and as a reviewer
has one word on a request, the link has done its work with it. Its end is that of the request's waiting.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

import msgspec

from ...clock import Clock
from ...errors import Denied
from ...identity import Identity

_PURPOSE = b"glasshatch approve link v1\0"
_NOT = "this link is not one of ours, or the key it was signed with was changed"


class _Link(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    request_id: str
    approver_id: str
    ends_ns: int


class ApproveLinks:
    """Makes and reads them. `key` gives the control key of the moment: a change of it ends every link."""

    def __init__(self, key: Callable[[], bytes], clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def make(self, request_id: str, approver: Identity, ends_ns: int) -> str:
        """The last part of a link's address."""
        body = msgspec.msgpack.encode(_Link(request_id, approver.id, ends_ns))
        return f"{_text(body)}.{_text(self._code(body))}"

    def read(self, text: str, caller: Identity) -> str:
        """The id of the request that a link is about.

        Raises:
            Denied: It is none of ours, over, or somebody else's.
        """
        head, _, tail = text.partition(".")
        body, code = _bytes(head), _bytes(tail)
        if not body or not hmac.compare_digest(code, self._code(body)):
            raise Denied(_NOT, hint="look at the page of requests")
        link = msgspec.msgpack.decode(body, type=_Link)
        if link.approver_id != caller.id:
            raise Denied("this link is for somebody else", hint="sign in as whom it was sent to")
        if self._clock.now_ns() >= link.ends_ns:
            raise Denied("this link is over, as the request waited too long")
        return link.request_id

    def _code(self, body: bytes) -> bytes:
        return hmac.digest(self._key(), _PURPOSE + body, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """What a part says; nothing where it is not such a part, in the one way that there is to write it."""
    if len(text) > 400 or not text.isascii():
        return b""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
    return data if _text(data) == text else b""
