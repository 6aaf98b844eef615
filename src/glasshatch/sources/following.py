"""A log followed while it is written and rotated: every item of it comes, whatever its file is called then.

A file is known by its first line: renamed, compressed or copied it is the same one, and emptied and written
anew it is another. Rotation renames (`log` to `log.1`, `log-DATE`), begins another file, or copies and
empties; what is rotated may be compressed afterwards. A file that is removed between two looks is read to
its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..errors import PeerError
from .bodies import encoding_of, open_decoded, read_piece
from .files import BEGIN, Lines, OpenFile
from .forms import Form
from .positions import LogPosition

QUIET_SECONDS = 1.0
"""A last line without its end, or an entry that may go on, is taken for whole when it was quiet so long."""

_MENDED_SECONDS = 10.0
_REMEMBERED_FILES = 200
_HELD_FILES = 4
_FIRST_LINE_BYTES = 64 * 1024


class Followed(msgspec.Struct, frozen=True):
    """A batch of a followed log: its items, the name of its file for keys, and the position behind it."""

    lines: Lines
    file: str
    behind: LogPosition


class LogFollower:
    """One log: a path, or a pattern with `*` for a log whose files each have a name of their own.

    `complaints` are said once: of files that are damaged.
    """

    def __init__(self, path: str, form: Form, position: LogPosition) -> None:
        self._path = Path(path)
        self._pattern = _name_pattern(self._path.name)
        self._form = form
        self._places = dict(position.places)
        self._read = dict.fromkeys(position.read)
        self._held: dict[tuple[int, int], BinaryIO] = {}
        self.complaints: list[str] = []

    def look(self) -> Iterator[Followed]:
        """What is new, oldest file first. A batch is behind us when the next one is asked for."""
        files = self._files()
        yield from self._removed({identity for _, identity, _ in files})
        for path, identity, stat in files:
            signature = _signature(stat)
            if signature in self._read:
                continue
            with contextlib.suppress(FileNotFoundError):
                yield from self._one(path, identity, stat, signature)
        for identity in set(self._held) - {identity for _, identity, _ in files[-_HELD_FILES:]}:
            self._held.pop(identity).close()

    def close(self) -> None:
        """Let the files go."""
        for raw in self._held.values():
            raw.close()
        self._held = {}

    def position(self) -> LogPosition:
        """Where we are: what was asked for so far is behind."""
        newest = dict(list(self._places.items())[-_REMEMBERED_FILES:])
        return LogPosition(newest, tuple(list(self._read)[-_REMEMBERED_FILES:]))

    def _one(
        self, path: Path, identity: tuple[int, int], stat: os.stat_result, signature: str
    ) -> Iterator[Followed]:
        age_s = time.time() - stat.st_mtime
        with path.open("rb") as raw:
            encoding = encoding_of(raw.peek(4)[:4])
            if not encoding and identity not in self._held:
                self._held[identity] = path.open("rb")
            quiet = age_s >= QUIET_SECONDS
            mark = _mark(raw, encoding, quiet=quiet)
            if not mark:
                return  # its first line is not whole yet
            try:
                done = yield from self._rest(raw, path.name, mark, stat.st_size, final=quiet)
            except PeerError as error:
                if age_s < _MENDED_SECONDS:
                    return  # it may still be written
                self.complaints.append(error.message)
                done = True
        if done:
            self._read[signature] = None

    def _removed(self, there: set[tuple[int, int]]) -> Iterator[Followed]:
        """The rest of files that are gone: we still hold them open."""
        for identity in [one for one in self._held if one not in there]:
            raw = self._held.pop(identity)
            with raw, contextlib.suppress(PeerError):
                mark = _mark(raw, "", quiet=True)
                yield from self._rest(raw, "a removed file", mark, os.fstat(raw.fileno()).st_size, final=True)

    def _rest(
        self, raw: BinaryIO, name: str, mark: str, size: int, *, final: bool
    ) -> Generator[Followed, None, bool]:
        """What was not read of a file; answers whether that was all there is."""
        place = self._places.pop(mark, BEGIN)
        raw.seek(0)
        compressed = bool(encoding_of(raw.read(4)))
        raw.seek(0)
        if not compressed and place.offset > size:
            place = BEGIN  # emptied, and written anew with the same first line
        self._places[mark] = place
        file = f"{self._path} {mark}"
        for lines in OpenFile(raw, 0, name, self._form, place, final=final).batches():
            self._places[mark] = lines.behind
            yield Followed(lines, file, self.position())
        return final or (not compressed and self._places[mark].offset >= size)

    def _files(self) -> list[tuple[Path, tuple[int, int], os.stat_result]]:
        """The log's files, the oldest first, and of equally old ones the log itself at the end."""
        found = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._path.parent) as entries:
            for entry in entries:
                if self._pattern.fullmatch(entry.name):
                    with contextlib.suppress(FileNotFoundError):
                        if entry.is_file():
                            stat = entry.stat()
                            found.append((Path(entry.path), (stat.st_dev, stat.st_ino), stat))
        return sorted(found, key=lambda one: (one[2].st_mtime_ns, one[0] == self._path, one[0].name))


def _name_pattern(name: str) -> re.Pattern[str]:
    """The names of a log's files: its own, and those that rotations give it."""
    packed = r"(\.(gz|zst))?"
    if "*" in name or "?" in name:
        text = re.escape(name).replace(r"\*", ".*").replace(r"\?", ".")
        return re.compile(f"{text}{packed}")
    stem, dot, suffix = name.rpartition(".")
    rotated = rf"|{re.escape(stem)}-\d[\w.:-]*\.{re.escape(suffix)}" if dot and stem else ""
    return re.compile(rf"({re.escape(name)}([.-]\d[\w:-]*)*{rotated}){packed}")


def _mark(raw: BinaryIO, encoding: str, *, quiet: bool) -> str:
    """A digest of the first line; empty if it has not ended yet.

    Of a quiet file it is whole without its end, as a last line is. If it goes on later, the file is taken
    for another one, and its first line comes once more, whole.
    """
    raw.seek(0)
    stream, begin = open_decoded(raw, encoding), b""
    while b"\n" not in begin and len(begin) < _FIRST_LINE_BYTES:
        try:
            piece = read_piece(stream, 4_096)
        except PeerError:
            return ""
        if not piece:
            if quiet and begin.strip():
                break
            return ""
        begin += piece
    line = begin.partition(b"\n")[0][:_FIRST_LINE_BYTES]
    return hashlib.blake2b(line, digest_size=16).hexdigest()


def _signature(stat: os.stat_result) -> str:
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}"
