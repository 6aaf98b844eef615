"""What stands for what: the replacement of each finding and of whole values, as masking rules choose it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .choosing import NOBODY, MaskingView
from .detectors import Detector
from .operators import MARKED, Chosen, Operator, masked
from .tokens import Tokens

_MANY = 4_096
_Way = Callable[[str], str]


class Ways:
    """The replacements under one token key, for whoever meets one set of masking rules."""

    def __init__(
        self, detectors: Sequence[Detector], tokens: Tokens, view: MaskingView = NOBODY, column: str = ""
    ) -> None:
        """`column` is `schema.table.column`, if all texts are of one column."""
        self._tokens = tokens
        self._view = view
        self._column = column
        self._wholes: dict[str, _Way] = {}
        self.of = {one.name: self._way(one.type, one.operator) for one in detectors}
        """By the name of the detector: what stands for a value that it found."""
        self.unmarked = {
            one.name: one.type
            for one in detectors
            if self._chosen(one.type, one.operator).operator in _UNMARKED
        }
        """Detectors whose findings are replaced by something that is no token."""

    def whole(self, type: str, value: str) -> str:
        """What stands for a whole value of a type."""
        way = self._wholes.get(type)
        if way is None:
            way = self._way(type, "token")
            if len(self._wholes) < _MANY:
                self._wholes[type] = way
        return way(value)

    def marks(self, type: str) -> bool:
        """Whether a value of a type that was replaced is not found again, because a token stands there."""
        chosen = self._view.operator_for(type, column=self._column)
        return chosen is None or chosen.operator in MARKED

    def _chosen(self, type: str, default: str) -> Chosen:
        return self._view.operator_for(type, column=self._column) or Chosen(_FROM_PACKS.get(default, "token"))

    def _way(self, type: str, default: str) -> _Way:
        return way_of(self._chosen(type, default), type, self._tokens)


_FROM_PACKS: dict[str, Operator] = {"redact": "redact", "null": "redact", "partial": "partial"}
"""A pack does not say what is kept; that is for the configuration."""

_UNMARKED = frozenset({"partial", "format-preserving", "date-shift", "bucket"})


def way_of(chosen: Chosen, type: str, tokens: Tokens) -> _Way:
    """How values of a type are replaced in a text, where a placeholder stands for NULL."""
    placeholder = f"<{type}>"
    if type == "SECRET" or chosen.operator in ("redact", "null"):
        return lambda _value: placeholder
    if chosen.operator in ("token", "seal"):
        return tokens.maker(type)
    return lambda value: masked(chosen, type, value, tokens) or placeholder
