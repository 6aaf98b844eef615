"""Making a bundle: first everything but the proofs, then, once the ledger holds its hash, the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from ...errors import TooLarge, VerificationError
from ..log import Proof, Succession, encode_keys
from .archive import write_archive
from .contents import (
    CHECKPOINT,
    EVENTS,
    FORMAT,
    HASHED,
    KEY,
    MADE,
    MANIFEST,
    PAGE,
    VERSION,
    Facts,
    Manifest,
    encode_manifest,
    proof_name,
)
from .page import PAGE_VERSION, render_page

MAX_EVENTS = 10_000
MAX_EVENT_BYTES = 64 << 20

Inclusion = Callable[[int, int], Sequence[bytes]]
"""(index, size) -> the audit path of an entry in the tree of that size."""


class Draft:
    """A bundle whose manifest is fixed, and which the ledger has not yet recorded."""

    def __init__(self, facts: Facts, events: Sequence[tuple[int, bytes]], keys: Succession) -> None:
        """Fix what the bundle says.

        Args:
            events: Ledger index and stored bytes, in the order of the indices.

        Raises:
            TooLarge: More than a bundle may hold.
        """
        if len(events) > MAX_EVENTS or sum(len(data) for _, data in events) > MAX_EVENT_BYTES:
            raise TooLarge(
                f"a bundle holds at most {MAX_EVENTS} events and {MAX_EVENT_BYTES >> 20} MiB of them",
                hint="narrow the query or the period, and make several bundles",
            )
        self._events = events
        self._members = {
            PAGE: render_page(facts, events),
            EVENTS: b"".join(data + b"\n" for _, data in events),
            KEY: encode_keys(keys) if keys.statements else f"{keys.newest}\n".encode(),
        }
        hashes = {name: hashlib.sha256(self._members[name]).hexdigest() for name in HASHED}
        self._manifest = encode_manifest(Manifest(
            format=FORMAT, version=VERSION if keys.statements else 1, page=PAGE_VERSION, facts=facts,
            members=hashes,
        ))  # fmt: skip
        self.manifest_hash = hashlib.sha256(self._manifest).hexdigest()
        """What the event `bundle.made` has to hold."""

    def complete(self, made: Proof, inclusion: Inclusion, size: int) -> bytes:
        """The file, under the checkpoint of the proof that it was recorded.

        Args:
            made: The proof of `bundle.made`; its checkpoint is of the size `size`.
        """
        members = {MANIFEST: self._manifest, **self._members, CHECKPOINT: made.checkpoint}
        members[MADE] = made.encode()
        for index, data in self._events:
            if not index < size:
                raise VerificationError("an event is newer than the record of the bundle", found=str(index))
            proof = Proof(index, data, tuple(inclusion(index, size)), made.checkpoint)
            members[proof_name(index)] = proof.encode()
        return write_archive(members)
