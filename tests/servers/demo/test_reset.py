"""`glasshatch demo --reset` removes what the demo made, wherever it had to put it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.glasshatch import run
from glasshatch.app.postgres import LocalPostgres


@pytest.fixture
def database(tmp_path: Path) -> Iterator[LocalPostgres]:
    """The shop's database in a directory that its own account cannot enter, as in a closed home directory."""
    tmp_path.chmod(0o700)
    database = LocalPostgres(tmp_path / "demo" / "postgres", os.urandom, fsync=False)
    yield database
    if database.directory.exists():
        database.discard()


def test_the_database_of_a_closed_home_is_removed_where_it_really_lies(
    database: LocalPostgres, tmp_path: Path
) -> None:
    with database:
        place = database.data_directory.parent
        # Only root hands over to an account that cannot enter; everybody else's database lies inside.
        assert (place == database.directory) == (os.geteuid() != 0)
        held = run("demo", "--dir", str(tmp_path / "demo"), "--reset")
        assert held.returncode == 6, held.stderr
        assert "stop the demo" in held.stderr
        assert database.running
        assert database.data_directory.exists()
    done = run("demo", "--dir", str(tmp_path / "demo"), "--reset")
    assert done.returncode == 0, done.stderr
    assert not place.exists()
    assert not (tmp_path / "demo").exists()


def test_a_database_left_behind_by_a_killed_demo_is_ended_first(
    database: LocalPostgres, tmp_path: Path
) -> None:
    database.start()
    place, pid = database.data_directory.parent, database.pid
    database._release()  # as the kernel does for a demo that was killed
    done = run("demo", "--dir", str(tmp_path / "demo"), "--reset")
    assert done.returncode == 0, done.stderr
    assert database._process is not None
    assert database._process.wait(120) == 0, pid
    assert not place.exists()


def test_a_strange_file_keeps_everything(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    done = run("demo", "--dir", str(tmp_path / "demo"), "--reset")
    assert done.returncode == 2
    assert (tmp_path / "demo" / "thesis.txt").read_text() == "mine"
    assert run("demo", "--dir", str(tmp_path / "none"), "--reset").returncode == 0
