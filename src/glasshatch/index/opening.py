"""Opening the database of an index, and beginning it anew where it is of another format."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import Unavailable
from .engine import Engine
from .place import Place
from .schema import TABLE, create_sql, fingerprint
from .survey import Holed

Begin = Callable[[Engine], None]
"""Reads what is in an engine whose table is there; raises `Unavailable` if that cannot be used."""


def open_embedded(directory: Path, place: Place, begin: Begin) -> Engine:
    """chDB in `directory/chdb`. It is derived, so what cannot be used is deleted and made anew."""
    files, mark = directory / "chdb", directory / "format"
    if text_of(mark) != fingerprint():
        shutil.rmtree(files, ignore_errors=True)
    try:
        engine = _embedded(files, place, begin)
    except Unavailable:
        shutil.rmtree(files, ignore_errors=True)
        engine = _embedded(files, place, begin)
    # Last: a crash before this leaves a mark that does not fit, and the next start begins anew.
    mark.write_text(fingerprint(), encoding="ascii")
    return engine


def open_server(directory: Path, place: Place, begin: Begin) -> Engine:
    """The table on a server. What it was made by, and for whom, stands in the table's comment.

    Raises:
        Unavailable: The server is away or refuses, or the table is another installation's.
    """
    from .clickhouse import ClickHouse

    engine: Engine = ClickHouse(place)
    try:
        _own_table(engine, place, f"glasshatch {fingerprint().strip()} {_owner(directory)}")
        if place.cluster:
            # This host may lag behind the one that took the last batch.
            engine.run(f"SYSTEM SYNC REPLICA {TABLE}")
        _begun(engine, begin)
    except BaseException:
        engine.close()
        raise
    return engine


def _embedded(files: Path, place: Place, begin: Begin) -> Engine:
    from .embedded import Embedded

    files.mkdir(mode=0o700, exist_ok=True)
    engine = Embedded(files, place.memory_mib)
    try:
        engine.run(create_sql())
        begin(engine)
    except BaseException:
        engine.close()
        raise
    return engine


def _own_table(engine: Engine, place: Place, comment: str) -> None:
    found = engine.select(
        "SELECT comment FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        {"name": TABLE},
    )
    if found and found[0][0] != comment:
        if found[0][0].split(" ")[-1] != comment.rsplit(" ", maxsplit=1)[-1]:
            raise Unavailable(
                f"the table {TABLE} of the index's server was made by another installation or by hand",
                hint=f"choose another index.database; if it is of no use any more: DROP TABLE {TABLE}",
            )
        _drop(engine, place)
    engine.run(create_sql(place.cluster, comment))


def _begun(engine: Engine, begin: Begin) -> None:
    try:
        begin(engine)
    except Holed:
        # Derived, so nothing is lost.
        engine.run(f"TRUNCATE TABLE {TABLE}")
        begin(engine)


def _drop(engine: Engine, place: Place) -> None:
    on = f" ON CLUSTER '{place.cluster}'" if place.cluster else ""
    engine.run(f"DROP TABLE IF EXISTS {TABLE}{on} SYNC")


def _owner(directory: Path) -> str:
    """This installation's own name on servers; it lives and dies with the index's directory."""
    file = directory / "owner"
    if not text_of(file):
        new = directory / "owner.new"
        new.write_text(secrets.token_hex(8), encoding="ascii")
        new.rename(file)
    return text_of(file)


def text_of(file: Path) -> str:
    """What stands in a small file of ours; nothing if it cannot be read."""
    try:
        return file.read_bytes().decode("ascii", "replace")
    except OSError:
        return ""
