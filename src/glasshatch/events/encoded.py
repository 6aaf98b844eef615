"""Events that are bytes already: made by somebody who knows what `encode_whole` would write."""

from __future__ import annotations

import msgspec

from .canonical import decode
from .model import Event


class Encoded(msgspec.Struct, frozen=True, gc=False):
    """An event as its canonical bytes; `kind` is what they say of its source's kind."""

    data: bytes
    kind: str

    def event(self) -> Event:
        """The event itself, read anew each time."""
        return decode(self.data)
