"""Backups of a ledger that is written meanwhile, killed in the middle, damaged, rolled back, too old."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.glasshatch import COMMAND, run
from glasshatch.api.values import BackupForm, CheckpointText
from glasshatch.app.backup import MadeBackup, find_moment, make_backup, restore_home
from glasshatch.app.backup.copying import Copier
from glasshatch.app.backup.moments import BackupFile, moments, read_moment
from glasshatch.app.breakglass.book import Book
from glasshatch.app.breakglass.records import Noted
from glasshatch.app.create import create_home
from glasshatch.app.home import Home
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Conflict, GlasshatchError, VerificationError
from glasshatch.events import Event, Source, decode, encode, uuid7
from glasshatch.keys import Keyring, create_master_key_file, open_master_key
from glasshatch.ledger import Ledger, LedgerOptions, LedgerReader, Published, verify_directory

FILLED = 700
MASTER = "keys/master.key"
TURNING = LedgerOptions(segment_bytes=32_768, max_segment_bytes=32_768, pack_bundles=1)
"""A ledger that seals packs and retires segments all the time."""


def event(number: int) -> bytes:
    now_ns = 1_764_000_000 * 10**9 + number
    return encode(Event(
        id=uuid7(now_ns, number.to_bytes(10, "big")), time=str(now_ns), action="statement.run",
        source=Source(kind="json"), attrs={"number": number},
    ))  # fmt: skip


class World:
    """A data directory with its ledger open in this process, as a server's front has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "home")
        self.master = f"file:{self.home.directory / MASTER}"
        create_home(self.home.directory)
        self.keyring = Keyring.open(self.home.keyring("default"), open_master_key(self.master))
        self.place = folder / "backups"
        self.made: list[BackupForm] = []
        shutil.rmtree(self.home.ledger)
        self.ledger = Ledger.create(self.home.ledger, self.keyring, SystemClock(), TURNING)

    def open(self) -> None:
        self.ledger = Ledger.open(self.home.ledger, self.keyring, SystemClock(), TURNING)

    def begin_backup(self) -> CheckpointText:
        return CheckpointText(self.ledger.checkpoint(fresh=True).decode())

    def backup_made(self, form: BackupForm) -> None:
        self.made.append(form)

    def fill(self, count: int, start: int = 0) -> None:
        for number in range(start, start + count - 1):
            self.ledger.submit(event(number))
        self.ledger.append(event(start + count - 1))
        while self.ledger.size - self.ledger._parts.store.packed >= 256:
            time.sleep(0.01)

    def back_up(self, *, master_key: bool = False) -> MadeBackup:
        return make_backup(self.home.directory, self.place, self, master_key=master_key)

    def restore(self, name: str = "restored", **more: object) -> Path:
        target = self.folder / name
        restore_home(self.place, target, **{"master": self.master, **more})  # type: ignore[arg-type]
        return target

    def numbers(self, home: Path) -> list[int]:
        """The numbers in a restored directory's ledger."""
        with LedgerReader(home / "ledgers" / "default", self.keyring) as reader:
            found = [decode(data).attrs.get("number") for _, data in reader.scan()]
        return [number for number in found if isinstance(number, int)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.fill(FILLED)
    yield world
    world.ledger.close()


def last_event(world: World, home: Path) -> Event:
    with LedgerReader(home / "ledgers" / "default", world.keyring) as reader:
        return decode(reader.read(reader.size - 1))


def test_a_restored_directory_holds_everything_and_says_that_it_was_restored(world: World) -> None:
    made = world.back_up()
    assert made.entries_compared
    assert world.made[0].size == made.size
    home = world.restore()
    assert world.numbers(home) == list(range(FILLED))
    restored = last_event(world, home)
    assert restored.action == "backup.restored"
    assert restored.attrs["size"] == str(made.size)
    assert verify_directory(home / "ledgers" / "default", str(world.ledger.key), world.keyring.envelope).ok
    for path in home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (home / MASTER).read_bytes() == (world.home.directory / MASTER).read_bytes()


def test_the_second_backup_copies_only_what_is_new(world: World) -> None:
    first = world.back_up()
    world.fill(3, FILLED)
    second = world.back_up()
    control = (world.home.control_db).stat().st_size
    # A few frames, hashes and checkpoints, the list, and the control store, which is copied whole.
    assert second.copied - control < 8_000, second
    assert first.copied > 70_000 + control
    pack = "ledgers/default/entries/00000000.pack"
    inodes = {(moment / pack).stat().st_ino for moment in moments(world.place)}
    assert len(inodes) == 1


def test_every_moment_can_be_restored_though_later_ones_grew_its_files(world: World) -> None:
    sizes = [world.back_up().size]
    for start in (1_000, 2_000, 3_000):
        world.fill(300, start)
        sizes.append(world.back_up().size)
    for number, (moment, size) in enumerate(zip(moments(world.place), sizes, strict=True)):
        target = world.folder / f"restored-{number}"
        done = restore_home(
            moment, target, master=world.master, accept_older=True, reason="a rehearsal of the restore"
        )
        assert (done.size, done.missing) == (size, sizes[-1] - size)
        assert len(world.numbers(target)) == FILLED + 300 * number


def test_backups_beside_a_writer_lose_nothing_that_was_acknowledged(world: World) -> None:
    stop, acknowledged = threading.Event(), [FILLED]

    def write() -> None:
        while not stop.is_set():
            first = acknowledged[0]
            for number in range(first, first + 20):
                world.ledger.submit(event(number))
            world.ledger.append(event(first + 20))
            acknowledged[0] = first + 21

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(4):
            before = acknowledged[0]
            world.back_up()
            target = world.restore(f"restored-{number}")
            numbers = world.numbers(target)
            assert numbers == list(range(len(numbers)))
            assert len(numbers) >= before
            shutil.rmtree(target)
    finally:
        stop.set()
        writer.join()
    assert acknowledged[0] > FILLED + 500, "nothing was written meanwhile"


def test_a_break_glass_sheet_that_is_used_in_the_middle_of_a_backup_is_no_damage(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book(world.home.directory / "breakglass", world.home.keys / "break-glass.head", world.keyring)
    taken = Copier.small

    def use_one_first(copier: Copier, path: str, data: bytes) -> BackupFile:
        # Between any two files, and so between the book and its head, whichever is read first.
        book.append([Noted(at_ns=len(book.records), entry=b"x" * 500)])
        return taken(copier, path, data)

    monkeypatch.setattr(Copier, "small", use_one_first)
    counts = []
    for number in range(3):
        before = len(book.records)
        world.fill(1, FILLED + number)
        world.back_up()
        target = world.restore(f"restored-{number}")
        restored = Book(target / "breakglass", target / "keys" / "break-glass.head", world.keyring)
        assert restored.damage is None, restored.damage
        assert len(restored.records) >= before
        counts.append(len(restored.records))
        restored.close()
    assert counts[0] == 0
    assert 0 < counts[1] < counts[2] <= len(book.records)
    assert not list(world.place.glob("*/**/*.new"))
    book.close()


def test_the_master_key_is_left_out_unless_asked(world: World) -> None:
    secret = (world.home.directory / MASTER).read_bytes().strip()
    world.back_up()
    for path in world.place.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path
    with pytest.raises(ConfigError, match="no master key"):
        world.restore(master="")
    shutil.rmtree(world.place)
    assert world.back_up(master_key=True).master_key
    assert world.numbers(world.restore(master="")) == list(range(FILLED))


def test_another_master_key_is_named_as_the_reason(world: World) -> None:
    world.back_up()
    create_master_key_file(world.folder / "other.key")
    with pytest.raises(VerificationError, match="another master key"):
        world.restore(master=f"file:{world.folder / 'other.key'}")
    assert not (world.folder / "restored").exists()


def test_a_directory_that_holds_something_is_left_alone(world: World) -> None:
    world.back_up()
    full = world.folder / "full"
    full.mkdir()
    (full / "precious").write_text("x")
    with pytest.raises(Conflict, match="not empty"):
        world.restore("full")
    assert [path.name for path in full.iterdir()] == ["precious"]


def test_an_older_backup_is_refused_unless_told_and_the_record_then_says_so(world: World) -> None:
    old = world.back_up().size
    world.fill(50, 5_000)
    world.ledger.checkpoint(fresh=True)
    note = world.folder / "newest.note"
    note.write_bytes(Published(world.home.ledger).note())
    for known in (note, world.home.directory):
        with pytest.raises(Conflict, match=f"{old} entries, and {old + 50} are known"):
            world.restore(newer_than=[known])
        assert not (world.folder / "restored").exists()
    with pytest.raises(ConfigError, match="--reason"):
        world.restore(newer_than=[note], accept_older=True)
    home = world.restore(newer_than=[note], accept_older=True, reason="the disk is gone")
    said = last_event(world, home)
    assert said.attrs["missing"] == "50"
    assert said.outcome is not None
    assert said.outcome.reason == "the disk is gone"


def test_a_newer_moment_of_the_same_backup_is_known(world: World) -> None:
    world.back_up()
    world.fill(5, 5_000)
    world.back_up()
    with pytest.raises(Conflict, match="are known"):
        restore_home(moments(world.place)[0], world.folder / "x", master=world.master)


def test_a_known_checkpoint_of_another_history_is_never_accepted(world: World, tmp_path: Path) -> None:
    """One key signed two histories: the backup is of the one, the checkpoint kept elsewhere of the other."""
    fork = tmp_path / "fork"
    world.ledger.close()
    shutil.copytree(world.home.ledger, fork)
    with Ledger.open(fork, world.keyring, SystemClock(), TURNING) as other:
        other.append(event(9_999))
    world.open()
    world.fill(5, 5_000)
    world.back_up()
    note = tmp_path / "kept.note"
    note.write_bytes(Published(fork).note())
    with pytest.raises(VerificationError, match="another history"):
        world.restore(newer_than=[note], accept_older=True, reason="whatever it takes")


def test_a_rolled_back_ledger_does_not_follow_its_backup(world: World, tmp_path: Path) -> None:
    world.ledger.close()
    shutil.copytree(world.home.ledger, tmp_path / "earlier")
    world.open()
    world.fill(300, 5_000)
    kept = world.back_up().moment
    world.ledger.close()
    shutil.rmtree(world.home.ledger)
    shutil.copytree(tmp_path / "earlier", world.home.ledger)
    world.open()
    for more in (0, 400):  # also when it has grown past what is backed up
        if more:
            world.fill(more, 7_000)
        with pytest.raises(VerificationError, match="does not continue"):
            world.back_up()
    assert [str(path) for path in moments(world.place)] == [kept]
    assert len(world.numbers(world.restore())) == FILLED + 300


def test_damage_anywhere_in_a_moment_is_found_before_it_is_used(world: World) -> None:
    world.back_up()
    folder, chance = find_moment(world.place), random.Random(7)
    files = [file for file in read_moment(folder).files if file.bytes]
    assert len(files) > 10
    for file in files:
        path = folder / file.path
        whole = path.read_bytes()
        for _ in range(2):
            at = chance.randrange(file.bytes)
            with path.open("r+b") as opened:
                opened.seek(at)
                opened.write(bytes([whole[at] ^ 1 << chance.randrange(8)]))
            with pytest.raises(GlasshatchError):
                world.restore("damaged")
            assert not (world.folder / "damaged").exists(), f"{file.path} at {at}"
            path.write_bytes(whole)
    cut = folder / "ledgers/default/entries/00000000.pack"
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(GlasshatchError):
        world.restore("damaged")


def test_a_backup_that_fails_leaves_no_trace_and_is_not_recorded(world: World) -> None:
    world.back_up()
    kept, pack = moments(world.place), world.home.ledger / "entries" / "00000001.pack"
    whole = bytearray(pack.read_bytes())
    whole[len(whole) // 2] ^= 1
    shutil.rmtree(world.place / kept[0].name)
    pack.write_bytes(whole)
    with pytest.raises(VerificationError):
        world.back_up()
    assert [path.name for path in world.place.iterdir()] == ["lock"]
    assert len(world.made) == 1


def test_a_place_with_other_things_in_it_or_inside_the_directory_is_refused(world: World) -> None:
    with pytest.raises(ConfigError, match="lies in the data directory"):
        make_backup(world.home.directory, world.home.directory / "backups", world)
    world.place.mkdir()
    (world.place / "photos").mkdir()
    with pytest.raises(Conflict, match="something else"):
        world.back_up()


def killed(arguments: list[str], begun: Callable[[], bool], after_s: float) -> bool:
    """Run a command and kill it with -9 a while after its work began; whether it was still running."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": "1"},
    )
    deadline_s = time.monotonic() + 60
    while not begun() and process.poll() is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.001)
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True


def test_a_backup_killed_at_any_moment_leaves_the_ones_before_whole(world: World) -> None:
    world.ledger.close()
    command = ["backup", str(world.place), "--data", str(world.home.directory)]
    assert run(*command).returncode == 0
    partial, killings = world.place / ".partial", 0
    for number in range(6):
        before = moments(world.place)
        world.open()
        world.fill(200, 10_000 * (number + 1))
        world.ledger.close()
        killings += killed(command, partial.exists, 0.06 * number)
        after = moments(world.place)
        assert after[: len(before)] == before
        for moment in after:
            read_moment(moment)
        shutil.rmtree(world.folder / "restored", ignore_errors=True)
        world.restore()
    tell(f"kill -9 in a backup: {killings} of 6 hit it at work, every moment before whole and restorable")
    assert killings >= 2
    assert run(*command).returncode == 0
    assert not partial.exists()
    assert len(world.numbers(world.restore("last"))) == FILLED + 6 * 200
    world.open()


def test_a_restore_killed_at_any_moment_leaves_no_data_directory_and_can_be_given_again(world: World) -> None:
    world.back_up()
    target = world.folder / "restored"
    command = ["restore", str(world.place), str(target), "--master-key", world.master]
    killings = 0
    for number in range(6):
        killings += killed(command, target.exists, 0.06 * number)
        if (target / "format").exists():  # it was done already, and then it is whole
            assert world.numbers(target) == list(range(FILLED))
            shutil.rmtree(target)
    tell(f"kill -9 in a restore: {killings} of 6 hit it at work, no half directory was taken for one")
    assert killings >= 2
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert world.numbers(target) == list(range(FILLED))
