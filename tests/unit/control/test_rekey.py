"""The control key changes: every row and head is under the new one, in one step, whoever works meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from glasshatch.errors import VerificationError

NOW, SECOND = 1_800_000_000_000_000_000, 10**9
KEY, NEW = bytes(range(32)), bytes(range(1, 33))


def test_everything_is_under_the_new_key_and_nothing_under_the_old_one(busy: Any) -> None:
    store = busy.reopen()
    before = store.actors.list()
    store.rekey(NEW)
    assert store.actors.list() == before
    store.check()
    store.actors.create("dave", now_ns=NOW)
    with pytest.raises(VerificationError, match="changed outside"):
        busy.reopen(KEY)
    after = busy.reopen(NEW)
    assert sorted(actor.name for actor in after.actors.list()) == ["alice", "bob", "carol", "dave"]
    assert len(after.holds.live()) >= 1


def test_a_changed_row_is_not_authenticated_anew(busy: Any) -> None:
    store = busy.reopen()
    busy.intrude("UPDATE actors SET roles = '[\"admin\"]' WHERE name = 'alice'")
    with pytest.raises(VerificationError, match="changed outside"):
        store.rekey(NEW)
    busy.intrude("UPDATE actors SET roles = '[\"engineer\"]' WHERE name = 'alice'")
    busy.reopen(KEY)


def test_nobody_sees_the_change_halfway(office: Any) -> None:
    """Readers and writers in other threads go on through ten changes of the key."""
    failures: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        number = 0
        try:
            while not ended.is_set():
                number += 1
                text, _ = office.store.tokens.issue(
                    office.alice.id, scopes=["*"], lifetime_ns=SECOND, now_ns=NOW + number
                )
                office.store.authenticate(text, NOW + number)
                office.store.actors.list()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        office.store.rekey(bytes([number]) * 32)
    ended.set()
    for thread in threads:
        thread.join(120)
    assert failures == []
    office.reopen(bytes([9]) * 32)
