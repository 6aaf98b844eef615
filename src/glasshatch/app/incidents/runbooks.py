"""Runbooks: the questions of an incident. Those that come with Glasshatch, and those of the configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from ...control import Question
from ...errors import ConfigError
from .sections import RunbookSection

DEFAULT_RUNBOOK: Final = "default"
_FOLDER: Final = Path(__file__).parent / "shipped"


def runbook(name: str, own: Mapping[str, RunbookSection]) -> tuple[Question, ...]:
    """The questions of a runbook; one of the configuration goes before a shipped one of its name.

    Raises:
        ConfigError: There is none of this name.
    """
    found = own.get(name) or _shipped().get(name)
    if found is None:
        there = ", ".join(sorted({*own, *_shipped()}))
        raise ConfigError("there is no runbook of this name", key="runbook", hint=f"there are: {there}")
    return tuple(Question(one.name, one.text) for one in found.questions)


@cache
def _shipped() -> Mapping[str, RunbookSection]:
    files = sorted(_FOLDER.glob("*.toml"))
    return {
        file.stem: msgspec.convert(tomllib.loads(file.read_text("utf-8")), RunbookSection) for file in files
    }
