"""The policy in force: looked at again when its files change, and changed only by a text that is good.

Every change is recorded before it is in force, and so is every text that was refused; a crash in between
leaves a change that is recorded and is made again at the next start, never one that nobody knows of. A
decision rests on the set that was in force when it was asked for; a set never changes, a new one takes its
place. All of a server's sessions ask this one object, so there are never two policies in force.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ...api.policy_values import PolicyLoaded
from ...errors import ConfigError
from ...events import Actor, Link, Outcome
from ...policy import STATEMENTS, Checked, PolicyKind, Rule, Source, check_sources, find_sources, hash_sources

Note = Callable[..., None]
Stamp = tuple[tuple[str, int, int, int], ...]


class Loaded(Protocol):
    """A set of rules that never changes."""

    name: str
    hash: str

    def rules(self) -> tuple[Rule, ...]: ...


P = TypeVar("P", bound=Loaded)


class LivePolicy(Generic[P]):
    """Keeps one policy set up to date; from any thread."""

    def __init__(
        self, source: str | Path, made: Callable[[str, tuple[Source, ...]], P], kind: PolicyKind = STATEMENTS
    ) -> None:
        """Load it for the first time.

        Args:
            made: Makes the set out of its name and texts; raises `ConfigError` for a bad one.
            kind: What its rules are about.

        Raises:
            ConfigError: Names file, line and cure. Without a good policy nothing starts.
        """
        self._source = source
        self._made = made
        self._kind = kind
        # Looked up once: what is shipped does not change while a process runs.
        self._shipped = source in kind.shipped()
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._changing = self._seen
        self._refused = ""
        self.changed: Callable[[], object] = lambda: None
        """Told after another set came into force."""
        name, self._texts = find_sources(source, kind)
        self.current = made(name, self._texts)

    def look(self, note: Note, cause: str, actor: Actor | None = None) -> PolicyLoaded:
        """Read the files now, and take what they say if it is good and differs.

        Args:
            note: Records an event of the house; durable when it returns.
            cause: Why now, for the record.
            actor: Who asked for it, if that is known.

        Raises:
            ConfigError: The text is broken: file, line and cure. What was in force stays; recorded.
            Unavailable: It cannot be recorded, so it does not come into force.
        """
        with self._lock:
            before, self._seen = self.current, self._stamp()
            try:
                name, sources = find_sources(self._source, self._kind)
                digest = hash_sources(sources)
                changed = digest != before.hash
                policy = self._made(name, sources) if changed else before
            except ConfigError as error:
                self._note_refused(note, cause, actor, error)
                raise
            self._refused = ""
            if changed:
                note("policy.loaded", actor=actor, outcome=Outcome(status="success"),
                     attrs=self._attrs(policy, cause) | {"before": before.hash},
                     links=(Link(rel="policy", id=policy.hash),))  # fmt: skip
                # From here on: whoever asks next is judged by the new one.
                self.current, self._texts = policy, sources
                self.changed()
            return PolicyLoaded(
                name=policy.name, hash=policy.hash, before=before.hash, changed=changed,
                rules=len(policy.rules()),
            )  # fmt: skip

    def watch(self, note: Note) -> str:
        """Take a change of the files once they have come to rest; what is wrong with it, if something is.

        A file that is being written is left alone until it looks the same twice.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return ""
        if stamp != self._changing:
            self._changing = stamp
            return ""
        try:
            self.look(note, "its files changed")
        except ConfigError as error:
            return str(error)
        return ""

    def text(self) -> str:
        """All that is in force, as it is written."""
        return "\n".join(source.text for source in self._texts)

    def in_force(self) -> tuple[P, tuple[Source, ...]]:
        """The set in force and its texts."""
        with self._lock:
            return self.current, self._texts

    def check(self) -> Checked:
        """What is wrong with the text in force, if something is: warnings only, or it would not be."""
        return check_sources(self.current.name, self._texts, self._kind)

    def note_start(self, note: Note) -> None:
        """Record which policy is in force from the start on."""
        policy = self.current
        note("policy.loaded", attrs=self._attrs(policy, "start"), links=(Link(rel="policy", id=policy.hash),))

    def _note_refused(self, note: Note, cause: str, actor: Actor | None, error: ConfigError) -> None:
        # Once for each text and who asks: a file that stays broken is no news.
        told = f"{error} {self._seen} {actor.id if actor else ''}"
        if told == self._refused:
            return
        attrs = self._attrs(self.current, cause) | {"problem": str(error)}
        note(
            "policy.refused",
            actor=actor,
            outcome=Outcome(status="failure", reason=error.message),
            attrs=attrs,
        )
        self._refused = told

    def _stamp(self) -> Stamp:
        """What tells a changed file from the same one. A shipped set is changed by an upgrade only."""
        if self._shipped:
            return ()
        path = Path(self._source)
        found = []
        for file in sorted(path.glob("*.cedar")) if path.is_dir() else [path]:
            try:
                status = file.stat()
            except OSError:
                continue  # gone between the listing and here; reading it says so
            found.append((file.name, status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    def _attrs(self, policy: P, cause: str) -> dict[str, object]:
        found: dict[str, object] = {"policy": policy.name, "policy_hash": policy.hash, "cause": cause}
        return found if self._kind is STATEMENTS else found | {"about": self._kind.about}
