"""Checking a bundle with nothing but the ledger's public key: every byte of it, and what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from ...errors import ConfigError, VerificationError
from ...events import Event, decode
from ..log import (
    Checkpoint,
    LogKey,
    Proof,
    Succession,
    VerifierKey,
    check_inclusion,
    decode_keys,
    leaf_hash,
    open_checkpoint,
    parse_note,
)
from .archive import read_archive
from .contents import (
    CHECKPOINT,
    EVENTS,
    FIXED,
    HASHED,
    KEY,
    MADE,
    MADE_ACTION,
    MANIFEST,
    MANIFEST_REL,
    PAGE,
    Facts,
    Manifest,
    decode_manifest,
    index_of,
)
from .page import PAGE_VERSION, render_page

Progress = Callable[[int, int], None]


class CheckedEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle has shown: these events stand in that ledger, and its record says who took them out."""

    origin: str
    key: str
    key_given: bool
    """Whether the key came from outside; otherwise the bundle vouches for itself only."""
    size: int
    """The size of the checkpoint that everything is proven under."""
    made_index: int
    """The ledger index of the event that records the making of the bundle."""
    facts: Facts
    indices: tuple[int, ...]


def check_evidence(
    data: bytes, key: LogKey | str | None = None, progress: Progress | None = None
) -> CheckedEvidence:
    """Return what a bundle shows, if every byte of it is as the ledger's server made it.

    Args:
        key: The public key to trust, or a succession; without it the bundle's own, which shows damage but
            not that somebody made all of it anew under another key.

    Raises:
        VerificationError: Something is not; `where` names the member.
        ConfigError: The bundle is of a newer version, or the key is malformed.
    """
    members = read_archive(data)
    _check_names(list(members))
    trusted, keys = bundle_keys(members[KEY], key)
    with _in(CHECKPOINT):
        checkpoint = _checkpoint(members[CHECKPOINT], keys)
    made_index, made = _made(members[MADE], checkpoint)
    manifest = _manifest(members, made)
    events = _proven(members, checkpoint, progress)
    _check_events(members[EVENTS], events)
    _check_facts(manifest.facts, made, made_index, events, checkpoint)
    _check_page(manifest, members[PAGE], events)
    return CheckedEvidence(
        origin=checkpoint.origin, key=str(trusted), key_given=key is not None, size=checkpoint.size,
        made_index=made_index, facts=manifest.facts, indices=tuple(index for index, _ in events),
    )  # fmt: skip


@contextmanager
def _in(member: str) -> Iterator[None]:
    """Errors inside are of this member."""
    try:
        yield
    except VerificationError as error:
        raise VerificationError(
            error.message, where=member, expected=error.expected, found=error.found,
            hint="ask for the bundle again; compare it with the ledger",
        ) from None  # fmt: skip


def _check_names(names: Sequence[str]) -> None:
    missing = next((name for name in FIXED if name not in names), None)
    if missing is not None:
        raise VerificationError("is missing in the bundle", where=missing)
    for place, name in enumerate(names):
        if (name != FIXED[place]) if place < len(FIXED) else (index_of(name) is None):
            raise VerificationError("does not belong there in a bundle", where=name)
    rest = names[len(FIXED) :]
    if rest != sorted(rest, key=lambda name: index_of(name) or 0):
        raise VerificationError("the proofs are not in the order of their entries", where="proofs")


def bundle_keys(stored: bytes, given: LogKey | str | None) -> tuple[VerifierKey, Succession]:
    """The key that is trusted, and the bundle's keys, which it vouches for."""
    if isinstance(given, str):
        try:
            given = VerifierKey.parse(given.strip())
        except VerificationError as error:
            raise ConfigError(error.message, key="--key", hint="a key looks like name+hash+base64") from None
    with _in(KEY):
        head = stored.partition(b"\n\n")[0].decode("utf-8", "replace")
        own = VerifierKey.parse(head.removesuffix("\n").rpartition("\n")[2])
        trusted = given if isinstance(given, VerifierKey) else own
        alone = stored == f"{own}\n".encode()
        keys = Succession.alone(own) if alone else decode_keys(stored, trusted)
        if isinstance(given, Succession):
            keys = _linked(keys, given)
        elif trusted not in keys.keys:
            raise VerificationError("the bundle is of another key", expected=str(trusted), found=str(own))
    return trusted, keys


def _linked(own: Succession, given: Succession) -> Succession:
    """The longer of two successions of one log: the newest key of one is in the other."""
    if own.newest not in given.keys and given.newest not in own.keys:
        raise VerificationError(
            "the bundle is of another key", expected=str(given.newest), found=str(own.newest)
        )
    return max(own, given, key=lambda one: len(one.statements))


def _checkpoint(note: bytes, keys: Succession) -> Checkpoint:
    checkpoint = open_checkpoint(note, keys)
    parsed = parse_note(note)
    # What another key signed, and what stands in further lines, nobody could check here.
    if not keys.knows(parsed) or parsed.text.count(b"\n") != 3:
        raise VerificationError("the checkpoint holds more than the ledger's keys speak for")
    return checkpoint


def _open_proof(data: bytes, checkpoint: Checkpoint) -> Proof:
    proof = Proof.decode(data)
    if proof.checkpoint != checkpoint.note:
        raise VerificationError("is under another checkpoint than the bundle")
    if proof.encode() != data:
        raise VerificationError("the proof is written in another form")
    check_inclusion(proof.index, checkpoint.size, leaf_hash(proof.entry), proof.hashes, checkpoint.root)
    return proof


def _made(data: bytes, checkpoint: Checkpoint) -> tuple[int, Event]:
    with _in(MADE):
        proof = _open_proof(data, checkpoint)
        event = decode(proof.entry)
        if event.action != MADE_ACTION:
            raise VerificationError("proves another event", expected=MADE_ACTION, found=event.action)
    return proof.index, event


def _manifest(members: Mapping[str, bytes], made: Event) -> Manifest:
    with _in(MANIFEST):
        found = hashlib.sha256(members[MANIFEST]).hexdigest()
        expected = [link.id for link in made.links if link.rel == MANIFEST_REL]
        if expected != [found]:
            raise VerificationError(
                "is not the manifest that the ledger recorded", expected=", ".join(expected), found=found
            )
        manifest = decode_manifest(members[MANIFEST])
    for name in HASHED:
        found, wanted = hashlib.sha256(members[name]).hexdigest(), manifest.members[name]
        if found != wanted:
            raise VerificationError(
                "is not what the manifest names", where=name, expected=wanted, found=found
            )
    return manifest


def _proven(
    members: Mapping[str, bytes], checkpoint: Checkpoint, progress: Progress | None
) -> list[tuple[int, bytes]]:
    proofs = [name for name in members if name not in FIXED]
    total = sum(len(members[name]) for name in proofs)
    done = 0
    events = []
    for name in proofs:
        with _in(name):
            proof = _open_proof(members[name], checkpoint)
            if proof.index != index_of(name):
                raise VerificationError("proves another entry than its name says", found=str(proof.index))
        events.append((proof.index, proof.entry))
        done += len(members[name])
        if progress is not None:
            progress(done, total)
    return events


def _check_events(stored: bytes, events: Sequence[tuple[int, bytes]]) -> None:
    lines = stored.split(b"\n")
    if lines.pop() or len(lines) != len(events):
        raise VerificationError(
            "has another number of events than there are proofs", where=EVENTS,
            expected=str(len(events)), found=str(len(lines)),
        )  # fmt: skip
    for number, (line, (index, data)) in enumerate(zip(lines, events, strict=True), 1):
        if line != data:
            raise VerificationError(f"line {number} is not entry {index} of the ledger", where=EVENTS)


def _check_facts(
    facts: Facts, made: Event, made_index: int, events: Sequence[tuple[int, bytes]], checkpoint: Checkpoint
) -> None:
    """What the manifest says, against what the ledger says: the operator's word alone is not enough."""
    recorded = (made.data.rows if made.data else 0, made.actor.id if made.actor else "")
    pairs = (
        ("the number of events", len(events), facts.events),
        ("the number of events", recorded[0], facts.events),
        ("who made it", recorded[1], facts.made_by.id),
        ("the ledger", checkpoint.origin, facts.origin),
    )
    for what, expected, found in pairs:
        if expected != found:
            raise VerificationError(
                f"{what} is not what the ledger says",
                where=MANIFEST,
                expected=str(expected),
                found=str(found),
            )
    newest = max((index for index, _ in events), default=-1)
    if not newest < facts.indexed <= facts.ledger_size <= made_index:
        raise VerificationError("the sizes in it do not fit the ledger", where=MANIFEST)


def _check_page(manifest: Manifest, page: bytes, events: Sequence[tuple[int, bytes]]) -> None:
    """The page is rendered anew: it shows these events and nothing else."""
    if manifest.page != PAGE_VERSION:
        raise ConfigError(f"the page has version {manifest.page}, known is {PAGE_VERSION}", hint="upgrade")
    if page != render_page(manifest.facts, events):
        raise VerificationError("does not show the events that are proven", where=PAGE)
