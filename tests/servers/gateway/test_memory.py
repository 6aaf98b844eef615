"""What sessions hold: readers that stall hold little, whatever they asked for, and idle ones less."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import time

import psutil
import pytest

from fixtures.depth import rounds

from .test_protocol import Raw, msg

READERS = 32
GIGABYTE = 1_000_000_000
READ_BYTES = rounds(16 << 20, GIGABYTE)
IDLE = 60


def resident_bytes() -> int:
    """What this process holds, without what the allocator keeps of earlier tests."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # only glibc can
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return psutil.Process().memory_info().rss


def most_until_all_stall(gateway) -> int:
    """The most that is held until the database cannot send any more to anybody."""
    most, deadline = 0, time.monotonic() + 60
    stalled = (
        "select count(*) from pg_stat_activity where wait_event = 'ClientWrite'"
        " and datname = current_database()"
    )
    while gateway.database.sql(stalled) != str(READERS):
        assert time.monotonic() < deadline, "the readers did not come to stall"
        most = max(most, psutil.Process().memory_info().rss)
        time.sleep(0.1)
    return max(most, psutil.Process().memory_info().rss)


@pytest.mark.parametrize("row", [1_000, 1_000_000], ids=["small-rows", "large-rows"])
def test_stalled_readers_of_a_gigabyte_each_hold_bounded_memory(gateway, row: int) -> None:
    """The front itself takes about 100 MB, so 32 of them may add 100."""
    readers = [Raw(gateway) for _ in range(READERS)]
    for reader in readers:
        reader.login()
    before = resident_bytes()
    text = f"select repeat('x', {row}) from generate_series(1, {GIGABYTE // row}) n where n > 0"
    for reader in readers:
        reader.send(msg(b"Q", text.encode() + b"\0"))
    grown = most_until_all_stall(gateway) - before
    assert grown < 100 << 20, f"{grown >> 20} MiB held for {READERS} stalled readers"
    # One of them goes on, the others stay; what passes by is not kept.
    reader, left = readers[0], READ_BYTES
    reader.socket.settimeout(60)
    assert reader.message()[0] == b"T"
    while left > 0:
        read = len(reader.socket.recv(1 << 20))
        assert read, "the answer ended early"
        left -= read
    assert psutil.Process().memory_info().rss - before < 110 << 20
    for one in readers:
        one.socket.close()


def test_idle_sessions_hold_little(gateway) -> None:
    """benchmarks/sessions.py opens ten thousand; a few dozen show a session that holds ten times too much."""
    first = [Raw(gateway) for _ in range(10)]
    for one in first:
        one.login()
    before = resident_bytes()
    idle = [Raw(gateway) for _ in range(IDLE)]
    for one in idle:
        one.login()
    each = (resident_bytes() - before) // IDLE
    for one in (*first, *idle):
        one.socket.close()
    assert each < 60 << 10, f"{each >> 10} KiB for an idle session"
