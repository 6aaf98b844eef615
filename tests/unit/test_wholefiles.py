"""A file is whole or as it was, whatever the disk does in between."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glasshatch.wholefiles import whole_file, write_folder, write_whole


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_it_replaces_and_is_its_owners_only(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write_whole(file, b"before")
    write_whole(file, b"after")
    assert file.read_bytes() == b"after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_disk_that_is_full_leaves_what_was_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write_whole(file, b"before")
    with small_disk(20), pytest.raises(OSError, match="too large"):
        write_whole(file, b"x" * 100_000)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_who_fails_in_the_middle_leaves_what_was(tmp_path: Path) -> None:
    file = tmp_path / "one"
    write_whole(file, b"before")
    with pytest.raises(KeyError):
        fail_in_the_middle(file)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def fail_in_the_middle(file: Path) -> None:
    with whole_file(file) as out:
        out.write(b"half")
        raise KeyError


def test_what_a_kill_left_beside_it_does_not_come_in(tmp_path: Path) -> None:
    file = tmp_path / "one"
    (tmp_path / "one.new").write_bytes(b"something that is longer than what comes")
    write_whole(file, b"short")
    assert file.read_bytes() == b"short"


def test_a_link_that_somebody_laid_beside_it_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    os.symlink(victim, tmp_path / "one.new")
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(tmp_path / "one", b"data")
    assert victim.read_bytes() == b"untouched"


def test_a_new_file_takes_no_other_s_place(tmp_path: Path) -> None:
    file = tmp_path / "one"
    with whole_file(file, new=True) as out:
        out.write(b"first")
    with pytest.raises(FileExistsError), whole_file(file, new=True) as out:
        out.write(b"second")
    assert file.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_there_with_all_of_its_files_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "all"
    with small_disk(20), pytest.raises(OSError, match="too large"):
        write_folder(folder, {"small": b"x", "large": b"x" * 100_000})
    assert not list(tmp_path.iterdir())
    write_folder(folder, {"small": b"x", "large": b"x" * 100_000})
    assert sorted(file.name for file in folder.iterdir()) == ["large", "small"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with pytest.raises(FileExistsError):
        write_folder(folder, {"small": b"y"})
    assert (folder / "small").read_bytes() == b"x"
