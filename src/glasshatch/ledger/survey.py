"""Looking at a ledger's directory without changing it: what is there, and whether it may be continued.

Stops with a `VerificationError` at anything that a crash cannot explain, and names file, offset and cure.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ..errors import ConfigError, GlasshatchError, VerificationError
from .levels import Levels
from .log import (
    Checkpoint,
    Edge,
    Proof,
    Pruning,
    Succession,
    VerifierKey,
    level_widths,
    open_checkpoint,
    split_notes,
)
from .log.frames import Frame, SegmentScan, scan_segment
from .log.hashing import HASH_BYTES
from .log.layout import (
    CHECKPOINT_FILE,
    CHECKPOINTS,
    ENTRIES,
    FORMAT_FILE,
    KEY_FILE,
    NOTES_PER_FILE,
    SEGMENT_MAGIC,
    SUCCESSION_FILE,
    WAL,
    FileHeader,
    check_format,
    decode_header,
    file_number,
    level_name,
    notes_name,
    pack_name,
    segment_name,
)
from .pruned import read_pruned
from .store import Pack, open_pack

RESTORE = "nothing was changed; run glasshatch verify for the whole picture, then restore from a backup"


class SurveyedSegment(msgspec.Struct, frozen=True):
    """A segment of the log and its good frames."""

    header: FileHeader
    scan: SegmentScan

    @property
    def name(self) -> str:
        return segment_name(self.header.number)


class Notes(msgspec.Struct, frozen=True):
    """The history of checkpoints: how many, the newest, and where it ends in its file."""

    count: int
    newest: Checkpoint
    end: int
    torn: bool
    served: bool


class Survey(msgspec.Struct, frozen=True):
    """All that is needed to continue a ledger, or to read it."""

    format: int
    keys: Succession
    key_behind: bool
    """Whether the public key that lies there is one before the newest: a crash came between the two."""
    notes: Notes
    packs: tuple[Pack, ...]
    pruned: Pruning
    pruned_proof: Proof | None
    leftovers: tuple[Pack, ...]
    """Packs that a crash kept from being pruned."""
    segments: tuple[SurveyedSegment, ...]
    size: int
    """How many entries are durable."""

    @property
    def key(self) -> VerifierKey:
        """The public key in force."""
        return self.keys.newest

    @property
    def checkpoint(self) -> Checkpoint:
        return self.notes.newest


def survey(directory: Path, expected: VerifierKey | None) -> Survey:
    """Look at everything that says where the ledger ends; the bulk is left to `verify`.

    Raises:
        ConfigError: No ledger, or of a newer format.
        VerificationError: Damage, or another signing key than `expected`.
    """
    if not (directory / FORMAT_FILE).exists():
        raise ConfigError("there is no ledger here", file=str(directory), hint="glasshatch init makes one")
    format = check_format(_read(directory, FORMAT_FILE), str(directory / FORMAT_FILE))
    keys, stored = _read_keys(directory, expected)
    notes = _survey_notes(directory, keys)
    pruned, proof = read_pruned(directory)
    packs = _survey_packs(directory, pruned)
    leftovers = tuple(pack for pack in packs if pack.stop <= pruned.minimum)
    packs = packs[len(leftovers) :]
    segments = _survey_segments(directory)
    size = _durable_size(segments, packs[-1].stop if packs else pruned.minimum)
    if notes.newest.size > size:
        raise VerificationError(
            "entries below a signed checkpoint are missing",
            where=_last_written(segments),
            expected=f"{notes.newest.size} entries",
            found=f"{size} entries",
            hint=RESTORE,
        )
    behind = stored != keys.newest
    return Survey(format, keys, behind, notes, packs, pruned, proof, leftovers, segments, size)


def load_edge(directory: Path, checkpoint: Checkpoint, levels: Levels) -> Edge:
    """The stored right edge, if it has the checkpoint's root.

    Raises:
        VerificationError: The hashes were changed or are missing.
    """
    edge = Edge.load(checkpoint.size, levels.read)
    if edge.root() != checkpoint.root:
        raise VerificationError(
            "the right edge of the tree does not have the checkpoint's root",
            where=level_name(0),
            expected=checkpoint.root.hex(),
            found=edge.root().hex(),
            hint=RESTORE,
        )
    return edge


def check_against_levels(segment: SurveyedSegment, frame: Frame, hashes: bytes, levels: Levels) -> None:
    """Compare a frame's leaf hashes with the signed tree's, as far as that reaches."""
    widths = levels.widths
    count = min(frame.count, (widths[0] if widths else 0) - frame.first)
    if count > 0 and levels.read(0, frame.first, count) != hashes[: count * HASH_BYTES]:
        raise VerificationError(
            "the log's leaf hashes differ from the signed tree's",
            where=f"{segment.name} at {frame.offset}, {level_name(0)} at {frame.first * HASH_BYTES}",
            hint=RESTORE,
        )


def expected_widths(checkpoint: Checkpoint) -> list[int]:
    return level_widths(checkpoint.size)


def _read_keys(directory: Path, expected: VerifierKey | None) -> tuple[Succession, VerifierKey]:
    """The keys of the ledger, and the public key that lies there."""
    # The succession is written before the key file and never shrinks: read after it, it is as new.
    text = _read(directory, KEY_FILE).decode("utf-8", "replace")
    try:
        stored = VerifierKey.parse(text.removesuffix("\n"))
    except VerificationError as error:
        raise _at(error, KEY_FILE, 0) from None
    try:
        keys = read_succession(directory, expected or stored)
    except VerificationError as error:
        raise _at(error, SUCCESSION_FILE, 0) from None
    if stored not in keys.keys or keys.newest != (expected or keys.newest):
        raise VerificationError(
            "the ledger was signed by another key",
            where=KEY_FILE,
            expected=str(expected or keys.newest),
            found=str(stored if stored not in keys.keys else keys.newest),
            hint="open it with the keys it was made with; a keyring from before a rotation is an older copy:"
            " restore the newest",
        )
    return keys, stored


def read_succession(directory: Path, trusted: VerifierKey) -> Succession:
    """The ledger's keys over time, believed because of one of them; raises `VerificationError`."""
    path = directory / SUCCESSION_FILE
    return Succession.read(path.read_bytes() if path.exists() else b"", trusted)


def _survey_notes(directory: Path, key: Succession) -> Notes:
    served = _read(directory, CHECKPOINT_FILE)
    numbers = _numbers(directory, CHECKPOINTS)
    last = numbers[-1] if numbers else 0
    name = notes_name(last)
    data = _read(directory, name)
    notes, end = split_notes(data)
    if not notes and last:
        # A crash right after a new history file was made: the newest note ends the file before it.
        last -= 1
        return _notes_of_full_file(directory, last, served, key, torn=bool(data))
    return _newest(name, last * NOTES_PER_FILE, notes, end, served, key, torn=end < len(data))


def _notes_of_full_file(directory: Path, last: int, served: bytes, key: Succession, torn: bool) -> Notes:
    name = notes_name(last)
    data = _read(directory, name)
    notes, end = split_notes(data)
    if torn or len(notes) != NOTES_PER_FILE or end != len(data):
        raise VerificationError(
            "the history of checkpoints is damaged", where=f"{name} at {end}", hint=RESTORE
        )
    return _newest(name, last * NOTES_PER_FILE, notes, end, served, key, torn=False)


def _newest(
    name: str, before: int, notes: list[bytes], end: int, served: bytes, key: Succession, *, torn: bool
) -> Notes:
    if not notes:
        raise VerificationError("the history of checkpoints is empty", where=f"{name} at 0", hint=RESTORE)
    try:
        newest = open_checkpoint(notes[-1], key)
    except VerificationError as error:
        raise _at(error, name, end - len(notes[-1])) from None
    if served not in notes[-2:]:
        raise VerificationError(
            "the checkpoint is not the newest of the history",
            where=CHECKPOINT_FILE,
            hint=RESTORE,
        )
    return Notes(before + len(notes), newest, end, torn, served == notes[-1])


def _survey_packs(directory: Path, pruned: Pruning) -> tuple[Pack, ...]:
    packs: list[Pack] = []
    numbers = _numbers(directory, ENTRIES)
    for at, number in enumerate(numbers, min([pruned.packs, *numbers])):
        pack = open_pack(directory / pack_name(number), number) if number == at else None
        firsts = {packs[-1].stop} if packs else {0} if at == 0 else set()
        if at == pruned.packs:
            firsts.add(pruned.minimum)
        if pack is None or len(firsts | {pack.first}) > 1:
            raise VerificationError(
                "a pack is missing before this one", where=pack_name(number), hint=RESTORE
            )
        packs.append(pack)
    return tuple(packs)


def _survey_segments(directory: Path) -> tuple[SurveyedSegment, ...]:
    """Follow the chain over all segments.

    A torn tail is what one interrupted write leaves: garbage with nothing good behind it. Anything else is
    damage, and damage in front of acknowledged entries must never be cut off.
    """
    found: list[SurveyedSegment] = []
    first = previous = None
    ended_at = ""
    for number in _numbers(directory, WAL):
        data = _read(directory, segment_name(number))
        segment = _survey_segment(number, data, first, previous)
        if found and number != found[-1].header.number + 1:
            raise VerificationError("a segment is missing before this one", where=segment.name, hint=RESTORE)
        scan = segment.scan
        if ended_at and (scan.frames or scan.dirty_at >= 0):
            raise VerificationError(
                "the log ends early: there are frames behind it",
                where=ended_at,
                hint=RESTORE,
            )
        if scan.later_at >= 0:
            raise VerificationError(
                "the log is damaged: there is a good frame behind the damage",
                where=f"{segment.name} at {scan.end}",
                found=f"a good frame at {scan.later_at}",
                hint=RESTORE,
            )
        if scan.frames:
            last = scan.frames[-1]
            first, previous = last.first + last.count, last.crc
        if scan.dirty_at >= 0 or not scan.frames:
            ended_at = ended_at or f"{segment.name} at {scan.end}"
        found.append(segment)
    if not found:
        raise VerificationError("the write-ahead log is missing", where=WAL, hint=RESTORE)
    return tuple(found)


def _survey_segment(number: int, data: bytes, first: int | None, previous: int | None) -> SurveyedSegment:
    name = segment_name(number)
    try:
        header = decode_header(data, SEGMENT_MAGIC)
    except VerificationError as error:
        raise _at(error, name, 0) from None
    except ConfigError as error:
        raise ConfigError(error.message, file=name, hint=error.hint) from None
    if header.number != number or header.extent != len(data):
        raise VerificationError(
            "the segment is another one, or was cut",
            where=f"{name} at 0",
            expected=f"number {number}, {header.extent} bytes",
            found=f"number {header.number}, {len(data)} bytes",
            hint=RESTORE,
        )
    return SurveyedSegment(header, scan_segment(data, first, previous))


def _durable_size(segments: tuple[SurveyedSegment, ...], packed: int) -> int:
    frames = [frame for segment in segments for frame in (segment.scan.frames[:1], segment.scan.frames[-1:])]
    written = [frame for part in frames for frame in part]
    if not written:
        if packed:
            raise VerificationError("the log's last segment is missing", where=WAL, hint=RESTORE)
        return 0
    if written[0].first > packed:
        raise VerificationError(
            "entries between the packs and the log are missing",
            where=segment_name(segments[0].header.number),
            expected=f"first index {packed} or less",
            found=str(written[0].first),
            hint=RESTORE,
        )
    size = written[-1].first + written[-1].count
    if size < packed:
        raise VerificationError(
            "the log ends before the packs",
            where=_last_written(segments),
            expected=str(packed),
            found=str(size),
        )
    return size


def _last_written(segments: tuple[SurveyedSegment, ...]) -> str:
    written = [segment for segment in segments if segment.scan.frames] or list(segments[:1])
    return f"{written[-1].name} at {written[-1].scan.end}"


def _numbers(directory: Path, part: str) -> list[int]:
    names = os.listdir(directory / part)
    return sorted(number for name in names if (number := file_number(part, name)) is not None)


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise VerificationError(f"cannot be read: {error.strerror}", where=name, hint=RESTORE) from None


def _at(error: GlasshatchError, name: str, offset: int) -> VerificationError:
    return VerificationError(error.message, where=f"{name} at {offset}", hint=error.hint or RESTORE)
