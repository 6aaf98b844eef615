"""When a session is due: signs of life, idleness, its end."""

from __future__ import annotations

from glasshatch.gateway.core import NEVER_NS, Lifetime

S = 1_000_000_000


def test_a_session_without_bounds_is_never_due() -> None:
    life = Lifetime()
    life.begin(5 * S)
    assert life.due_ns == NEVER_NS
    assert life.due(10**15, 3, idle=True) is None


def test_signs_of_life_come_only_where_nothing_else_is_recorded() -> None:
    life = Lifetime()
    life.begin(0, heartbeat_ns=10 * S)
    assert life.due(9 * S, 1, idle=True) is None
    assert life.due(10 * S, 1, idle=True) is None  # the opening itself was recorded since
    assert life.due(20 * S, 1, idle=True) == "alive"
    assert life.due(30 * S, 2, idle=True) == "alive"  # the sign of life is the only event that came
    assert life.due(40 * S, 7, idle=True) is None
    assert life.due(50 * S, 7, idle=False) == "alive"


def test_idleness_counts_from_the_last_word_and_not_while_something_runs() -> None:
    life = Lifetime()
    life.begin(0, idle_ns=10 * S)
    life.active_ns = 8 * S
    assert life.due(10 * S, 1, idle=True) is None
    assert life.due_ns == 18 * S
    assert life.due(18 * S, 1, idle=False) is None
    assert life.due_ns == 28 * S
    life.active_ns = 25 * S
    assert life.due(28 * S, 1, idle=True) is None
    assert life.due(34 * S, 1, idle=True) is None
    assert life.due(35 * S, 1, idle=True) == "idle"


def test_the_end_comes_whatever_runs() -> None:
    life = Lifetime()
    life.begin(0, idle_ns=50 * S, session_ns=60 * S, heartbeat_ns=0)
    life.active_ns = 59 * S
    assert life.due(50 * S, 1, idle=True) is None
    assert life.due(60 * S, 1, idle=False) == "over"
