"""Detectors are data: read from packs, checked line by line, refused with file, line and reason."""

from __future__ import annotations

import hashlib
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
from .secretrules import global_allowlists, make_secret_detector

__all__ = [
    "ALL_PACKS",
    "Detector",
    "Pack",
    "load_file",
    "load_packs",
    "load_shipped",
    "parse_pack",
    "shipped_packs",
]

ALL_PACKS = "all"
"""Stands for every shipped pack, wherever packs are named."""

PACK_FORMAT = 1
_Build = Callable[[dict[str, Any]], "Detector | None"]


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs inside the package."""
    folder = resources.files(__package__) / "packs"
    names = [entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(name for name in names if name != "columns"))


def load_packs(names: Sequence[str], user_packs: Sequence[Path] = ()) -> list[Pack]:
    """Shipped packs by name (`all` is every one of them), then users' packs by path.

    Raises:
        ConfigError: A pack or a detector in it is refused: file, line and reason.
    """
    wanted = dict.fromkeys(
        one for name in names for one in (shipped_packs() if name == ALL_PACKS else (name,))
    )
    loaded = [load_shipped(name) for name in wanted] + [load_file(path) for path in user_packs]
    _refuse_doubles_across(loaded)
    return loaded


def load_shipped(name: str) -> Pack:
    """Read a pack of the package by name.

    Raises:
        ConfigError: No such pack.
    """
    if name not in shipped_packs():
        raise ConfigError(
            f"there is no detector pack {name!r}",
            key="masking.packs",
            hint=f"the shipped packs are {', '.join(shipped_packs())}, and {ALL_PACKS} is all of them",
        )
    file = resources.files(__package__) / "packs" / f"{name}.toml"
    return parse_pack(name, file.read_bytes(), f"{name}.toml")


def load_file(path: Path) -> Pack:
    """Read a user's pack.

    Raises:
        ConfigError: The file cannot be read, or a detector in it is refused.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the detector pack: {error.strerror}", file=str(path), key="masking.packs"
        ) from None
    return parse_pack(path.stem, data, str(path))


def parse_pack(name: str, data: bytes, file: str) -> Pack:
    """Read the bytes of a pack: `[[detector]]` tables, or gitleaks' `[[rules]]`.

    Raises:
        ConfigError: With file, line and reason, for the first detector that is refused.
    """
    try:
        text = data.decode("utf-8")
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"not a TOML file: {error}", file=file) from None
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
    seen: set[str] = set()
    for detector in found:
        if detector.name in seen:
            raise ConfigError("two detectors have the same name", file=file, key=detector.name)
        seen.add(detector.name)


def _refuse_doubles_across(packs: Sequence[Pack]) -> None:
    seen: dict[str, str] = {}
    for pack in packs:
        for detector in pack.detectors:
            if detector.name in seen:
                raise ConfigError(
                    f"detector {detector.name!r} is in pack {seen[detector.name]!r} and in {pack.name!r}",
                    key="masking.packs",
                    hint="rename one of them",
                )
            seen[detector.name] = pack.name
