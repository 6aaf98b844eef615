"""Whatever is changed in a ledger's files is found and the file is named; opening never hides a loss."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, VerificationError
from glasshatch.keys import Keyring, create_master_key_file
from glasshatch.ledger import Ledger, LedgerOptions, LedgerReader, verify_directory

Make = Callable[..., Any]


def named(victim: Any, name: Path, **keys: Any) -> bool:
    """Whether the verifier finds a problem and names this file."""
    report = verify_directory(victim.directory, victim.key, **keys)
    return any(problem.file == str(name) for problem in report.problems)


def flip_every(victim: Any, step: int, seed: int, **keys: Any) -> tuple[int, list[str]]:
    """Flip a bit (in `make deep` each) in every `step`-th byte of every file; how many, and the unnoticed."""
    dice = random.Random(seed)
    tried, unnoticed = 0, []
    for name, data in victim.files.items():
        for at in range(dice.randrange(step), len(data), step):
            for bit in [dice.randrange(8)] if rounds(1, 8) == 1 else range(8):
                flipped = bytearray(data)
                flipped[at] ^= 1 << bit
                victim.write(name, bytes(flipped))
                tried += 1
                if not named(victim, name, **keys):
                    unnoticed.append(f"{name}:{at}:{bit}")
        victim.heal(name)
    return tried, unnoticed


def test_every_flipped_byte_of_a_small_ledger_is_found_with_the_public_key_alone(victim: Make) -> None:
    small = victim(6)
    tried, unnoticed = flip_every(small, 1, 1)
    tell(f"bits flipped in every byte of every file of a small ledger: {tried}, {len(unnoticed)} unnoticed")
    assert unnoticed == []
    assert tried == sum(map(len, small.files.values())) * rounds(1, 8)
    assert verify_directory(small.directory, small.key).ok


def test_flipped_bytes_of_a_ledger_with_packs_and_two_levels_are_found(victim: Make) -> None:
    packed = victim(600)
    assert {"entries", "hashes"} <= {name.parts[0] for name in packed.files}
    tried, unnoticed = flip_every(packed, 61, 2)
    more, missed = flip_every(packed, 97, 3, data_key=packed.keyring.data_key)
    tell(
        f"bits flipped in a ledger with packs and two levels: {tried + more}, "
        f"{len(unnoticed + missed)} unnoticed"
    )
    assert unnoticed + missed == []


def test_every_truncation_and_every_appended_byte_is_found(victim: Make) -> None:
    packed = victim(300)
    dice = random.Random(4)
    tried, unnoticed = 0, []
    for name, data in packed.files.items():
        lengths = {0, 1, len(data) - 1, len(data) // 2, *(dice.randrange(len(data) + 1) for _ in range(40))}
        lengths |= set(range(rounds(0, len(data))))
        mutants = [data[:length] for length in lengths if 0 <= length < len(data)]
        mutants += [data + extra for extra in (b"\0", b"\n", bytes(32), b"GHFR" + bytes(60), data or b"x")]
        for mutant in mutants:
            packed.write(name, mutant)
            tried += 1
            # A history cut between two notes is sound in itself: what is served does not fit it.
            shows = Path("checkpoint") if data.startswith(mutant + b"example.com/audit\n") else name
            if not named(packed, shows):
                unnoticed.append(f"{name}: {len(data)} -> {len(mutant)}")
        packed.heal(name)
    tell(f"files cut, and garbage appended to each: {tried}, {len(unnoticed)} unnoticed")
    assert unnoticed == []


def test_a_missing_or_foreign_file_is_found(victim: Make) -> None:
    packed = victim(600)
    tried = 0
    for name, data in packed.files.items():
        if name.parts[0] == "wal" and b"GHFR" not in data:
            continue  # an empty spare segment: nothing was ever written to it
        (packed.directory / name).unlink()
        assert not verify_directory(packed.directory, packed.key).ok, name
        packed.heal(name)
        tried += 1
    for name in (
        "extra",
        "wal/extra",
        "entries/00000099.pack",
        "wal/00000099.seg",
        "hashes/level-9",
        ".hidden",
    ):
        packed.write(Path(name), b"")
        assert not verify_directory(packed.directory, packed.key).ok, name
        (packed.directory / name).unlink()
        tried += 1
    (packed.directory / "extra").mkdir()
    assert not verify_directory(packed.directory, packed.key).ok
    (packed.directory / "extra").rmdir()
    (packed.directory / "lock").unlink()
    (packed.directory / "lock").symlink_to("/dev/null")
    assert not verify_directory(packed.directory, packed.key).ok
    tell(f"{tried + 2} missing or foreign files found")


def test_swapped_files_are_found(victim: Make) -> None:
    packed = victim(800)
    tried = 0
    for part in ("entries", "wal"):
        names = [name for name in packed.files if name.parts[0] == part]
        for one, two in itertools.pairwise(names):
            packed.write(one, packed.files[two])
            packed.write(two, packed.files[one])
            assert named(packed, one) or named(packed, two)
            packed.heal(one)
            packed.heal(two)
            tried += 1
    tell(f"{tried} pairs of files swapped and found")
    assert tried >= 3


def test_a_pack_of_another_ledger_of_the_same_tenant_is_found_with_the_data_key(victim: Make) -> None:
    one, two = victim(300, "one"), victim(300, "two", LedgerOptions(segment_bytes=1024, pack_bundles=1))
    name = Path("entries/00000000.pack")
    forged = bytearray(two.files[name])
    one.write(name, bytes(forged))
    # Same entries, same tenant, same key: a sound pack. It only passes because it says the same.
    assert verify_directory(one.directory, one.key, one.keyring.data_key).ok
    with Ledger.create(one.directory.with_name("three"), one.keyring, ManualClock(), _tiny()) as three:
        for number in range(300):
            three.append(b"other %d" % number)
    one.write(name, (three.directory / name).read_bytes())
    assert named(one, name, data_key=one.keyring.data_key)


def test_a_ledger_signed_anew_by_another_key_is_found_by_who_holds_the_real_one(
    victim: Make, tmp_path: Path
) -> None:
    real = victim(20)
    forger = Keyring.create(
        tmp_path / "forger.json", "default", "example.com/audit", create_master_key_file(tmp_path / "forger")
    )
    with Ledger.create(tmp_path / "forged", forger, ManualClock(), _tiny()) as forged:
        for entry in real.entries[:-1]:
            forged.append(entry)
    assert verify_directory(forged.directory).ok
    report = verify_directory(forged.directory, real.key)
    assert {problem.file for problem in report.problems} >= {"key.vkey", "checkpoints/00000000.notes"}


def test_a_rolled_back_checkpoint_and_a_cut_history_are_found(victim: Make) -> None:
    packed = victim(300)
    notes = packed.files[Path("checkpoints/00000000.notes")]
    first = notes[: notes.index(b"\n\n") + 2]
    first = notes[: notes.index(b"\n", len(first)) + 1]
    packed.write(Path("checkpoint"), first)
    assert named(packed, Path("checkpoint"))
    packed.write(Path("checkpoints/00000000.notes"), first)
    assert named(packed, Path("hashes/level-0"))
    # Hashes taken away as well: the log was retired up to an entry that no checkpoint covers any more.
    for level in (0, 1):
        (packed.directory / f"hashes/level-{level}").unlink()
    assert named(packed, Path("checkpoint"))


def test_opening_a_damaged_ledger_never_hides_a_loss(victim: Make) -> None:
    packed = victim(300)
    dice = random.Random(5)
    refused = intact = 0
    places: list[str] = []
    for name, data in packed.files.items():
        for at in {dice.randrange(len(data)) for _ in range(12)} if data else ():
            flipped = bytearray(data)
            flipped[at] ^= 1 << dice.randrange(8)
            packed.write(name, bytes(flipped))
            try:
                with Ledger.open(packed.directory, packed.keyring, ManualClock(), _tiny()) as ledger:
                    assert [entry for _, entry in ledger.scan()] == packed.entries, f"{name}:{at}"
                    intact += 1
            except GlasshatchError as error:
                refused += 1
                places.append(getattr(error, "where", "") or getattr(error, "file", ""))
            packed.heal_all()
    tell(f"{refused} damaged ledgers refused, {intact} opened with every entry")
    assert refused > 20
    assert all(places)


def test_damage_in_the_middle_refuses_names_the_place_and_changes_nothing(victim: Make) -> None:
    small = victim(60)
    segments = sorted(name for name in small.files if name.parts[0] == "wal" and b"GHFR" in small.files[name])
    tried = 0
    for name in segments[:-1]:
        data = bytearray(small.files[name])
        at = data.index(b"GHFR") + 40
        data[at] ^= 1
        small.write(name, bytes(data))
        before = small.files[name], bytes(data)
        with pytest.raises(VerificationError, match=str(name)) as raised:
            Ledger.open(small.directory, small.keyring, ManualClock(), _tiny())
        assert "restore" in raised.value.hint
        assert (small.directory / name).read_bytes() == before[1]
        with pytest.raises(VerificationError):
            LedgerReader(small.directory, small.keyring)
        small.heal(name)
        assert small.unchanged()
        tried += 1
    tell(f"{tried} segments damaged in the middle, all refused, nothing changed")
    assert tried >= 2


def test_a_torn_tail_is_dropped_at_every_length(tmp_path: Path, keyring: Keyring) -> None:
    """What a power loss leaves of the last, unacknowledged write: any part of it, in any pages."""
    directory = tmp_path / "torn"
    with Ledger.create(directory, keyring, ManualClock(), LedgerOptions(segment_bytes=4096)) as ledger:
        for number in range(5):
            ledger.append(b"acknowledged %d" % number)
    before = {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    with Ledger.open(directory, keyring, ManualClock(), LedgerOptions(segment_bytes=4096)) as ledger:
        ledger.append(b"never acknowledged" * 20)
    segment = Path("wal/00000000.seg")
    after = (directory / segment).read_bytes()
    start = next(i for i in range(4096) if before[segment][i] != after[i])
    end = max(i for i in range(4096) if before[segment][i] != after[i]) + 1
    dice = random.Random(6)
    torn = [after[:cut].ljust(4096, b"\0") for cut in range(start + 1, end, 5)]
    for _ in range(40):
        pages = bytearray(after)
        for page in range(start, end, 16):
            if dice.random() < 0.5:
                pages[page : page + 16] = before[segment][page : page + 16]
        if bytes(pages) not in (after, before[segment]):
            torn.append(bytes(pages))
    for data in torn:
        shutil.rmtree(directory)
        for part in ("wal", "entries", "hashes", "checkpoints"):
            (directory / part).mkdir(parents=True)
        for name, content in before.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(data if name == segment else content)
        report = verify_directory(directory)
        assert report.unfinished, report.problems
        with Ledger.open(directory, keyring, ManualClock(), LedgerOptions(segment_bytes=4096)) as ledger:
            assert [entry for _, entry in ledger.scan()] == [b"acknowledged %d" % n for n in range(5)]
            assert ledger.append(b"next").index == 5
        verify_directory(directory, data_key=keyring.data_key).require()
    tell(f"{len(torn)} torn tails dropped, nothing acknowledged lost")


def _tiny() -> LedgerOptions:
    return LedgerOptions(segment_bytes=1024, max_segment_bytes=1024, pack_bundles=1)
