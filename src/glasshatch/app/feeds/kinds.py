"""The kinds of sources of a data directory: the shipped ones, and those that its mappings describe."""

from __future__ import annotations

from ...errors import ConfigError
from ...sources import SOURCES, SourceKind, load_mapping, try_examples
from ..config import LoadedConfig


def kinds_of(loaded: LoadedConfig) -> dict[str, SourceKind]:
    """Every kind by name.

    Raises:
        ConfigError: A mapping is refused, one of its examples does not hold, or its name is taken.
    """
    kinds = dict(SOURCES)
    for place in loaded.config.sources.mappings:
        file = loaded.path(place)
        kind, examples = load_mapping(file)
        if kind.name in kinds:
            raise ConfigError(
                f"there is a source {kind.name} already", file=str(file), key="name", hint="take another name"
            )
        if wrong := try_examples(kind, examples):
            raise ConfigError(
                f"{len(wrong)} things in its examples do not hold", file=str(file), key="example",
                hint="glasshatch sources test FILE says which",
            )  # fmt: skip
        kinds[kind.name] = kind
    return kinds
