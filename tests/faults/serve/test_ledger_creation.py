"""A ledger in the making, killed with -9 before any write that makes it: it is finished or not there."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixtures.depth import rounds
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.creation import CREATED, begin_making, end_making, was_made
from glasshatch.app.house import House
from glasshatch.app.inspect import verify_home
from glasshatch.clock import SystemClock
from glasshatch.errors import Conflict, VerificationError
from glasshatch.events import decode

_CALLS = ("fsync", "fdatasync", "rename")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("template") / "home"
    create_home(directory, origin="example.com/audit")
    return directory


@contextmanager
def opened(directory: Path) -> Iterator[House]:
    house = House(load_config(directory / "glasshatch.toml"), SystemClock(), brief=True)
    try:
        yield house
    finally:
        house.close()


def in_a_child(work: Callable[[], Any]) -> int:
    """The exit status of a forked process that does this."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def create_and_die(directory: Path, calls: int) -> Callable[[], None]:
    """Make a ledger in an open house; killed before its n-th call that changes what survives."""

    def work() -> None:
        with opened(directory) as house:
            done = [0]

            def counted(real: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any) -> Any:
                    if done[0] == calls:
                        os.kill(os.getpid(), signal.SIGKILL)
                    done[0] += 1
                    return real(*arguments)

                return call

            for name in _CALLS:
                setattr(os, name, counted(getattr(os, name)))
            house.create_ledger("shop")
            # What comes after the creation is not counted.
            done[0] = -(10**9)

    return work


def creations(house: House, ledger: str) -> list[dict[str, Any]]:
    events = [decode(data) for _, data in house.ledgers.get(ledger).scan()]
    return [event.attrs for event in events if event.action == CREATED]


def test_killed_at_any_moment_it_is_finished_or_undone(template: Path, tmp_path: Path) -> None:
    survived, finished, undone = 0, 0, 0
    moments = range(0, 60, rounds(4, 1))
    for calls in moments:
        directory = tmp_path / f"home-{calls}"
        shutil.copytree(template, directory)
        status = in_a_child(create_and_die(directory, calls))
        assert status in (0, signal.SIGKILL), f"exit {status} at call {calls}"
        survived += status == 0
        # What lies there now is whole to a verifier, too.
        report = verify_home(directory)
        assert report.ok or report.unfinished, report.problems
        with opened(directory) as house:
            there = "shop" in dict(house.ledgers.items())
            finished += there and status != 0
            undone += not there
            if not there or "shop" in house.ledgers.finished:
                house.create_ledger("shop")
            house.ledgers.get("shop")
            assert len(creations(house, "shop")) == 1
            assert [found.get("ledger") for found in creations(house, "default")] == [None, "shop"]
            assert not list((directory / "ledgers").glob(".*"))
            with pytest.raises(Conflict):
                house.create_ledger("shop")
        assert verify_home(directory).ok
        shutil.rmtree(directory)
        if survived:
            break
    assert survived, "there are more moments than were tried"
    assert finished, "no crash left anything to finish"
    assert undone, "no crash left nothing"


def test_a_ledger_whose_directory_is_gone_is_not_made_anew(template: Path, tmp_path: Path) -> None:
    directory = tmp_path / "home"
    shutil.copytree(template, directory)
    with opened(directory) as house:
        house.create_ledger("shop")
    shutil.rmtree(directory / "ledgers" / "shop")
    assert [problem.file for problem in verify_home(directory).problems] == ["shop"]
    with pytest.raises(VerificationError, match="its directory is missing"), opened(directory):
        pass
    assert not (directory / "ledgers" / "shop").exists()


def test_where_the_default_ledger_was_pruned_only_a_creation_under_way_is_finished(tmp_path: Path) -> None:
    class Pruned:
        minimum = 256

        def scan(self, start: int = 0, stop: int | None = None) -> list[tuple[int, bytes]]:
            return []

    assert was_made("shop", Pruned(), tmp_path)
    begin_making(tmp_path, "shop")
    assert not was_made("shop", Pruned(), tmp_path)
    end_making(tmp_path, "shop")
    assert was_made("shop", Pruned(), tmp_path)


def test_an_older_keyring_does_not_hide_a_ledger(template: Path, tmp_path: Path) -> None:
    directory = tmp_path / "home"
    shutil.copytree(template, directory)
    older = (directory / "keys" / "default.json").read_bytes()
    with opened(directory) as house:
        house.create_ledger("shop")
    (directory / "keys" / "default.json").write_bytes(older)
    with pytest.raises(VerificationError, match="no keys for the ledger shop"), opened(directory):
        pass
    # Nothing was let go of on the way: with the newer keyring it opens.
    with pytest.raises(VerificationError):
        verify_home(directory).ledgers[1].require()
