"""Lines as they arrive: many at once from a file, each at once from a terminal or a slow pipe."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from ...errors import ConfigError

PIECE_BYTES = 1 << 20
LONGEST_LINE_BYTES = 16 << 20
"""Of a longer line nothing is kept: it cannot be scanned in bounded memory."""


class Batch(msgspec.Struct, frozen=True):
    """Whole lines without their ends, None for one that was too long, and how many bytes were read so far.

    `ended` is false only for the last line of an input that ends without a line feed.
    """

    lines: list[bytes | None]
    read_bytes: int
    ended: bool = True


def read_lines(handle: int) -> Iterator[Batch]:
    """The lines of an open file, each batch as soon as it is there.

    A read returns what has arrived, so lines of a slow writer come one by one and a file's by thousands.

    Raises:
        ConfigError: It cannot be read, as a directory.
    """
    kept: list[bytes] = []
    held = done = 0
    while piece := _read(handle):
        done += len(piece)
        head, feed, rest = piece.rpartition(b"\n")
        if not feed:
            held += len(piece)
            # Beyond the limit only the length counts; what is dropped is never written.
            if held <= LONGEST_LINE_BYTES:
                kept.append(piece)
            continue
        yield Batch(_split(b"".join([*kept, head]), held), done)
        kept, held = [rest], len(rest)
    if held:
        yield Batch(_split(b"".join(kept), held), done, ended=False)


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, PIECE_BYTES)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file="standard input") from None


def _split(body: bytes, held: int) -> list[bytes | None]:
    lines: list[bytes | None] = [*body.split(b"\n")]
    if held > LONGEST_LINE_BYTES:
        lines[0] = None
    return lines
