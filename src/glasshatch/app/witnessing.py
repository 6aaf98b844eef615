"""Witnesses, anchors and the witness's own server, wired to a configuration or a directory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ..clock import Clock, SystemClock
from ..errors import ConfigError, VerificationError
from ..ledger import CosignerKey
from ..ledger.anchors import ANCHORS
from ..ledger.witness import WitnessClient, WitnessFolder
from .config import LoadedConfig, split_address
from .home import Home
from .published import PublishedLogs
from .serve.witnessing import AnchorParty, EveryLedger, Note, Witnessing, WitnessParty

_SECOND_NS = 1_000_000_000


def make_witnessing(
    loaded: LoadedConfig, note: Note, clock: Clock, failed: Callable[[BaseException], None]
) -> EveryLedger:
    """What carries the checkpoints of all ledgers out.

    Raises:
        ConfigError: A witness or an anchor cannot be used.
    """
    home, config = Home(loaded.data), loaded.config
    names = [witness_key(one.key, str(loaded.file)).name for one in config.witnesses]
    if len(set(names)) < len(names) or config.tlog.quorum > len(names):
        raise ConfigError(
            "wants more witnesses than there are" if config.tlog.quorum > len(names) else "two have one name",
            file=str(loaded.file), key="tlog.quorum" if config.tlog.quorum > len(names) else "witnesses",
        )  # fmt: skip
    locks = {loaded.path(one.path): threading.Lock() for one in config.anchors}

    def make(ledger: str) -> Witnessing:
        published = PublishedLogs(home).of(ledger)
        anchors = _anchors(loaded, published.key().name, locks)
        return Witnessing(
            ledger, published, _witnesses(loaded), anchors, config.tlog.quorum, note, clock, failed
        )

    return EveryLedger(make, home.ledger_names)


def _witnesses(loaded: LoadedConfig) -> list[WitnessParty]:
    every_ns = loaded.config.tlog.every_seconds * _SECOND_NS
    return [
        WitnessParty(WitnessClient(one.url, witness_key(one.key, str(loaded.file))), every_ns)
        for one in loaded.config.witnesses
    ]


def _anchors(loaded: LoadedConfig, origin: str, locks: Mapping[Path, threading.Lock]) -> list[AnchorParty]:
    return [
        AnchorParty(
            ANCHORS[one.type].open(loaded.path(one.path), origin), f"{one.type}:{loaded.path(one.path)}",
            one.every_seconds * _SECOND_NS, locks[loaded.path(one.path)],
        )
        for one in loaded.config.anchors
    ]  # fmt: skip


def witness_key(text: str, file: str = "", key: str = "witnesses.key") -> CosignerKey:
    """A witness's public key out of a configuration; raises `ConfigError`."""
    try:
        return CosignerKey.parse(text.strip())
    except VerificationError as error:
        raise ConfigError(
            error.message, file=file, key=key, hint="a key looks like name+hash+base64"
        ) from None


def serve_witness(directory: Path, listen: str, announce: Callable[[str], None]) -> None:
    """Be a witness until SIGTERM or SIGINT.

    Raises:
        Conflict: Another process serves this directory.
        ConfigError: The directory or the address cannot be used.
        VerificationError: The witness's memory is not whole.
    """
    from ..api.witness_server import run_witness

    folder = WitnessFolder(directory)
    host, port = split_address(listen, key="--listen")
    witness = folder.open(SystemClock())
    try:
        run_witness(witness, host, port, announce)
    finally:
        folder.close()
