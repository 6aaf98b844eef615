"""A log is followed through every kind of rotation: each line comes once, also when it is begun anew."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from pathlib import Path

import pytest

from glasshatch.sources import SOURCES, LogFollower, LogPosition, json_form

LONG_AGO = time.time() - 3_600


class Log:
    """A log that is written, and the lines that its follower gave."""

    def __init__(self, folder: Path, name: str = "audit.log", pattern: str = "") -> None:
        self.path = folder / name
        self.wanted: list[bytes] = []
        self.found: list[bytes] = []
        self.places: list[tuple[str, int]] = []
        self.pattern = str(folder / (pattern or name))
        self.position = LogPosition()
        self.follower = self._open()
        self.age_s = 5

    def _open(self) -> LogFollower:
        return LogFollower(self.pattern, json_form({}), self.position)

    def write(self, count: int, path: Path | None = None, end: bytes = b"\n") -> None:
        path = path or self.path
        with path.open("ab") as out:
            for _ in range(count):
                line = b'{"n":%d}' % len(self.wanted)
                self.wanted.append(line)
                out.write(line + end)
        self.settle(path)

    def settle(self, path: Path) -> None:
        """As if nothing had come for a while; later files are newer."""
        self.age_s += 1
        moment = LONG_AGO + self.age_s
        os.utime(path, (moment, moment))

    def look(self) -> None:
        for one in self.follower.look():
            self.found += [line for line in one.lines.body.split(b"\n") if line]
            self.places.append((one.file, one.lines.first))
            self.position = one.behind
        self.position = self.follower.position()

    def restart(self) -> None:
        self.follower.close()
        self.follower = self._open()

    def check(self) -> None:
        assert self.found == self.wanted


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_written_comes_once(log: Log, restarts: bool) -> None:
    for _ in range(4):
        log.write(3)
        log.look()
        log.look()
        if restarts:
            log.restart()
    log.check()
    assert len({file for file, _ in log.places}) == 1
    assert [first for _, first in log.places] == [1, 4, 7, 10]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    "rotated", ["audit.log.1", "audit.log-20261122", "audit-2026-11-22T22-08-52.654.log"]
)
def test_a_log_that_is_renamed_is_read_to_its_end(log: Log, rotated: str, restarts: bool) -> None:
    log.write(3)
    log.look()
    log.write(2)
    log.path.rename(log.path.with_name(rotated))
    log.write(4)
    if restarts:
        log.restart()
    log.look()
    log.check()
    log.look()
    log.check()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_log_that_is_copied_and_emptied_goes_on(log: Log, restarts: bool) -> None:
    log.write(3)
    log.look()
    log.write(2)
    copied = log.path.with_name("audit.log.1")
    shutil.copy2(log.path, copied)
    log.path.write_bytes(b"")
    log.write(4)
    if restarts:
        log.restart()
    log.look()
    log.check()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_log_that_is_compressed_after_its_rotation_is_known_again(log: Log, restarts: bool) -> None:
    log.write(3)
    log.look()
    log.write(2)
    packed = log.path.with_name("audit.log.1.gz")
    packed.write_bytes(gzip.compress(log.path.read_bytes()))
    log.path.unlink()
    log.settle(packed)
    log.write(4)
    if restarts:
        log.restart()
    log.look()
    log.check()
    log.look()
    log.check()


def test_a_compressed_file_that_is_still_written_is_waited_for(log: Log) -> None:
    log.write(200)
    whole = gzip.compress(log.path.read_bytes(), compresslevel=0)
    log.path.unlink()
    packed = log.path.with_name("audit.log.1.gz")
    packed.write_bytes(whole[: len(whole) // 2])
    log.look()
    assert not log.follower.complaints
    packed.write_bytes(whole)
    log.settle(packed)
    log.look()
    assert sorted(set(log.found)) == sorted(log.wanted)
    assert not log.follower.complaints


def test_a_damaged_file_is_told_once_and_the_others_come(log: Log) -> None:
    log.write(50)
    packed = log.path.with_name("audit.log.1.gz")
    packed.write_bytes(gzip.compress(b'{"other":1}\n' * 9_000, compresslevel=0)[:5_000])
    log.settle(packed)
    log.look()
    log.look()
    assert len(log.follower.complaints) == 1
    assert [line for line in log.found if b"other" not in line] == log.wanted


def test_a_log_that_is_removed_is_read_to_its_end(log: Log) -> None:
    log.write(3)
    log.look()
    log.write(2)
    log.path.unlink()
    log.write(4)
    log.look()
    log.check()


def test_files_with_names_of_their_own_are_one_log(tmp_path: Path) -> None:
    log = Log(tmp_path, "postgresql-1.json", "postgresql-*.json")
    log.write(3)
    log.look()
    log.write(2)
    log.write(3, tmp_path / "postgresql-2.json")
    log.look()
    (tmp_path / "other.json").write_bytes(b'{"n":"no"}\n')
    log.write(1, tmp_path / "postgresql-2.json")
    log.look()
    log.check()


def test_half_a_line_waits_for_its_end(log: Log) -> None:
    log.write(2)
    with log.path.open("ab") as out:
        out.write(b'{"n":')
    log.look()
    log.check()
    with log.path.open("ab") as out:
        out.write(b"2}\n")
    log.wanted.append(b'{"n":2}')
    log.look()
    log.check()


def test_a_first_line_without_its_end_comes_when_it_is_quiet(log: Log) -> None:
    log.write(1, end=b"")
    os.utime(log.path)  # just now
    log.look()
    assert log.found == []
    log.settle(log.path)
    log.look()
    log.check()
    log.look()
    with log.path.open("ab") as out:
        out.write(b"\n")
    log.write(2)
    log.look()
    log.check()


def test_a_first_line_that_goes_on_after_it_was_quiet_comes_whole_too(log: Log) -> None:
    log.path.write_bytes(b'{"n"')
    log.settle(log.path)
    log.look()
    assert log.found == [b'{"n"']
    with log.path.open("ab") as out:
        out.write(b":0}\n")
    log.settle(log.path)
    log.look()
    assert log.found == [b'{"n"', b'{"n":0}']


def test_an_entry_that_may_go_on_waits_until_it_is_quiet(tmp_path: Path) -> None:
    path = tmp_path / "postgresql.log"
    path.write_bytes(
        b"2026-11-22 22:12:17.892 UTC [7] LOG:  one\n2026-11-22 22:12:17.893 UTC [7] ERROR:  two\n"
    )
    follower = LogFollower(str(path), SOURCES["pgaudit"].form({}), LogPosition())
    assert [one.lines.body.count(b"LOG:") for one in follower.look()] == [1]
    with path.open("ab") as out:
        out.write(b"2026-11-22 22:12:17.893 UTC [7] STATEMENT:  SELECT\n\t1\n")
    assert list(follower.look()) == []
    os.utime(path, (LONG_AGO, LONG_AGO))
    (last,) = follower.look()
    assert last.lines.body.count(b"\n") == 2
    follower.close()


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    log = Log(tmp_path / "later")
    log.look()
    log.path.parent.mkdir()
    log.write(3)
    log.look()
    log.check()
