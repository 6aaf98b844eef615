"""What a bundle consists of, and what it says of itself.

    manifest.json      what was asked, by whom, when, how many; SHA-256 of index.html, events.jsonl, key.vkey
    index.html         the events for people
    events.jsonl       the events, each exactly as it is stored
    key.vkey           the ledger's public key; after a change of keys all of them, with their succession
    checkpoint         the one signed checkpoint that everything is proven under
    made.tlog-proof    the proof of the event `bundle.made`, which holds the manifest's SHA-256
    proofs/N.tlog-proof  the proof of each event, by its ledger index

The ledger signs the manifest by holding its hash, the manifest fixes the files, and proofs and checkpoint
fix themselves: there is no byte in it that nothing speaks for.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ...errors import ConfigError, VerificationError

FORMAT: Final = "glasshatch evidence bundle"
VERSION: Final = 2
"""1 while the ledger has one key; such bundles are still made, and read by older programs."""
MADE_ACTION: Final = "bundle.made"
MANIFEST_REL: Final = "manifest"
"""The relation under which `bundle.made` links to the manifest's SHA-256."""

MANIFEST, PAGE, EVENTS, KEY = "manifest.json", "index.html", "events.jsonl", "key.vkey"
CHECKPOINT, MADE, PROOFS = "checkpoint", "made.tlog-proof", "proofs/"
FIXED: Final = (MANIFEST, PAGE, EVENTS, KEY, CHECKPOINT, MADE)
HASHED: Final = (PAGE, EVENTS, KEY)

REDACTION: Final = (
    "Personal data and secrets were replaced before the events were recorded: by a class in brackets, or by a"
    " token, which is the same for equal values of one tenant. Nobody can get the values back from here, and"
    " the counts under “redaction” say what was replaced. What is shown is all that the ledger holds."
)

SHORT_FORMS: Final = (
    " Of very large events the ledger holds a short form, which is what this bundle shows. Under “links” it"
    " names the SHA-256 of the whole redacted event, as “blob”. The whole is kept beside the ledger and is"
    " not in this bundle: whoever may read the record gets it with “glasshatch show EVENT --whole”, and can"
    " compare."
)
"""Stands behind `REDACTION` in a bundle that shows a short form."""


class _Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the manifest."""


class Maker(_Value, frozen=True):
    """Who made the bundle."""

    id: str
    name: str
    type: str


class Gap(_Value, frozen=True):
    """A place in the record where something is known to be missing: the event that says so."""

    index: int
    time: str


class Facts(_Value, frozen=True):
    """What was asked and what there was. Times are nanoseconds, UTC; `since` and `until` may be empty.

    `query` is as it was recorded, so values in it may be redacted. `indexed` of `ledger_size` entries were
    searched. `gaps` are the recording gaps known within the period.
    """

    origin: str
    query: str
    since: str
    until: str
    made: str
    made_by: Maker
    events: int
    ledger_size: int
    indexed: int
    gaps: tuple[Gap, ...]
    redaction: str


class Manifest(_Value, frozen=True):
    """The whole manifest; `page` is the version of the rendering of index.html."""

    format: str
    version: int
    page: int
    facts: Facts
    members: dict[str, str]


def encode_manifest(manifest: Manifest) -> bytes:
    """As the member is written."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ConfigError: It is of a newer version.
        VerificationError: It is none.
    """
    try:
        version = msgspec.json.decode(data, type=dict).get("version", 0)
        if isinstance(version, int) and version > VERSION:
            raise ConfigError(f"bundle format {version} is newer than {VERSION}", hint="upgrade glasshatch")
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VerificationError("is no manifest of a bundle") from None
    if (
        manifest.format != FORMAT
        or manifest.version not in (1, VERSION)
        or set(manifest.members) != set(HASHED)
    ):
        raise VerificationError("is no manifest of a bundle", expected=f"{FORMAT} {VERSION}")
    return manifest


def proof_name(index: int) -> str:
    """The member that proves the entry with this index."""
    return f"{PROOFS}{index:012d}.tlog-proof"


def index_of(name: str) -> int | None:
    """The index in a proof's name; None if it is not such a name."""
    found = re.fullmatch(r"proofs/([0-9]{12,19})\.tlog-proof", name)
    return int(found[1]) if found and proof_name(int(found[1])) == name else None
