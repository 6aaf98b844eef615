"""The commitment of a sealed field: binds an event to a value that the event does not show.

    commitment = SHA-256(salt ‖ field ‖ 0x00 ‖ value)

`salt` has 32 bytes; `field` is the path as the event names it, in UTF-8, and holds no zero byte; `value` is
its JSON text as in a stored event (RFC 8785). So no two triples are hashed over the same bytes, and without
the salt nobody can try out values.
"""

from __future__ import annotations

import hashlib

import msgspec

SALT_BYTES = 32

Scalar = str | int | bool
"""What can be sealed: a text, a number or a truth value."""


def commitment(salt: bytes, field: str, value: Scalar) -> str:
    """The commitment in hex.

    Raises:
        ValueError: The salt has another length, or the field holds a zero byte.
    """
    if len(salt) != SALT_BYTES or "\0" in field:
        raise ValueError("a salt has 32 bytes, and a field no zero byte")
    return hashlib.sha256(salt + field.encode() + b"\0" + value_bytes(value)).hexdigest()


def value_bytes(value: Scalar) -> bytes:
    """The bytes of a value as they are committed to."""
    return msgspec.json.encode(value)
