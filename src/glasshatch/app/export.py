"""A data directory's ledger as static tlog-tiles. Needs no server dependency."""

from __future__ import annotations

from pathlib import Path

from ..errors import ConfigError
from ..keys import Keyring, open_master_key
from ..ledger import Exported, LedgerReader, Published, export_tlog
from .home import Home


def export_log(directory: Path, out: Path, *, entries: bool = False, witnessed: bool = False) -> Exported:
    """Write what is new; the entries too if asked, for which the directory's own keys are opened.

    Raises:
        ConfigError: There is no data directory, its keys are not at hand, or `out` lies inside of it.
        VerificationError: `out` holds what the ledger does not extend.
    """
    home = Home(directory)
    home.check()
    if out.resolve().is_relative_to(directory.resolve()):
        raise ConfigError("lies in the data directory", file=str(out), hint="export to another place")
    published = Published(home.ledger, home.witnessed)
    if not entries:
        return export_tlog(published, out, witnessed=witnessed)
    with LedgerReader(home.ledger, _keyring(home, published.key().name)) as reader:

        def read(start: int, stop: int) -> list[bytes]:
            return [entry for _, entry in reader.scan(start, stop)]

        return export_tlog(published, out, read, witnessed=witnessed)


def _keyring(home: Home, origin: str) -> Keyring:
    master = open_master_key(f"file:{home.keys / 'master.key'}")
    for file in sorted(home.keys.glob("*.json")):
        keyring = Keyring.open(file, master)
        if keyring.origin == origin:
            return keyring
    raise ConfigError("there is no key ring of this ledger", file=str(home.keys))
