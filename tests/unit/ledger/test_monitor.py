"""Tiles by their names, static exports, the monitor and the anchors, on small logs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fixtures.logs import SMALL, ask, copy, entries, fill, make_keyring, make_witness
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, Denied, Unavailable, VerificationError
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerReader, Published, export_tlog, verify_directory
from glasshatch.ledger.anchored import check_anchors
from glasshatch.ledger.anchors import ANCHORS, anchored_checkpoints, read_anchor
from glasshatch.ledger.log import TileName, decode_bundle, leaf_hashes, parse_tile_path, tile_path
from glasshatch.ledger.monitor import DirectorySource, Monitor, open_source


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("tile/0/x001/x234/067", TileName(0, 1_234_067, 256)),
        ("tile/entries/000.p/1", TileName(None, 0, 1)),
        ("tile/63/255.p/255", TileName(63, 255, 255)),
    ],
)
def test_a_tile_has_one_name(path: str, name: TileName) -> None:
    assert parse_tile_path(path) == name
    assert tile_path("entries" if name.level is None else name.level, name.number, name.width) == path


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/x000/067", "tile/00/067", "tile/64/000", "tile/0/67", "tile/0/1234067", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/001/067", "tile/0/x001", "tile/-1/000",
        "tile/0/../000",
        "tile/data/000", "tile/0/000/", "tile/0/٠٠٠", "checkpoint",
    ],
)  # fmt: skip
def test_no_other_spelling_is_a_tile(path: str) -> None:
    assert parse_tile_path(path) is None


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return make_keyring(tmp_path)


def files_of(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_the_tiles_are_those_of_the_specification(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    export_tlog(log, tmp_path / "out")
    assert files_of(tmp_path / "out") == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2",
    }  # fmt: skip
    assert (tmp_path / "out/tile/0/001").read_bytes() == b"".join(leaf_hashes(entries(256, 256)))
    for path in files_of(tmp_path / "out"):
        assert log.fetch(path) == (tmp_path / "out" / path).read_bytes()
    for outside in ("tile/0/002", "tile/0/002.p/189", "tile/1/000.p/3", "tile/2/000.p/1", "tile/entries/000"):
        assert log.fetch(outside) is None
    assert log.fetch("tile/0/002.p/5") == log.fetch("tile/0/002.p/188")[: 5 * 32]  # type: ignore[index]


def test_an_export_grows_and_keeps_the_old_checkpoint_until_the_new_one_is_whole(
    tmp_path: Path, keyring: Keyring
) -> None:
    out = tmp_path / "out"
    log = fill(tmp_path / "log", keyring, entries(300))
    assert export_tlog(log, out).before == 0
    fill(tmp_path / "log", keyring, entries(400, 300))
    with LedgerReader(tmp_path / "log", keyring) as reader:

        def read(start: int, stop: int) -> list[bytes]:
            return [entry for _, entry in reader.scan(start, stop)]

        done = export_tlog(log, out, read)
        assert (done.before, done.size, done.bundles) == (300, 700, 3)
        assert export_tlog(log, out, read).tiles == 0
    assert files_of(out) == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/188",
    }  # fmt: skip
    assert decode_bundle((out / "tile/entries/002.p/188").read_bytes(), 188) == entries(188, 512)
    source = DirectorySource(out)
    assert Monitor(source, log.key(), tmp_path / "state").look().finding == "first"


def test_an_export_of_the_witnessed_checkpoint_satisfies_who_demands_it(
    tmp_path: Path, keyring: Keyring
) -> None:
    log = fill(tmp_path / "log", keyring, entries(300))
    witness = make_witness(tmp_path / "witness", log).open(ManualClock())
    shown = Published(log.directory, tmp_path / "witnessed")
    with pytest.raises(Unavailable, match="no checkpoint is witnessed"):
        export_tlog(shown, tmp_path / "out", witnessed=True)
    shown.keep_witnessed(log.note() + ask(witness, log, 0).body)
    fill(log.directory, keyring, entries(20, 300))
    assert export_tlog(shown, tmp_path / "out", witnessed=True).size == 300
    for number, source in enumerate((DirectorySource(tmp_path / "out"), shown)):
        seen = Monitor(source, log.key(), tmp_path / f"state{number}", [witness.key]).look()
        assert (seen.finding, seen.size, seen.witnesses) == ("first", 300, (witness.key.name,))
    foreign = fill(tmp_path / "foreign", keyring, entries(300, 0, "other"))
    shown.keep_witnessed(foreign.note())
    with pytest.raises(VerificationError, match="not of this ledger"):
        export_tlog(shown, tmp_path / "other", witnessed=True)


def test_an_export_of_another_or_an_older_log_is_refused(tmp_path: Path, keyring: Keyring) -> None:
    log = fill(tmp_path / "log", keyring, entries(10))
    old = Published(copy(tmp_path / "log", "old"))
    fill(tmp_path / "log", keyring, entries(10, 10))
    export_tlog(log, tmp_path / "out")
    with pytest.raises(VerificationError, match="rolled back"):
        export_tlog(old, tmp_path / "out")
    fill(old.directory, keyring, entries(30, 10, "other"))
    with pytest.raises(VerificationError, match="does not extend"):
        export_tlog(old, tmp_path / "out")
    other = fill(tmp_path / "other", make_keyring(tmp_path, name="other"), entries(40))
    with pytest.raises(VerificationError, match="not signed by the expected key"):
        export_tlog(other, tmp_path / "out")
    assert (tmp_path / "out/checkpoint").read_bytes() == log.note()


class Broken:
    """A log of which one path cannot be had."""

    def __init__(self, log: Published, path: str, answer: bytes | None) -> None:
        self.log, self.path, self.answer = log, path, answer

    def fetch(self, path: str) -> bytes | None:
        return self.answer if path == self.path else self.log.fetch(path)


def test_a_monitor_follows_a_log_and_remembers(tmp_path: Path, keyring: Keyring) -> None:
    log, state = fill(tmp_path / "log", keyring, entries(3)), tmp_path / "state"
    looks = [Monitor(log, log.key(), state).look()]
    for size in (0, 1, 253, 600):
        fill(log.directory, keyring, entries(size, looks[-1].size))
        looks.append(Monitor(open_source(str(log.directory)), log.key(), state).look())
    assert [one.finding for one in looks] == ["first", "unchanged", "grown", "grown", "grown"]
    assert [one.size for one in looks] == [3, 3, 4, 257, 857]
    assert not [one for one in looks if one.alarm]
    assert state.read_bytes() == log.note()


def test_a_lying_tile_and_a_missing_tile_are_found(tmp_path: Path, keyring: Keyring) -> None:
    log, state = fill(tmp_path / "log", keyring, entries(300)), tmp_path / "state"
    tile = log.fetch("tile/0/001.p/44")
    assert tile
    for answer in (None, tile[:-1], tile[:32] + bytes(32) + tile[64:]):
        found = Monitor(Broken(log, "tile/0/001.p/44", answer), log.key(), state).look()
        assert (found.finding, found.alarm) == ("broken", True)
    assert not state.exists()
    changed = log.note().replace(b"\n300\n", b"\n301\n")
    found = Monitor(Broken(log, "checkpoint", changed), log.key(), state).look()
    assert found.finding == "signature"
    assert Path(found.evidence).read_bytes() == changed
    with pytest.raises(Unavailable, match="no checkpoint"):
        Monitor(Broken(log, "checkpoint", None), log.key(), state).look()


def test_a_monitor_does_not_send_a_token_in_clear() -> None:
    with pytest.raises(ConfigError, match="in clear"):
        open_source("http://log.example.com/x", "secret")
    with pytest.raises(ConfigError):
        open_source("https://user:word@log.example.com/")
    assert open_source("http://127.0.0.1:1/", "secret")
    assert issubclass(Denied, Exception)


def make_repository(path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(path)], check=True)
    return path


@pytest.mark.parametrize("kind", sorted(ANCHORS))
def test_an_anchor_keeps_every_checkpoint_and_finds_what_does_not_follow(
    tmp_path: Path, keyring: Keyring, kind: str
) -> None:
    place = make_repository(tmp_path / "repo") if kind == "git" else tmp_path / "anchor"
    log = fill(tmp_path / "log", keyring, entries(5))
    old = Published(copy(tmp_path / "log", "old"))
    anchor = ANCHORS[kind].open(place, log.key().name)
    anchor.keep(log.note())
    fill(tmp_path / "log", keyring, entries(5, 5))
    anchor.keep(log.note())
    anchor.keep(log.note())
    kept = anchored_checkpoints(read_anchor(place, log.key().name), log.key())
    assert [one.size for one in kept] == [5, 10]

    def check(directory: Path, key: str | None = None) -> list[str]:
        report = verify_directory(directory, key)
        assert report.ok
        return [problem.what for problem in check_anchors(report, directory, [place]).problems]

    assert check(log.directory) == []
    assert "rolled back" in check(old.directory)[0]
    fill(old.directory, keyring, entries(9, 5, "other"))
    assert "rewritten: it had another tree at size 10" in check(old.directory)[0]
    other = fill(tmp_path / "other", make_keyring(tmp_path, name="other"), entries(20))
    assert "not signed by the expected key" in check(other.directory)[0]


def test_what_a_running_server_anchored_meanwhile_is_no_roll_back(tmp_path: Path, keyring: Keyring) -> None:
    log, place = fill(tmp_path / "log", keyring, entries(5)), tmp_path / "anchor"
    report = verify_directory(log.directory)
    fill(log.directory, keyring, entries(5, 5))
    ANCHORS["file"].open(place, log.key().name).keep(log.note())
    assert check_anchors(report, log.directory, [place]).ok


def test_an_anchor_file_mends_what_a_crash_left_and_is_refused_when_damaged(
    tmp_path: Path, keyring: Keyring
) -> None:
    log, place = fill(tmp_path / "log", keyring, entries(5)), tmp_path / "anchor"
    anchor = ANCHORS["file"].open(place, log.key().name)
    anchor.keep(log.note())
    place.write_bytes(place.read_bytes() + log.note()[:40])
    with pytest.raises(VerificationError, match="middle of a checkpoint"):
        anchored_checkpoints(place.read_bytes(), log.key())
    fill(tmp_path / "log", keyring, entries(1, 5))
    anchor.keep(log.note())
    assert [one.size for one in anchored_checkpoints(place.read_bytes(), log.key())] == [5, 6]
    with pytest.raises(ConfigError, match="no git repository"):
        ANCHORS["git"].open(tmp_path / "log", "x")
    with pytest.raises(ConfigError, match="no place for a file"):
        ANCHORS["file"].open(tmp_path / "nowhere" / "file", "x")


def test_a_proof_is_given_under_the_witnessed_checkpoint_if_that_covers_it(
    tmp_path: Path, keyring: Keyring
) -> None:
    from glasshatch.ledger import verify_proof

    log = fill(tmp_path / "log", keyring, entries(5))
    witnessed = log.note()
    with Ledger.open(log.directory, keyring, ManualClock(), SMALL) as ledger:
        ledger.append(b"entry 5")
        stranger = fill(tmp_path / "stranger", make_keyring(tmp_path, name="other"), entries(9)).note()
        proofs = [ledger.prove(2, witnessed), ledger.prove(5, witnessed), ledger.prove(2, stranger)]
        assert [verify_proof(one.encode(), ledger.key).checkpoint.size for one in proofs] == [5, 6, 6]
        foreign = fill(tmp_path / "fork", keyring, entries(5, 0, "other")).note()
        with pytest.raises(VerificationError, match="not of this ledger"):
            ledger.prove(2, foreign)
