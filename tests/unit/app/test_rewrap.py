"""The configuration's line about the master key is changed, and no other byte of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasshatch.app.config import load_config
from glasshatch.app.rewrap import set_master

NEW = "exec:/usr/local/bin/wrap"


BEHIND = f'[keys]\nmaster = "{NEW}"'
CASES = [
    (
        'version = 1\n[keys]\nmaster = "file:a"  # why\n[server]\n',
        f"version = 1\n{BEHIND}  # why\n[server]\n",
    ),
    ("version = 1\n[keys]\n[server]\n", f"version = 1\n{BEHIND}\n[server]\n"),
    ("version = 1\n", f"version = 1\n\n{BEHIND}\n"),
    ('version = 1\n[keys]\nmaster = "env:A"', f"version = 1\n{BEHIND}"),
    ("version = 1\n# [keys]\n# master = 1\n", f"version = 1\n# [keys]\n# master = 1\n\n{BEHIND}\n"),
]


@pytest.mark.parametrize(("text", "becomes"), CASES)
def test_one_line_changes(tmp_path: Path, text: str, becomes: str) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text(text)
    file.chmod(0o640)
    assert set_master(load_config(file), NEW)
    assert file.read_text() == becomes
    assert file.stat().st_mode & 0o777 == 0o640
    assert load_config(file).config.keys.master == NEW
    assert set_master(load_config(file), NEW), "again changes nothing"


@pytest.mark.parametrize(
    "text", ["version = 1\nkeys = {master = 'env:A'}\n", "version = 1\n[keys]\nmaster = 'env:A'\n"]
)
def test_what_is_written_in_another_way_is_left_to_its_owner(tmp_path: Path, text: str) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text(text)
    assert not set_master(load_config(file), NEW)
    assert file.read_text() == text
