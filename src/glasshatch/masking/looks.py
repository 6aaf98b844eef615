"""What the kernel needs to know of an expression, made once and kept beside the packs.

Making it takes milliseconds for an expression, and `re` as many to compile it; a process that reads it
instead meets an expression's first hit without a pause.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import msgspec

from .beginnings import beginning
from .detector import Detector, Pack
from .programs import program

Looks = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""The rows of `Beginning`: what may lie within, and three steps; then `Program`: its code and its sets. An
expression without a program has none of the last two."""

_NOTHING = b"-"
"""Of an expression that must be searched for by `re`."""


def look(pattern: str, flags: int, group: int | str) -> bytes:
    """What is to be known of an expression, packed."""
    found = beginning(pattern, flags)
    if found is None:
        return _NOTHING
    made = program(pattern, flags, group)
    rows = (found.inside, *found.steps, *(made if made is not None else (b"", b"")))
    return zlib.compress(msgspec.msgpack.encode(rows), 1)


def unpacked(looks: bytes) -> Looks | None:
    """What `look` packed; None if the expression must be searched for."""
    return None if looks == _NOTHING else msgspec.msgpack.decode(zlib.decompress(looks), type=Looks)


def looked_into(packs: Iterable[Pack]) -> list[Pack]:
    """The packs with what is to be known of their expressions."""
    return [
        msgspec.structs.replace(pack, detectors=tuple(_with_looks(one) for one in pack.detectors))
        for pack in packs
    ]


def _with_looks(detector: Detector) -> Detector:
    verify, near = detector.verify, detector.context
    return msgspec.structs.replace(
        detector,
        looks=look(verify.pattern, verify.flags, detector.group),
        near_looks=look(near.pattern, near.flags, 0) if near is not None else b"",
    )
