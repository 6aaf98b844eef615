"""Follows the ledgers: every entry meets every rule once, and what that changes is kept all or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..clock import Clock
from ..errors import Conflict, GlasshatchError
from ..events import DEFAULT_LEDGER, Event, decode
from .alertmaking import is_pruned, make_alert
from .alerts import Alert, Head, Route
from .firsts import FirstSeen
from .matching import actions_of, could_be
from .notes import is_own, step_of
from .observing import Counters, Finding, Kind, Memory, Observation, Place, believed_time_ns
from .publicrules import PublicRules, Seen
from .rule import Rule
from .sigma import SigmaFolder
from .standing import DetectorStanding, RuleStanding
from .stepping import raise_alert, recorded
from .store import Statement, Store
from .windows import Windowed

MAX_GROUPS = 50_000
"""So many groups a rule remembers, unless told otherwise."""

_MAX_ACTIONS = 4_096


class _Head(msgspec.Struct):
    """The little of an event that tells which rules to ask."""

    action: str


_head = msgspec.json.Decoder(_Head).decode


class _Kind(msgspec.Struct):
    kind: str


class _HeadAndSource(_Head):
    """The same, and which kind of source it is from."""

    source: _Kind


_head_and_source = msgspec.json.Decoder(_HeadAndSource).decode


_Read = tuple[Event, int, Seen | None]
"""An event, when it happened as far as that is believed, and what Sigma's rules see of it."""


class _Working:
    """A rule, compiled, with its memory."""

    def __init__(self, rule: Rule, max_groups: int) -> None:
        self.rule = rule
        self.matches = rule.matcher()
        self.explain = rule.explainer()
        file = rule.file
        self.head = Head(
            rule=file.id, version=file.version, title=file.title, severity=file.severity, tags=file.tags,
            false_positives=file.false_positives,
        )  # fmt: skip
        self.actions = actions_of(rule.file.match)
        self.each = rule.file.each
        self.kind: Kind = (FirstSeen if rule.file.kind == "first_seen" else Windowed)(rule, max_groups)

    def observe(self, event: Event, place: Place, time_ns: int) -> list[Finding]:
        """What the rule finds at this event."""
        items = getattr(event, self.each) if self.each else (None,)
        matching = tuple(item for item in items if self.matches(event, item))
        if not matching:
            return []
        return self.kind.observe(Observation(event, matching, place, time_ns))


class Detector:
    """Detection's writer. `apply` is called by one thread; the rest may be called by any."""

    def __init__(
        self,
        store: Store,
        rules: Sequence[Rule],
        clock: Clock,
        tenant: str,
        routes: Sequence[Route],
        max_groups: int,
        silent_below: int,
        public: SigmaFolder | None = None,
    ) -> None:
        self.store = store
        self._rules = list(rules)
        self._folder = public
        self._clock = clock
        self._tenant = tenant
        self._routes = list(routes)
        self._max_groups = max_groups
        self._silent_below = silent_below
        self._lock = threading.Lock()
        self._watermarks: dict[str, int] = {}
        self._load()

    @classmethod
    def open(
        cls,
        directory: Path,
        rules: Sequence[Rule],
        clock: Clock,
        tenant: str,
        *,
        routes: Sequence[Route] = (),
        max_groups: int = MAX_GROUPS,
        silent_below: int = 0,
        public: SigmaFolder | None = None,
    ) -> Detector:
        """Go on where the directory's file left off; begin at the ledger's first entry if there is none.

        A rule that the file does not know yet begins at the watermark, with nothing remembered.

        Args:
            routes: Which alerts go to which channels.
            silent_below: Rules learn from so many entries, but raise nothing. For the first start of
                detection over a record that is older than it.
            public: Rules in Sigma's form, which every entry meets.

        Raises:
            ConfigError: The directory cannot be used, or a newer version wrote the file.
        """
        detector = cls(Store.open(directory), rules, clock, tenant, routes, max_groups, silent_below, public)
        detector.store.forget_rules_but(name for name, _ in detector._memories())
        return detector

    def renew(self, rules: Sequence[Rule], public: SigmaFolder | None) -> None:
        """Take other rules from the next entry on. What a rule remembers stays as long as it means the same.

        Raises:
            Unavailable: The file cannot be written; the old rules stay.
        """
        with self._lock:
            before = self._rules, self._folder
            self._rules, self._folder = list(rules), public
            try:
                self._load()
                self.store.forget_rules_but(name for name, _ in self._memories())
            except BaseException:
                self._rules, self._folder = before
                self._load()
                raise

    @property
    def watermark(self) -> int:
        """The index of the default ledger's first entry that was not applied yet."""
        return self._watermarks.get(DEFAULT_LEDGER, 0)

    @property
    def watermarks(self) -> dict[str, int]:
        """The index of each ledger's first entry that was not applied yet; 0 if it is not named."""
        return dict(self._watermarks)

    def close(self) -> None:
        """Let the file go; what was applied is kept."""
        with self._lock:
            self.store.close()

    def apply(self, entries: Sequence[tuple[int, bytes]], ledger: str = DEFAULT_LEDGER) -> list[Alert]:
        """Let entries of one ledger meet the rules; as `apply_all`."""
        return self.apply_all([(ledger, index, data) for index, data in entries])

    def apply_all(self, entries: Sequence[tuple[str, int, bytes]]) -> list[Alert]:
        """Let entries meet the rules; answers the alerts that are new, which are then kept for good.

        Entries below their ledger's watermark are passed over. When this raises, nothing of the batch is
        kept, and the same entries may be given again.

        Raises:
            Conflict: The entries leave a gap after a watermark.
            Unavailable: The file cannot be written.
        """
        with self._lock:
            fresh = [entry for entry in entries if entry[1] >= self._watermarks.get(entry[0], 0)]
            if not fresh:
                return []
            marks = dict(self._watermarks)
            for ledger, index, _ in fresh:
                if index != marks.get(ledger, 0):
                    raise Conflict(f"entries leave a gap: {marks.get(ledger, 0)} is next, not {index}")
                marks[ledger] = index + 1
            try:
                return self._apply(fresh, marks)
            except BaseException:
                # Memory is ahead of the file now; only the file counts.
                self._load()
                raise

    def prune(self, minimums: Mapping[str, int]) -> None:
        """Forget alerts of which only pruned entries are behind, and go on behind the minimums.

        What rules remember stays: it holds digests and counts, and no values.

        Args:
            minimums: From which index on entries of each pruned ledger are kept.

        Raises:
            Unavailable: The file cannot be written.
        """
        with self._lock:
            marks = self.watermarks
            marks.update({name: max(marks.get(name, 0), minimum) for name, minimum in minimums.items()})
            old = [alert.id for alert in self.store.every_alert() if is_pruned(alert, minimums)]
            if old or marks != self.watermarks:
                self.store.drop_alerts(old, {_mark_name(name): str(mark) for name, mark in marks.items()})
                self._watermarks = marks

    def standing(self) -> DetectorStanding:
        """How detection is doing."""
        rules = [
            RuleStanding(
                one.rule.id, one.rule.file.title, one.kind.groups, one.kind.counters.evicted,
                one.kind.counters.late, one.kind.counters.quiet,
            )
            for one in self._working
        ]  # fmt: skip
        return DetectorStanding(
            watermark=self.watermark,
            unreadable=self._unreadable,
            alerts=self.store.count("alerts"),
            to_record=self.store.count("notes"),
            to_deliver=self.store.count("deliveries"),
            rules=rules,
        )

    def _load(self) -> None:
        store = self.store
        self._watermarks = _marks_of(store)
        self._unreadable = int(store.meta("unreadable", "0"))
        self._working = [_Working(rule, self._max_groups) for rule in self._rules]
        self._by_action: dict[str, list[_Working]] = {}
        self._public = PublicRules(self._folder, self._max_groups) if self._folder is not None else None
        for name, memory in self._memories():
            memory.restore(store.memory(name))
            saved = store.meta(f"counters/{name}")
            if saved:
                memory.counters = msgspec.json.decode(saved, type=Counters)

    def _memories(self) -> Iterator[tuple[str, Memory]]:
        """What remembers, by the name under which it is kept."""
        for one in self._working:
            yield one.rule.state_key, one.kind
        if self._public is not None:
            yield from self._public.memories()

    def _apply(self, entries: Sequence[tuple[str, int, bytes]], marks: dict[str, int]) -> list[Alert]:
        now_ns = self._clock.now_ns()
        raised: list[Alert] = []
        statements: list[Statement] = []
        applied = sum(self._watermarks.values())
        for number, (ledger, index, data) in enumerate(entries, applied):
            try:
                read = self._read(data)
            except (GlasshatchError, msgspec.DecodeError, ValueError, RecursionError):
                # Not an event that this version reads. It stays in the ledger, and is counted here.
                self._unreadable += 1
                continue
            if read is not None:
                self._meet(Place(ledger, index, number), read, now_ns, raised, statements)
        meta = {_mark_name(name): str(mark) for name, mark in marks.items()}
        meta["unreadable"] = str(self._unreadable)
        memory = {}
        for name, one in self._memories():
            meta[f"counters/{name}"] = msgspec.json.encode(one.counters).decode()
            memory[name] = one.changes()
        self.store.save(meta, memory, statements)
        self._watermarks = marks
        return raised

    def _read(self, data: bytes) -> _Read | None:
        """An entry, as far as something here asks for it; None if nothing does.

        Raises:
            GlasshatchError, ValueError: It is no event.
        """
        seen: Seen | None = None
        if self._public is None:
            action = _head(data).action
        else:
            head = _head_and_source(data)
            action, kind = head.action, head.source.kind
            if not action.startswith("alert.") and self._public.may_match(data, kind):
                seen = self._looked(self._public, data, kind)
        asked = bool(self._interested(action)) or action.startswith("alert.")
        if not asked and not (seen is not None and (seen[1] or self._public_waits)):
            return None
        event = decode(data)
        return event, believed_time_ns(event), seen

    def _looked(self, public: PublicRules, data: bytes, kind: str) -> Seen | None:
        try:
            return public.look(msgspec.json.decode(data), kind)
        except Exception:
            # A bug of the evaluator. It must not hold up every entry behind this one, which the other rules
            # still meet; it is counted with what could not be read.
            self._unreadable += 1
            return None

    @property
    def _public_waits(self) -> bool:
        return self._public is not None and self._public.waits

    def _meet(
        self, place: Place, read: _Read, now_ns: int, raised: list[Alert], statements: list[Statement]
    ) -> None:
        if is_own(read[0]):
            step = step_of(read[0])
            if step is not None:
                statements += recorded(step, place.number, now_ns)
            return
        for alert in self._found(place, read, now_ns):
            if place.number < self._silent_below or self._known(alert, raised):
                continue
            raised.append(alert)
            statements += raise_alert(alert, place.number, self._routes, now_ns)

    def _found(self, place: Place, read: _Read, now_ns: int) -> Iterator[Alert]:
        """What any rule finds at an entry."""
        event, time_ns, seen = read
        for one in self._interested(event.action):
            for finding in one.observe(event, place, time_ns):
                reason = one.explain(event, finding.item, finding.measured)
                yield make_alert(
                    self._tenant, one.head, event, finding.group, finding.evidence, reason,
                    finding.measured, now_ns,
                )  # fmt: skip
        if self._public is None or seen is None:
            return
        for found in self._public.observe(seen, event, place, time_ns):
            yield make_alert(
                self._tenant, found.head, event, found.group, found.evidence, found.reason, found.measured,
                now_ns,
            )  # fmt: skip

    def _known(self, alert: Alert, raised: list[Alert]) -> bool:
        return any(alert.id == one.id for one in raised) or self.store.knows_alert(alert.id)

    def _interested(self, action: str) -> list[_Working]:
        found = self._by_action.get(action)
        if found is None:
            if len(self._by_action) >= _MAX_ACTIONS:
                # Actions come from outside too: no more than so many are remembered.
                self._by_action.clear()
            found = [one for one in self._working if could_be(action, one.actions)]
            self._by_action[action] = found
        return found


def _mark_name(ledger: str) -> str:
    """The name of a ledger's watermark; the default one's is what it was when there was no other."""
    return "watermark" if ledger == DEFAULT_LEDGER else f"watermark/{ledger}"


def _marks_of(store: Store) -> dict[str, int]:
    found = store.metas("watermark")
    return {name.partition("/")[2] or DEFAULT_LEDGER: int(mark) for name, mark in found.items()}
