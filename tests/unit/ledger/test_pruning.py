"""A pruned ledger: entries of a prefix are gone, its hashes are not, and whoever asks is told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.logs import SMALL, entries
from fixtures.pruning import append_events, make_pruned, pruned_event, recording
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, VerificationError
from glasshatch.events import decode
from glasshatch.keys import Keyring
from glasshatch.ledger import (
    Ledger,
    LedgerCut,
    LedgerReader,
    Published,
    export_tlog,
    verify_directory,
    verify_proof,
)
from glasshatch.ledger.log import pruning_links, pruning_of
from glasshatch.ledger.monitor import Monitor

Make = Callable[..., Ledger]


@pytest.fixture
def pruned(tmp_path: Path, keyring: Keyring) -> Ledger:
    return make_pruned(tmp_path / "ledger", keyring)


def test_what_is_kept_reads_and_what_is_gone_says_since_when_and_why(pruned: Ledger) -> None:
    with pruned as ledger:
        assert (ledger.minimum, ledger.size) == (512, 1201)
        with pytest.raises(
            ConfigError, match="entry 511 was pruned: entries before 512 are gone since 2001-09"
        ):
            ledger.read(511)
        with pytest.raises(ConfigError, match="was pruned") as raised:
            ledger.prove(0)
        assert "entry 1200 says why" in raised.value.hint
        found = list(ledger.scan())
        assert [index for index, _ in found] == list(range(512, 1201))
        assert b"canary-512-" in found[0][1]
        assert list(ledger.scan(0, 512)) == []
        assert decode(ledger.read(1200)).action == "ledger.pruned"


def test_proofs_stay_valid_and_new_ones_are_given(tmp_path: Path, keyring: Keyring) -> None:
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:
        append_events(ledger, 1200)
        before = ledger.prove(5).encode()
        ledger.prune(512, recording(ledger))
        assert verify_proof(before, ledger.key).index == 5
        assert verify_proof(ledger.prove(600).encode(), ledger.key).index == 600


def test_it_is_recorded_under_a_checkpoint_before_the_first_pack_goes(
    tmp_path: Path, keyring: Keyring
) -> None:
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:
        append_events(ledger, 1200)
        names = sorted(path.name for path in (ledger.directory / "entries").glob("*.pack"))

        def refuse(_: object) -> object:
            raise ConfigError("not today")

        with pytest.raises(ConfigError, match="not today"):
            ledger.prune(512, refuse)  # type: ignore[arg-type]
        assert sorted(path.name for path in (ledger.directory / "entries").glob("*.pack")) == names
        assert verify_directory(ledger.directory, ledger.key).ok
        done = ledger.prune(512, recording(ledger))
        assert (done.minimum, done.packs, done.entry) == (512, 2, 1200)
        assert pruning_of(ledger.read(1200), 1200) == done


def test_it_verifies_and_says_how_much_is_pruned(pruned: Ledger, keyring: Keyring) -> None:
    live = verify_directory(pruned.directory, str(pruned.key))
    pruned.close()
    report = verify_directory(pruned.directory, str(pruned.key)).require()
    opened = verify_directory(pruned.directory, str(pruned.key), keyring.envelope).require()
    assert live.ok
    assert (report.pruned, report.pruned_by, report.durable, report.size) == (512, 1200, 1201, 1201)
    assert opened.entries_opened == 1201 - 512


def test_it_reopens_grows_and_is_pruned_again_even_of_all_packs(pruned: Ledger, keyring: Keyring) -> None:
    pruned.close()
    with Ledger.open(pruned.directory, keyring, ManualClock(), SMALL) as ledger:
        assert ledger.minimum == 512
        append_events(ledger, 700)
        last = ledger.prunable()[-1]
        ledger.prune(last.stop, recording(ledger))
        assert ledger.prunable() == []
        append_events(ledger, 900)
        assert next(ledger.scan())[0] == last.stop
        kept = [pack.header.number for pack in ledger.prunable()]
        assert kept[:2] == [last.header.number + 1, last.header.number + 2]
    report = verify_directory(ledger.directory, str(ledger.key), keyring.envelope).require()
    assert report.pruned == last.stop
    with LedgerReader(ledger.directory, keyring) as reader:
        assert reader.minimum == last.stop
        assert next(reader.scan())[0] == last.stop
        with pytest.raises(ConfigError, match="was pruned"):
            reader.read(0)


def test_no_byte_of_what_is_pruned_is_left(pruned: Ledger, keyring: Keyring) -> None:
    """Neither in the log, which may hold what is packed already, nor in a pack: nothing here opens to it."""
    pruned.close()
    with LedgerReader(pruned.directory, keyring) as reader:
        kept = b"".join(entry for _, entry in reader.scan())
    assert b"canary-512-" in kept
    assert not [number for number in range(512) if b"canary-%d-" % number in kept]
    frames = [frame for segment in reader._survey.segments for frame in segment.scan.frames]
    assert min(frame.first for frame in frames) >= 512


def test_only_where_a_settled_pack_ends(make: Make) -> None:
    with make() as ledger:
        append_events(ledger, 1200)
        stops = [pack.stop for pack in ledger.prunable()]
        assert stops
        for minimum in (0, 100, 255, stops[-1] + 256, 5_000):
            with pytest.raises(ConfigError, match="no pack that may go ends"):
                ledger.prune(minimum, recording(ledger))
        assert not (ledger.directory / "pruning").exists()


@pytest.mark.parametrize(
    "links",
    [
        pruning_links(300, 1),
        pruning_links(256, 0),
        pruning_links(512, 513),
        (*pruning_links(256, 1), *pruning_links(512, 2)),
        (),
    ],
)
def test_an_entry_that_records_no_possible_pruning_is_none(links: tuple[object, ...]) -> None:
    with pytest.raises(VerificationError):
        pruning_of(pruned_event(links), 1_000)  # type: ignore[arg-type]


def test_a_feed_cannot_speak_of_prunings() -> None:
    with pytest.raises(VerificationError, match="records no pruning"):
        pruning_of(pruned_event(pruning_links(256, 1), kind="json"), 1_000)
    assert pruning_of(pruned_event(pruning_links(256, 1)), 1_000).minimum == 256


def test_a_cut_has_what_is_kept_and_says_what_is_not(
    pruned: Ledger, keyring: Keyring, tmp_path: Path
) -> None:
    with pruned:
        pruned.checkpoint(fresh=True)
        cut = LedgerCut(pruned.directory, 1201)
        for file in cut.files:
            target = tmp_path / "copy" / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(cut.read(file, 0, file.bytes).ljust(file.extent, b"\0"))
        cut.close()
    report = verify_directory(tmp_path / "copy", str(pruned.key), keyring.envelope).require()
    assert (report.pruned, report.entries_opened) == (512, 1201 - 512)


def test_an_export_leaves_pruned_bundles_out_and_drops_those_it_had(tmp_path: Path, keyring: Keyring) -> None:
    out = tmp_path / "out"
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:

        def export() -> object:
            def read(start: int, stop: int) -> list[bytes]:
                return [entry for _, entry in ledger.scan(start, stop)]

            return export_tlog(Published(ledger.directory), out, read)

        append_events(ledger, 1200)
        export()
        assert (out / "tile/entries/000").exists()
        ledger.prune(512, recording(ledger))
        ledger.checkpoint(fresh=True)
        done = export()
        assert (done.minimum, done.pruned) == (512, 2)  # type: ignore[attr-defined]
        assert sorted(path.name for path in (out / "tile/entries").iterdir()) == ["002", "003", "004.p"]
        assert (out / "tile/0/000").exists()
        (out / "tile/entries/002").unlink()
        (out / "tile/entries/003").unlink()
        assert export().bundles == 2  # type: ignore[attr-defined]


def test_watchers_see_no_difference(tmp_path: Path, keyring: Keyring) -> None:
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:
        append_events(ledger, 1200)
        monitor = Monitor(Published(ledger.directory), ledger.key, tmp_path / "state")
        assert monitor.look().finding == "first"
        ledger.prune(512, recording(ledger))
        for entry in entries(100):
            ledger.append(entry)
        ledger.checkpoint(fresh=True)
        assert monitor.look().finding == "grown"
