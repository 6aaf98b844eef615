"""A cursor is kept whole, or the one before stays."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from glasshatch.errors import Unavailable
from glasshatch.exports import CursorFile
from glasshatch.exports.cursor import FORMAT, Cursor, Lane


def test_a_disk_that_takes_a_part_only_leaves_the_cursor_from_before(tmp_path: Path) -> None:
    file = CursorFile(tmp_path, "siem")
    before = Cursor(FORMAT, {"default": Lane(next=5)})
    file.save(before)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
    try:
        with pytest.raises(Unavailable, match="the cursor cannot be kept"):
            file.save(before.with_lane("default", Lane(next=6, last="0" * 64)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.load() == before
