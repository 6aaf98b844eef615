"""What a place of a master key promises; one module of this folder for each kind of place.

A module has a `MASTER`, a `MasterKind`: `open` gets what stands behind the colon of a reference and answers a
`MasterKey`. What holds for every kind, and what `tests/conformance/masters` asks of each:

- `wrap` and `unwrap` take a context, bytes that say what the key is for. It is authenticated: unwrapping
  under another context fails. A KMS has this as encryption context or additional authenticated data.
- What cannot be unwrapped is a `VerificationError`; what cannot be reached, or answers too late, is
  `Unavailable`; a reference that is none, or a place that is set up wrongly, is a `ConfigError`. None of
  them holds a key or a context.
- `id` is short, stable, not secret, and another one for another key: it names the key in what it protects.
- A call may take long, but ends: a kind that asks somebody else has a time limit of its own.
- Nothing is remembered by the caller, and a kind may remember nothing either: a keyring is opened at the
  start and at each change of keys, with one call for each of its keys and one more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec


class MasterKey(Protocol):
    """Wraps other keys and never leaves its place."""

    id: str
    """Short, stable and not secret: names the key in the files it protects."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key; the same `context` must be given to unwrap it.

        Raises:
            Unavailable: The place cannot be reached, or answers too late.
        """

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The key of `wrap`.

        Raises:
            VerificationError: Another master key, another context, or changed bytes.
            Unavailable: The place cannot be reached, or answers too late.
        """


class MasterKind(msgspec.Struct, frozen=True):
    """A kind of reference: how it is written, for people, and how it is opened."""

    form: str
    open: Callable[[str], MasterKey]
