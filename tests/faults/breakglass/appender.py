"""Writes to a break-glass book and says each number once it is durable, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from glasshatch.app.breakglass.book import Book
from glasshatch.app.breakglass.records import Noted
from glasshatch.keys import Keyring, open_master_key


def main(folder: Path) -> None:
    keyring = Keyring.open(folder / "default.json", open_master_key(f"file:{folder / 'master.key'}"))
    book = Book(folder / "breakglass", folder / "elsewhere" / "head", keyring)
    assert book.damage is None, book.damage
    number = len(book.records)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        book.append([Noted(at_ns=number, entry=b"x" * (number % 700))])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
