"""The public names of every room, as a snapshot: adding or dropping one is a decision, seen in the diff.

Run this file as a program to write the snapshot anew.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = Path(__file__).with_suffix("").with_name("public_names.json")
ROOMS = sorted(path.parent.name for path in (ROOT / "src" / "glasshatch").glob("*/__init__.py"))


def public_names(room: str) -> list[str]:
    """What a room exports; a room without `__all__` offers nothing."""
    return sorted(getattr(importlib.import_module(f"glasshatch.{room}"), "__all__", ()))


@pytest.mark.parametrize("room", ROOMS)
def test_the_public_names_are_the_known_ones(room: str) -> None:
    known = json.loads(SNAPSHOT.read_text())
    assert public_names(room) == known.get(room), (
        f"if this is meant: python {Path(__file__).relative_to(ROOT)}"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_exists_and_says_what_it_is(room: str) -> None:
    module = importlib.import_module(f"glasshatch.{room}")
    for name in public_names(room):
        value = getattr(module, name)
        if isinstance(value, type) or inspect.isroutine(value):
            assert getattr(value, "__doc__", None), f"{room}.{name} has no docstring"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps({room: public_names(room) for room in ROOMS}, indent=1) + "\n")
    print(SNAPSHOT)
