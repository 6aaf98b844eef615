"""Detectors are data: read from packs, checked line by line, refused with file, line and reason."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError
from .detector import Detector, Pack
from .detectorspec import make_detector
from .kernel import SCAN_KERNEL
from .looks import looked_into
from .secretrules import global_allowlists, make_secret_detector
from .triggers import cache

__all__ = [
    "ALL_PACKS",
    "Detector",
    "Pack",
    "load_packs",
    "parse_pack",
    "shipped_packs",
]

ALL_PACKS = "all"
"""Stands for every shipped pack, wherever packs are named."""

PACK_FORMAT = 1
_Build = Callable[[dict[str, Any]], "Detector | None"]
_File = tuple[str, bytes, str]
"""Of a pack: its name, its bytes, and the file as errors name it."""
_READERS = (
    "detectors",
    "detector",
    "detectorspec",
    "secretrules",
    "needed",
    "expressions",
    "leads",
    "folding",
    "validators",
    "beginnings",
    "programs",
    "looks",
)


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs inside the package."""
    folder = resources.files(__package__) / "packs"
    names = [entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(name for name in names if name != "columns"))


def load_packs(
    names: Sequence[str], user_packs: Sequence[Path] = (), cache_dir: Path | None = None
) -> list[Pack]:
    """Shipped packs by name (`all` is every one of them), then users' packs by path.

    Args:
        cache_dir: Where what was read and checked is kept besides the user's own cache.

    Raises:
        ConfigError: A pack or a detector in it is refused: file, line and reason.
    """
    wanted = dict.fromkeys(
        one for name in names for one in (shipped_packs() if name == ALL_PACKS else (name,))
    )
    files = [_shipped(name) for name in wanted] + [_users(path) for path in user_packs]
    kept = cache.places(f"{_files_digest(files)}.packs", cache_dir)
    body = cache.read(kept)
    if body is not None:
        return msgspec.msgpack.decode(body, type=list[Pack])
    loaded = [parse_pack(*file) for file in files]
    _refuse_doubles_across(loaded)
    if SCAN_KERNEL == "compiled":
        loaded = looked_into(loaded)
    cache.write(kept, msgspec.msgpack.encode(loaded))
    return loaded


def _files_digest(files: Sequence[_File]) -> str:
    """Of the packs, and of the code that reads and checks them."""
    digest = hashlib.sha256(cache.code_digest(*(f"{__package__}.{name}" for name in _READERS)).encode())
    digest.update(SCAN_KERNEL.encode())
    for name, data, file in files:
        digest.update(
            b"".join(hashlib.sha256(part).digest() for part in (name.encode(), data, file.encode()))
        )
    return digest.hexdigest()[:40]


def _shipped(name: str) -> _File:
    """A pack of the package by name; raises `ConfigError` if there is none."""
    if name not in shipped_packs():
        raise ConfigError(
            f"there is no detector pack {name!r}",
            key="masking.packs",
            hint=f"the shipped packs are {', '.join(shipped_packs())}, and {ALL_PACKS} is all of them",
        )
    file = resources.files(__package__) / "packs" / f"{name}.toml"
    return name, file.read_bytes(), f"{name}.toml"


def _users(path: Path) -> _File:
    """A user's pack; raises `ConfigError` if it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the detector pack: {error.strerror}", file=str(path), key="masking.packs"
        ) from None
    return path.stem, data, os.fsdecode(path)


def parse_pack(name: str, data: bytes, file: str) -> Pack:
    """Read the bytes of a pack: `[[detector]]` tables, or gitleaks' `[[rules]]`.

    Raises:
        ConfigError: With file, line and reason, for the first detector that is refused.
    """
    text, document = _document(data, file)
    version = document.get("format", PACK_FORMAT)
    if version != PACK_FORMAT:
        raise ConfigError(
            f"pack format {version!r} is not {PACK_FORMAT}",
            file=file,
            key="format",
            hint="upgrade glasshatch",
        )
    found = _read(text, file, ("detector", "name"), document.get("detector", []), make_detector)
    found += _read(text, file, ("rules", "id"), document.get("rules", []), _rule_of(document, file))
    if not found:
        raise ConfigError("the pack holds no detector", file=file, hint="add a [[detector]] table")
    _refuse_doubles(found, file)
    return Pack(name=name, hash=hashlib.sha256(data).hexdigest(), detectors=tuple(found), file=file)


def _document(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    """The text of a pack and what it says; raises `ConfigError` with the line that is no TOML."""
    try:
        text = data.decode("utf-8")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("not UTF-8", file=f"{file}:{line}", hint="packs are TOML in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        where = f"{file}:{at[1]}" if at else file
        raise ConfigError(f"not a TOML file: {error}", file=where, hint="packs are TOML") from None


def _rule_of(document: dict[str, Any], file: str) -> _Build:
    try:
        everywhere = global_allowlists(document)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"refused: {error}", file=file, key="allowlist") from None
    return lambda raw: make_secret_detector(raw, everywhere)


def _read(text: str, file: str, table: tuple[str, str], raws: Sequence[Any], build: _Build) -> list[Detector]:
    name, key = table
    found = []
    for number, raw in enumerate(raws):
        where = f"{file}:{_line_of(text, name, number)}"
        label = str(raw.get(key, f"number {number + 1}")) if isinstance(raw, dict) else "?"
        try:
            detector = build(raw)
        except (ValueError, msgspec.ValidationError, re.error) as error:
            raise ConfigError(
                f"refused: {error}", file=where, key=label, hint="mend the detector or remove it"
            ) from None
        if detector is not None:
            found.append(msgspec.structs.replace(detector, where=where))
    return found


def _line_of(text: str, table: str, number: int) -> int:
    headers = re.finditer(rf"^[ \t]*\[\[[ \t]*{table}[ \t]*\]\]", text, re.MULTILINE)
    for index, header in enumerate(headers):
        if index == number:
            return text.count("\n", 0, header.start()) + 1
    return 1


def _refuse_doubles(found: Sequence[Detector], file: str) -> None:
    seen: dict[str, str] = {}
    for detector in found:
        if detector.name in seen:
            raise ConfigError(
                f"refused: {seen[detector.name]} has this name already", file=detector.where or file,
                key=detector.name, hint="rename one of them",
            )  # fmt: skip
        seen[detector.name] = detector.where


def _refuse_doubles_across(packs: Sequence[Pack]) -> None:
    seen: dict[str, str] = {}
    for pack in packs:
        for detector in pack.detectors:
            if detector.name in seen:
                raise ConfigError(
                    f"detector {detector.name!r} is in pack {seen[detector.name]!r} and in {pack.name!r}",
                    file=detector.where,
                    key="masking.packs",
                    hint="rename one of them",
                )
            seen[detector.name] = pack.name
