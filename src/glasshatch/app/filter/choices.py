"""Which operator the filter uses for each type: a TOML file of `TYPE = "operator"`, or of masking rules."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from ...errors import ConfigError
from ...masking import (
    NOBODY,
    Chosen,
    Detector,
    MaskingPolicy,
    MaskingView,
    Operator,
    Tokens,
    check_operator,
    masked,
)

_SECRET = "SECRET"  # noqa: S105 - the name of a type


class Choices(msgspec.Struct, frozen=True):
    """Operators by type, `*` for every other type; what is not named keeps its detector's own operator.

    `view` are masking rules, as somebody without roles and purpose meets them; where one fits, it decides.
    """

    operators: dict[str, Operator] = {}
    view: MaskingView = NOBODY

    def chosen(self, detector: Detector) -> Chosen:
        """The operator for what a detector finds."""
        ruled = self.view.operator_for(detector.type)
        if ruled is not None:
            return ruled
        operator = self.operators.get(detector.type)
        if operator is None and detector.type != _SECRET:
            operator = self.operators.get("*")
        return Chosen(operator or cast(Operator, detector.operator))

    def stand_in(self, detector: Detector, tokens: Tokens) -> Callable[[str], str] | None:
        """What writes the place of a finding; None if the value stays."""
        chosen, type = self.chosen(detector), detector.type
        if chosen.operator == "keep":
            return None
        return lambda value: masked(chosen, type, value, tokens) or "NULL"


class _Table(msgspec.Struct, frozen=True):
    operators: dict[str, str] = {}


def read_choices(file: Path | None, types: frozenset[str]) -> Choices:
    """Read a policy of the filter: a table `[operators]`, or a masking policy with `[[rules]]`.

    Raises:
        ConfigError: It cannot be read, names a type that no loaded detector finds or an operator that
            does not exist, or would show secrets.
    """
    if file is None:
        return Choices()
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"not a TOML file: {error}", file=str(file)) from None
    if "rules" in document or "stored" in document:
        return Choices(view=MaskingPolicy.load(file).view())
    try:
        choices = Choices(cast(dict[str, Operator], msgspec.convert(document, _Table).operators))
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{error}", file=str(file), hint='write [operators] and EMAIL = "partial"'
        ) from None
    if unknown := sorted(document.keys() - {"operators"}):
        raise ConfigError(
            "an unknown table", file=str(file), key=unknown[0], hint="[operators], or [[rules]]"
        )
    for type, operator in choices.operators.items():
        _check(file, type, operator, types)
    return choices


def _check(file: Path, type: str, operator: str, types: frozenset[str]) -> None:
    check_operator(operator, f"{file}: operators.{type}")
    if type != "*" and type not in types:
        raise ConfigError(
            f"no loaded detector finds {type}", file=str(file), key="operators",
            hint=f"there are {', '.join(sorted(types))}, and *",
        )  # fmt: skip
    if type == _SECRET and operator not in ("redact", "null"):
        raise ConfigError(
            "a secret may only be redacted", file=str(file), key=f"operators.{type}",
            hint="to leave secrets alone, leave the pack out: --packs core",
        )  # fmt: skip
