"""The forms of a Sigma rule: what it says, taken apart, as plain values that can be kept in a file.

A form is a tree. Its leaves compare one field of a record with one value; a leaf without a field compares
every text of the record. Where a field has several values, one of them is enough.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..ruletests import RuleTest

Operator = Literal["is", "begins", "ends", "has", "glob"]
Part = str | int
"""A piece of a pattern: a text, or one of the two wildcards."""

MANY = 0
"""The wildcard `*`: any number of characters."""

ONE = 1
"""The wildcard `?`: one character."""


class _Form(msgspec.Struct, frozen=True, gc=False):
    """Equal forms ask the same."""


class All(_Form, frozen=True, tag="all"):
    """Every one of them."""

    items: tuple[Form, ...]


class Any_(_Form, frozen=True, tag="any"):
    """One of them at least."""

    items: tuple[Form, ...]


class Not(_Form, frozen=True, tag="not"):
    """The contrary."""

    item: Form


class Text(_Form, frozen=True, tag="text"):
    """A text by a pattern. `text` is in lower case unless `cased`; a glob has `parts` instead."""

    field: str
    operator: Operator
    text: str = ""
    parts: tuple[Part, ...] = ()
    cased: bool = False


class Pattern(_Form, frozen=True, tag="pattern"):
    """A regular expression that is found anywhere in the text; `flags` are of `ims`."""

    field: str
    pattern: str
    flags: str = ""


class Network(_Form, frozen=True, tag="network"):
    """An address inside a network."""

    field: str
    network: str


class Compare(_Form, frozen=True, tag="compare"):
    """A number beside another."""

    field: str
    operator: Literal["lt", "le", "gt", "ge", "ne"]
    number: float


class Nothing(_Form, frozen=True, tag="nothing"):
    """The field is missing, or holds nothing."""

    field: str


class Exists(_Form, frozen=True, tag="exists"):
    """Whether the record has the field at all."""

    field: str
    exists: bool


class Same(_Form, frozen=True, tag="same"):
    """The text of another field of the record."""

    field: str
    other: str
    begins: bool = False
    ends: bool = False


class Moment(_Form, frozen=True, tag="moment"):
    """A part of a time, in UTC: its minute, hour, day of the month, ISO week, month or year."""

    field: str
    part: Literal["minute", "hour", "day", "week", "month", "year"]
    number: int


class Wanting(_Form, frozen=True, tag="wanting"):
    """A list that somebody has to supply, by name; until then it holds for nothing."""

    field: str
    name: str
    operator: Operator = "is"


class Seen(_Form, frozen=True, tag="seen"):
    """A rule that matched inside the timespan: a leaf of what a temporal correlation asks, and of no rule."""

    rule: str


Form = (
    All | Any_ | Not | Text | Pattern | Network | Compare | Nothing | Exists | Same | Moment | Wanting | Seen
)


class LogSource(_Form, frozen=True):
    """What a rule is about; what is empty is not asked for."""

    product: str = ""
    category: str = ""
    service: str = ""

    def includes(self, other: LogSource) -> bool:
        """Whether records of the other are among those that this one speaks of."""
        return (
            self.product in ("", other.product)
            and self.category in ("", other.category)
            and self.service in ("", other.service)
        )


class SigmaRule(_Form, frozen=True, kw_only=True):
    """A rule as it is evaluated. `rule` is its id, or its name where it has none."""

    rule: str
    title: str
    level: str = ""
    status: str = ""
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    name: str = ""
    source: LogSource = LogSource()
    form: Form
    tests: tuple[RuleTest, ...] = ()
    origin: str = ""
    line: int = 0

    @property
    def wanting(self) -> tuple[str, ...]:
        """The lists that somebody has to supply before it can be evaluated."""
        found = (leaf.name for leaf in leaves(self.form) if isinstance(leaf, Wanting))
        return tuple(dict.fromkeys(found))


CorrelationKind = Literal[
    "event_count", "value_count", "value_sum", "value_avg", "value_percentile", "value_median", "temporal",
    "temporal_ordered",
]  # fmt: skip


class Correlation(_Form, frozen=True, kw_only=True):
    """A rule about what other rules match, by group, inside a timespan.

    rules: ids or names of the others. aliases: by a name of `group_by`, the field that has it in the records
    of each rule. number: what `operator` compares with. fields: what is counted or measured. percentile: of 0
    to 100. asks: the condition of a temporal one, if it is written out. generate: whether the others raise
    findings of their own all the same.
    """

    rule: str
    title: str
    level: str = ""
    status: str = ""
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    false_positives: tuple[str, ...] = ()
    name: str = ""
    kind: CorrelationKind
    rules: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    aliases: dict[str, dict[str, str]] = {}
    timespan_s: int
    operator: Literal["lt", "le", "gt", "ge", "eq", "ne"] = "ge"
    number: float = 1
    fields: tuple[str, ...] = ()
    percentile: int = 50
    asks: Form | None = None
    generate: bool = False
    tests: tuple[RuleTest, ...] = ()
    origin: str = ""
    line: int = 0


def leaves(form: Form) -> list[Any]:
    """The leaves of a form, in order."""
    if isinstance(form, (All, Any_)):
        return [leaf for item in form.items for leaf in leaves(item)]
    return leaves(form.item) if isinstance(form, Not) else [form]
