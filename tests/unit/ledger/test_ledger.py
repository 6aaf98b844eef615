"""What a user of the ledger notices: order, receipts, reading, proofs, reopening, clear refusals."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, Conflict, GlasshatchError, TooLarge, Unavailable, VerificationError
from glasshatch.events import Receipt
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import (
    Ledger,
    LedgerOptions,
    LedgerReader,
    open_checkpoint,
    verify_directory,
    verify_proof,
)
from glasshatch.ledger.log import leaf_hash
from glasshatch.ledger.log.frames import Frame, scan_segment

Make = Callable[..., Ledger]


def fill(ledger: Ledger, count: int, start: int = 0) -> list[bytes]:
    """Append entries of many lengths and wait for the last."""
    entries = [b"entry %d " % i + b"x" * (i * 7 % 200) for i in range(start, start + count)]
    for entry in entries[:-1]:
        ledger.submit(entry)
    ledger.append(entries[-1])
    return entries


def test_receipts_come_in_order_with_index_and_leaf(make: Make) -> None:
    answers: list[Receipt | GlasshatchError] = []
    with make() as ledger:
        for number in range(300):
            ledger.submit(b"entry %d" % number, answers.append)
        ledger.append(b"last")
        assert answers == [Receipt(i, leaf_hash(b"entry %d" % i)) for i in range(300)]
        assert ledger.size == 301


def test_a_batch_is_one_group_and_its_too_large_entries_are_refused_alone(make: Make) -> None:
    answers: list[tuple[int, Receipt | GlasshatchError]] = []
    entries = [b"entry %d" % number for number in range(100)]
    entries[50] = bytes(70_000)
    with make(options=LedgerOptions()) as ledger:
        ledger.submit_all(
            [(e, lambda result, at=at: answers.append((at, result))) for at, e in enumerate(entries)]
        )
        ledger.append(b"last")
        assert ledger.size == 100
        groups = [frame.count for frame in _frames(ledger.directory)]
    assert groups[0] >= 99  # the last entry may have come in time for it
    assert answers[0][0] == 50
    assert isinstance(answers[0][1], TooLarge)
    kept = [entry for at, entry in enumerate(entries) if at != 50]
    assert [result for _, result in answers[1:]] == [
        Receipt(index, leaf_hash(entry)) for index, entry in enumerate(kept)
    ]


def test_entries_that_are_answered_together_stand_right_before_the_last_one(make: Make) -> None:
    answers: list[Receipt | GlasshatchError] = []
    entries = [b"entry %d" % number + bytes(900) for number in range(200)]
    with make() as ledger:  # its groups are far smaller than all of this
        ledger.append(b"first")
        assert ledger.submit_together(entries, answers.append)
        ledger.append(b"last")
        assert answers == [Receipt(200, leaf_hash(entries[-1]))]
        assert [entry for _, entry in ledger.scan(1, 201)] == entries
        assert not ledger.submit_together([b"small", bytes(70_000)], answers.append)
        assert not ledger.submit_together([], answers.append)
        ledger.append(b"more")
        assert (ledger.size, len(answers)) == (203, 1)
    assert ledger.submit_together([b"late", b"later"], answers.append)
    assert isinstance(answers[1], Unavailable)
    assert len(answers) == 2


def test_the_pack_under_way_goes_at_a_close_and_is_made_again(make: Make, keyring: Keyring) -> None:
    options = LedgerOptions(pack_bundles=4, gather_seconds=0)
    with make(options=options) as ledger:
        entries = fill(ledger, 4 * 256 + 700)
        ledger.checkpoint(fresh=True)
        under_way = ledger.directory / "entries" / "00000001.pack.tmp"
        assert under_way.exists()
    assert not under_way.exists()
    assert verify_directory(ledger.directory, data_key=keyring.envelope).require().problems == ()
    with Ledger.open(ledger.directory, keyring, ManualClock(), options) as again:
        entries += fill(again, 324, start=len(entries))
        again.checkpoint(fresh=True)
        assert [path.name for path in sorted((ledger.directory / "entries").glob("*.pack"))] == [
            "00000000.pack",
            "00000001.pack",
        ]
        assert [entry for _, entry in again.scan()] == entries
    verify_directory(ledger.directory, data_key=keyring.envelope).require()


def _frames(directory: Path) -> list[Frame]:
    segments = sorted((directory / "wal").glob("*.seg"))
    return [frame for path in segments for frame in scan_segment(path.read_bytes(), None, None).frames]


def test_entries_of_many_threads_are_all_there_and_ordered_within_each(make: Make) -> None:
    def work(name: int) -> None:
        for number in range(200):
            ledger.submit(b"%d %d" % (name, number))

    with make() as ledger:
        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ledger.append(b"9 9")
        found = [tuple(map(int, entry.split())) for _, entry in ledger.scan(0, 800)]
    assert sorted(found) == [(name, number) for name in range(4) for number in range(200)]
    for name in range(4):
        assert [n for who, n in found if who == name] == list(range(200))


def test_it_reopens_with_everything_and_verifies(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        entries = fill(ledger, 700)
    for round_number in range(3):
        with Ledger.open(ledger.directory, keyring, ManualClock()) as again:
            assert [entry for _, entry in again.scan()] == entries
            entries += fill(again, 50, start=1000 * (round_number + 1))
    report = verify_directory(ledger.directory, str(ledger.key), keyring.envelope).require()
    assert (report.size, report.durable, report.entries_opened) == (850, 850, 850)
    assert verify_directory(ledger.directory).require().entries_opened == 0


def test_reads_find_every_entry_in_packs_and_log(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        entries = fill(ledger, 1000)
        ledger.checkpoint(fresh=True)
        for index in (0, 1, 255, 256, 511, 600, 767, 768, 998, 999):
            assert ledger.read(index) == entries[index]
        assert [i for i, _ in ledger.scan(250, 260)] == list(range(250, 260))
        assert list(ledger.scan(990)) == list(enumerate(entries))[990:]
        assert list(ledger.scan(5, 5)) == []
        assert list(ledger.scan(2000)) == []
        for index in (-1, 1000):
            with pytest.raises(ConfigError):
                ledger.read(index)
    assert list((ledger.directory / "entries").iterdir())


def test_every_entry_can_be_proven_to_a_holder_of_the_public_key(make: Make) -> None:
    with make() as ledger:
        entries = fill(ledger, 600)
        for index in range(0, 600, 17):
            proven = verify_proof(ledger.prove(index).encode(), str(ledger.key))
            assert (proven.index, proven.entry) == (index, entries[index])
        late = ledger.append(b"late").index
        assert verify_proof(ledger.prove(late).encode(), ledger.key).entry == b"late"


def test_another_ledgers_key_refuses_a_proof(make: Make, tmp_path: Path) -> None:
    other = Keyring.create(
        tmp_path / "other.json", "default", "example.com/audit", create_master_key_file(tmp_path / "o")
    )
    with make() as ledger, Ledger.create(tmp_path / "other", other, ManualClock()) as foreign:
        ledger.append(b"entry")
        with pytest.raises(VerificationError, match="public key"):
            verify_proof(ledger.prove(0).encode(), foreign.key)


def test_a_checkpoint_is_signed_on_demand_and_at_most_every_second(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        assert open_checkpoint(ledger.checkpoint(), ledger.key).size == 0
        ledger.append(b"a")
        assert open_checkpoint(ledger.checkpoint(fresh=True), ledger.key).size == 1
        before = ledger.checkpoint(fresh=True)
        assert ledger.checkpoint(fresh=True) == before
        ledger.append(b"b")
        assert open_checkpoint(ledger.checkpoint(), ledger.key).size == 1
    # Closing signs what is durable, and every published note is kept.
    report = verify_directory(ledger.directory).require()
    assert (report.size, report.checkpoints) == (2, 3)


def test_the_clock_makes_a_checkpoint_due(tmp_path: Path, keyring: Keyring) -> None:
    clock = ManualClock()
    with Ledger.create(tmp_path / "timed", keyring, clock) as ledger:
        ledger.append(b"a")
        clock.advance(1_000_000_001)
        waited = threading.Event()
        for _ in range(200):
            if open_checkpoint(ledger.checkpoint(), ledger.key).size == 1:
                break
            waited.wait(0.02)
        assert open_checkpoint(ledger.checkpoint(), ledger.key).size == 1


def test_a_reader_sees_a_live_ledger_as_of_its_opening(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        entries = fill(ledger, 400)
        ledger.checkpoint(fresh=True)
        with LedgerReader(ledger.directory, keyring) as reader:
            fill(ledger, 900, start=5000)
            ledger.checkpoint(fresh=True)
            assert [entry for _, entry in reader.scan()] == entries
            assert verify_proof(reader.prove(399).encode(), reader.key).entry == entries[399]
            with pytest.raises(ConfigError):
                reader.read(400)
        with LedgerReader(ledger.directory, keyring) as later:
            assert later.size == 1300
            assert open_checkpoint(later.checkpoint(), later.key).size == 1300


def test_an_entry_that_is_too_large_is_refused_and_the_rest_goes_on(tmp_path: Path, keyring: Keyring) -> None:
    with Ledger.create(tmp_path / "large", keyring, ManualClock()) as ledger:
        assert ledger.append(b"x" * 65_535).index == 0
        with pytest.raises(TooLarge):
            ledger.append(b"x" * 65_536)
        assert ledger.append(b"after").index == 1
        assert ledger.read(0) == b"x" * 65_535


def test_a_full_queue_refuses_instead_of_growing(tmp_path: Path, keyring: Keyring) -> None:
    options = LedgerOptions(max_queue_bytes=10_000)
    answers: list[Receipt | GlasshatchError] = []
    release = threading.Event()
    with Ledger.create(tmp_path / "full", keyring, ManualClock(), options) as ledger:
        ledger.submit(b"first", lambda _: (release.wait(20), None)[1])
        for _ in range(100):
            ledger.submit(b"x" * 1000, answers.append)
        refused = [answer for answer in answers if isinstance(answer, Unavailable)]
        release.set()
    accepted = [answer for answer in answers if isinstance(answer, Receipt)]
    assert len(refused) >= 80
    assert len(refused) + len(accepted) == 100
    assert ledger.size == 1 + len(accepted)


def test_a_failing_callback_keeps_nobody_from_an_answer(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise ValueError("ada@example.com")

    with make() as ledger:
        ledger.submit(b"a", fail)
        assert ledger.append(b"b").index == 1
    shown = capsys.readouterr().err
    assert "ValueError at ledger/writer.py" in shown
    assert "ada@" not in shown


def test_a_closed_ledger_refuses_and_closing_twice_is_harmless(make: Make) -> None:
    ledger = make()
    ledger.append(b"a")
    ledger.close()
    ledger.close()
    with pytest.raises(Unavailable):
        ledger.append(b"b")
    with pytest.raises(Unavailable):
        ledger.read(0)


def test_two_writers_on_one_directory_are_refused(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        with pytest.raises(Conflict, match="another process"):
            Ledger.open(ledger.directory, keyring, ManualClock())
        with pytest.raises(Conflict, match="exists"):
            Ledger.create(ledger.directory, keyring, ManualClock())
        assert ledger.append(b"still works").index == 0
    Ledger.open(ledger.directory, keyring, ManualClock()).close()


def test_opening_what_is_no_ledger_says_so(tmp_path: Path, keyring: Keyring) -> None:
    with pytest.raises(ConfigError, match="glasshatch init"):
        Ledger.open(tmp_path / "nothing", keyring, ManualClock())
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="glasshatch init"):
        LedgerReader(tmp_path / "empty", keyring)
    with pytest.raises(ConfigError):
        verify_directory(tmp_path / "nothing")
    with pytest.raises(ConfigError, match="name"):
        verify_directory(tmp_path, "no key")


def test_another_tenants_keyring_cannot_open_or_read(make: Make, tmp_path: Path) -> None:
    master = create_master_key_file(tmp_path / "m2")
    other = Keyring.create(tmp_path / "k2.json", "other", "example.com/other", master)
    with make() as ledger:
        ledger.append(b"a")
    with pytest.raises(VerificationError, match="another key"):
        Ledger.open(ledger.directory, other, ManualClock())
    report = verify_directory(ledger.directory, data_key=other.data_key)
    assert "another key" in report.problems[0].what
    report = verify_directory(ledger.directory, str(ledger.key).replace("audit", "audit"), other.envelope)
    assert not report.ok


def test_nothing_that_was_written_lies_readable_on_disk(make: Make) -> None:
    with make() as ledger:
        for number in range(600):
            ledger.submit(b"a needle in the haystack %d" % number)
        ledger.append(b"last")
    for path in ledger.directory.rglob("*"):
        if path.is_file():
            assert b"needle" not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0


def test_a_report_is_machine_readable_and_names_the_first_problem(make: Make) -> None:
    with make() as ledger:
        fill(ledger, 10)
    (ledger.directory / "notes.txt").write_text("mine")
    report = verify_directory(ledger.directory)
    problem = msgspec.to_builtins(report)["problems"][0]
    assert (problem["file"], problem["offset"], problem["kind"]) == ("notes.txt", 0, "damage")
    with pytest.raises(VerificationError, match=r"notes\.txt"):
        report.require()


def test_verifying_says_how_far_it_is(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        fill(ledger, 600)
    steps: list[tuple[int, int]] = []
    verify_directory(ledger.directory, data_key=keyring.data_key, progress=lambda *step: steps.append(step))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


def test_a_newer_format_is_refused_with_the_cure(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        pass
    (ledger.directory / "format").write_bytes(b"glasshatch ledger\nformat 2\n")
    with pytest.raises(ConfigError, match="upgrade"):
        Ledger.open(ledger.directory, keyring, ManualClock())


def test_history_goes_on_in_a_new_file_when_one_is_full(
    tmp_path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("history", "survey", "recovery", "verify.heads"):
        monkeypatch.setattr(f"glasshatch.ledger.{module}.NOTES_PER_FILE", 4)
    with Ledger.create(tmp_path / "many", keyring, ManualClock()) as ledger:
        for number in range(7):
            ledger.append(b"%d" % number)
            ledger.checkpoint(fresh=True)
    for number in range(3):
        with Ledger.open(tmp_path / "many", keyring, ManualClock()) as ledger:
            ledger.append(b"again %d" % number)
    assert sorted(p.name for p in (tmp_path / "many" / "checkpoints").iterdir()) == [
        f"{number:08d}.notes" for number in range(3)
    ]
    report = verify_directory(tmp_path / "many").require()
    assert (report.checkpoints, report.size) == (11, 10)
    # A crash right after a new history file was made leaves it empty.
    (tmp_path / "many" / "checkpoints" / "00000003.notes").touch()
    with pytest.raises(VerificationError):
        verify_directory(tmp_path / "many").require()


def test_a_ledger_verifies_while_it_is_written(make: Make, keyring: Keyring) -> None:
    stop = threading.Event()
    with make() as ledger:

        def write() -> None:
            number = 0
            while not stop.is_set():
                ledger.append(b"%d" % number + b"x" * 100)
                number += 1
                if number % 5 == 0:
                    ledger.checkpoint(fresh=True)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            reports = [verify_directory(ledger.directory, ledger.key, keyring.envelope) for _ in range(25)]
        finally:
            stop.set()
            thread.join()
        assert [report.problems for report in reports] == [()] * 25
        assert all(report.live for report in reports)
        assert reports[-1].size > reports[0].size
    assert not verify_directory(ledger.directory).require().live


def test_damage_below_the_tail_is_found_while_it_is_written(make: Make) -> None:
    with make() as ledger:
        fill(ledger, 300)
        ledger.checkpoint(fresh=True)
        path = ledger.directory / "hashes" / "level-0"
        data = bytearray(path.read_bytes())
        data[1000] ^= 1
        path.write_bytes(bytes(data))
        report = verify_directory(ledger.directory)
        assert report.live
        assert {problem.file for problem in report.problems} == {"hashes/level-0"}


def test_reads_go_on_while_entries_move_from_the_log_into_packs(make: Make) -> None:
    with make() as ledger:
        stop = threading.Event()
        wrong: list[object] = []

        def read() -> None:
            try:
                while not stop.is_set():
                    for index, entry in ledger.scan(max(0, ledger.size - 150)):
                        if not entry.startswith(b"entry %d " % index):
                            wrong.append(index)
            except GlasshatchError as error:
                wrong.append(error)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0001)  # as in a server, or the writer waits 5 ms for each turn
        readers = [threading.Thread(target=read) for _ in range(2)]
        for thread in readers:
            thread.start()
        try:
            for start in range(0, 3000, 100):
                fill(ledger, 100, start=start)
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            for thread in readers:
                thread.join()
        assert wrong == []
        assert len(list((ledger.directory / "entries").iterdir())) >= 5


def test_segments_are_used_again_and_zeroed_before(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        seen: dict[int, set[str]] = {}
        for start in range(0, 3000, 100):
            fill(ledger, 100, start)
            ledger.checkpoint(fresh=True)
            for path in (ledger.directory / "wal").glob("*.seg"):
                seen.setdefault(path.stat().st_ino, set()).add(path.name)
        # The verifier refuses a byte that is not zero behind the tail.
        verify_directory(ledger.directory, data_key=keyring.envelope).require()
    assert max(len(names) for names in seen.values()) > 1
    assert not list((ledger.directory / "wal").glob("*.tmp"))


def test_a_segment_that_somebody_reads_keeps_its_bytes(make: Make, keyring: Keyring) -> None:
    with make() as ledger:
        entries = fill(ledger, 40)
        ledger.checkpoint(fresh=True)
        with LedgerReader(ledger.directory, keyring) as reader:
            for start in range(40, 2000, 100):
                fill(ledger, 100, start)
                ledger.checkpoint(fresh=True)
            assert not (ledger.directory / "wal" / "00000000.seg").exists()
            assert [entry for _, entry in reader.scan()] == entries
