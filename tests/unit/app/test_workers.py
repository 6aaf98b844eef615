"""What workers share with the front: the page of counts, and answers that are asked again after a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glasshatch.app.workers.keeping import _held
from glasshatch.app.workers.page import MAX_WORKERS, Page
from glasshatch.app.workers.recording import _parts
from glasshatch.app.workers.standing import FarStanding
from glasshatch.app.workers.values import AskPolicy, PolicyText, Standing
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.gateway import process_of
from glasshatch.gateway.core import cancel_process
from glasshatch.identity import Identity
from glasshatch.policy import find_sources


@pytest.fixture
def pages(tmp_path: Path) -> tuple[Page, Page, Page]:
    file = tmp_path / "workers.page"
    return Page(file, 2, create=True), Page(file, 2), Page(file, 2)


def test_a_change_that_is_counted_is_seen_by_all(pages: tuple[Page, Page, Page]) -> None:
    front, one, other = pages
    assert one.changes == other.changes == 0
    front.count_change()
    assert one.changes == other.changes == 1


def test_what_the_others_have_is_counted_without_ones_own(pages: tuple[Page, Page, Page]) -> None:
    _, one, other = pages
    one.set_sessions(1, 5)
    other.set_sessions(2, 7)
    assert (one.sessions_but(1), other.sessions_but(2)) == (7, 5)
    one.count_table_change(1)
    one.count_table_change(1)
    other.count_table_change(2)
    assert (one.table_changes_but(1), other.table_changes_but(2)) == (1, 2)
    assert (one.sessions_but(1), other.sessions_but(2)) == (7, 5)


def test_a_new_front_makes_a_new_page(tmp_path: Path) -> None:
    file = tmp_path / "workers.page"
    old = Page(file, 1, create=True)
    old.count_change()
    assert Page(file, 1, create=True).changes == 0
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [1, 2, MAX_WORKERS])
@pytest.mark.parametrize("random", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"])
def test_a_cancel_key_names_its_process(number: int, random: bytes) -> None:
    process = cancel_process(number, random)
    assert process_of(process) == number
    assert 0 <= process < 1 << 31


def test_without_workers_all_bits_but_the_sign_are_random() -> None:
    assert cancel_process(0, b"\xff\xff\xff\xff") == 0x7FFFFFFF


class Answering:
    """A line to a front that has one actor, whose roles may be changed."""

    def __init__(self) -> None:
        self.roles = ("engineer",)

    def ask(self, question: Any, answer: Any) -> Any:
        if isinstance(question, AskPolicy):
            return None if question.hash else PolicyText(*find_sources("production"))
        return Standing(Identity(id="a", tenant="t", type="human", name="alice", roles=self.roles), ())


def test_nothing_is_decided_before_a_changed_keyring_can_be_read(pages: tuple[Page, Page, Page]) -> None:
    front, page, _ = pages
    line, readable = Answering(), [True]

    def renew() -> None:
        if not readable[0]:
            raise ConfigError("the keyring cannot be read")

    standing = FarStanding(line, page, renew)  # type: ignore[arg-type]
    assert standing.current("a").roles == ("engineer",)
    line.roles, readable[0] = (), False
    assert standing.current("a").roles == ("engineer",), "nothing was counted yet"
    front.count_change()
    for ask in (lambda: standing.current("a"), standing.policy, lambda: standing.grants_of("a", 0)):
        with pytest.raises(ConfigError):
            ask()
    readable[0] = True
    assert standing.current("a").roles == ()


def test_a_session_that_nobody_knows_may_use_nothing() -> None:
    with pytest.raises(Unavailable):
        _held({}, 1)


@pytest.mark.parametrize("sizes", [[], [1], [9 << 20] * 4, [1, 17 << 20, 1], [16 << 20, 16 << 20]])
def test_entries_are_sent_in_frames_that_the_front_takes(sizes: list[int]) -> None:
    items = [(bytes(size), None) for size in sizes]
    parts = [list(part) for part in _parts(items)]
    assert [one for part in parts for one in part] == items
    assert all(len(part) == 1 or sum(len(one) for one, _ in part) <= 16 << 20 for part in parts)
