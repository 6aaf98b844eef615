"""The book and the door of a data directory, with a house around them or without one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...clock import Clock
from ...errors import GlasshatchError
from ...events import Event
from ...keys import Keyring
from ...masking import Redactor
from ..home import Home
from .book import Book
from .door import Door
from .recovery import recover

if TYPE_CHECKING:
    from ..config import LoadedConfig
    from ..house import House

BOOK_FOLDER: Final = "breakglass"
HEAD: Final = "break-glass.head"
"""Where the book lies in a data directory, and how its head in `keys` is called."""


def open_book(loaded: LoadedConfig, keyring: Keyring) -> Book:
    """The book of a configuration, whatever state it is in."""
    home, anchor = Home(loaded.data), loaded.config.break_glass.anchor
    place = loaded.path(anchor) if anchor else home.keys / HEAD
    return Book(book_folder(home), place, keyring)


def book_folder(home: Home) -> Path:
    """Where the book lies."""
    return home.directory / BOOK_FOLDER


def open_door(house: House) -> Door:
    """The door of an open house. When this returns, the ledger has what only the book had.

    A damaged book is recorded as such and put aside; no sheet of it opens anything.
    """
    book = open_book(house.loaded, house.keyring)
    recover(book, house, house.control.vault.book_mark())
    _mark(house, len(book.records))
    door = Door(
        book, house.redactor, house.clock, house.maker.make,
        ledger=lambda: house.recorder if house.ledger.error is None else None,
        size=lambda: house.ledger.size,
    )  # fmt: skip
    door.anchored = lambda count: _mark(house, count)
    return door


def lone_door(book: Book, redactor: Redactor, clock: Clock, make: Callable[..., Event]) -> Door:
    """A door without a house: everything goes to the book."""
    nothing: Callable[[], Any] = lambda: None  # noqa: E731
    return Door(book, redactor, clock, make, ledger=nothing, size=lambda: 0)


def _mark(house: House, count: int) -> None:
    """Have the control store know how far the book is; it may be away, and the door opens all the same."""
    with contextlib.suppress(GlasshatchError):
        if house.control.vault.book_mark() != count:
            house.control.vault.move_book_mark(count)
