"""Whether a condition of a policy can ever hold: its logic over atoms, and a bounded search.

Conditions become `and`, `or` and `not` over atoms such as "the risks contain X". What is not one of
the known forms is an atom of its own, which may be true or false: so "cannot hold" is never wrong,
and "can hold" may be.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from .vocabulary import DOMAINS, MEMBERS


class Atom(msgspec.Struct, frozen=True):
    """One fact: `has` (a set holds a word), `is` (an attribute equals one), `within`, or anything else."""

    form: Literal["has", "is", "within", "other"]
    subject: str
    words: tuple[str, ...] = ()


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    part: Formula


class Every(msgspec.Struct, frozen=True):
    """Every part holds; none is true."""

    parts: tuple[Formula, ...]


class Some(msgspec.Struct, frozen=True):
    """A part holds; none is false."""

    parts: tuple[Formula, ...]


Formula = Atom | Not | Every | Some
TRUE, FALSE = Every(()), Some(())
_MOST_STEPS = 2_000


def can_hold(formula: Formula) -> bool:
    """Whether some facts make it true; True as well where the search would take too long."""
    return _search(formula, {}, itertools.count())


def _search(formula: Formula, facts: dict[Atom, bool], steps: Iterator[int]) -> bool:
    formula = _known(formula, facts)
    if formula == TRUE or next(steps) > _MOST_STEPS:
        return True
    if formula == FALSE:
        return False
    atom = _first(formula)
    for value in (True, False):
        tried = {**facts, atom: value}
        if _agree(atom, value, facts) and _search(formula, tried, steps):
            return True
    return False


def _known(formula: Formula, facts: Mapping[Atom, bool]) -> Formula:
    """The formula with what is known put in, and shortened."""
    if isinstance(formula, Atom):
        value = facts.get(formula)
        return formula if value is None else (TRUE if value else FALSE)
    if isinstance(formula, Not):
        part = _known(formula.part, facts)
        return FALSE if part == TRUE else TRUE if part == FALSE else Not(part)
    whole, nothing = (FALSE, TRUE) if isinstance(formula, Every) else (TRUE, FALSE)
    parts = tuple(part for one in formula.parts if (part := _known(one, facts)) != nothing)
    if whole in parts:
        return whole
    return parts[0] if len(parts) == 1 else type(formula)(parts)


def _first(formula: Formula) -> Atom:
    while not isinstance(formula, Atom):
        formula = formula.part if isinstance(formula, Not) else formula.parts[0]
    return formula


def _agree(atom: Atom, value: bool, facts: Mapping[Atom, bool]) -> bool:
    """Whether a fact may be added to those about the same subject."""
    same = [(other, was) for other, was in facts.items() if other.subject == atom.subject]
    if not all(_pair(atom, value, other, was) and _pair(other, was, atom, value) for other, was in same):
        return False
    if atom.form != "is":
        return True
    denied = {other.words[0] for other, was in (*same, (atom, value)) if other.form == "is" and not was}
    domain = DOMAINS.get(atom.subject)
    return domain is None or not domain <= denied


def _pair(one: Atom, first: bool, other: Atom, second: bool) -> bool:
    if not first:
        return True
    if one.form == "is":
        return not (other.form == "is" and second)
    if one.form == "within" and other.form == "has":
        return not second or other.words[0] in one.words
    if one.form == "within" and other.form == "within":
        return second or not set(one.words) <= set(other.words)
    return True


def has(subject: str, word: str) -> Formula:
    """The set holds the word; FALSE for a word that it never holds."""
    known = MEMBERS.get(subject)
    return FALSE if known is not None and word not in known else Atom("has", subject, (word,))


def equals(subject: str, word: str) -> Formula:
    """The attribute is the word; FALSE for one that it never is."""
    domain = DOMAINS.get(subject)
    return FALSE if domain is not None and word not in domain else Atom("is", subject, (word,))


def within(subject: str, words: tuple[str, ...]) -> Formula:
    """The set holds nothing but some of these words."""
    return Atom("within", subject, tuple(sorted(words)))
