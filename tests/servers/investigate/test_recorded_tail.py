"""A tail tells the record how much it showed: now and then, and at its end; not for every event."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest

from glasshatch.api.recorded import RecordedEvent
from glasshatch.app.desk import following
from glasshatch.errors import Unavailable
from glasshatch.identity import Identity

CALLER = Identity(id="u-1", tenant="t", type="human", name="alice", roles=())


class Arriving:
    """Two events each time it is asked."""

    closed = False

    def next(self, timeout_s: float) -> list[RecordedEvent]:
        return [RecordedEvent(number, msgspec.Raw(b'{"attrs":{"a":1}}')) for number in (1, 2)]

    def close(self) -> None:
        self.closed = True


def test_what_was_shown_is_recorded_once_in_a_while_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []
    refuse = [False]

    def note(action: str, **members: Any) -> None:
        if refuse[0]:
            raise Unavailable("the ledger is full")
        assert members["attrs"] == {"what": "tail", "filter": {"query": "actor:x", "part": "shown"}}
        noted.append(members["data"].rows)

    arriving = Arriving()
    tail = following.RecordedTail(arriving, ("detail",), CALLER, "actor:x", note)
    assert [bytes(one.event) for one in tail.next(0)] == [b"{}", b"{}"]
    tail.settle()
    assert noted == [], "it is too soon"
    monkeypatch.setattr(following, "EVERY_SECONDS", 0.0)
    tail.settle()
    tail.settle()
    assert noted == [2], "nothing was shown since"
    tail.next(0)
    refuse[0] = True
    with pytest.raises(Unavailable):
        tail.settle()
    refuse[0] = False
    tail.next(0)
    tail.close()
    for thread in threading.enumerate():
        if thread.name == "tail-note":
            thread.join(10)
    assert (noted, arriving.closed) == ([2, 4], True), "what could not be recorded is not forgotten"
