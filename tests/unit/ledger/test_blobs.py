"""Events too large for an entry: whole or not there, unreadable without the key, every change found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fixtures.pruning import pruned_event
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, GlasshatchError, TooLarge, VerificationError
from glasshatch.events import Receipt
from glasshatch.keys import Keyring, activate_key, open_master_key, prepare_key
from glasshatch.ledger import (
    MAX_BLOB_BYTES,
    Large,
    Ledger,
    LedgerOptions,
    LedgerReader,
    VerifyReport,
    verify_directory,
)
from glasshatch.ledger import blobs as kept_blobs
from glasshatch.ledger.cut import LedgerCut
from glasshatch.ledger.log import blobs as log_blobs

Make = Callable[..., Ledger]


def large(number: int, size: int = 3_000) -> Large:
    payload = b"a rather long statement %d " % number + b"and so on " * (size // 10)
    digest = hashlib.sha256(payload).hexdigest()
    event = {
        "action": "statement.run", "id": str(number), "links": [{"id": digest, "rel": "blob"}], "schema": 1,
        "source": {"kind": "gateway"}, "tenant": "default", "time": "1",
    }  # fmt: skip
    return Large(json.dumps(event, separators=(",", ":")).encode(), payload, digest)


def blobs(ledger: Ledger) -> list[Path]:
    return sorted((ledger.directory / "blobs").rglob("*"))[1:]


def check(ledger: Ledger, keyring: Keyring | None) -> VerifyReport:
    return verify_directory(ledger.directory, data_key=keyring.envelope if keyring else None)


def files(report: VerifyReport) -> list[str]:
    return [problem.file for problem in report.problems]


@pytest.fixture
def kept(make: Make) -> tuple[Ledger, list[Large]]:
    """Three large ones among small entries, closed."""
    them = [large(number) for number in range(3)]
    with make() as ledger:
        for one in them:
            ledger.append(b"small")
            ledger.append(one)
        ledger.append(b"small")
    return ledger, them


def place(ledger: Ledger, one: Large) -> Path:
    return ledger.directory / "blobs" / "00000000" / one.digest


def test_it_comes_back_whole_and_is_nowhere_in_clear(make: Make, keyring: Keyring) -> None:
    one = large(7, 200_000)
    with make() as ledger:
        receipt = ledger.append(one)
        assert ledger.read(receipt.index) == one.entry
        assert ledger.whole(receipt.index) == one.payload
        assert ledger.whole(ledger.append(b"small").index) == b"small"
    with LedgerReader(ledger.directory, keyring) as reader:
        assert reader.whole(receipt.index) == one.payload
    stored = place(ledger, one).read_bytes()
    assert b"statement" not in stored
    assert len(stored) < len(one.payload) / 10
    for key in (None, keyring):
        assert check(ledger, key).require().blobs == 1


def test_order_holds_between_small_and_large_in_one_submission(make: Make) -> None:
    answers: list[Receipt | GlasshatchError] = []
    them = [large(number) for number in range(20)]
    items = [(one if number % 3 else b"small %d" % number, answers.append) for number, one in enumerate(them)]
    with make() as ledger:
        ledger.submit_all(items)
        ledger.append(b"last")
        assert [answer.index for answer in answers if isinstance(answer, Receipt)] == list(range(20))
        for number, one in enumerate(them):
            assert ledger.whole(number) == (one.payload if number % 3 else b"small %d" % number)


def test_every_flipped_byte_and_every_cut_is_found_without_any_key(kept: tuple[Ledger, list[Large]]) -> None:
    ledger, them = kept
    path = place(ledger, them[1])
    sound, name = path.read_bytes(), str(path.relative_to(ledger.directory))
    for at in range(len(sound)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        assert files(check(ledger, None)) == [name], at
    for length in range(len(sound)):
        path.write_bytes(sound[:length])
        assert files(check(ledger, None)) == [name], length
    path.write_bytes(sound)
    check(ledger, None).require()


def test_one_that_is_missing_is_found_and_named(kept: tuple[Ledger, list[Large]], keyring: Keyring) -> None:
    ledger, them = kept
    place(ledger, them[1]).unlink()
    report = check(ledger, keyring)
    assert str(place(ledger, them[1]).relative_to(ledger.directory)) in files(report)
    assert "entry 3 is missing" in " ".join(problem.what for problem in report.problems)
    without = check(ledger, None)
    assert ["between those of entries 1 and 5" in problem.what for problem in without.problems] == [True]
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
        assert again.whole(1) == them[0].payload
        with pytest.raises(VerificationError, match="entry 3 is missing"):
            again.whole(3)


def test_two_that_were_exchanged_are_found(kept: tuple[Ledger, list[Large]], keyring: Keyring) -> None:
    ledger, them = kept
    one, other = place(ledger, them[0]), place(ledger, them[1])
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    for key in (None, keyring):
        names = [str(path.relative_to(ledger.directory)) for path in sorted((one, other))]
        assert [name for name in files(check(ledger, key)) if name in names] == names
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again, pytest.raises(VerificationError):
        again.whole(1)


def test_what_does_not_belong_there_is_found(kept: tuple[Ledger, list[Large]], keyring: Keyring) -> None:
    ledger, them = kept
    folder = ledger.directory / "blobs" / "00000000"
    for strange in ("note.txt", "A" * 64, them[0].digest[:-1]):
        (folder / strange).write_bytes(b"x")
        assert files(check(ledger, None)) == [f"blobs/00000000/{strange}"]
        (folder / strange).unlink()
    other = ledger.directory / "blobs" / "00000001"
    other.mkdir()
    shutil.copy(place(ledger, them[0]), other)
    assert f"blobs/00000001/{them[0].digest}" in files(check(ledger, None))


def test_one_that_another_writer_sealed_for_an_entry_is_found(
    kept: tuple[Ledger, list[Large]], keyring: Keyring, make: Make
) -> None:
    """Whoever holds the data key can make a sound blob; an entry has to name it all the same."""
    ledger, them = kept
    with make("other") as forger:
        forger.append(b"small")
        forger.append(large(9))
    shutil.copy(place(forger, large(9)), place(ledger, large(9)))
    place(ledger, them[0]).unlink()
    assert check(ledger, None).ok
    problems = {problem.file.rpartition("/")[2]: problem.what for problem in check(ledger, keyring).problems}
    assert problems == {
        them[0].digest: "the whole event of entry 1 is missing",
        large(9).digest: "entry 1 does not name it: it does not belong there",
    }


def test_an_orphan_of_a_crash_is_reported_and_goes_at_the_next_opening(
    make: Make, keyring: Keyring, kept: tuple[Ledger, list[Large]]
) -> None:
    ledger, them = kept
    orphan = large(9)
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
        again._parts.blobs.put(again.size, [(0, orphan)])
    (place(ledger, orphan).with_suffix(".tmp")).write_bytes(b"half")
    report = check(ledger, keyring)
    assert report.unfinished
    assert len(report.problems) == 2
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
        assert len(blobs(ledger)) == 3
        again.append(orphan)
    check(ledger, keyring).require()
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
        assert again.whole(again.size - 1) == orphan.payload
        assert again.whole(3) == them[1].payload


def test_equal_bytes_twice_have_one_file(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        for _ in range(3):
            ledger.append(large(1))
        ledger.append(large(2))
        assert [ledger.whole(index) for index in range(3)] == [large(1).payload] * 3
    assert len(blobs(ledger)) == 2
    for key in (None, keyring):
        check(ledger, key).require()


def test_older_ones_stay_readable_after_a_new_data_key(make: Make, tmp_path: Path) -> None:
    master, path = open_master_key(f"file:{tmp_path / 'master.key'}"), tmp_path / "keyring.json"
    with make() as ledger:
        ledger.append(large(1))
        _, key = prepare_key(path, master, "data", 1, "default")
        ring = activate_key(path, master, key.id)
        ledger.use_data_key(ring)
        ledger.append(large(2))
        assert [ledger.whole(index) for index in range(2)] == [large(1).payload, large(2).payload]
    found = [one.read_bytes()[8:16] for one in (place(ledger, large(1)), place(ledger, large(2)))]
    assert found[0] != found[1]
    check(ledger, ring).require()


def test_pruning_takes_them_with_their_entries(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        for number in range(520):
            ledger.append(large(number) if number % 100 == 0 else b"small %d" % number)
        ledger.checkpoint(fresh=True)
        minimum = ledger.prunable()[0].stop
        assert minimum == 256
        ledger.prune(minimum, lambda links: ledger.append(pruned_event(links)))
        assert len(blobs(ledger)) == 3
        with pytest.raises(ConfigError, match="pruned"):
            ledger.whole(100)
        assert ledger.whole(300) == large(300).payload
    for key in (None, keyring):
        check(ledger, key).require()


def test_what_a_crash_kept_from_being_pruned_goes_at_the_next_opening(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        for number in range(520):
            ledger.append(large(number) if number % 100 == 0 else b"small %d" % number)
        ledger.checkpoint(fresh=True)
        before = {path: path.read_bytes() for path in blobs(ledger)}
        ledger.prune(256, lambda links: ledger.append(pruned_event(links)))
    for path, data in before.items():
        path.write_bytes(data)
    report = check(ledger, keyring)
    assert report.unfinished
    assert len(report.problems) == 3
    Ledger.open(ledger.directory, keyring, ManualClock()).close()
    assert len(blobs(ledger)) == 3
    check(ledger, keyring).require()


def test_verified_while_they_are_written_nothing_is_found(make: Make, keyring: Keyring) -> None:
    with make(options=LedgerOptions()) as ledger:
        stopped = threading.Event()

        def write() -> None:
            number = 0
            while not stopped.is_set():
                ledger.append(large(number) if number % 2 else b"small")
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for attempt in range(6):
                size = ledger.size
                while ledger.size < size + 20:
                    ledger.checkpoint(fresh=True)
                report = check(ledger, keyring if attempt % 2 else None).require()
                assert report.live
        finally:
            stopped.set()
            writer.join()
    check(ledger, keyring).require()


def test_a_cut_has_those_of_its_entries_only(kept: tuple[Ledger, list[Large]]) -> None:
    ledger, them = kept
    with contextlib.closing(LedgerCut(ledger.directory, 1)) as cut:
        found = {file.path for file in cut.files if file.path.startswith("blobs/")}
        assert found == {str(place(ledger, one).relative_to(ledger.directory)) for one in them}
        cut.checkpoint = msgspec.structs.replace(cut.checkpoint, size=3)
        assert [file.path for file in cut._blobs(0) or ()] == [f"blobs/00000000/{them[0].digest}"]
        assert len(cut._blobs(2) or ()) == 0


def test_more_than_a_blob_holds_is_refused_before_anything_is_stored() -> None:
    with pytest.raises(TooLarge, match="the limit is 16777216"):
        Large(b"{}", bytes(MAX_BLOB_BYTES + 1), "0" * 64)


def test_folders_of_pruned_entries_go_as_a_whole_and_the_numbers_go_on(
    make: Make, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (log_blobs, kept_blobs):
        monkeypatch.setattr(module, "FOLDER_ENTRIES", 128)
    with make() as ledger:
        for number in range(520):
            ledger.append(large(number) if number % 50 == 0 else b"small %d" % number)
        ledger.checkpoint(fresh=True)
        assert sorted(path.name for path in (ledger.directory / "blobs").iterdir()) == [
            f"{number:08d}" for number in range(4)
        ]  # fmt: skip
        ledger.prune(256, lambda links: ledger.append(pruned_event(links)))
        assert sorted(path.name for path in (ledger.directory / "blobs").iterdir()) == [
            "00000002",
            "00000003",
        ]
        ledger.append(large(600))
    with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
        index = again.append(large(700)).index
        assert [again.whole(at) for at in (300, 500, index)] == [large(n).payload for n in (300, 500, 700)]
    for key in (None, keyring):
        check(ledger, key).require()


def test_a_ledger_that_has_none_has_no_folder_for_them(make: Make) -> None:
    with make() as ledger:
        ledger.append(b"small")
    assert not (ledger.directory / "blobs").exists()
