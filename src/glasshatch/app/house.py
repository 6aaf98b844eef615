"""An opened data directory: keys, ledger, control store, masking and policy, wired once for everybody.

Here implementations are picked; every other room is handed what it needs.
"""

from __future__ import annotations

import fnmatch
import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..clock import Clock
from ..errors import ConfigError, Conflict
from ..events import Actor, Event, Link, Outcome, Receipt, Resource
from ..identity import Identity
from ..keys import Keyring
from ..ledger import Ledger
from ..masking import Engine, MaskingPolicy, Redactor, Sealing, SealRule
from ..policy import PolicySet, Request
from ..policy.access import ACCESS, AccessRules
from ..sources import Intake, Memories, Seen
from .access import ROLES, Entitlements, may, require, sees, sight_in
from .breakglass.opening import open_door
from .config import LoadedConfig
from .feeds.kinds import kinds_of
from .feeds.planning import ReceiverStanding
from .feeds.settings import FeedSettings
from .home import LEDGER_NAME, Home
from .ledgers import Ledgers
from .names import open_names
from .opening import load_engine, load_masking, make_tokens, open_keyring, open_master
from .policies import LivePolicy
from .pruned_values import drop_pruned_values
from .recorder import EventMaker, Recorder
from .reviews.rules import ReviewRules
from .rewrap import finish_rewrap, settle_rewrap
from .rotation import Rotation, open_control, settle_succession
from .statement_texts import StatementTexts
from .streams import make_streams
from .vault import Sealer, VaultKeeper, recover


class House:
    """Everything a server or an offline command works with; closed in the reverse order.

    Raises on opening:
        ConfigError: A part of the configuration cannot be used; names the file and the key.
        Conflict: Another process holds the directory.
        VerificationError: The ledger, the keys or the control store are not what was written.
    """

    receivers: Callable[[], Sequence[ReceiverStanding]] = tuple
    """How the server's receivers are doing; an offline command has none."""

    def __init__(self, loaded: LoadedConfig, clock: Clock, *, brief: bool = False) -> None:
        """`brief` says that this is for one command, and not a server."""
        self.loaded = loaded = settle_rewrap(loaded)
        self.clock, self.tenant = clock, loaded.config.tenant
        self.changed_keys: Callable[[], object] = lambda: None
        """Told after another keyring was taken."""
        self.heard: Callable[[Request], object] = lambda request: None
        """Told of every request once it is filed, for whoever must hear of it."""
        self.home = Home(loaded.data)
        self.home.check()
        # Everything that can be wrong without the directory's lock is found before it is taken.
        self.policies, self.reviews = load_policy(loaded), ReviewRules(loaded, clock)
        self.access_policies, self.entitlements = load_access(loaded)
        self.sources, self.keyring = kinds_of(loaded), open_keyring(loaded)
        self.engine, self.masking = load_engine(loaded), load_masking(loaded)
        self.redactor = make_redactor(loaded, self.engine, self.keyring, self.masking)
        self._lock = self.home.lock(brief=brief)
        try:
            self.master = open_master(loaded)
            # Again, now that nobody else changes it.
            self.take_keyring(settle_succession(self.home, open_keyring(loaded), self.master))
            self.control, self.control_mac_key = open_control(self.home, self.keyring, os.urandom)
            self.ledgers = Ledgers(self.home, self.keyring, clock)
            for name, ledger in self.ledgers.items():
                drop_pruned_values(name, ledger, self.control)
        except BaseException:
            self._lock.release()
            raise
        self.ledger = self.ledgers.default
        self.maker = EventMaker(clock, tenant=self.tenant, instance=str(os.getpid()))
        self.changing_keys = threading.Lock()
        try:
            self.recorder = Recorder(self.ledger, self.redactor, others=self.ledgers.get)
            self.ledgers.finish(self.keyring, self._announce)
            self.vault = VaultKeeper(self.control, lambda: self.keyring, clock, os.urandom)
            recover(self.control, self.vault, self.ledgers.items())
            made = None if brief else [name for name, _ in self.ledgers.items()]
            self.streams = make_streams(loaded, self.sources, made)
        except BaseException:
            self.ledgers.close()
            self._lock.release()
            raise
        self.recorder = Recorder(self.ledger, self.redactor, self.streams, self.ledgers.get, self._sealer())
        opened = open_names(loaded, self.redactor)
        self.names = opened[0] if opened else None
        self.intake = Intake(
            self.recorder, self._open_seen, self.sources, clock, os.urandom, self.tenant, self.redactor.texts,
            self.keyring.feed_key,
            opened[1].clean if opened else None, StatementTexts(self.redactor).clean,
            self.feeds.expects_webhook,
        )  # fmt: skip
        self.rotation = Rotation(self)
        try:
            finish_rewrap(self)
            self.rotation.finish()
            self.glass = open_door(self)
        except BaseException:
            self.close()
            raise

    @property
    def policy(self) -> PolicySet:
        """The policy in force at this moment."""
        return self.policies.current

    def require(self, caller: Identity, *deeds: str) -> None:
        """Go on only if the access policy lets the caller do one of these; raises `Denied`."""
        require(self.entitlements.view(caller), *deeds)

    def may(self, caller: Identity, deed: str) -> bool:
        """Whether the access policy lets the caller do this."""
        return may(self.entitlements.view(caller), deed)

    def sight_of(self, caller: Identity) -> Callable[[Event, str], bool]:
        """A test of the events, each with the name of its ledger, that the caller may read."""
        sight, now_ns = sight_in(self.entitlements.view(caller)), self.clock.now_ns()
        return lambda event, ledger: sees(sight, event, ledger, now_ns)

    def take_keyring(self, keyring: Keyring) -> None:
        """Go on with a keyring that has newer keys."""
        renewed = keyring.token_epoch != self.keyring.token_epoch
        self.keyring = keyring
        if renewed:
            self.redactor.renew(make_tokens(keyring))
        self.changed_keys()

    def note(self, action: str, **members: object) -> None:
        """Record an event about the house itself; durable when this returns."""
        self.recorder.record(self.maker.make(action, **members))

    def create_ledger(self, name: str, origin: str = "", actor: Actor | None = None) -> Ledger:
        """Make a ledger, or finish what a crash left of that; it takes events when this returns.

        Args:
            origin: Its name in signed notes; by default that of the default ledger and its name.

        Raises:
            Conflict: There is one of this name or origin already.
            ConfigError: The name or the origin is not acceptable.
        """
        if not re.fullmatch(LEDGER_NAME, name):
            raise ConfigError(
                "is no name of a ledger", key="NAME", hint="small letters, digits, - and _, as in orders-eu"
            )
        with self.changing_keys:
            if name in self.ledgers.finished:
                # A crash had left it half-made, and opening this house finished it: that is what was asked.
                self.ledgers.finished.remove(name)
                if origin in ("", self.keyring.ledger(name).origin):
                    return self.ledgers.get(name)
            if name not in self.keyring.ledgers:
                origin = origin or f"{self.keyring.origin}/{name}"
                with self.ledgers.making(name):
                    ring = self.home.keyring(self.tenant)
                    self.keyring = Keyring.add_ledger(ring, self.master, name, origin)
            elif name in dict(self.ledgers.items()):
                raise Conflict(f"there is a ledger {name} already", hint="glasshatch ledger list shows it")
            return self.ledgers.create(name, self.keyring, self._announce, actor)

    def _announce(self, ledger: str, action: str, **members: Any) -> Receipt:
        success = Outcome(status="success")
        return self.recorder.record(self.maker.make(action, outcome=success, **members), ledger=ledger)

    def announce_start(self) -> None:
        """Record that the directory was opened, under which policy, and which streams lead where."""
        if self.names is not None:
            self.names.warm()
        claims = [f"{what} {pattern} to {name}" for what, pattern, name in self.streams.claims()]
        attrs: dict[str, object] = {"streams": claims} if claims else {}
        attrs |= self._masking_facts()
        self.note("server.started", outcome=Outcome(status="success"), attrs=attrs)
        self.policies.note_start(self.note)
        self.access_policies.note_start(self.note)
        self._settle_statements()
        self._settle_reveals()

    def _settle_statements(self) -> None:
        """Runs that a crash ended: whether the database kept them, nobody knows, and the record says so."""
        for kept in self.control.statements.settle(self.clock.now_ns()):
            kind, _, name = kept.resource.partition("/")
            reason = "the server ended in the middle of it"
            self.note(
                "statement.finished", outcome=Outcome(status="unknown", reason=reason),
                request_id=kept.request_id, resource=Resource(type=kind, id=kept.resource, name=name),
                links=(Link(rel="run", id=kept.run_event),),
            )  # fmt: skip

    def _settle_reveals(self) -> None:
        """Values that were being shown when a crash came: nobody knows whether they were seen."""
        for kept in self.control.reveals.settle(self.clock.now_ns()):
            kind, _, name = kept.resource.partition("/")
            reason = "the server ended in the middle of it; it counts as shown and cannot be shown again"
            self.note(
                "value.revealed", outcome=Outcome(status="unknown", reason=reason),
                request_id=kept.request_id, resource=Resource(type=kind, id=kept.resource, name=name),
                links=(Link(rel="reveal", id=kept.event),),
            )  # fmt: skip

    def _masking_facts(self) -> dict[str, object]:
        """What the record says of masking at a start: its rules, and where answers pass in clear."""
        facts: dict[str, object] = {}
        if self.masking.rules or self.masking.stored:
            facts["masking_hash"] = self.masking.hash
        if dry := [name for name, one in self.loaded.config.resources.items() if one.mode == "dry-run"]:
            facts["dry_run"] = dry
        return facts

    def close(self) -> None:
        """Make everything durable and let the directory go."""
        try:
            self.intake.close()
            if hasattr(self, "glass"):
                self.glass.book.close()
            sizes = self.ledgers.sizes()
            self.ledgers.close()
            if self.ledger.error is None:
                self.vault.mark(sizes)
            self.control.close()
        finally:
            if self.names is not None:
                self.names.close()
            self._lock.release()

    def _sealer(self) -> Sealer | None:
        if not self.loaded.config.seal:
            return None
        sealing = Sealing(seal_rules(self.loaded), self.redactor)
        return Sealer(sealing, self.vault, os.urandom, lambda name: self.ledgers.get(name).size)

    @property
    def feeds(self) -> FeedSettings:
        """What the configuration says of feeds."""
        return FeedSettings(self.loaded.config.feeds)

    @property
    def has_feeds(self) -> bool:
        """Whether something was ever delivered, as far as the store of what was seen tells."""
        return (self.home.derived / "seen" / "seen.db").exists()

    def _open_seen(self) -> Seen:
        """The store of what was seen, level with the ledgers."""
        seen = Seen(self.home.derived / "seen", self.ledgers.sizes())
        for name, ledger in self.ledgers.items():
            seen.catch_up(ledger.scan(seen.watermark(name)), name, Memories(seen, self.sources).learn)
        return seen


def load_policy(loaded: LoadedConfig) -> LivePolicy[PolicySet]:
    """The policy of the configuration about sessions and statements."""
    return LivePolicy(_policy_source(loaded, loaded.config.policy.set), PolicySet)


def load_access(loaded: LoadedConfig) -> tuple[LivePolicy[AccessRules], Entitlements]:
    """The policy of the configuration about the desk and the record, and what it entitles to."""
    live = LivePolicy(_policy_source(loaded, loaded.config.policy.access), AccessRules, ACCESS)
    return live, Entitlements(lambda: live.current, ROLES)


def _policy_source(loaded: LoadedConfig, name: str) -> str | Path:
    """A shipped name, or a path relative to the configuration's file."""
    return loaded.path(name) if "/" in name or name.endswith(".cedar") else name


def seal_rules(loaded: LoadedConfig) -> tuple[SealRule, ...]:
    """What is sealed; a rule for a kind of source that nobody has is a mistake that would seal nothing."""
    for rule in loaded.config.seal:
        kind = rule.source.partition("/")[0]
        kinds = kinds_of(loaded)
        if not any(fnmatch.fnmatchcase(one, kind) for one in kinds):
            raise ConfigError(
                f"{kind} is no kind of source", file=str(loaded.file), key="seal.source",
                hint=f"there are: {', '.join(sorted(kinds))}",
            )  # fmt: skip
    return loaded.config.seal


def make_redactor(loaded: LoadedConfig, engine: Engine, keyring: Keyring, masking: MaskingPolicy) -> Redactor:
    """What takes out of events what is personal, under the newest token key."""
    workforce = frozenset(kind.name for kind in kinds_of(loaded).values() if kind.workforce)
    return Redactor(engine, make_tokens(keyring), workforce, masking, loaded.config.masking.workforce)
