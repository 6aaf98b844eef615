"""Items as most applications write them, from their bytes to the stored event's in one compiled step.

The parser is the law: the kernel takes only items of which it knows that the parser, and all that the intake
does after it, would write these very bytes, and gives None for any other. Without a compiler it takes none.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ...events import ACTIONS, SCHEMA_VERSION, Link, uuid7
from ..items import Piece
from ..parsed import Circumstances, Ready
from .parse import DEFAULT_ACTION, RESERVED_KINDS, SEVERITIES

_FORMAT = 2
_LONGEST_SECRET = 64


def _compiled() -> Any:
    """The compiled kernel; None if it is not there, or was made from another source than this."""
    if os.environ.get("GLASSHATCH_KERNEL") == "python":
        return None
    try:
        found = importlib.import_module(".linekernel", __package__)
    except ImportError:
        return None
    return found if getattr(found, "FORMAT", 0) == _FORMAT else None


_kernel = _compiled()
KERNEL: Final = "python" if _kernel is None else "compiled"
"""`compiled` or `python`."""

_ACTIONS = tuple(name.encode() for name in ACTIONS)
_GRADES = tuple(b"%d%b" % (number, word.encode()) for word, number in SEVERITIES.items())
_RESERVED = tuple(sorted(kind.encode() for kind in RESERVED_KINDS))


def quick(by: Circumstances) -> Callable[[Sequence[Piece]], list[Ready | None]] | None:
    """What reads the items of a delivery; None if there is no kernel, or the delivery is an odd one."""
    if _kernel is None or len(by.secret) > _LONGEST_SECRET or not 0 <= by.now_ns < 1 << 62:
        return None
    try:
        words = _words(by)
    except UnicodeEncodeError:
        return None
    lines = _kernel.Lines(
        words=words, grades=_GRADES, actions=_ACTIONS, reserved=_RESERVED, secret=by.secret,
        head=uuid7(by.now_ns, bytes(10))[:15].encode(), now_ns=by.now_ns, from_file=by.from_file,
        newest_schema=SCHEMA_VERSION,
    )  # fmt: skip

    def read(pieces: Sequence[Piece]) -> list[Ready | None]:
        found: list[Any] = lines.read(
            tuple([bytes(piece[1]) for piece in pieces]),
            by.random(10 * len(pieces)),
            tuple([piece[0] for piece in pieces]),
        )
        return found

    return read


def _words(by: Circumstances) -> dict[str, bytes]:
    """What is the same in all events of a delivery, as it is written."""
    links = b"" if by.by is None else b',"links":' + _json((Link(rel="delivered_by", id=by.by.id),))
    return {
        "instance": _json(by.name) if by.name else b"",
        "links": links,
        "observed": b',"observed_time":"%d"' % by.now_ns,
        "schema": b',"schema":%d' % SCHEMA_VERSION,
        "tenant": b',"tenant":' + _json(by.tenant),
        "action": _json(DEFAULT_ACTION),
        "prefix": "\0".join((by.tenant, "json", by.name, "")).encode(),
        "file": by.file.encode(),
    }


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")
