"""A folder of Sigma rules, read once: what was made of each file is kept by its content.

A file that changed is read again and no other, so that a server takes thousands of rules in well under a
second.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from ...errors import ConfigError
from ...masking.triggers import cache
from .forms import Correlation, SigmaRule
from .problems import RuleProblem

SHIPPED_SIGMA = Path(__file__).parents[1] / "rules" / "sigma"
"""The rules that come with the program."""

_MAX_FILE_BYTES = 1024 * 1024
_MAX_FILES = 50_000
_ENDINGS = (".yml", ".yaml")
_READERS = ("forms", "reading", "correlationreading", "parsing", "numbers", "folder", "problems")

Progress = Callable[[int, int], None]
"""Hears how many files of how many are done."""


class SigmaFolder(msgspec.Struct, frozen=True):
    """What a folder holds: its rules in order of their files, and why others are not among them."""

    rules: list[SigmaRule]
    problems: list[RuleProblem]
    correlations: list[Correlation] = []
    lists: dict[str, tuple[str, ...]] = {}
    """What rules ask for by name."""

    def every_rule(self) -> Iterator[SigmaRule | Correlation]:
        """The rules, then the correlations."""
        yield from self.rules
        yield from self.correlations


class _Found(msgspec.Struct, frozen=True):
    """What was made of one file, whatever its name."""

    rules: list[SigmaRule]
    correlations: list[Correlation]
    problems: list[RuleProblem]


_AnyRule = SigmaRule | Correlation


def load_folder(folder: Path, cache_dir: Path | None = None, progress: Progress | None = None) -> SigmaFolder:
    """Every rule of a folder and the folders in it; one file may stand for a folder.

    Of two rules with one id the second is a problem. Nothing raises for what a file holds.

    Args:
        cache_dir: Where what was read is kept besides the user's own cache.

    Raises:
        ConfigError: The folder is not there, or holds too many files.
    """
    files = list(_files(folder))
    place = cache.places(f"{_code()}.sigma", cache_dir)
    kept = _kept(cache.read(place))
    now: dict[str, _Found] = {}
    rules: list[_AnyRule] = []
    problems: list[RuleProblem] = []
    for number, file in enumerate(files):
        if progress is not None:
            progress(number, len(files))
        name = str(file)
        data = _read(file)
        if isinstance(data, RuleProblem):
            problems.append(data)
            continue
        digest = hashlib.sha256(data).hexdigest()[:32]
        found = now[digest] = kept.get(digest) or _made(data)
        rules += [msgspec.structs.replace(rule, origin=name) for rule in found.rules]
        rules += [msgspec.structs.replace(one, origin=name) for one in found.correlations]
        problems += [msgspec.structs.replace(problem, file=name) for problem in found.problems]
    if now.keys() - kept.keys():
        cache.write(place, msgspec.msgpack.encode({**kept, **now} if len(kept) < _MAX_FILES else now))
    whole = _without_doubles(rules, problems)
    known = {name for one in whole for name in (one.rule, one.name)}
    whole = [one for one in whole if not _lacking(one, known, problems)]
    return SigmaFolder(
        [one for one in whole if isinstance(one, SigmaRule)],
        sorted(problems, key=lambda one: (one.file, one.line)),
        [one for one in whole if isinstance(one, Correlation)],
    )


def joined(
    folders: Sequence[SigmaFolder], lists: Mapping[str, tuple[str, ...]], off: Sequence[str] = ()
) -> SigmaFolder:
    """Several folders as one; of two rules with one id the second is a problem.

    Args:
        off: Ids or names of rules to be left out, and of correlations.
    """
    problems = [problem for folder in folders for problem in folder.problems]
    every: list[_AnyRule] = []
    for folder in folders:
        every += [one for one in folder.every_rule() if not {one.rule, one.name} & {*off}]
    whole = _without_doubles(every, problems)
    return SigmaFolder(
        [one for one in whole if isinstance(one, SigmaRule)], problems,
        [one for one in whole if isinstance(one, Correlation)], dict(lists),
    )  # fmt: skip


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    if not folder.is_dir():
        raise ConfigError("is no folder", file=str(folder), hint="name a folder of Sigma rules, or one file")
    count = 0
    for where, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_ENDINGS) and not name.startswith("."):
                count += 1
                if count > _MAX_FILES:
                    raise ConfigError(f"has more than {_MAX_FILES} files of rules", file=str(folder))
                yield Path(where) / name


def _read(file: Path) -> bytes | RuleProblem:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        return RuleProblem(str(file), 1, f"cannot be read: {error.strerror}")
    if len(data) > _MAX_FILE_BYTES:
        return RuleProblem(str(file), 1, f"is longer than {_MAX_FILE_BYTES} bytes")
    return data


def _made(data: bytes) -> _Found:
    from .reading import read_rules  # pySigma takes half a second to load, and mostly nothing is to be read

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _Found([], [], [RuleProblem("", 1, "is not UTF-8")])
    found, problems = read_rules(text, "")
    rules = [one for one in found if isinstance(one, SigmaRule)]
    return _Found(rules, [one for one in found if isinstance(one, Correlation)], problems)


def _code() -> str:
    """Of what makes rules: another version of it makes them anew."""
    digest = hashlib.sha256(cache.code_digest(*(f"{__package__}.{name}" for name in _READERS)).encode())
    digest.update(version("pysigma").encode())
    return digest.hexdigest()[:40]


def _kept(body: bytes | None) -> dict[str, _Found]:
    if body is None:
        return {}
    try:
        return msgspec.msgpack.decode(body, type=dict[str, _Found])
    except msgspec.DecodeError:
        return {}


def _without_doubles(rules: list[_AnyRule], problems: list[RuleProblem]) -> list[_AnyRule]:
    first: dict[str, _AnyRule] = {}
    for rule in rules:
        known = first.setdefault(rule.rule, rule)
        if known is not rule:
            reason = f"its id is that of the rule in {known.origin}: {rule.rule}"
            problems.append(RuleProblem(rule.origin, rule.line, reason))
    return list(first.values())


def _lacking(one: _AnyRule, known: set[str], problems: list[RuleProblem]) -> bool:
    """Whether a correlation refers to a rule that is not there."""
    for reference in one.rules if isinstance(one, Correlation) else ():
        if reference not in known:
            problems.append(
                RuleProblem(one.origin, one.line, f"it refers to a rule that is not there: {reference}")
            )
            return True
    return False
