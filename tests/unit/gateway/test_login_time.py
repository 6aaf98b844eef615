"""The time in which a client must become a session ends, also where its timer goes off a moment early."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from glasshatch.gateway.connectors.postgres.entrance import Entrance
from glasshatch.gateway.core import Limits, Wake


class Session:
    """As much of a session as the entrance needs before the first byte."""

    def __init__(self) -> None:
        self.now_ns = 1_000
        self.client = SimpleNamespace(ip="127.0.0.1")
        self.clock = SimpleNamespace(monotonic_ns=lambda: self.now_ns)
        self.limits = Limits()
        self.effects: list[Any] = []
        self.outbox = SimpleNamespace(aside=self.effects.append)


def test_a_timer_that_goes_off_early_is_set_again() -> None:
    session = Session()
    entrance = Entrance(
        session, {}, {}, tls=False, plaintext_anywhere=False, cancel_key=(0, b""), usage=None,
        opened=lambda: None,
    )  # fmt: skip
    refused: list[str] = []
    entrance.refuse = lambda code, *_: refused.append(code)
    entrance.start()
    (first,) = session.effects
    assert isinstance(first, Wake)
    session.now_ns = first.at_ns - 1
    entrance.too_late()
    assert not refused
    assert session.effects == [first, first]
    session.now_ns = first.at_ns
    entrance.too_late()
    assert refused == ["08006"]
