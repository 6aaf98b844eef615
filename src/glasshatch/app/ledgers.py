"""The ledgers of a data directory: all of them open, and new ones made so that no crash leaves half of one.

A new ledger comes to be in four steps, each durable before the next: its keys in the keyring, its directory,
`ledger.created` in the default ledger, and the same as its own first entry. Only then it takes events. The
state tells how far its creation came, so the same command or the next start finishes it: a ledger with keys
and without an entry is unfinished, and whether the default ledger knows it already is looked up there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ..clock import Clock
from ..errors import ConfigError, GlasshatchError, VerificationError
from ..events import Actor, Receipt, Resource
from ..keys import DEFAULT_LEDGER, Keyring
from ..ledger import Ledger
from .creation import CREATED, begin_making, creation_of, end_making, was_made
from .home import Home


class Announce(Protocol):
    """Records an event of the house in a ledger; durable when it returns."""

    def __call__(self, ledger: str, action: str, **members: object) -> Receipt: ...


class Ledgers:
    """The open ledgers by name, the default one first; closed in the reverse order."""

    def __init__(self, home: Home, keyring: Keyring, clock: Clock) -> None:
        """Open those that take events; the others wait for `finish`.

        Raises:
            VerificationError: A ledger is damaged or missing, or its keys are.
        """
        self._home = home
        self._clock = clock
        self._open: dict[str, Ledger] = {}
        self._unfinished: list[str] = []
        self.finished: set[str] = set()
        """Those whose creation was finished by `finish`."""
        try:
            for name in (DEFAULT_LEDGER, *(one for one in keyring.ledgers if one != DEFAULT_LEDGER)):
                self._open_one(name, keyring)
            self._check_strangers(keyring)
        except BaseException:
            self.close()
            raise

    @property
    def default(self) -> Ledger:
        """The one that takes what no other claims, and what the house says of itself."""
        return self._open[DEFAULT_LEDGER]

    @property
    def error(self) -> GlasshatchError | None:
        """Why one of them halted; None while all work."""
        return next((one.error for one in list(self._open.values()) if one.error is not None), None)

    def get(self, name: str) -> Ledger:
        """An open ledger.

        Raises:
            ConfigError: There is none of this name.
        """
        try:
            return self._open[name]
        except KeyError:
            raise ConfigError(f"there is no ledger {name[:80]!r}", hint="glasshatch ledger list") from None

    def items(self) -> list[tuple[str, Ledger]]:
        """All of them by name, the default one first."""
        return sorted(self._open.items(), key=lambda one: (one[0] != DEFAULT_LEDGER, one[0]))

    def sizes(self) -> dict[str, int]:
        """How many entries are durable in each."""
        return {name: ledger.size for name, ledger in self.items()}

    def minimums(self) -> dict[str, int]:
        """From which entry on each is kept, of those that were pruned."""
        return {name: ledger.minimum for name, ledger in self.items() if ledger.minimum}

    def finish(self, keyring: Keyring, announce: Announce) -> None:
        """Finish every creation that a crash or a failure left."""
        for name in list(self._unfinished):
            self.create(name, keyring, announce)
            self.finished.add(name)

    @contextmanager
    def making(self, name: str) -> Iterator[None]:
        """Note that a ledger is being made, before its keys are; `create` ends it, and so does a refusal."""
        begin_making(self._home.ledgers, name)
        try:
            yield
        except GlasshatchError:
            end_making(self._home.ledgers, name)
            raise

    def create(self, name: str, keyring: Keyring, announce: Announce, actor: Actor | None = None) -> Ledger:
        """Make a ledger whose keys are in the keyring, or finish to; it takes events when this returns.

        `actor` stands in the record, unless the default ledger has it already that the ledger was made.
        """
        folder, keys = self._home.ledger_of(name), keyring.ledger(name)
        resource = Resource(type="ledger", id=f"ledger/{name}", name=name)
        if name not in self._unfinished:
            self._unfinished.append(name)
        # A crash from here on leaves a ledger without an entry, which is found again here.
        ledger = (
            Ledger.open(folder, keys, self._clock) if folder.is_dir() else self._new_directory(name, keyring)
        )
        try:
            known = creation_of(name, self.default.scan())
            if known is None:
                attrs = {"ledger": name, "origin": keys.origin, "key": str(ledger.key)}
                announce(DEFAULT_LEDGER, CREATED, actor=actor, resource=resource, attrs=attrs)
            # Nobody else reaches it before its first entry: no stream leads to a ledger that is not made.
            self._open[name] = ledger
            actor = known.actor if known else actor
            announce(name, CREATED, actor=actor, resource=resource, attrs={"origin": keys.origin})
        except BaseException:
            self._open.pop(name, None)
            ledger.close()
            raise
        self._unfinished.remove(name)
        end_making(self._home.ledgers, name)
        return ledger

    def recheck(self) -> None:
        """Begin to look again at all that was recorded before; a mismatch halts that ledger."""
        for ledger in self._open.values():
            ledger.recheck()

    def close(self) -> None:
        """Commit and sign what is queued, and let the directories go."""
        problem: BaseException | None = None
        for ledger in reversed(list(self._open.values())):
            try:
                ledger.close()
            except BaseException as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def _open_one(self, name: str, keyring: Keyring) -> None:
        folder = self._home.ledger_of(name)
        if name != DEFAULT_LEDGER and not folder.is_dir():
            self._unfinished.append(name)
            return
        ledger = Ledger.open(folder, keyring.ledger(name), self._clock)
        if name != DEFAULT_LEDGER and not ledger.size:
            ledger.close()
            self._unfinished.append(name)
            return
        self._open[name] = ledger
        end_making(self._home.ledgers, name)

    def _new_directory(self, name: str, keyring: Keyring) -> Ledger:
        if was_made(name, self.default, self._home.ledgers):
            # A new one under the same key would be another history.
            raise VerificationError(
                f"the ledger {name} was made, and its directory is missing",
                where=str(self._home.ledger_of(name)), hint="restore it from a backup",
            )  # fmt: skip
        return Ledger.create(self._home.ledger_of(name), keyring.ledger(name), self._clock)

    def _check_strangers(self, keyring: Keyring) -> None:
        """A ledger without keys is none in the making, which begins with them: the keyring is older."""
        for name in self._home.ledger_names():
            if name not in keyring.ledgers and self._home.ledger_of(name).is_dir():
                raise VerificationError(
                    f"the keyring of tenant {keyring.tenant} has no keys for the ledger {name}",
                    where=str(self._home.ledger_of(name)),
                    hint="the keyring is an older copy: restore it from a backup",
                )
