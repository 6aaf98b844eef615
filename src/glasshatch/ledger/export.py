"""A ledger as a static directory of C2SP tlog-tiles, which any web server can serve and any client read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from ..errors import Unavailable, VerificationError
from .files import Files, write_new
from .log import (
    BUNDLE_ENTRIES,
    HASH_BYTES,
    Checkpoint,
    LogKey,
    Succession,
    encode_bundle,
    encode_keys,
    level_widths,
    open_checkpoint,
    tile_path,
)
from .log.layout import CHECKPOINT_FILE, KEYS_FILE
from .published import Published, tiles_of

ReadEntries = Callable[[int, int], list[bytes]]
"""(start, stop) -> the entries of that range."""


class Exported(msgspec.Struct, frozen=True):
    """What an export did: the size it stands at now and before, and how many files it wrote.

    `minimum` is the index from which on it has entries, if it has any; `pruned` how many bundles went.
    """

    origin: str
    size: int
    before: int
    tiles: int
    bundles: int
    minimum: int = 0
    pruned: int = 0


def export_tlog(
    published: Published,
    out: Path,
    entries: ReadEntries | None = None,
    files: Files | None = None,
    *,
    witnessed: bool = False,
) -> Exported:
    """Write what is new since the last export into `out`, the checkpoint last.

    A crash in between leaves the old checkpoint, under which everything is still there. Partial tiles go
    when the checkpoint that needed them is replaced. Bundles of pruned entries are not written, and those
    of an earlier export go: what may not be kept here may not be kept there.

    Args:
        entries: Also export the entries, which hold the record itself; by default only hashes are.
        witnessed: Export the newest checkpoint that the witnesses cosigned, not the newest of all.

    Raises:
        VerificationError: `out` holds a newer or another tree of this log, or one of another log.
        Unavailable: The disk failed or is full, or no checkpoint is witnessed yet.
    """
    files = files or Files()
    checkpoint = None if witnessed else published.checkpoint()
    keys = published.keys()
    checkpoint = checkpoint or _witnessed(published, keys)
    before = _exported(out, keys)
    try:
        _check_extends(published, before, checkpoint)
        start = before.size if before else 0
        tiles = _write_tiles(published, out, start, checkpoint.size, files)
        minimum = published.minimum()
        bundles = _write_bundles(entries, out, start, checkpoint.size, files, minimum) if entries else 0
        out.mkdir(parents=True, exist_ok=True)
        _write_keys(files, out, keys)
        write_new(files, out / CHECKPOINT_FILE, checkpoint.note)
        if before is not None and before.size < checkpoint.size:
            _drop_partials(out, before.size, checkpoint.size, entries is not None)
        pruned = _drop_pruned(out, minimum, files)
    except OSError as error:
        raise Unavailable(
            f"the log cannot be exported: {error.strerror}", hint="check path and disk"
        ) from None
    return Exported(checkpoint.origin, checkpoint.size, start, tiles, bundles, minimum, pruned)


def _witnessed(published: Published, key: LogKey) -> Checkpoint:
    note = published.witnessed()
    if note is None:
        raise Unavailable("no checkpoint is witnessed yet", hint="is a witness configured, and reached?")
    checkpoint = open_checkpoint(note, key)
    if published.root(checkpoint.size) != checkpoint.root:
        raise VerificationError(
            "the witnessed checkpoint is not of this ledger", hint="keep both as they are"
        )
    return checkpoint


def _exported(out: Path, key: LogKey) -> Checkpoint | None:
    try:
        return open_checkpoint((out / CHECKPOINT_FILE).read_bytes(), key)
    except FileNotFoundError:
        return None


def _check_extends(published: Published, before: Checkpoint | None, now: Checkpoint) -> None:
    if before is None:
        return
    if before.size > now.size:
        raise VerificationError(
            "the export is newer than the ledger, which was rolled back",
            expected=f"at least {before.size} entries",
            found=str(now.size),
            hint="keep both as they are and find out how",
        )
    if published.root(before.size) != before.root:
        raise VerificationError("the ledger does not extend what was exported", hint="keep both as they are")


def _write_tiles(published: Published, out: Path, start: int, size: int, files: Files) -> int:
    written = 0
    for level, width in enumerate(level_widths(size)):
        for path, first, wide in tiles_of(level, start >> 8 * level, width):
            if not _there(out / path, wide * HASH_BYTES):
                _write(files, out / path, published.read(level, first, wide))
                written += 1
    return written


def _write_bundles(entries: ReadEntries, out: Path, start: int, size: int, files: Files, minimum: int) -> int:
    # Bundles are written in order: if the last full one is there, all are; if not, exports left them out.
    full = start // BUNDLE_ENTRIES
    if full and not (out / tile_path("entries", full - 1)).exists():
        start = 0
    written = 0
    for path, first, wide in tiles_of("entries", max(start, minimum), size):
        if not (out / path).exists():
            found = entries(first, first + wide)
            if len(found) != wide:
                raise Unavailable("entries were pruned while they were exported", hint="export again")
            _write(files, out / path, encode_bundle(found))
            written += 1
    return written


def _write_keys(files: Files, out: Path, keys: Succession) -> None:
    """Before the checkpoint, so that whoever reads that finds the key which signed it."""
    data = encode_keys(keys)
    if keys.statements and not ((out / KEYS_FILE).exists() and (out / KEYS_FILE).read_bytes() == data):
        write_new(files, out / KEYS_FILE, data)


def _drop_partials(out: Path, before: int, size: int, bundles: bool) -> None:
    """Remove the partial tiles that only the replaced checkpoint needed."""
    now = {path for level, width in _levels(size, bundles) for path, *_ in tiles_of(level, 0, width)[-1:]}
    for level, width in _levels(before, bundles):
        for path, _, _ in tiles_of(level, 0, width)[-1:]:
            if ".p/" in path and path not in now and (out / path).exists():
                (out / path).unlink()
                if not any((out / path).parent.iterdir()):
                    (out / path).parent.rmdir()


def _drop_pruned(out: Path, minimum: int, files: Files) -> int:
    """Remove the bundles of pruned entries, the oldest first: what a crash leaves ends at the minimum."""
    there: list[list[Path]] = []
    for number in range(minimum // BUNDLE_ENTRIES - 1, -1, -1):
        path = out / tile_path("entries", number)
        found = [path] * path.exists() + list(path.with_name(f"{path.name}.p").glob("*"))
        if not found:
            break
        there.append(found)
    for path in (path for found in reversed(there) for path in found):
        files.unlink(path)
    return len(there)


def _levels(size: int, bundles: bool) -> list[tuple[int | str, int]]:
    levels: list[tuple[int | str, int]] = list(enumerate(level_widths(size)))
    return [*levels, ("entries", size)] if bundles and size else levels


def _there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _write(files: Files, path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(files, path, data)
