"""The book: records one after another, each encrypted, chained to the one before, signed and synced.

On disk: one line of JSON (format, tenant, a random id), then frames: length (4 bytes), key id of the
signature (8), hash of the frame before (32), nonce and sealed record, Ed25519 signature (64) over place and
hash.
The head, which is how many frames there are and the hash of the last one, is signed too and lies in another
folder. So who changes, cuts or deletes the one is found by the other.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ...errors import ConfigError, Unavailable, VerificationError
from ...keys import Envelope, Keyring
from ...wholefiles import sync_folder, write_whole
from .records import Record

BOOK: Final = "book"
_CONTEXT = b"glasshatch/break-glass/v1\0"
_KEY, _HASH, _SIGNATURE = 8, 32, 64
_MOST_BYTES = 1 << 20
_decode = msgspec.msgpack.Decoder(Record).decode
_encode = msgspec.msgpack.Encoder().encode


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    tenant: str
    id: str
    key: str


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    count: int
    hash: str
    signer: str
    signature: str


class Damage(msgspec.Struct, frozen=True):
    """The book is not what was written. whole: how many records still are; anchored: how many there were."""

    what: str
    whole: int
    anchored: int


class Book:
    """One book, open for appending; safe from any thread. One process owns it: who holds the directory.

    What `append` returned for survives power loss. A crash in the middle of it leaves a torn end that the
    next opening drops: nobody was told that it was there.
    """

    def __init__(self, folder: Path, anchor: Path, keyring: Keyring) -> None:
        """Read what there is. A book that is damaged has `damage`, its whole records, and takes no more.

        Raises:
            ConfigError: It was written by a newer version, or for another tenant.
            Unavailable: It cannot be read.
        """
        self.file = folder / BOOK
        self.anchor = anchor
        self._keyring = keyring
        self._lock = threading.RLock()
        self.records: list[Record] = []
        self.hash = b"\0" * _HASH
        self.damage: Damage | None = None
        self._descriptor = -1
        self._end = 0
        self._header: _Header | None = None
        self._load()

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self._header is not None

    def append(self, records: Sequence[Record]) -> None:
        """Write records; durable, and anchored, when this returns.

        Raises:
            Unavailable: The disk does not take them; nothing that rests on them may happen.
            VerificationError: The book is damaged.
        """
        with self._lock:
            if self.damage is not None:
                raise VerificationError(
                    "the break-glass book is damaged", where=str(self.file), hint=self.damage.what
                )
            try:
                self._write(records)
            except OSError as error:
                # What the file holds now is not known: no more is written by this process.
                self.damage = Damage("the disk failed while it was written", len(self.records), 0)
                raise Unavailable(
                    f"the break-glass book cannot be written: {error.strerror}", hint="look at its disk"
                ) from None

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    # -- writing --------------------------------------------------------------------------------

    def _write(self, records: Sequence[Record]) -> None:
        if self._header is None:
            self._create()
        if self._descriptor < 0:
            self._descriptor = os.open(self.file, os.O_RDWR | os.O_CLOEXEC)
            # The torn end of a crash; it was never acknowledged.
            os.ftruncate(self._descriptor, self._end)
        frames, hash_ = [], self.hash
        for place, record in enumerate(records, len(self.records)):
            frame, hash_ = self._frame(place, hash_, record)
            frames.append(frame)
        data = b"".join(frames)
        if os.pwrite(self._descriptor, data, self._end) != len(data):
            raise OSError(28, "No space left on device")
        os.fdatasync(self._descriptor)
        # A crash here leaves the book ahead of its head, which the next opening takes for what it is.
        self._end += len(data)
        self.hash = hash_
        self.records.extend(records)
        self._put_head()

    def _create(self) -> None:
        self.file.parent.mkdir(mode=0o700, exist_ok=True)
        self.anchor.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        header = _Header(1, self._keyring.tenant, os.urandom(16).hex(), self._keyring.data_key.id)
        line = msgspec.json.encode(header) + b"\n"
        self._header, self._end = header, len(line)
        # The head first: a book without one would look like one whose head was taken away.
        self._put_head()
        write_whole(self.file, line)

    def _frame(self, place: int, before: bytes, record: Record) -> tuple[bytes, bytes]:
        sealed = self._envelope().seal(_encode(record), _aad(place, before))
        hash_ = hashlib.sha256(before + sealed).digest()
        key = self._keyring.signing_key
        signature = key.sign(_CONTEXT + place.to_bytes(8, "big") + hash_)
        body = _key_id(key.public_key()) + before + sealed + signature
        return len(body).to_bytes(4, "big") + body, hash_

    def _put_head(self) -> None:
        key, count = self._keyring.signing_key, len(self.records)
        signature = key.sign(_head_text(self._book_id(), count, self.hash))
        head = _Head(1, count, self.hash.hex(), _key_id(key.public_key()).hex(), signature.hex())
        write_whole(self.anchor, msgspec.json.encode(head))

    def _envelope(self) -> Envelope:
        assert self._header is not None
        envelope = self._keyring.envelope(self._header.key)
        return envelope.derive(_CONTEXT + self._header.id.encode())

    def _book_id(self) -> str:
        return self._header.id if self._header is not None else ""

    # -- reading --------------------------------------------------------------------------------

    def _load(self) -> None:
        data, head = _read(self.file), _read(self.anchor)
        if not data:
            # A head of nothing is what a crash leaves that came before the book's first byte.
            if _count(head):
                self.damage = Damage("the book is gone, and its head says there was one", 0, _count(head))
            return
        line, _, rest = data.partition(b"\n")
        self._header = self._read_header(line)
        if self._header is None:
            self.damage = Damage("its first line is not one", 0, _count(head))
            return
        self._end = len(line) + 1
        torn = self._read_frames(rest)
        self._compare(head, torn)

    def _read_header(self, line: bytes) -> _Header | None:
        try:
            header = msgspec.json.decode(line, type=_Header)
        except msgspec.DecodeError:
            return None
        if header.format > 1:
            raise ConfigError(
                "was written by a newer version", file=str(self.file), hint="upgrade glasshatch"
            )
        if header.tenant != self._keyring.tenant:
            raise ConfigError(f"belongs to tenant {header.tenant}", file=str(self.file))
        return header

    def _read_frames(self, data: bytes) -> bool:
        """Take the whole frames; says whether something is behind them."""
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            body = data[at + 4 : at + 4 + size]
            if len(body) != size or not _KEY + _HASH + _SIGNATURE < size <= _MOST_BYTES:
                return True
            record, hash_ = self._opened(len(self.records), body)
            if record is None:
                return True
            self.records.append(record)
            self.hash = hash_
            at += 4 + size
            self._end += 4 + size
        return False

    def _opened(self, place: int, body: bytes) -> tuple[Record | None, bytes]:
        signer, before = body[:_KEY], body[_KEY : _KEY + _HASH]
        sealed, signature = body[_KEY + _HASH : -_SIGNATURE], body[-_SIGNATURE:]
        hash_ = hashlib.sha256(before + sealed).digest()
        try:
            if before != self.hash:
                return None, hash_
            text = _CONTEXT + place.to_bytes(8, "big") + hash_
            self._public(signer).verify(signature, text)
            return _decode(self._envelope().open(sealed, _aad(place, before))), hash_
        except (InvalidSignature, VerificationError, msgspec.DecodeError):
            return None, hash_

    def _public(self, key_id: bytes) -> Ed25519PublicKey:
        for fact in self._keyring.facts():
            if fact.kind == "signing":
                public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(fact.public))
                if _key_id(public) == key_id:
                    return public
        raise VerificationError("a frame is signed by a key that nobody has", where=str(self.file))

    def _compare(self, head: bytes, torn: bool) -> None:
        """The book may be ahead of its head, by what a crash left; it may never be behind it."""
        count = len(self.records)
        try:
            found = msgspec.json.decode(head, type=_Head)
            text = _head_text(self._book_id(), found.count, bytes.fromhex(found.hash))
            self._public(bytes.fromhex(found.signer)).verify(bytes.fromhex(found.signature), text)
        except (msgspec.DecodeError, ValueError, InvalidSignature, VerificationError):
            what = "its head is gone" if not head else "its head is not what was written"
            self.damage = Damage(what, count, _count(head))
            return
        if found.count > count:
            how = "changed" if torn else "cut off"
            self.damage = Damage(f"it was {how} behind record {count}", count, found.count)
        elif found.hash != self._hash_at(found.count).hex():
            self.damage = Damage("it is another one than its head is of", count, found.count)

    def _hash_at(self, count: int) -> bytes:
        """The hash after so many records, out of the file."""
        if count == len(self.records):
            return self.hash
        data, hash_ = _read(self.file).partition(b"\n")[2], b"\0" * _HASH
        for _ in range(count):
            size = int.from_bytes(data[:4], "big")
            hash_ = hashlib.sha256(hash_ + data[4 + _KEY + _HASH : 4 + size - _SIGNATURE]).digest()
            data = data[4 + size :]
        return hash_

    def put_aside(self) -> Path:
        """Move a damaged book and its head away for who looks into it; a new one begins empty."""
        with self._lock:
            self.close()
            number = 1 + len(list(self.file.parent.glob("book.damaged-*")))
            target = self.file.with_name(f"book.damaged-{number}")
            self.file.parent.mkdir(mode=0o700, exist_ok=True)
            if self.file.exists():
                self.file.rename(target)
            if head := _read(self.anchor):
                # It may lie on another disk.
                write_whole(target.with_name(f"{target.name}.head"), head)
                self.anchor.unlink()
                sync_folder(self.anchor.parent)
            sync_folder(self.file.parent)
            self.records, self.hash, self._header, self._end = [], b"\0" * _HASH, None, 0
            self.damage = None
            return target


def _aad(place: int, before: bytes) -> bytes:
    return place.to_bytes(8, "big") + before


def _head_text(book: str, count: int, hash_: bytes) -> bytes:
    return _CONTEXT + b"head\0" + book.encode() + count.to_bytes(8, "big") + hash_


def _key_id(public: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(public.public_bytes_raw()).digest()[:_KEY]


def _count(head: bytes) -> int:
    try:
        return msgspec.json.decode(head, type=_Head).count
    except msgspec.DecodeError:
        return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
