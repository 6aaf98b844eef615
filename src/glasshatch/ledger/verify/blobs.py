"""The blobs beside the log: each is what was written, none is missing, and each has an entry."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import ConfigError, VerificationError
from ..log.blobs import BlobPlace, decode_blob, open_blob
from ..log.layout import BLOBS, FileHeader
from .entries import OpenEnvelope, Progress
from .report import Findings


class BlobCheck:
    """Goes through the blobs once: by their CRCs and numbers, and with the data key by their hashes."""

    def __init__(
        self, directory: Path, envelope: OpenEnvelope | None, findings: Findings, progress: Progress
    ) -> None:
        self._directory = directory
        self._envelope = envelope
        self._findings = findings
        self._progress = progress
        self._minimum = 0
        self._settled: dict[BlobPlace, int] = {}
        self._damaged: set[BlobPlace] = set()

    def check(
        self, places: Sequence[BlobPlace], extent: tuple[int, int], named: Mapping[BlobPlace, Sequence[int]]
    ) -> None:
        """Every blob for itself; those of entries in the extent also in their order.

        Args:
            named: With the data key, what the entries name.
        """
        minimum, durable = extent
        self._minimum = minimum
        kept: list[tuple[int, int, BlobPlace]] = []
        for place in places:
            header = self._read(place)
            if header is None:
                self._damaged.add(place)
                continue
            if header.first < minimum:
                what = f"is of entry {header.first}, which was pruned, and is still there"
                self._findings.add(place.path, 0, what, kind="unfinished")
            elif header.first >= durable:
                what = f"is of entry {header.first}, which was never acknowledged: a crash came in between"
                self._findings.add(place.path, 0, what, kind="unfinished")
            else:
                self._settled[place] = header.first
                kept.append((header.number, header.first, place))
        if not self._damaged:
            self._check_numbers(sorted(kept))
        if self._envelope is not None:
            self._compare(named)

    def _compare(self, named: Mapping[BlobPlace, Sequence[int]]) -> None:
        for place, indexes in sorted(named.items()):
            kept = [index for index in indexes if index >= self._minimum]
            # The server may have written it after the files were listed.
            if not kept or place in self._damaged or (self._directory / place.path).exists():
                continue
            self._findings.add(place.path, 0, f"the whole event of entry {kept[0]} is missing")
        for place, first in sorted(self._settled.items()):
            if first not in named.get(place, ()):
                self._stranger(place, first)

    def _stranger(self, place: BlobPlace, first: int) -> None:
        self._findings.add(place.path, 0, f"entry {first} does not name it: it does not belong there")

    def _check_numbers(self, kept: Sequence[tuple[int, int, BlobPlace]]) -> None:
        for (number, first, _), (following, index, place) in itertools.pairwise(kept):
            if following != number + 1 or index <= first:
                self._findings.add(
                    BLOBS, 0, f"blobs are missing or added between those of entries {first} and {index}",
                    expected=f"number {number + 1}", found=f"number {following}, {place.path}",
                )  # fmt: skip

    def _read(self, place: BlobPlace) -> FileHeader | None:
        """The header, if the whole file is what was written."""
        try:
            data = (self._directory / place.path).read_bytes()
            self._progress(len(data))
            header = decode_blob(data, place)
            if self._envelope is not None:
                open_blob(data, place, self._envelope)
        except FileNotFoundError:
            # A live server pruned it; otherwise somebody deletes while we look.
            self._findings.add(place.path, 0, "vanished while it was looked at", kind="unfinished")
            return None
        except (VerificationError, ConfigError) as error:
            self._findings.take(place.path, 0, error)
            return None
        return header
