"""What a verification found, for people and machines."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...errors import GlasshatchError, VerificationError

Kind = Literal["damage", "unfinished"]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it must be: in which file, at which byte, what was expected and found.

    `unfinished` is what a crash can leave and opening the ledger mends; all else is `damage`.
    """

    file: str
    offset: int
    what: str
    expected: str = ""
    found: str = ""
    kind: Kind = "damage"


class VerifyReport(msgspec.Struct, frozen=True):
    """The result for one ledger; only a report without any problem is `ok`."""

    directory: str
    origin: str
    key: str
    """The key that was trusted: the given one, else the newest of the directory's own."""
    keys: tuple[str, ...]
    """All keys of the ledger's succession, the oldest first."""
    key_given: bool
    """Whether the key came from outside; otherwise the directory vouches for itself only."""
    live: bool
    """Whether a server was writing to it meanwhile."""
    size: int
    """How many entries the newest checkpoint signs."""
    durable: int
    """How many entries packs and log hold, with those that were pruned."""
    pruned: int
    """How many entries, the oldest, were pruned: the log says so itself, and only their hashes are here."""
    pruned_by: int
    """The entry that records the pruning; -1 if there was none."""
    checkpoints: int
    entries_opened: int
    """How many entries were decrypted and compared with their leaves; 0 without the data key."""
    blobs: int
    """How many events too large for an entry are kept whole beside the log."""
    files: int
    bytes: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    @property
    def unfinished(self) -> bool:
        """Whether opening the ledger once mends everything that was found."""
        return bool(self.problems) and all(problem.kind == "unfinished" for problem in self.problems)

    def require(self) -> VerifyReport:
        """Itself, if nothing was found.

        Raises:
            VerificationError: Names the first problem.
        """
        if self.ok:
            return self
        first = self.problems[0]
        raise VerificationError(
            first.what,
            where=f"{first.file} at {first.offset}",
            expected=first.expected,
            found=first.found,
            hint="start the server once to recover, then verify again"
            if self.unfinished
            else "restore the file from a backup; compare with a witnessed or anchored checkpoint",
        )


class Findings:
    """Collects problems while a verification runs."""

    def __init__(self, *, live: bool = False) -> None:
        """With `live`, what is merely unfinished is no finding: a server is about to finish it."""
        self.live = live
        self.problems: list[Problem] = []

    def add(
        self,
        file: str,
        offset: int,
        what: str,
        *,
        expected: object = "",
        found: object = "",
        kind: Kind = "damage",
    ) -> None:
        if self.live and kind == "unfinished":
            return
        self.problems.append(Problem(file, offset, what, str(expected), str(found), kind))

    def take(self, file: str, offset: int, error: GlasshatchError) -> None:
        """Record what a check of this file raised."""
        expected, found = getattr(error, "expected", ""), getattr(error, "found", "")
        self.add(file, offset, error.message, expected=expected, found=found)
