"""Post-mortems: a report on an incident in one file, with proofs of the events that it rests on. Pure.

    manifest.json           which incident, by whom, when; SHA-256 of every other file but the proof
    post-mortem.html        the report for people
    post-mortem.md          the same as text
    post-mortem.json        the same for programs
    key.vkey                the default ledger's public key; after a change all of them, with their succession
    evidence-N.zip          for each ledger with pinned events an evidence bundle of them, which stands alone
    recorded.tlog-proof     the proof of the event `incident.exported`, which holds the manifest's SHA-256

What people wrote is not proven to be true: proven is that this report was handed out, and that the events
under it are in the ledger as the bundles show them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ...errors import ConfigError, VerificationError
from ...events import decode
from ..log import LogKey, Succession, encode_keys, verify_proof
from .archive import read_archive, write_archive
from .checking import CheckedEvidence, bundle_keys, check_evidence
from .contents import KEY, MANIFEST, MANIFEST_REL, Maker

FORMAT: Final = "glasshatch post-mortem"
VERSION: Final = 2
ACTION: Final = "incident.exported"
RECORDED: Final = "recorded.tlog-proof"
REPORTS: Final = ("post-mortem.html", "post-mortem.md", "post-mortem.json")
_BUNDLE = re.compile(r"evidence-[1-9][0-9]{0,3}\.zip")


class PinnedEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pinned event: its id, its ledger and its index there."""

    event: str
    ledger: str
    index: int


class PostMortemFacts(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Which incident, who took its post-mortem when (nanoseconds, UTC), and which events are pinned.

    gone: pins whose events were pruned before this was made. Nothing here proves them.
    """

    incident: str
    number: int
    title: str
    origin: str
    made: str
    made_by: Maker
    pins: tuple[PinnedEvent, ...]
    gone: tuple[PinnedEvent, ...] = ()


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    version: int
    facts: PostMortemFacts
    members: dict[str, str]


class CheckedPostMortem(msgspec.Struct, frozen=True, kw_only=True):
    """What a post-mortem has shown. bundles: its evidence, by file; own_key: bundles of other ledgers, which
    only their own key vouches for."""

    facts: PostMortemFacts
    key: str
    key_given: bool
    index: int
    size: int
    bundles: dict[str, CheckedEvidence]
    own_key: tuple[str, ...]


class PostMortemDraft:
    """A post-mortem whose manifest is fixed, and which the ledger has not yet recorded."""

    def __init__(self, facts: PostMortemFacts, files: Mapping[str, bytes], keys: Succession) -> None:
        """`files` are the reports and the bundles, by their names."""
        key = encode_keys(keys) if keys.statements else f"{keys.newest}\n".encode()
        self._files = {**files, KEY: key}
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in self._files.items()}
        # What an older verifier can read is written as it reads it.
        version = VERSION if facts.gone else 1
        manifest = _Manifest(format=FORMAT, version=version, facts=facts, members=hashes)
        self._manifest = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
        self.manifest_hash = hashlib.sha256(self._manifest).hexdigest()
        """What the event `incident.exported` has to hold."""

    def complete(self, recorded: bytes) -> bytes:
        """The file, with the proof that its making was recorded."""
        return write_archive({MANIFEST: self._manifest, **self._files, RECORDED: recorded})


def is_post_mortem(members: Mapping[str, bytes]) -> bool:
    """Whether files are meant to be one."""
    return REPORTS[2] in members and MANIFEST in members


def post_mortem_files(data: bytes) -> dict[str, bytes]:
    """The files in one; raises `VerificationError` if one byte of the archive is not as it was written."""
    return read_archive(data)


def check_post_mortem(
    members: Mapping[str, bytes],
    key: LogKey | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CheckedPostMortem:
    """Return what a post-mortem shows, if every byte of its files is as the ledger's server made it.

    Args:
        members: Its files by name, out of the archive or of a folder.
        key: The public key to trust; without it the one in it, which shows damage and no forgery.

    Raises:
        VerificationError: Something is not; `where` names the file.
        ConfigError: It is of a newer version, or the key is malformed.
    """
    manifest = _manifest(members)
    _check_members(members, manifest)
    trusted, keys = bundle_keys(members[KEY], key)
    proven = verify_proof(members[RECORDED], keys)
    event = decode(proven.entry)
    recorded = [link.id for link in event.links if link.rel == MANIFEST_REL]
    found = hashlib.sha256(members[MANIFEST]).hexdigest()
    if event.action != ACTION or recorded != [found]:
        raise VerificationError(
            "is not the manifest that the ledger recorded", where=MANIFEST, expected=", ".join(recorded),
            found=found,
        )  # fmt: skip
    facts = manifest.facts
    if facts.origin != proven.checkpoint.origin or facts.made_by.id != (
        event.actor.id if event.actor else ""
    ):
        raise VerificationError("who made it, or where, is not what the ledger says", where=MANIFEST)
    bundles, own = _check_bundles(members, facts.origin, key, progress)
    _check_pins(facts, bundles)
    return CheckedPostMortem(
        facts=facts, key=str(trusted), key_given=key is not None, index=proven.index,
        size=proven.checkpoint.size, bundles=bundles, own_key=own,
    )  # fmt: skip


def _manifest(members: Mapping[str, bytes]) -> _Manifest:
    try:
        version = msgspec.json.decode(members[MANIFEST], type=dict).get("version", 0)
        if isinstance(version, int) and version > VERSION:
            raise ConfigError(
                f"post-mortem format {version} is newer than {VERSION}", hint="upgrade glasshatch"
            )
        manifest = msgspec.json.decode(members[MANIFEST], type=_Manifest)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VerificationError("is no manifest of a post-mortem", where=MANIFEST) from None
    if manifest.format != FORMAT or manifest.version not in range(1, VERSION + 1):
        raise VerificationError("is no manifest of a post-mortem", where=MANIFEST)
    return manifest


def _check_members(members: Mapping[str, bytes], manifest: _Manifest) -> None:
    named = {*manifest.members, MANIFEST, RECORDED}
    for name in (*REPORTS, KEY, RECORDED, *manifest.members):
        if name not in members:
            raise VerificationError("is missing in the post-mortem", where=name)
    for name, data in members.items():
        if name not in named or (name in manifest.members and not _known(name)):
            raise VerificationError("does not belong there in a post-mortem", where=name)
        wanted = manifest.members.get(name)
        found = hashlib.sha256(data).hexdigest()
        if wanted is not None and found != wanted:
            raise VerificationError(
                "is not what the manifest names", where=name, expected=wanted, found=found
            )


def _known(name: str) -> bool:
    return name in (*REPORTS, KEY) or _BUNDLE.fullmatch(name) is not None


def _check_bundles(
    members: Mapping[str, bytes],
    origin: str,
    key: LogKey | str | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, CheckedEvidence], tuple[str, ...]]:
    bundles, own = {}, []
    for name in sorted(name for name in members if _BUNDLE.fullmatch(name)):
        try:
            checked = check_evidence(members[name], None, progress)
            if checked.origin == origin and key is not None:
                checked = check_evidence(members[name], key, progress)
            elif checked.origin != origin:
                own.append(name)
        except VerificationError as error:
            raise VerificationError(
                error.message, where=f"{name}: {error.where}", expected=error.expected, found=error.found,
                hint=error.hint,
            ) from None  # fmt: skip
        bundles[name] = checked
    return bundles, tuple(own)


def _check_pins(facts: PostMortemFacts, bundles: Mapping[str, CheckedEvidence]) -> None:
    """Every pinned event is in a bundle; otherwise the report would rest on what nobody can check."""
    proven = [index for checked in bundles.values() for index in checked.indices]
    for pin in facts.pins:
        if pin.index in proven:
            proven.remove(pin.index)
        else:
            raise VerificationError(
                "a pinned event is in no bundle", where=MANIFEST, expected=f"{pin.ledger}/{pin.index}"
            )
