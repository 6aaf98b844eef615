"""Opens the search for names where the configuration asks for it; imports nothing of the extra itself."""

from __future__ import annotations

import fnmatch
import importlib.util
from pathlib import Path

from ...errors import ConfigError
from ...masking import FreeTexts, Redactor
from ..config import LoadedConfig
from ..feeds.kinds import kinds_of
from .finder import NameFinder


def open_names(loaded: LoadedConfig, redactor: Redactor) -> tuple[NameFinder, FreeTexts] | None:
    """The process to be, and what uses it; None where no field is free text.

    Raises:
        ConfigError: As `check_names`.
    """
    settings = loaded.config.ner
    if not settings.texts:
        return None
    check_names(loaded)
    finder = NameFinder(settings)

    def token(kind: str, value: str) -> str:
        return redactor.tokens.token(kind, value)  # those of this moment: they change with the token key

    return finder, FreeTexts(settings.texts, finder.find, token)


def check_names(loaded: LoadedConfig) -> str:
    """What is looked for and where, in a sentence.

    Raises:
        ConfigError: The extra or the model is not installed, a source is none, or a field is sealed too.
    """
    settings, file = loaded.config.ner, str(loaded.file)
    for package in ("presidio_analyzer", "spacy"):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"{package} is not installed", file=file, key="ner", hint="pip install 'glasshatch[ner]'"
            )
    _check_model(settings.model, file)
    sealed = {field for rule in loaded.config.seal for field in rule.fields}
    kinds = kinds_of(loaded)
    for rule in settings.texts:
        kind = rule.source.partition("/")[0]
        if not any(fnmatch.fnmatchcase(one, kind) for one in kinds):
            raise ConfigError(
                f"{kind} is no kind of source", file=file, key="ner.texts.source",
                hint=f"there are: {', '.join(sorted(kinds))}",
            )  # fmt: skip
        if twice := sealed & set(rule.fields):
            raise ConfigError(
                f"{min(twice)} is sealed too", file=file, key="ner.texts.fields",
                hint="a sealed value is kept whole in the vault; take it out of one of both",
            )  # fmt: skip
    where = "; ".join(f"{', '.join(rule.fields)} of {rule.source}" for rule in settings.texts)
    return f"{settings.model} looks for {', '.join(settings.entities)} in {where or 'no field'}"


def _check_model(model: str, file: str) -> None:
    """Never downloaded by itself: what runs inside a gate is installed by its keeper."""
    named = model.isidentifier() and importlib.util.find_spec(model) is not None
    if not named and not (Path(model).is_absolute() and Path(model).is_dir()):
        raise ConfigError(
            f"there is no spaCy model {model[:80]!r}", file=file, key="ner.model",
            hint="install its package (python -m spacy download en_core_web_sm), or give a folder's path",
        )  # fmt: skip
