"""What was made of packs, on disk: in the directory that asked, and in the user's own cache, which all share.

Compiling all packs takes seconds, so what any command of this user compiled is taken over by a new data
directory. A cache holds expressions, never personal data. A file is read only if it is whole, and only
from directories that nobody else may write, because a database is native code in all but name.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import ConfigError

_MAGIC = b"glasshatch-triggers-2\n"
_SHARED = 8
"""So many files of each kind are kept in the user's cache, the latest used ones."""


def places(name: str, cache_dir: Path | None) -> list[Path]:
    """Where a file may lie: in `cache_dir`, made with mode 0700, and in the user's cache if there is one.

    Raises:
        ConfigError: `cache_dir` cannot be used or may be written by others.
    """
    own = [] if cache_dir is None else [_private(cache_dir)]
    shared = user_cache()
    return [place / name for place in own + ([shared] if shared is not None else [])]


def user_cache() -> Path | None:
    """Where this user's compiled detectors are kept; None if there is no place for them."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    try:
        return _private(Path(root) / "glasshatch" / "detectors")
    except ConfigError:
        return None


def read(files: Sequence[Path]) -> bytes | None:
    """What the first file holds that is whole; the ones before it are mended."""
    for number, file in enumerate(files):
        body = _read(file)
        if body is not None:
            for missing in files[:number]:
                _write(missing, body)
            return body
    return None


def write(files: Sequence[Path], body: bytes) -> None:
    """Keep what was made; a place that cannot be written only costs time."""
    for file in files:
        _write(file, body)
    if files and files[-1].parent == user_cache():
        _forget_old(files[-1])


def _read(file: Path) -> bytes | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    with suppress(OSError):
        os.utime(file)  # many file systems do not note when a file was read
    head = len(_MAGIC) + 32
    body = data[head:]
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : head] != hashlib.sha256(body).digest():
        return None
    return body


def _write(file: Path, body: bytes) -> None:
    # Written beside and renamed: a crash leaves the old file or the new one, never half of one.
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".triggers-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + hashlib.sha256(body).digest() + body)
        os.replace(name, file)
    except OSError:
        Path(name).unlink(missing_ok=True)


def code_digest(*modules: str) -> str:
    """Of the sources that make what is kept: another version of them makes it anew."""
    digest = hashlib.sha256(sys.version.encode())
    for module in modules:
        found = importlib.util.find_spec(module)
        assert found is not None
        assert found.origin is not None
        digest.update(Path(found.origin).read_bytes())
    return digest.hexdigest()


def _forget_old(newest: Path) -> None:
    try:
        same_kind = newest.parent.glob(f"*{newest.suffix}")
        held = sorted(same_kind, key=lambda file: file.stat().st_mtime_ns, reverse=True)
        for file in held[_SHARED:]:
            file.unlink(missing_ok=True)
    except OSError:
        return  # somebody else tidies up at the same time


def _private(directory: Path) -> Path:
    """The directory, made with mode 0700."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise ConfigError(f"cannot use the masking cache: {error.strerror}", file=str(directory)) from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise ConfigError(
            "the masking cache may be written by others", file=str(directory), hint="chmod 700, or remove it"
        )
    return directory
