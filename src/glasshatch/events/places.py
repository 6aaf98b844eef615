"""Places in the record as people write them: an index, after the name of another ledger than the default."""

from __future__ import annotations

from .sink import DEFAULT_LEDGER


def place_of(ledger: str, index: int) -> str:
    """A place in a ledger as people write it: `12`, or `shop/12` in another than the default one."""
    return str(index) if ledger == DEFAULT_LEDGER else f"{ledger}/{index}"


def read_place(text: str) -> tuple[str, int] | None:
    """The ledger and the index that `12` or `shop/12` mean; None for another text, such as an id."""
    ledger, _, index = text.rpartition("/")
    if not (index.isascii() and index.isdecimal() and len(index) < 19):
        return None
    return ledger or DEFAULT_LEDGER, int(index)
