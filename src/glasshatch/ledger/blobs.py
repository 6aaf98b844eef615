"""The blobs of one ledger: events too large for an entry, each encrypted in a file of its own.

A blob is durable before its entry is, and its header says which entry that will be. So whatever a crash
leaves of an entry that never came lies at or behind the end of the record, and is found there.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import TooLarge, VerificationError
from ..keys import Envelope
from .files import Files
from .log.blobs import (
    FOLDER_ENTRIES,
    MAX_BLOB_BYTES,
    BlobPlace,
    blob_header,
    blob_of,
    blob_place,
    decode_blob,
    folder_number,
    folder_of,
    folder_path,
    is_digest,
    open_blob,
    seal_blob,
)
from .log.layout import BLOBS, HEADER_BYTES, TEMPORARY_SUFFIX, FileHeader


class Large(msgspec.Struct, frozen=True):
    """An entry that is the short form of something larger; its length is that of the entry."""

    entry: bytes
    payload: bytes
    digest: str
    """The SHA-256 of the payload in hex, which the entry names in a link."""

    def __post_init__(self) -> None:
        if len(self.payload) > MAX_BLOB_BYTES:
            raise TooLarge(
                f"a blob has {len(self.payload)} bytes, the limit is {MAX_BLOB_BYTES}",
                hint="record it in parts; nothing of it was stored",
            )

    def __len__(self) -> int:
        return len(self.entry)

    def __repr__(self) -> str:
        return f"Large(digest={self.digest!r})"


class Blobs:
    """Keeps and finds blobs. One thread puts; any thread may get."""

    def __init__(
        self,
        directory: Path,
        data_key: Envelope,
        files: Files,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """For the ledger in `directory`; `resume` comes first."""
        self._directory = directory
        self.data_key = data_key
        """What the next blob is sealed under."""
        self._files = files
        self._random = random
        self._number = 0
        self._ready: set[int] = set()

    def resume(self, size: int, minimum: int) -> int:
        """Go on where `size` entries are durable and those below `minimum` are pruned; how many went.

        What a crash left of entries that never became durable goes, and so does what it kept from being
        pruned. Only the folders at both ends are looked into, so it takes no longer in a large ledger.
        """
        remove_unfinished(self._directory, self._files)
        gone = self.prune(minimum)
        for number in reversed(_folders(self._directory)):
            found = _headers(self._directory, number)
            orphans = [place for place, header in found if header.first >= size]
            self._remove(orphans)
            gone += len(orphans)
            if kept := [header.number for _, header in found if header.first < size]:
                self._number = max(kept) + 1
                break
        return gone

    def put(self, first: int, large: Sequence[tuple[int, Large]]) -> None:
        """Keep the payloads of entries that come at `first` and so many places behind it.

        When this returns they survive power loss. If it raises `OSError` for want of space, none of them is
        there.

        Raises:
            OSError: The disk failed or is full.
        """
        written: dict[Path, Path] = {}
        try:
            for offset, one in large:
                place = blob_place(first + offset, one.digest)
                path = self._prepared(place)
                # Equal bytes need no second file; events have ids, so they come from whoever repeats one.
                if path not in written and not self._has(place):
                    written[path] = self._write(path, self._sealed(len(written), first + offset, one))
        except OSError:
            for temporary in written.values():
                temporary.unlink(missing_ok=True)
            raise
        # A crash from here on leaves blobs of entries that are not there, which the next start removes.
        try:
            for path, temporary in written.items():
                self._files.rename(temporary, path)
            for folder in {path.parent for path in written}:
                self._files.sync_directory(folder)
        except OSError as error:
            # Some are there now, and the places of their entries must not go to others: whatever the reason
            # is, the ledger has to stop.
            raise OSError(errno.EIO, error.strerror) from None
        self._number += len(written)

    def prune(self, minimum: int) -> int:
        """Let the blobs of entries below `minimum` go; how many. What a crash leaves, `resume` lets go."""
        gone, boundary = 0, folder_of(minimum)
        for number in _folders(self._directory):
            if number < boundary:
                gone += self._remove(list(_places(self._directory, number)))
                # Something strange in it stays, and `verify` names it.
                with contextlib.suppress(OSError):
                    (self._directory / folder_path(number)).rmdir()
                self._files.sync_directory(self._directory / BLOBS)
            elif number == boundary and minimum > boundary * FOLDER_ENTRIES:
                found = _headers(self._directory, number)
                gone += self._remove([place for place, header in found if header.first < minimum])
        return gone

    def _remove(self, places: Sequence[BlobPlace]) -> int:
        for place in places:
            self._files.unlink(self._directory / place.path)
        for number in {place.folder for place in places}:
            self._files.sync_directory(self._directory / folder_path(number))
        return len(places)

    def _sealed(self, offset: int, index: int, one: Large) -> bytes:
        key, salt = self.data_key, self._random(16)
        return seal_blob(key, salt, self._number + offset, index, one.payload, one.digest)

    def _has(self, place: BlobPlace) -> bool:
        """Whether these bytes are kept already, for an entry in front."""
        try:
            decode_blob((self._directory / place.path).read_bytes(), place)
        except (FileNotFoundError, VerificationError):
            return False
        return True

    def _prepared(self, place: BlobPlace) -> Path:
        path = self._directory / place.path
        if place.folder not in self._ready:
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
                self._files.sync_directory(folder.parent)
            self._ready.add(place.folder)
        return path

    def _write(self, path: Path, data: bytes) -> Path:
        temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
        temporary.unlink(missing_ok=True)
        descriptor = self._files.create(temporary)
        try:
            self._files.pwrite(descriptor, data, 0)
            self._files.fsync(descriptor)
        except OSError:
            # The space goes back at once: a full disk may be full because of this very file.
            temporary.unlink(missing_ok=True)
            raise
        finally:
            self._files.close(descriptor)
        return temporary


def read_whole(directory: Path, index: int, entry: bytes, envelope: Callable[[str], Envelope]) -> bytes:
    """The whole bytes of which an entry of the ledger in this directory is the short form, or the entry.

    Raises:
        VerificationError: They are missing, or are not what was written.
    """
    digest = blob_of(entry)
    if not digest:
        return entry
    place = blob_place(index, digest)
    try:
        data = (directory / place.path).read_bytes()
    except FileNotFoundError:
        raise VerificationError(
            f"the whole event of entry {index} is missing", where=place.path,
            hint="restore the file from a backup; what the entry itself says stays proven",
        ) from None  # fmt: skip
    return open_blob(data, place, envelope)


def list_blobs(directory: Path) -> Iterator[BlobPlace]:
    """The blobs of a ledger, folder by folder."""
    for number in _folders(directory):
        yield from _places(directory, number)


def read_header(directory: Path, place: BlobPlace) -> FileHeader:
    """A blob's header.

    Raises:
        VerificationError: It is damaged, or of another place.
        ConfigError: It is of a newer format.
    """
    with open(directory / place.path, "rb", buffering=0) as file:
        return blob_header(file.read(HEADER_BYTES), place)


def remove_unfinished(directory: Path, files: Files) -> None:
    """Delete what a crash left of blobs that were being written."""
    for number in _folders(directory):
        for path in (directory / folder_path(number)).glob("*" + TEMPORARY_SUFFIX):
            files.unlink(path)


def _folders(directory: Path) -> list[int]:
    try:
        names = os.listdir(directory / BLOBS)
    except FileNotFoundError:
        return []
    return sorted(number for name in names if (number := folder_number(name)) is not None)


def _headers(directory: Path, number: int) -> list[tuple[BlobPlace, FileHeader]]:
    """The blobs in a folder, but for damaged ones: nobody can say where those belong; `verify` names them."""
    found = []
    for place in _places(directory, number):
        with contextlib.suppress(VerificationError, FileNotFoundError):
            found.append((place, read_header(directory, place)))
    return found


def _places(directory: Path, number: int) -> Iterator[BlobPlace]:
    try:
        names = sorted(os.listdir(directory / folder_path(number)))
    except FileNotFoundError:
        return  # pruned meanwhile
    for name in names:
        if is_digest(name):
            yield BlobPlace(number, name)
