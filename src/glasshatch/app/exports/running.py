"""The exports of a running server: each with its own follower and its own thread."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from ...api.access_values import AccessView
from ...clock import Clock
from ...errors import ConfigError, GlasshatchError
from ...events import Actor
from ...exports import CURSOR_FORMAT, FORMS, Cursor, CursorFile, Exporter, Lane, Standing, Telling
from ...identity import Identity
from ...investigate import Investigator
from ..config import LoadedConfig
from ..home import Home
from ..serve.link import Follower, RemoteRecorder
from .gates import Gates
from .making import make_destination, pace_of


class RunningExports:
    """All that the configuration names."""

    def __init__(
        self,
        loaded: LoadedConfig,
        investigator: Investigator,
        recorder: RemoteRecorder,
        note: Callable[..., None],
        view: Callable[[Identity], AccessView],
        clock: Clock,
        failed: Callable[[BaseException], None],
    ) -> None:
        """Nothing starts before `start`.

        Raises:
            ConfigError: A destination, secret or query cannot be used.
        """
        self._loaded = loaded
        self._recorder = recorder
        self._failed = failed
        self._followers: dict[str, Follower] = {}
        self._exporters: dict[str, Exporter] = {}
        for name, section in loaded.config.exports.items():
            investigator.parse(section.query)
            gates = Gates(name, section, loaded.config.tenant, investigator, view)
            self._exporters[name] = self._make(name, gates, note, clock)

    def start(self) -> None:
        """Begin with what is new, or was left by an earlier process."""
        for name, exporter in self._exporters.items():
            exporter.start()
            self._followers[name].start()

    def stop(self) -> None:
        """End after what is under way; the rest stays for the next start."""
        for exporter in self._exporters.values():
            exporter.halt()
        for exporter in self._exporters.values():
            exporter.stop()
        for follower in self._followers.values():
            follower.stop()

    def standings(self) -> list[Standing]:
        """How each is doing, by name."""
        return [self._exporters[name].standing() for name in sorted(self._exporters)]

    def reset(self, name: str, ledger: str, to: int, by: Actor) -> tuple[int, int]:
        """Set one to another entry; raises `ConfigError` for none, and as `Exporter.reset`."""
        found = self._exporters.get(name)
        if found is None:
            raise no_such_export(name)
        wanted = self._loaded.config.exports[name].ledgers
        sizes = {one: size for one, size in self._recorder.sizes().items() if not wanted or one in wanted}
        after = check_reset(sizes, ledger, to)
        return found.reset(ledger, after, by), after

    def _make(self, name: str, gates: Gates, note: Callable[..., None], clock: Clock) -> Exporter:
        section = self._loaded.config.exports[name]
        destination = make_destination(self._loaded, name, clock)
        cursors = CursorFile(Home(self._loaded.data).exports, name)
        if section.start == "now" and cursors.load() is None:
            sizes = self._recorder.sizes()
            lanes = {ledger: Lane(next=size, noted=size) for ledger, size in sizes.items()}
            cursors.save(Cursor(CURSOR_FORMAT, lanes))
        chosen = (lambda ledger: ledger in section.ledgers) if section.ledgers else (lambda ledger: True)
        exporter = Exporter(
            name, FORMS[section.form], destination, cursors, gates,
            Telling(name, destination.where, section.form, gates.identity.as_actor(), note),
            clock, random.SystemRandom().random, pace=pace_of(section), chosen=chosen,
            sizes=lambda: self._followers[name].ledger_sizes, failed=self._failed,
        )  # fmt: skip
        self._followers[name] = Follower(
            Home(self._loaded.data).link_socket,
            exporter.watermarks,
            exporter.apply,
            self._complain,
            exporter.prune,
        )
        return exporter

    def _complain(self, error: BaseException) -> None:
        if not isinstance(error, GlasshatchError):
            self._failed(error)


def no_such_export(name: str) -> ConfigError:
    """There is none of this name."""
    return ConfigError(f"there is no export {name[:80]!r}", hint="glasshatch exports")


def check_reset(sizes: Mapping[str, int], ledger: str, to: int) -> int:
    """The entry that is meant, of a ledger that is exported; raises `ConfigError` for none."""
    size = sizes.get(ledger)
    if size is None:
        raise ConfigError(f"no ledger {ledger[:80]!r} is exported", key="--ledger")
    if to > size:
        raise ConfigError(f"the ledger has {size} entries", key="--to")
    return size if to < 0 else to
