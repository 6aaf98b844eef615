"""Every error a user can meet, sorted by who must act.

Each class has a stable `code`, a message for people and a `hint` that says how to mend it.
Messages never hold statement text, answer values or secrets: they are logged and shown.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar

_PACKAGE = Path(__file__).parent


class GlasshatchError(Exception):
    """The base of all expected errors; anything else is a bug and fails closed."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Denied(GlasshatchError):
    """Policy or identity said no; `decision_id` finds the record of it."""

    code = "denied"

    def __init__(self, message: str, *, decision_id: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.decision_id = decision_id


class NotAuthenticated(Denied):
    """It is not known who asks: the token is missing, wrong, revoked or over.

    holder: the id of the actor whose it was, where that was proven before it was found to be over; for the
    record: a leaver who tries what they still have is worth knowing of.
    """

    holder: str = ""


class PeerError(GlasshatchError):
    """The client or the upstream broke its protocol; the session ends, the server stays up."""

    code = "peer"


class Unavailable(GlasshatchError):
    """Something needed is down or full at the moment; the same call may succeed later.

    retry_after_s: how long the other side asked to be left alone; 0 if it did not.
    """

    code = "unavailable"
    retry_after_s: float = 0.0


class ConfigError(GlasshatchError):
    """The configuration or a command's arguments are wrong: names the file, the key and the cure.

    position: where in a query the mistake stands, counted from 1; 0 elsewhere.
    """

    code = "config"

    def __init__(
        self, message: str, *, file: str = "", key: str = "", hint: str = "", position: int = 0
    ) -> None:
        where = ": ".join(part for part in (file, key) if part)
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.file = file
        self.key = key
        self.position = position


class VerificationError(GlasshatchError):
    """Stored bytes are not what was recorded: says what was expected, what was found, and where."""

    code = "verification"

    def __init__(
        self, message: str, *, expected: str = "", found: str = "", where: str = "", hint: str = ""
    ) -> None:
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.expected = expected
        self.found = found
        self.where = where


class Conflict(GlasshatchError):
    """Somebody else changed or holds the thing; look again before acting."""

    code = "conflict"


class TooLarge(GlasshatchError):
    """A value exceeds a stated limit; nothing of it was stored."""

    code = "too_large"


def place_of_bug(error: BaseException) -> str:
    """The class of an unexpected error and our innermost line; never its text, which may hold values."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    ours = [frame for frame in frames if _PACKAGE in Path(frame.filename).parents]
    found = f"{type(error).__name__} at {_named(ours[-1] if ours else frames[-1])}"
    return found if not ours or ours[-1] is frames[-1] else f"{found}, in {_named(frames[-1])}"


def _named(frame: traceback.FrameSummary) -> str:
    path = Path(frame.filename)
    shown = path.relative_to(_PACKAGE) if _PACKAGE in path.parents else path.name
    return f"{shown}:{frame.lineno}"
