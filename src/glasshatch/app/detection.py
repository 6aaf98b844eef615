"""Detection wired to a configuration: rules, channels, and the thread that carries alerts out."""

from __future__ import annotations

import random
from collections.abc import Callable

from ..clock import Clock
from ..detect import Alerts, Delivery, Detector, Route, Rule, Webhook, load_rules
from ..detect.sigma import SHIPPED_SIGMA, SigmaFolder, joined, load_folder
from ..events import Event
from .config import LoadedConfig, read_secret
from .home import Home

Record = Callable[[Event], object]


def read_rules(loaded: LoadedConfig) -> list[Rule]:
    """The rules in force; raises `ConfigError` for a bad one, naming file and key."""
    return load_rules([loaded.path(folder) for folder in loaded.config.detect.user_rules])


def open_detector(loaded: LoadedConfig, clock: Clock, *, silent_below: int = 0) -> Detector:
    """The detector of a data directory; raises `ConfigError` for a bad rule, naming file and key."""
    config = loaded.config
    return Detector.open(
        Home(loaded.data).derived / "detect",
        read_rules(loaded),
        clock,
        config.tenant,
        routes=[Route(name, channel.severity) for name, channel in config.alerts.items()],
        silent_below=silent_below,
        public=read_sigma(loaded),
    )


def read_sigma(loaded: LoadedConfig) -> SigmaFolder:
    """The Sigma rules in force: the shipped ones and those of the folders. A bad one is left out.

    Raises:
        ConfigError: A folder is not there.
    """
    section, cache = loaded.config.detect, Home(loaded.data).cache
    folders = [SHIPPED_SIGMA, *(loaded.path(folder) for folder in section.sigma)]
    found = [load_folder(folder, cache) for folder in folders]
    return joined(found, section.sigma_lists, section.sigma_off)


def make_alerts(detector: Detector, record: Record, clock: Clock) -> Alerts:
    """What people do with alerts."""
    return Alerts(detector.store, record, clock)


def make_delivery(
    loaded: LoadedConfig,
    detector: Detector,
    record: Record,
    clock: Clock,
    ready: Callable[[], bool],
    failed: Callable[[BaseException], None],
) -> Delivery:
    """The way out for alerts; raises `ConfigError` for a channel that cannot be used."""
    channels = make_channels(loaded, clock)
    chance = random.SystemRandom()
    return Delivery(detector.store, record, channels, clock, chance.random, ready=ready, failed=failed)


def make_channels(loaded: LoadedConfig, clock: Clock) -> list[Webhook]:
    """Where alerts are sent; raises `ConfigError` for an address or a secret that cannot be used."""
    return [
        Webhook(name, section.url, _secret(loaded, name, section.secret), clock)
        for name, section in loaded.config.alerts.items()
    ]


def _secret(loaded: LoadedConfig, name: str, reference: str) -> Callable[[], bytes]:
    key, whole = f"alerts.{name}.secret", loaded.reference(reference)

    def read() -> bytes:
        return read_secret(whole, key=key, file=str(loaded.file)).encode()

    read()  # once now, so that a missing secret stops the start and not the first alert at 3 a.m.
    return read
