"""A whole log verified from outside: by what it serves, the public key, and a checkpoint kept before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fixtures.logs import copy, entries, fill, make_keyring
from glasshatch.errors import Denied, VerificationError
from glasshatch.keys import Keyring
from glasshatch.ledger import LedgerReader, Published, export_tlog
from glasshatch.ledger.monitor import DirectorySource, ServedReport, verify_served


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return make_keyring(tmp_path)


def export(log: Published, keyring: Keyring, out: Path) -> Path:
    with LedgerReader(log.directory, keyring) as reader:
        export_tlog(log, out, lambda start, stop: [entry for _, entry in reader.scan(start, stop)])
    return out


def verify(out: Path, log: Published, since: bytes = b"", **more: bool) -> ServedReport:
    return verify_served(DirectorySource(out), str(out), log.key(), since, **more)


def test_a_sound_log_is_verified_whole(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    report = verify(export(log, keyring, tmp_path / "out"), log)
    assert report.ok
    assert (report.size, report.hashes, report.entries_compared, report.entries_withheld) == (
        700,
        700,
        700,
        0,
    )


def test_a_log_of_three_levels_is_verified_whole(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(66_000))
    out = export(log, keyring, tmp_path / "out")
    assert verify(out, log).entries_compared == 66_000
    tile = out / "tile" / "1" / "000"
    tile.write_bytes(b"\0" * 32 + tile.read_bytes()[32:])
    found = verify(out, log)
    assert not found.ok
    assert {problem.file for problem in found.problems} >= {"tile/1/000"}


def test_every_flipped_byte_is_found_and_named(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    out, dice, tried = export(log, keyring, tmp_path / "out"), random.Random(5), 0
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        sound = path.read_bytes()
        for at in {0, len(sound) - 1, *(dice.randrange(len(sound)) for _ in range(12))}:
            path.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << dice.randrange(8)]) + sound[at + 1 :])
            report = verify(out, log)
            tried += 1
            assert not report.ok, f"{path.relative_to(out)} at {at}"
        path.write_bytes(sound)
    assert tried > 80
    assert verify(out, log).ok


def test_a_changed_entry_is_named_with_its_place(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    out = export(log, keyring, tmp_path / "out")
    bundle = out / "tile" / "entries" / "001"
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 300", b"entry 3OO"))
    problem = verify(out, log).problems[0]
    assert problem.file == "tile/entries/001"
    assert "entry 300" in problem.what
    assert problem.offset == bundle.read_bytes().index(b"entry 3OO") - 2, "where its length stands"


def test_only_what_is_newer_than_a_kept_checkpoint_is_fetched(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(600))
    kept = log.note()
    fill(tmp_path / "log", keyring, entries(500, 600))
    out = export(log, keyring, tmp_path / "out")
    asked: list[str] = []

    class Counting(DirectorySource):
        def fetch(self, path: str) -> bytes | None:
            asked.append(path)
            return super().fetch(path)

    report = verify_served(Counting(out), str(out), log.key(), kept)
    assert (report.ok, report.since, report.hashes) == (True, 600, 1100 - 512)
    assert "tile/entries/000" not in asked
    assert "tile/0/000" not in asked
    assert "tile/entries/002" in asked


def test_a_fork_and_a_roll_back_are_found_by_the_kept_checkpoint(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(300))
    old = Published(copy(tmp_path / "log", "old"))
    fill(tmp_path / "log", keyring, entries(100, 300))
    kept = log.note()
    forked = fill(old.directory, keyring, entries(200, 300, "other"))
    fork = verify(export(forked, keyring, tmp_path / "forked"), log, kept)
    assert not fork.ok
    shorter = fill(tmp_path / "short", keyring, entries(300))
    behind = verify(export(shorter, keyring, tmp_path / "behind"), log, kept)
    assert "rolled back" in behind.problems[0].what
    stranger = fill(tmp_path / "strange", make_keyring(tmp_path / "k2"), entries(5))
    with pytest.raises(VerificationError):
        verify(tmp_path / "forked", log, stranger.note())
    replaced = verify(out_of(stranger, tmp_path / "stranger-out"), log)
    assert replaced.problems[0].file == "checkpoint"


def out_of(log: Published, out: Path) -> Path:
    export_tlog(log, out)
    return out


def test_entries_that_are_not_handed_out_are_counted_and_no_damage(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    out = out_of(log, tmp_path / "out")
    bare = verify(out, log)
    assert (bare.ok, bare.entries_compared, bare.entries_withheld) == (True, 0, 700)

    class Closed(DirectorySource):
        def fetch(self, path: str) -> bytes | None:
            if path.startswith("tile/entries/"):
                raise Denied("the log wants another token")
            return super().fetch(path)

    closed = verify_served(Closed(out), str(out), log.key())
    assert (closed.ok, closed.entries_withheld) == (True, 700)
    assert verify(out, log, entries=False).entries_withheld == 0


def test_a_liar_who_shows_two_tiles_gains_nothing(tmp_path: Path, keyring: Keyring) -> None:
    """The hashes that entries are compared with are the ones that were checked, not fetched anew."""
    log = fill(tmp_path / "log", keyring, entries(700))
    forged = fill(tmp_path / "forged", keyring, entries(700, 0, "false"))
    out = export(log, keyring, tmp_path / "out")
    lies = export(forged, keyring, tmp_path / "lies")
    times: dict[str, int] = {}

    class Liar(DirectorySource):
        def fetch(self, path: str) -> bytes | None:
            times[path] = times.get(path, 0) + 1
            lie = path.startswith("tile/entries/") or (path.startswith("tile/") and times[path] > 1)
            return DirectorySource(lies).fetch(path) if lie else super().fetch(path)

    assert not verify_served(Liar(out), str(out), log.key()).ok
