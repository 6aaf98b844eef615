"""The spool: what was appended is read back in order, whatever happened to the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glasshatch.errors import ConfigError, Conflict, Unavailable
from glasshatch.sdk.spool import Spool


def opened(folder: Path, *, key: bytes = b"", limit: int = 1 << 22) -> Spool:
    return Spool(folder, key=key, limit_bytes=limit, durable=False)


def fill(spool: Spool) -> None:
    for number in range(100):
        spool.append(b"event %d" % number)


def everything(spool: Spool) -> list[bytes]:
    return spool.read(10_000, 1 << 24).events


def test_events_come_back_in_order_also_after_a_restart(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(50):
        spool.append(b"event %d" % number)
    assert everything(spool) == [b"event %d" % number for number in range(50)]
    spool.close()
    again = opened(tmp_path)
    again.append(b"event 50")
    assert everything(again) == [b"event %d" % number for number in range(51)]


def test_acknowledged_events_are_gone_and_their_segment_too(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(10):
        spool.append(b"event %d" % number)
    batch = spool.read(4, 1 << 20)
    spool.acknowledge(batch.ends[-1])
    assert everything(spool)[0] == b"event 4"
    spool.acknowledge(spool.read(100, 1 << 20).ends[-1])
    assert not spool.pending
    assert not list(tmp_path.glob("*.spool"))
    spool.append(b"another")
    assert spool.pending
    assert everything(spool) == [b"another"]


def test_many_segments_are_read_as_one(tmp_path: Path) -> None:
    spool = opened(tmp_path, limit=1 << 24)
    for number in range(40):
        spool.append(b"%d" % number + bytes(100_000))
    assert len(list(tmp_path.glob("*.spool"))) > 2
    found = []
    while spool.pending:
        batch = spool.read(7, 1 << 20)
        found += [event.split(b"\0")[0] for event in batch.events]
        spool.acknowledge(batch.ends[-1])
    assert found == [b"%d" % number for number in range(40)]


@pytest.mark.parametrize("torn", [1, 5, 19, 25])
def test_a_torn_end_costs_only_what_was_not_answered(tmp_path: Path, torn: int) -> None:
    spool = opened(tmp_path)
    for number in range(3):
        spool.append(b"event %d" % number)
    spool.close()
    (segment,) = tmp_path.glob("*.spool")
    data = segment.read_bytes()
    segment.write_bytes(data[:-torn])
    again = opened(tmp_path)
    again.append(b"later")
    assert everything(again) == [b"event 0", b"event 1", b"later"]


def test_nothing_is_on_the_disk_in_clear(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(b"alice@example.com paid with 4111111111111111")
    spool.refuse(b"alice@example.com again")
    for path in tmp_path.iterdir():
        assert b"alice" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = opened(tmp_path, limit=1_000)
    with pytest.raises(Unavailable, match="full"):
        fill(spool)
    kept = everything(spool)
    assert kept == [b"event %d" % number for number in range(len(kept))]
    spool.acknowledge(spool.read(1_000, 1 << 20).ends[-1])
    spool.append(b"room again")


def test_one_process_owns_a_spool(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(Conflict):
        opened(tmp_path)
    spool.close()
    opened(tmp_path).close()


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    spool = opened(tmp_path, key=bytes(32))
    spool.append(b"event")
    spool.close()
    with pytest.raises(ConfigError, match="key"):
        opened(tmp_path, key=bytes(31) + b"x")


def test_what_stands_before_a_failed_write_is_still_brought_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    spool.append(b"before")

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", fail)
        with pytest.raises(Unavailable, match="No space"):
            spool.append(b"refused")
    synced: list[str] = []
    real = os.fdatasync

    def seen(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", seen)
    spool.sync()
    (segment,) = tmp_path.glob("*.spool")
    assert synced == [str(segment)]
    spool.append(b"after")
    spool.sync()
    assert len(set(synced)) == 2
    assert everything(spool) == [b"before", b"after"]


def test_a_disk_that_loses_a_page_is_not_believed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, limit_bytes=1 << 22, durable=True)

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(Unavailable, match="Input/output"):
            spool.append(b"lost")
    # The system tells of it once; another who waited for the same page must hear of it too.
    with pytest.raises(Unavailable, match="Input/output"):
        spool._sync(spool._end)
    spool.append(b"in another file")
    assert len(list(tmp_path.glob("*.spool"))) == 2
