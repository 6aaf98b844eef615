"""A ledger of a data directory as static tlog-tiles. Needs no server dependency."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from ..keys import Keyring, LedgerKeys, open_master_key
from ..ledger import Exported, LedgerReader, export_tlog
from .home import LEDGER, Home
from .published import PublishedLogs


def export_log(
    directory: Path,
    out: Path,
    *,
    ledger: str = LEDGER,
    entries: bool = False,
    witnessed: bool = False,
) -> Exported:
    """Write what is new of a ledger; the entries too if asked, for which the directory's keys are opened.

    Raises:
        ConfigError: There is no data directory or no such ledger, its keys are not at hand, or `out` lies
            inside of it.
        VerificationError: `out` holds what the ledger does not extend.
    """
    home = Home(directory)
    home.check()
    if out.resolve().is_relative_to(directory.resolve()):
        raise ConfigError("lies in the data directory", file=str(out), hint="export to another place")
    published = PublishedLogs(home).find(ledger)
    if published is None:
        raise ConfigError(
            f"there is no ledger {ledger[:80]!r}", key="--ledger", hint="glasshatch ledger list"
        )
    if not entries:
        return export_tlog(published, out, witnessed=witnessed)
    with LedgerReader(home.ledger_of(ledger), _keys(home, ledger, published.key().name)) as reader:

        def read(start: int, stop: int) -> list[bytes]:
            return [entry for _, entry in reader.scan(start, stop)]

        return export_tlog(published, out, read, witnessed=witnessed)


def _keys(home: Home, ledger: str, origin: str) -> LedgerKeys:
    master = open_master_key(f"file:{home.keys / 'master.key'}")
    for file in sorted(home.keys.glob("*.json")):
        keyring = Keyring.open(file, master)
        if ledger in keyring.ledgers and keyring.ledger(ledger).origin == origin:
            return keyring.ledger(ledger)
    raise ConfigError("there is no key ring of this ledger", file=str(home.keys))
