"""Streams: which ledger of a data directory takes which events.

A feed's deliveries go where its kind and name lead, whatever the events claim of themselves; a session's
events where its resource leads; everything else, and what the house says of itself, to the default ledger.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from ..errors import ConfigError
from ..events import Event
from ..keys import DEFAULT_LEDGER
from .config import LedgerSection, LoadedConfig

_PATTERN = re.compile(r"[^/\[\]\s]{1,60}/[^\[\]\s]{1,200}")
_GATEWAY = "gateway"

Claim = tuple[str, str]
"""A pattern and the ledger that claims it."""


def _claimed(name: str, claims: tuple[Claim, ...]) -> str:
    found = (ledger for pattern, ledger in claims if fnmatch.fnmatchcase(name, pattern))
    return next(found, DEFAULT_LEDGER)


class Streams:
    """The claims of all ledgers, none of which meets another."""

    def __init__(self, sections: Mapping[str, LedgerSection]) -> None:
        self._sources = [(one, name) for name, section in sections.items() for one in section.sources]
        self._resources = [(one, name) for name, section in sections.items() for one in section.resources]
        self._find = lru_cache(10_000)(_claimed)

    def of_feed(self, feed: str) -> str:
        """The ledger of the feed `kind/name`."""
        return self._find(feed, tuple(self._sources)) if self._sources and feed else DEFAULT_LEDGER

    def of_event(self, event: Event) -> str:
        """The ledger of an event that no feed brought: a session's by its resource, else the default one."""
        if not self._resources or event.source.kind != _GATEWAY or event.resource is None:
            return DEFAULT_LEDGER
        return self._find(event.resource.id, tuple(self._resources))

    def claims(self) -> Iterator[tuple[str, str, str]]:
        """Every claim: `sources` or `resources`, the pattern, the ledger."""
        yield from (("sources", pattern, name) for pattern, name in self._sources)
        yield from (("resources", pattern, name) for pattern, name in self._resources)


NO_STREAMS = Streams({})
"""Everything goes to the default ledger."""


def make_streams(loaded: LoadedConfig, kinds: Collection[str], ledgers: Collection[str] | None) -> Streams:
    """The streams of a configuration.

    Args:
        kinds: The kinds of sources that there are.
        ledgers: The ledgers that there are; None for a command that may be the one to make them: what
            goes to a ledger that is not there is then refused when it comes.

    Raises:
        ConfigError: Names a ledger, a kind or a resource that is not there, or two ledgers claim one stream.
    """
    sections, file = loaded.config.ledgers, str(loaded.file)
    for name in sections:
        if name == DEFAULT_LEDGER:
            raise ConfigError(
                "takes what no other ledger claims", file=file, key=f"ledgers.{name}",
                hint="leave it out; name the streams of the other ledgers",
            )  # fmt: skip
        if ledgers is not None and name not in ledgers:
            raise ConfigError(
                "there is no such ledger", file=file, key=f"ledgers.{name}",
                hint=f"glasshatch ledger create {name} --data {loaded.data}",
            )  # fmt: skip
    streams = Streams(sections)
    resources = [f"{section.type}/{name}" for name, section in loaded.config.resources.items()]
    for what, pattern, name in streams.claims():
        key = f"ledgers.{name}.{what}"
        if not _PATTERN.fullmatch(pattern):
            raise ConfigError("is no stream", file=file, key=key, hint="write kind/name, as in json/shop")
        _check_known(pattern, what, kinds, resources, file, key)
    _check_apart(list(streams.claims()), file)
    return streams


def _check_known(
    pattern: str, what: str, kinds: Collection[str], resources: Collection[str], file: str, key: str
) -> None:
    """A name that nothing has is a mistake, and its events would go elsewhere."""
    if what == "resources":
        if not any(fnmatch.fnmatchcase(one, pattern) for one in resources):
            known = ", ".join(resources) or "none"
            raise ConfigError(f"{pattern} is no resource", file=file, key=key, hint=f"there are: {known}")
    elif not any(fnmatch.fnmatchcase(kind, pattern.partition("/")[0]) for kind in kinds):
        raise ConfigError(
            f"{pattern} is no kind of source",
            file=file,
            key=key,
            hint=f"there are: {', '.join(sorted(kinds))}",
        )


def _check_apart(claims: list[tuple[str, str, str]], file: str) -> None:
    for number, (what, pattern, name) in enumerate(claims):
        for other_what, other_pattern, other in claims[number + 1 :]:
            if what == other_what and name != other and meet(pattern, other_pattern):
                raise ConfigError(
                    f"{name} with {pattern} and {other} with {other_pattern} claim one stream",
                    file=file, key=f"ledgers.{other}.{what}", hint="an event goes to one ledger only",
                )  # fmt: skip


def meet(one: str, other: str) -> bool:
    """Whether two patterns with * and ? have a name in common."""

    @lru_cache(None)
    def from_here(at: int, to: int) -> bool:
        if at == len(one) and to == len(other):
            return True
        if at < len(one) and one[at] == "*":
            return from_here(at + 1, to) or (to < len(other) and from_here(at, to + 1))
        if to < len(other) and other[to] == "*":
            return from_here(at, to + 1) or (at < len(one) and from_here(at + 1, to))
        if at == len(one) or to == len(other):
            return False
        return (one[at] == other[to] or "?" in (one[at], other[to])) and from_here(at + 1, to + 1)

    return from_here(0, 0)
