"""Where each entry lies: in a frame of the log at first, in a sealed pack for good. Reads from any thread."""

from __future__ import annotations

import datetime
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import zstandard

from ..errors import ConfigError, Unavailable, VerificationError
from ..keys import Envelope
from .log import BUNDLE_ENTRIES, NOT_PRUNED, Pruning, decode_bundle
from .log.frames import Frame
from .log.layout import HEADER_BYTES, PACK_MAGIC, FileHeader, decode_header, pack_name
from .log.packs import MAX_BUNDLE_BYTES, BundlePlace, bundle_context, decode_table, table_end
from .segments import Segment

_CACHED_RUNS = 16
_CACHED_TABLES = 64

OpenEnvelope = Callable[[str], Envelope]
"""The data key with an id."""


class Pack(msgspec.Struct, frozen=True):
    """A sealed pack: its file and which entries it holds."""

    path: Path
    header: FileHeader

    @property
    def first(self) -> int:
        return self.header.first

    @property
    def stop(self) -> int:
        return self.header.first + self.header.extent


class _Place(msgspec.Struct, frozen=True):
    segment: Segment
    frame: Frame


class Store:
    """The entries of a ledger by index."""

    def __init__(self, envelope: OpenEnvelope, pruned: Pruning = NOT_PRUNED) -> None:
        self.envelope = envelope
        self.pruned = pruned
        """What was pruned: below its minimum there is nothing to read."""
        self._lock = threading.Lock()
        self._packs: list[Pack] = []
        self._firsts: list[int] = []
        self._places: list[_Place] = []
        self._runs: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()
        self._tables: OrderedDict[int, tuple[list[BundlePlace], Envelope]] = OrderedDict()

    @property
    def packed(self) -> int:
        """How many entries lie in packs."""
        return self._packs[-1].stop if self._packs else self.pruned.minimum

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs there are now."""
        return tuple(self._packs)

    @property
    def next_pack(self) -> int:
        """The number of the pack that is sealed next."""
        return self._packs[-1].header.number + 1 if self._packs else self.pruned.packs

    def settled_packs(self) -> list[Pack]:
        """The packs none of whose entries lies in the log as well, oldest first."""
        with self._lock:
            begins = self._firsts[0] if self._firsts else 0
            return [pack for pack in self._packs if pack.stop <= begins]

    def add_frame(self, segment: Segment, frame: Frame) -> None:
        with self._lock:
            self._firsts.append(frame.first)
            self._places.append(_Place(segment, frame))

    def add_pack(self, pack: Pack) -> None:
        with self._lock:
            self._packs.append(pack)

    def drop(self, pruned: Pruning) -> list[Pack]:
        """Read nothing below a minimum any more; answers the packs that are not needed now."""
        with self._lock:
            self.pruned = pruned
            gone = [pack for pack in self._packs if pack.stop <= pruned.minimum]
            self._packs = self._packs[len(gone) :]
            for key in [key for key in self._runs if key[1] < pruned.minimum]:
                del self._runs[key]
            for pack in gone:
                self._tables.pop(pack.header.number, None)
        return gone

    def forget(self, segments: list[Segment]) -> None:
        """Stop reading from segments that were retired; their entries lie in packs."""
        gone = {id(segment) for segment in segments}
        with self._lock:
            self._places = [place for place in self._places if id(place.segment) not in gone]
            self._firsts = [place.frame.first for place in self._places]

    def read(self, index: int) -> bytes:
        """One entry; the caller has checked that it exists."""
        first, run = self.run(index)
        return run[index - first]

    def read_range(self, start: int, stop: int) -> list[bytes]:
        """Entries start <= index < stop, which exist."""
        entries: list[bytes] = []
        while start < stop:
            first, run = self.run(start)
            part = run[start - first : stop - first]
            entries += part
            start += len(part)
        return entries

    def scan(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Entries start <= index < stop, in order, without those that were pruned."""
        while (start := max(start, self.pruned.minimum)) < stop:
            try:
                first, run = self.run(start)
            except ConfigError:
                if start >= self.pruned.minimum:
                    raise
                continue  # pruned while we were on our way: what is kept comes next
            end = min(stop, first + len(run))
            yield from zip(range(start, end), run[start - first : end - first], strict=True)
            start = end

    def run(self, index: int) -> tuple[int, list[bytes]]:
        """The entries that are stored together with `index`, and the index of the first.

        Raises:
            ConfigError: It was pruned.
            VerificationError: The stored bytes are not what was written.
        """
        if index < self.pruned.minimum:
            raise self._gone(index)
        if index >= self.packed:
            found = self._logged_run(index)
            if found is not None:
                return found
            # Between the two looks the entry may have moved from the log into a pack.
            if index >= self.packed:
                raise VerificationError(
                    f"entry {index} is neither in a pack nor in the log", hint="run glasshatch verify"
                )
        return self._packed_run(index)

    def _logged_run(self, index: int) -> tuple[int, list[bytes]] | None:
        with self._lock:
            at = bisect_right(self._firsts, index) - 1
            place = self._places[at] if at >= 0 else None
            if place is None or index >= place.frame.first + place.frame.count:
                return None
            key = ("frame", place.frame.first)
            cached = self._runs.get(key)
            # Read under the lock: what `forget` lets go is zeroed or closed.
            bundle = place.segment.read(place.frame) if cached is None else b""
        if cached is None:
            cached = decode_bundle(bundle, place.frame.count)
            self._remember(key, cached)
        return place.frame.first, cached

    def _packed_run(self, index: int) -> tuple[int, list[bytes]]:
        with self._lock:
            at = bisect_right(self._packs, index, key=lambda pack: pack.first) - 1
            if at < 0:
                raise self._gone(index)
            pack = self._packs[at]
            number = (index - pack.first) // BUNDLE_ENTRIES
            first = pack.first + number * BUNDLE_ENTRIES
            cached = self._runs.get(("bundle", first))
        if cached is None:
            try:
                cached = self.read_bundle(pack, number)
            except FileNotFoundError:
                if index < self.pruned.minimum:
                    raise self._gone(index) from None
                raise Unavailable(
                    f"entry {index} cannot be read: its pack is gone",
                    hint="it was pruned meanwhile; otherwise run glasshatch verify",
                ) from None
            self._remember(("bundle", first), cached)
        return first, cached

    def _gone(self, index: int) -> ConfigError:
        since = datetime.datetime.fromtimestamp(int(self.pruned.time or 0) / 1e9, datetime.UTC)
        return ConfigError(
            f"entry {index} was pruned: entries before {self.pruned.minimum} are gone since {since:%Y-%m-%d}",
            hint=f"its hash stays and proofs that were taken stay valid; entry {self.pruned.entry} says why",
        )

    def read_bundle(self, pack: Pack, number: int) -> list[bytes]:
        """The entries of one bundle, read anew; raises as `run`."""
        where = f"{pack_name(pack.header.number)} bundle {number}"
        with open(pack.path, "rb", buffering=0) as file:
            places, envelope = self._table(pack, file.fileno())
            place = places[number]
            sealed = os.pread(file.fileno(), place.length, place.offset)
        try:
            packed = envelope.open(sealed, bundle_context(pack.header, number))
            plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_BUNDLE_BYTES)
            return decode_bundle(plain, BUNDLE_ENTRIES)
        except (VerificationError, zstandard.ZstdError) as error:
            raise VerificationError(
                f"a bundle cannot be read: {getattr(error, 'message', 'damaged compression')}",
                where=f"{where} at {place.offset}",
                hint="restore the file from a backup; the record itself can still be checked",
            ) from None

    def _table(self, pack: Pack, descriptor: int) -> tuple[list[BundlePlace], Envelope]:
        number = pack.header.number
        with self._lock:
            known = self._tables.get(number)
        if known is None:
            data = os.pread(descriptor, table_end(pack.header.parts), 0)
            places = decode_table(data, pack.header, os.fstat(descriptor).st_size)
            known = places, self.envelope(pack.header.key_id).derive(pack.header.key_context)
            with self._lock:
                self._tables[number] = known
                while len(self._tables) > _CACHED_TABLES:
                    self._tables.popitem(last=False)
        return known

    def _remember(self, key: tuple[str, int], run: list[bytes]) -> None:
        with self._lock:
            self._runs[key] = run
            while len(self._runs) > _CACHED_RUNS:
                self._runs.popitem(last=False)


def open_pack(path: Path, number: int) -> Pack:
    """Read a pack's header.

    Raises:
        ConfigError: It has a newer format.
        VerificationError: It is damaged or is another pack.
    """
    with open(path, "rb") as file:
        data = file.read(HEADER_BYTES)
        try:
            header = decode_header(data, PACK_MAGIC)
            decode_table(data + file.read(table_end(header.parts)), header, os.fstat(file.fileno()).st_size)
        except VerificationError as error:
            raise VerificationError(
                error.message, where=f"{pack_name(number)} at 0", hint="restore the file from a backup"
            ) from None
        except ConfigError as error:
            raise ConfigError(error.message, file=pack_name(number), hint=error.hint) from None
    if header.number != number:
        raise VerificationError(
            "the pack has another number",
            where=pack_name(number),
            expected=str(number),
            found=str(header.number),
            hint="restore the file from a backup",
        )
    return Pack(path, header)
