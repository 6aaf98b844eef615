"""Taking events of other systems in, at the desk."""

from __future__ import annotations

import msgspec

from ...api.values import IntakeResult
from ...errors import ConfigError
from ...identity import Identity
from ...sources import decode_body
from ..house import House

_NAME_CHARACTERS = 200


class IntakePart:
    """The desk's way in for feeds. Who may deliver is said by the token's scope, `ingest:SOURCE/NAME`."""

    def __init__(self, house: House) -> None:
        self._house = house

    def ingest(
        self,
        caller: Identity,
        source: str,
        name: str,
        body: bytes,
        encoding: str = "",
        file: str = "",
        line: int = 0,
    ) -> IntakeResult:
        """Take a delivery; every item of it is durable, as an event or quarantined, when this returns."""
        if len(name) > _NAME_CHARACTERS or not name.isprintable():
            raise ConfigError(
                "the source's name is not acceptable", key="name", hint="a short printable text"
            )
        # The instance's name is kept, so what is personal in it is taken out like elsewhere. Of the file's
        # name only a digest is.
        (name,) = self._house.redactor.texts([name])
        taken = self._house.intake.take(
            source, name, decode_body(body, encoding), caller.as_actor(), file=file, first_line=line
        )
        return msgspec.convert(taken, IntakeResult, from_attributes=True)
