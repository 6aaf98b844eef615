"""The local spool: what `record()` answered is on this disk, encrypted, until the server acknowledged it.

    DIR/key        32 bytes, mode 0600, unless the key is handed in
    DIR/lock       held by the one process that owns the spool
    DIR/<n>.spool  segments: a magic, then frames of length, CRC-32, nonce and AES-256-GCM ciphertext
    DIR/<n>.refused  one event each that the server refuses for good, kept for a person to look at

A crash leaves at most one torn frame at the end of the newest segment; nobody was answered for it, and it
is cut off. Segments that were sent but not yet removed are sent again, which the events' ids make harmless.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import threading
import zlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import ConfigError, Conflict, Unavailable

_MAGIC = b"GHSPOOL1"
_FRAME = struct.Struct(">II12s")
_KEY_BYTES = 32
_SEGMENT_BYTES = 1 << 20


class Place(msgspec.Struct, frozen=True, order=True):
    """A position in the spool: before it, everything is acknowledged."""

    segment: int
    offset: int = len(_MAGIC)


class Batch(msgspec.Struct, frozen=True):
    """Events in order, and the place behind each of them."""

    events: list[bytes]
    ends: list[Place]


class Spool:
    """One directory, owned by one process. Safe from any thread."""

    def __init__(self, directory: Path, *, key: bytes = b"", limit_bytes: int, durable: bool) -> None:
        """Open or make a spool.

        Args:
            key: 32 bytes; by default a file beside the segments, which protects copies of them only.
            limit_bytes: `append` refuses when the segments have grown so large.
            durable: Whether `append` waits for the disk; without it a power loss may cost the newest.

        Raises:
            Conflict: Another process has it open.
            ConfigError: The directory cannot be used, or the key does not open what is in it.
        """
        self._directory = directory
        self._limit = limit_bytes
        self._durable = durable
        self._lock = threading.Lock()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = _take(directory)
            self._cipher = AESGCM(key or _key_file(directory / "key"))
            self._sizes = {int(path.stem): path.stat().st_size for path in directory.glob("*.spool")}
        except OSError as error:
            raise ConfigError(f"the spool cannot be used: {error.strerror}", file=str(directory)) from None
        self._active = -1
        self._descriptor = -1
        self._acknowledged = Place(min(self._sizes, default=0))
        self._mend()

    def append(self, event: bytes) -> None:
        """Keep an event; when this returns it survives a crash, and power loss if durable.

        Raises:
            Unavailable: The spool is full, or the disk is; the event is not kept.
        """
        nonce = os.urandom(12)
        sealed = self._cipher.encrypt(nonce, event, _MAGIC)
        frame = _FRAME.pack(len(sealed), zlib.crc32(sealed), nonce) + sealed
        with self._lock:
            if sum(self._sizes.values()) + len(frame) > self._limit:
                raise Unavailable(
                    "the spool is full: the server has not taken events for long",
                    hint="look at the server, or give the spool more room",
                )
            self._write(frame)

    def read(self, count: int, size: int) -> Batch:
        """The oldest events that are not acknowledged, at most so many and about so many bytes."""
        events: list[bytes] = []
        ends: list[Place] = []
        with self._lock:
            place, sizes = self._acknowledged, dict(self._sizes)
        for segment in sorted(number for number in sizes if number >= place.segment):
            offset = place.offset if segment == place.segment else len(_MAGIC)
            data = self._slice(segment, offset, sizes[segment], size)
            for event, end in self._frames(data, offset):
                events.append(event)
                ends.append(Place(segment, end))
                size -= len(event)
                if len(events) == count or size <= 0:
                    return Batch(events, ends)
        return Batch(events, ends)

    def acknowledge(self, place: Place) -> None:
        """Everything before the place is the server's now; whole segments before it are removed."""
        with self._lock:
            self._acknowledged = max(place, self._acknowledged)
            for number in sorted(self._sizes):
                finished = number < place.segment or (
                    number == place.segment and place.offset >= self._sizes[number]
                )
                if not finished:
                    break
                if number == self._active:
                    self._close_active()
                self._path(number).unlink(missing_ok=True)
                del self._sizes[number]

    def refuse(self, event: bytes) -> Path:
        """Put an event aside that the server will never take; returns where it lies, encrypted."""
        nonce = os.urandom(12)
        sealed = self._cipher.encrypt(nonce, event, _MAGIC)
        number = len(list(self._directory.glob("*.refused")))
        path = self._directory / f"{number:08d}.refused"
        _write_file(path, _MAGIC + _FRAME.pack(len(sealed), zlib.crc32(sealed), nonce) + sealed)
        return path

    @property
    def pending(self) -> bool:
        """Whether anything waits for the server."""
        with self._lock:
            return any(
                number > self._acknowledged.segment or size > self._acknowledged.offset
                for number, size in self._sizes.items()
                if number >= self._acknowledged.segment
            )

    def close(self) -> None:
        """Let the directory go; what is unsent stays in it."""
        with self._lock:
            self._close_active()
            if self._owner >= 0:
                os.close(self._owner)
                self._owner = -1

    def _write(self, frame: bytes) -> None:
        if self._descriptor < 0 or self._sizes[self._active] >= _SEGMENT_BYTES:
            self._open_next()
        end = self._sizes[self._active]
        try:
            written = os.pwrite(self._descriptor, frame, end)
            if written < len(frame):
                raise OSError(28, "No space left on device")
            if self._durable:
                os.fdatasync(self._descriptor)
        except OSError as error:
            # A torn frame must not stand before later ones: it is cut off, or ends this segment.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, end)
            self._close_active()
            raise Unavailable(
                f"the spool cannot be written: {error.strerror}", hint="look at its disk"
            ) from None
        self._sizes[self._active] = end + len(frame)

    def _open_next(self) -> None:
        self._close_active()
        number = max([*self._sizes, self._acknowledged.segment], default=0) + 1
        try:
            self._descriptor = os.open(
                self._path(number), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
            os.write(self._descriptor, _MAGIC)
            if self._durable:
                _sync_folder(self._directory)
        except OSError as error:
            raise Unavailable(
                f"the spool cannot be written: {error.strerror}", hint="look at its disk"
            ) from None
        self._active = number
        self._sizes[number] = len(_MAGIC)

    def _close_active(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = self._active = -1

    def _mend(self) -> None:
        """Leave out what a crash tore, and check that the key opens what is there."""
        for number in sorted(self._sizes):
            data = self._slice(number, 0, self._sizes[number], _SEGMENT_BYTES * 2)
            if not data.startswith(_MAGIC) and len(data) >= len(_MAGIC):
                raise ConfigError("is no spool segment", file=str(self._path(number)))
            ends = [end for _, end in self._frames(data[len(_MAGIC) :], len(_MAGIC))]
            self._sizes[number] = ends[-1] if ends else len(_MAGIC)

    def _slice(self, number: int, start: int, stop: int, size: int) -> bytes:
        """Bytes of a segment; a frame more than asked for, so that at least one is whole."""
        with self._path(number).open("rb") as file:
            file.seek(start)
            return file.read(min(stop - start, size + 2 * _SEGMENT_BYTES))

    def _frames(self, data: bytes, base: int) -> list[tuple[bytes, int]]:
        """Events and the offset behind each, up to the first frame that is not whole."""
        found: list[tuple[bytes, int]] = []
        at = 0
        while at + _FRAME.size <= len(data):
            length, code, nonce = _FRAME.unpack_from(data, at)
            sealed = data[at + _FRAME.size : at + _FRAME.size + length]
            if len(sealed) < length or zlib.crc32(sealed) != code:
                break
            at += _FRAME.size + length
            try:
                found.append((self._cipher.decrypt(nonce, sealed, _MAGIC), base + at))
            except InvalidTag:
                raise ConfigError(
                    "the key does not open the spool",
                    file=str(self._directory),
                    hint="give the key it was made with",
                ) from None
        return found

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:016d}.spool"


def _take(directory: Path) -> int:
    owner = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise Conflict(
            f"the spool {directory} is open in another process",
            hint="give each process a directory of its own",
        ) from None
    return owner


def _key_file(path: Path) -> bytes:
    if not path.exists():
        _write_file(path, os.urandom(_KEY_BYTES))
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            "is no spool key", file=str(path), hint="32 bytes, made when the spool is first used"
        )
    return key


def _write_file(path: Path, data: bytes) -> None:
    """Whole or not at all, also over a crash."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    fresh.rename(path)
    _sync_folder(path.parent)


def _sync_folder(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
