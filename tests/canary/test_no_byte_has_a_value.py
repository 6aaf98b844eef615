"""No byte that Glasshatch leaves on a disk holds a value that went in, whichever way it took."""

from __future__ import annotations

import gzip
import sqlite3
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from fixtures.counts import tell

from .birds import Aviary
from .looking import Looker
from .world import PLANTED, Visited

# All visits and looks are in the fixture: some 45 s of processor time, more of the clock beside other work.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KNOWN = {}
"""What leaks and is known to: `way sort form`, and why. An entry that nothing needs any more fails."""


def test_no_canary_is_in_any_byte(visited: Visited) -> None:
    ways = {canary.way for canary in visited.aviary.canaries}
    tell(
        f"canaries: {len(visited.aviary.canaries)} values by {len(ways)} ways in,"
        f" {len(visited.looker)} forms, {visited.files} files"
    )
    found = {name for name in visited.found if not name.startswith("planted ")}
    leaked = {name for name in found if not any(fnmatchcase(name, known) for known in KNOWN)}
    assert not {name: sorted(visited.found[name])[-1] for name in sorted(leaked)}
    assert not [known for known in KNOWN if not any(fnmatchcase(name, known) for name in found)], "mended"


@pytest.mark.parametrize("where", PLANTED)
def test_what_is_planted_is_found_where_it_lies(visited: Visited, where: str) -> None:
    """The proof that looking works: in ciphertext, in packed columns, in SQLite, in logs."""
    places = visited.found[f"planted {where} raw"]
    if where == "ledger":
        # Encrypted in the write-ahead log, packed with LZ4 in the index: only whoever opens both sees it.
        assert f"planted {where} raw" in visited.decrypted
        assert any(place.endswith("data.bin") for place in places)
    elif where == "large event":
        # Its end does not fit into the entry: it lies whole, encrypted, beside the ledger.
        assert f"planted {where} raw" in visited.decrypted
    elif where == "control.db":
        assert "control.db" in places
    else:
        assert places


def _packed(path: Path, data: bytes) -> None:
    text = data.decode()
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table({"note": [text] * 3}), path, compression="lz4")
    elif path.suffix == ".db":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (a, b)")
            connection.execute("INSERT INTO t VALUES (1, ?)", [text])
    elif path.suffix == ".bin":
        (path.parent / "chdb").mkdir()
        plain = b"7 rows " * 40 + data
        inner = pyarrow.compress(plain, codec="lz4_raw", asbytes=True)
        head = b"\x82" + (len(inner) + 9).to_bytes(4, "little") + len(plain).to_bytes(4, "little")
        (path.parent / "chdb" / path.name).write_bytes(b"packed files" + bytes(16) + head + inner)
    else:
        pack = {".gz": gzip.compress, ".zst": zstandard.compress, ".txt": lambda plain: plain}[path.suffix]
        path.write_bytes(b"some header " + pack(data))


@pytest.mark.parametrize("kind", ["txt", "gz", "zst", "parquet", "db", "bin"])
def test_whoever_looks_finds_every_form_in_every_wrapping(tmp_path: Path, kind: str) -> None:
    flock = Aviary(seed=2).flock("planted")
    looker = Looker(flock)
    for place, canary in enumerate(flock):
        folder = tmp_path / str(place)
        folder.mkdir()
        _packed(folder / f"a.{kind}", f"before {canary.text} after".encode())
        assert set(looker.in_directory(folder)[1]) == {canary.name}
