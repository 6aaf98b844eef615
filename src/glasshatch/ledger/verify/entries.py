"""The entries, in frames and packs: by their CRCs and, with the data key, by their leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import zstandard

from ...errors import ConfigError, GlasshatchError, VerificationError
from ...keys import Envelope
from ..log import BUNDLE_ENTRIES, HASH_BYTES, NOT_PRUNED, Pruning, decode_bundle, leaf_hashes
from ..log.blobs import BLOB_MARK, BlobPlace, blob_of, blob_place
from ..log.frames import Frame, SegmentScan, scan_segment
from ..log.layout import (
    CHECKPOINT_FILE,
    PACK_MAGIC,
    SEGMENT_MAGIC,
    WAL,
    ZSTD,
    FileHeader,
    decode_header,
    pack_name,
    segment_name,
)
from ..log.packs import MAX_BUNDLE_BYTES, BundlePlace, bundle_context, decode_table
from .report import Findings
from .tree import CheckedTree, compare_leaves

OpenEnvelope = Callable[[str], Envelope]
Progress = Callable[[int], None]


class EntryCheck:
    """Goes through packs and log once, in order."""

    def __init__(
        self,
        directory: Path,
        tree: CheckedTree,
        envelope: OpenEnvelope | None,
        findings: Findings,
        progress: Progress,
    ) -> None:
        self._directory = directory
        self._tree = tree
        self._envelope = envelope
        self._findings = findings
        self._progress = progress
        self._pruned = NOT_PRUNED
        self.packed = 0
        self.durable = 0
        self.opened = 0
        self.named: dict[BlobPlace, list[int]] = {}
        """The blobs that opened entries name, each with the entries."""
        self._log_first = 0
        self._seen_frame = False

    def check_packs(self, numbers: list[int], pruned: Pruning) -> None:
        """Every pack: header, table, bundles; `packed` is then how many entries they and the pruned had."""
        self._pruned = pruned
        at = self._check_leftovers(numbers)
        for expected, number in enumerate(numbers[at:], self._pruned.packs):
            if self._check_pack(number, expected, self.packed) is None:
                return

    def _check_leftovers(self, numbers: list[int]) -> int:
        """Packs that a crash kept from being pruned: sound, and one run up to what is kept. How many."""
        gone = [number for number in numbers if number < self._pruned.packs]
        stop = 0 if 0 in gone else None
        for at, number in enumerate(gone):
            self._findings.add(pack_name(number), 0, "was pruned and is still there", kind="unfinished")
            stop = self._check_pack(number, self._pruned.packs - len(gone) + at, stop)
            if stop is None:
                break
        if gone and stop is not None and stop != self._pruned.minimum:
            self._findings.add(pack_name(gone[-1]), 0, "ends elsewhere than what was pruned", found=stop)
        self.packed = self.durable = self._pruned.minimum
        return len(gone)

    def _check_pack(self, number: int, expected: int, first: int | None) -> int | None:
        """Check one pack; where it ends, or None if the packs behind it cannot be placed."""
        name = pack_name(number)
        data = (self._directory / name).read_bytes()
        try:
            header = decode_header(data, PACK_MAGIC)
            _expect("the number of the next pack", expected, number)
            _expect("the pack's number", number, header.number)
            if first is not None:
                _expect("the pack's first index", first, header.first)
            _expect("the pack's compression", ZSTD, header.compression)
            places = decode_table(data, header, len(data))
        except (VerificationError, ConfigError) as error:
            self._findings.take(name, 0, error)
            return None
        self._check_bundles(name, data, header, places)
        self.packed = self.durable = header.first + header.extent
        self._progress(len(data))
        return self.packed

    def check_log(self, numbers: list[int], signed: int) -> None:
        """Every segment of the log: the chain, the leaf hashes, and zeroes behind the end."""
        first: int | None = None
        previous: int | None = None
        ended = ""
        for number in numbers:
            name = segment_name(number)
            data = (self._directory / name).read_bytes()
            try:
                header = self._segment_header(number, data)
            except (VerificationError, ConfigError) as error:
                self._findings.take(name, 0, error)
                first = previous = None
                continue
            scan = scan_segment(data, first, previous)
            if ended and (scan.frames or scan.dirty_at >= 0):
                self._findings.add(name, scan.dirty_at, "bytes behind the end of the log", expected=ended)
            self._check_frames(name, data, header, scan)
            first, previous = self._end_of(scan, first, previous)
            if scan.dirty_at >= 0:
                self._report_tail(name, scan)
                first = previous = None
            elif not scan.frames:
                ended = ended or f"the end at {name}"
            self._progress(len(data))
        if self._log_first > signed:
            # A segment is only retired once a checkpoint covers its entries.
            what = "the log was retired further than any checkpoint reaches: checkpoints were taken away"
            self._findings.add(CHECKPOINT_FILE, 0, what, expected=self._log_first, found=signed)
        if self.durable < signed:
            self._findings.add(
                segment_name(numbers[-1]) if numbers else WAL,
                0,
                "entries below a signed checkpoint are missing",
                expected=signed,
                found=self.durable,
            )

    def _segment_header(self, number: int, data: bytes) -> FileHeader:
        header = decode_header(data, SEGMENT_MAGIC)
        _expect("the segment's number", number, header.number)
        _expect("the segment's size", header.extent, len(data))
        _expect("an unused field of the header", 0, header.parts | header.compression)
        return header

    def _end_of(
        self, scan: SegmentScan, first: int | None, previous: int | None
    ) -> tuple[int | None, int | None]:
        if not scan.frames:
            return first, previous
        last = scan.frames[-1]
        return last.first + last.count, last.crc

    def _report_tail(self, name: str, scan: SegmentScan) -> None:
        if scan.later_at >= 0:
            self._findings.add(
                name,
                scan.end,
                "the log is damaged in front of a good frame",
                found=f"frame at {scan.later_at}",
            )
        else:
            self._findings.add(
                name,
                scan.end,
                "bytes behind the last good frame: a torn write, or damage to what was acknowledged last",
                found=f"first at {scan.dirty_at}",
                kind="unfinished",
            )

    def _check_frames(self, name: str, data: bytes, header: FileHeader, scan: SegmentScan) -> None:
        envelope = self._derive(name, header)
        for frame in scan.frames:
            if not self._seen_frame:
                self._seen_frame, self._log_first = True, frame.first
            if frame.first > self.durable:
                self._findings.add(
                    name,
                    frame.offset,
                    "entries in front are missing",
                    expected=self.durable,
                    found=frame.first,
                )
            hashes = data[frame.hashes_at : frame.sealed_at]
            compare_leaves(self._tree, frame.first, hashes, name, frame.offset, self._findings)
            if envelope is not None:
                self._open_frame(name, data, frame, envelope, hashes)
            self.durable = max(self.durable, frame.first + frame.count)

    def _open_frame(self, name: str, data: bytes, frame: Frame, envelope: Envelope, hashes: bytes) -> None:
        sealed = data[frame.sealed_at : frame.sealed_at + frame.sealed_bytes]
        try:
            plain = envelope.open(sealed, frame.header)
            entries = decode_bundle(plain, frame.count)
            if b"".join(leaf_hashes(entries)) != hashes:
                raise VerificationError("the entries do not have the leaf hashes of their frame")
            self.opened += max(0, frame.first + frame.count - max(frame.first, self.packed))
            self._note_blobs(frame.first, entries, plain)
        except VerificationError as error:
            self._findings.take(name, frame.sealed_at, error)

    def _check_bundles(self, name: str, data: bytes, header: FileHeader, places: list[BundlePlace]) -> None:
        envelope = self._derive(name, header)
        decompressor = zstandard.ZstdDecompressor()
        for number, place in enumerate(places):
            sealed = data[place.offset : place.offset + place.length]
            if not place.intact(sealed):
                self._findings.add(name, place.offset, f"the CRC of bundle {number} is wrong")
            elif envelope is not None:
                try:
                    packed = envelope.open(sealed, bundle_context(header, number))
                    plain = decompressor.decompress(packed, max_output_size=MAX_BUNDLE_BYTES)
                    entries = decode_bundle(plain, BUNDLE_ENTRIES)
                except (VerificationError, zstandard.ZstdError):
                    self._findings.add(name, place.offset, f"bundle {number} does not open")
                    continue
                hashes = b"".join(leaf_hashes(entries))
                first = header.first + number * BUNDLE_ENTRIES
                compare_leaves(self._tree, first, hashes, name, place.offset, self._findings)
                self.opened += len(hashes) // HASH_BYTES
                self._note_blobs(first, entries, plain)

    def _note_blobs(self, first: int, entries: list[bytes], plain: bytes) -> None:
        if BLOB_MARK not in plain:
            return
        for index, entry in enumerate(entries, first):
            if digest := blob_of(entry):
                at = self.named.setdefault(blob_place(index, digest), [])
                if index not in at:
                    at.append(index)

    def _derive(self, name: str, header: FileHeader) -> Envelope | None:
        if self._envelope is None:
            return None
        try:
            return self._envelope(header.key_id).derive(header.key_context)
        except GlasshatchError as error:
            self._findings.take(name, 0, error)
            return None


def _expect(what: str, expected: int, found: int) -> None:
    if expected != found:
        raise VerificationError(f"{what} is wrong", expected=str(expected), found=str(found))
