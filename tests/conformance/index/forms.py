"""The forms an index takes here: chDB of its own, and chDB behind the client of ClickHouse servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from glasshatch.index import Place

FORMS: dict[str, Callable[[Path], Place]] = {
    "embedded": lambda directory: Place(),
    "client": lambda directory: Place(url=f"chdb://{directory / 'server'}"),
}
