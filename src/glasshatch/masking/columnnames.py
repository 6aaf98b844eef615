"""What a column's name and the configured rules say of it, before any value is seen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec

from ..errors import ConfigError
from .dates import Coarse
from .operators import FOR_SECRETS, NOT_SEALED, Chosen, Operator, check_operator, check_secret, check_settings

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,30}")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


class ColumnRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done with a column: the first rule whose pattern fits decides.

    `pattern` is `schema.table.column`, with `*` and `?`; `*.email` fits the column in every table.
    `subject` says that its values name data subjects, whose tokens go into the exposure record.
    `bucket` and `every` are the widths of ranges of numbers and dates, `days` how far a date moves.

    Raises:
        ConfigError: The operator does not exist, the type is no type, or a secret would be shown.
    """

    pattern: str
    type: str
    operator: Operator = "token"
    subject: bool = False
    bucket: int = 10
    every: Coarse = "year"
    days: int = 365
    day_first: bool = True

    def __post_init__(self) -> None:
        where = f"masking.columns {self.pattern}"
        check_operator(self.operator, where)
        check_settings(self.bucket, self.days, where)
        # The default operator, a token, becomes a placeholder for a secret.
        if self.type == "SECRET" and self.operator != "token":
            check_secret(self.operator, where)
        if self.operator == "seal":
            raise ConfigError(NOT_SEALED, key=where, hint="token here; [[seal]] keeps values of feeds")
        if not _TYPE.fullmatch(self.type):
            raise ConfigError(f"{self.type!r} is no type", key=where, hint="upper case, like EMAIL")
        if self.subject and self.type == "SECRET":
            raise ConfigError("a secret names no data subject", key=where, hint="remove subject")

    def chosen(self, because: str) -> Chosen:
        """Its operator with its settings; that of a secret is one that may be."""
        operator: Operator = (
            "redact" if self.type == "SECRET" and self.operator not in FOR_SECRETS else self.operator
        )
        return Chosen(operator, because, self.bucket, self.every, self.days, self.day_first)

    def fits(self, table: str, column: str) -> bool:
        """Whether the rule speaks of this column of this table (`schema.table`, or as written)."""
        full, pattern = f"{table}.{column}".lower(), self.pattern.lower()
        # A table written without its schema may be the one that the rule names with it.
        return (
            fnmatchcase(full, pattern)
            or ("." not in table and fnmatchcase(f"*.{full}", pattern))
            or ("." not in table and pattern.count(".") == 2 and fnmatchcase(full, pattern.partition(".")[2]))
        )


class _Hint(msgspec.Struct, frozen=True):
    type: str
    operator: Operator
    words: list[str]


class _Names(msgspec.Struct, frozen=True):
    harmless: list[str]
    column: list[_Hint]


@lru_cache(maxsize=1)
def _names() -> tuple[frozenset[str], tuple[tuple[tuple[str, ...], _Hint], ...]]:
    file = resources.files(__package__) / "packs" / "columns.toml"
    names = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Names)
    phrases = [(tuple(phrase.split()), hint) for hint in names.column for phrase in hint.words]
    return frozenset(names.harmless), tuple(phrases)


@lru_cache(maxsize=4096)
def guess_by_name(column: str) -> ColumnRule | None:
    """What a column probably holds, by its name alone; None if the name says nothing."""
    harmless, phrases = _names()
    words = [word.lower() for word in _WORD.findall(column)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or words[-1] in harmless:
        return None
    for phrase, hint in phrases:
        if _ends_with(words, phrase) or _starts_with_bare(words, phrase):
            return ColumnRule(pattern=f"*.{column}", type=hint.type, operator=hint.operator)
    return None


def _ends_with(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    return tuple(words[-len(phrase) :]) == phrase


def _starts_with_bare(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    """`password_hash`, `email_lower`, `card_enc`: still the value, only dressed up."""
    return tuple(words[: len(phrase)]) == phrase and set(words[len(phrase) :]) <= _DRESS


_DRESS = frozenset(
    {
        "hash", "digest", "lower", "upper", "normalized", "normalised", "enc", "encrypted", "raw", "clear",
        "plain", "old", "new", "primary", "secondary",
    }
)  # fmt: skip


_NUMBERS = (20, 1700)
_CARRIERS: dict[str, tuple[int, ...]] = {
    "BIRTHDATE": (1082, 1114, 1184),
    "CARD": _NUMBERS,
    "PHONE": _NUMBERS,
    "SSN": (*_NUMBERS, 23),
    "IBAN": _NUMBERS,
    "IP": (869, 650),
    "SECRET": (2950,),
}


def believable(guess: str, type_oid: int, *, is_fixed: bool) -> bool:
    """Whether a column of this type can hold what its name suggests: `is_email boolean` cannot."""
    return not is_fixed or type_oid in _CARRIERS.get(guess, ())


_DECLARED = re.compile(r"\bpersonal(?:\s+data)?\s*[:=]\s*(\w[\w -]*)", re.IGNORECASE)
_TAGGED = re.compile(
    r"(?P<denied>\b(?:no|not|non|never|without)[\s-]+(?:\w+[\s-]+)?)?"
    r"\b(?:pii|phi|gdpr|personal data|personal information|personally identifiable|sensitive|confidential)\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"\s(?:of|for|in|that|which|by|where|when|with|used|as)\s|[.,;:(\n]", re.IGNORECASE)
_CLAUSE_WORDS = 6


def rule_by_comment(
    table: str, column: str, comment: str, type_oid: int, *, is_fixed: bool
) -> ColumnRule | None:
    """What the comment on a column says it holds; None if it says nothing of it.

    `personal: email` declares the type; a tag such as `PII` declares it personal; otherwise the words of
    its first clause are read as a name is. A comment can only add to what is masked, because whoever may
    change a table may change its comments.
    """
    declared = _DECLARED.search(comment)
    if declared:
        return _declared(table, column, declared[1])
    tag = _TAGGED.search(comment)
    if tag:
        return None if tag["denied"] else ColumnRule(_exactly(table, column), "PERSONAL")
    words = _WORD.findall(_CLAUSE.split(comment.strip(), maxsplit=1)[0])
    guess = guess_by_name("_".join(words)) if 0 < len(words) <= _CLAUSE_WORDS else None
    if guess is None or not believable(guess.type, type_oid, is_fixed=is_fixed):
        return None
    return ColumnRule(_exactly(table, column), guess.type, guess.operator)


def _declared(table: str, column: str, said: str) -> ColumnRule | None:
    words = _WORD.findall(said)[:4]
    if words[0].lower() in ("none", "no", "not", "false"):
        return None
    guess = guess_by_name("_".join(words))
    if guess is not None:
        return ColumnRule(_exactly(table, column), guess.type, guess.operator)
    type = "_".join(words).upper()
    return ColumnRule(_exactly(table, column), type if _TYPE.fullmatch(type) else "PERSONAL")


def _exactly(table: str, column: str) -> str:
    """A pattern that fits this column alone, whatever letters its name has."""
    return re.sub(r"([*?[])", r"[\1]", f"{table}.{column}")


def rule_for(table: str, column: str, rules: Sequence[ColumnRule]) -> ColumnRule | None:
    """The configured rule for a column, else the guess from its name."""
    for rule in rules:
        if rule.fits(table, column):
            return rule
    return guess_by_name(column)


MayMask = Callable[[str, str], bool]
"""Whether a masking rule masks a column (`schema.table.column`) of a type for anybody at all."""


def masked_columns(
    columns: Sequence[str], rules: Sequence[ColumnRule], may_mask: MayMask | None = None
) -> tuple[str, ...]:
    """Of the columns a statement mentions, those that are masked: what policy is asked about.

    `customers.*` counts as masked, for it may hold such a column; `keep` rules do not count.
    """
    return tuple(name for name in columns if _is_masked(name, rules, may_mask))


def _is_masked(name: str, rules: Sequence[ColumnRule], may_mask: MayMask | None) -> bool:
    table, _, column = name.rpartition(".")
    if column == "*":
        return True
    rule = rule_for(table, column, rules)
    if rule is not None and rule.operator != "keep":
        return True
    return may_mask is not None and may_mask(name, rule.type if rule is not None else "")


def rules_from(raw: Sequence[dict[str, Any]]) -> tuple[ColumnRule, ...]:
    """Rules as the configuration writes them.

    Raises:
        msgspec.ValidationError: Names the member that is wrong.
    """
    return msgspec.convert(raw, tuple[ColumnRule, ...])
