"""What somebody may see of the record, as a test of events that also a search can be narrowed by.

Cedar evaluates the rules as far as who asks decides them; what is left asks about the event alone, and is
translated here. Whatever cannot be translated is refused, never guessed.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

TEXTS: Final = ("ledger", "source", "feed", "action", "actor", "on_behalf_of", "resource")
"""The attributes of an event that are one word."""

SETS: Final = ("resources",)
AGE: Final = "age_s"
_ATTRIBUTES = frozenset({*TEXTS, *SETS, AGE})


class Unclear(ValueError):
    """A rule asks of an event what cannot be asked of an index."""


def small(text: str) -> str:
    """ASCII letters in lower case, the others as they are: so events are compared, also in the index."""
    return text.translate(_SMALL)


_SMALL = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class EventFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An event as access policies see it, in small letters."""

    ledger: str
    source: str
    feed: str
    action: str
    actor: str
    on_behalf_of: str
    resource: str
    resources: frozenset[str]
    age_s: int


class Node(msgspec.Struct, frozen=True, tag=True):
    """A part of a sight."""


class Always(Node, frozen=True):
    """Every event, or none."""

    answer: bool


class Is(Node, frozen=True):
    """The attribute is this word, or has it among others."""

    attribute: str
    word: str


class Like(Node, frozen=True):
    """The attribute fits a pattern in which `*` stands for any characters."""

    attribute: str
    pattern: str


class Younger(Node, frozen=True):
    """It happened less than so many whole seconds ago."""

    seconds: int


class Not(Node, frozen=True):
    """What the part does not fit."""

    part: Sight


class Every(Node, frozen=True):
    """What all parts fit."""

    parts: tuple[Sight, ...]


class Some(Node, frozen=True):
    """What any part fits."""

    parts: tuple[Sight, ...]


Sight = Always | Is | Like | Younger | Not | Every | Some
ALL: Final = Always(True)
NOTHING: Final = Always(False)


def fits(sight: Sight, event: EventFacts) -> bool:
    """Whether an event is within a sight."""
    match sight:
        case Always(answer):
            return answer
        case Is(attribute, word):
            held = getattr(event, attribute)
            return word in held if attribute in SETS else bool(held == word)
        case Like(attribute, pattern):
            return _matches(pattern, getattr(event, attribute))
        case Younger(seconds):
            return event.age_s < seconds
        case Not(part):
            return not fits(part, event)
        case Every(parts):
            return all(fits(part, event) for part in parts)
        case Some(parts):
            return any(fits(part, event) for part in parts)


def _matches(pattern: str, text: str) -> bool:
    # Literals hold neither `*` nor `?`, and `[` is the one other sign that fnmatch would read.
    return re.match(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def written(sight: Sight) -> str:
    """The sight for people, in the words of the query language; `nothing` and `everything` are said so."""
    match sight:
        case Always(answer):
            return "everything" if answer else "nothing"
        case Is(attribute, word):
            return f'{attribute}:"{word}"'
        case Like(attribute, pattern):
            return f"{attribute}:{pattern}"
        case Younger(seconds):
            return f"time>now-{seconds}s"
        case Not(part):
            return f"NOT {_grouped(part)}"
        case Every(parts):
            return " ".join(map(_grouped, parts))
        case Some(parts):
            return " OR ".join(map(_grouped, parts))


def _grouped(sight: Sight) -> str:
    return f"({written(sight)})" if isinstance(sight, Every | Some) else written(sight)


def both(one: Sight, other: Sight) -> Sight:
    """What both fit, without the parts that say nothing."""
    if NOTHING in (one, other):
        return NOTHING
    if one == ALL:
        return other
    return one if other == ALL else Every((*_parts(one, Every), *_parts(other, Every)))


def either(one: Sight, other: Sight) -> Sight:
    """What one of them fits, in the same way."""
    if ALL in (one, other):
        return ALL
    if one == NOTHING:
        return other
    return one if other == NOTHING else Some((*_parts(one, Some), *_parts(other, Some)))


def _parts(one: Sight, kind: type[Every | Some]) -> tuple[Sight, ...]:
    return one.parts if isinstance(one, Every | Some) and type(one) is kind else (one,)


def negated(one: Sight) -> Sight:
    """What it does not fit."""
    match one:
        case Always(answer):
            return Always(not answer)
        case Not(part):
            return part
    return Not(one)


def sight_of(body: Any) -> Sight:
    """The condition that is left of a rule, in Cedar's JSON.

    Raises:
        Unclear: It asks more than a sight can say.
    """
    if not isinstance(body, Mapping) or len(body) != 1:
        raise Unclear("a condition of an unknown form")
    ((op, inner),) = body.items()
    reader = _READERS.get(op)
    if reader is None:
        raise Unclear(f"`{op}` on an event")
    return reader(inner)


def _value(inner: Any) -> Sight:
    if not isinstance(inner, bool):
        raise Unclear("a constant that is no answer")
    return Always(inner)


def _and(inner: Any) -> Sight:
    return both(sight_of(inner["left"]), sight_of(inner["right"]))


def _or(inner: Any) -> Sight:
    return either(sight_of(inner["left"]), sight_of(inner["right"]))


def _choice(inner: Any) -> Sight:
    question = sight_of(inner["if"])
    return either(both(question, sight_of(inner["then"])), both(negated(question), sight_of(inner["else"])))


def _equal(inner: Any) -> Sight:
    for one, other in ((inner["left"], inner["right"]), (inner["right"], inner["left"])):
        attribute, word = _attribute(one), _constant(other)
        if attribute in TEXTS and isinstance(word, str):
            return _is(attribute, word)
        if attribute == AGE and _is_long(word):
            return both(Younger(word + 1), negated(Younger(word)))
    raise Unclear("`==` between an event's attribute and something that is not known")


def _is(attribute: str, word: str) -> Sight:
    # Facts are in small letters, so another word is never there.
    return Is(attribute, word) if word == small(word) else NOTHING


def _like(inner: Any) -> Sight:
    attribute = _attribute(inner["left"])
    if attribute not in TEXTS:
        raise Unclear("`like` on something other than a word of the event")
    pattern = ""
    for piece in inner["pattern"]:
        if piece == "Wildcard":
            pattern += "*"
            continue
        literal = str(piece["Literal"])
        if literal in "*?":
            raise Unclear(f"`like` with the sign {literal}")
        if literal != small(literal):
            return NOTHING
        pattern += literal
    return Like(attribute, pattern)


def _contains(inner: Any) -> Sight:
    attribute, word = _attribute(inner["left"]), _constant(inner["right"])
    if attribute in SETS and isinstance(word, str):
        return _is(attribute, word)
    words, sought = _constants(inner["left"]), _attribute(inner["right"])
    if words is not None and sought in TEXTS:
        return _any(sought, words)
    raise Unclear("`contains` between an event and something that is not known")


def _contains_any(inner: Any) -> Sight:
    for one, other in ((inner["left"], inner["right"]), (inner["right"], inner["left"])):
        attribute, words = _attribute(one), _constants(other)
        if attribute in SETS and words is not None:
            return _any(attribute, words)
    raise Unclear("`containsAny` between an event and something that is not known")


def _contains_all(inner: Any) -> Sight:
    attribute, words = _attribute(inner["left"]), _constants(inner["right"])
    if attribute not in SETS or words is None:
        raise Unclear("`containsAll` between an event and something that is not known")
    found: Sight = ALL
    for word in words:
        found = both(found, _is(attribute, word))
    return found


def _any(attribute: str, words: Sequence[str]) -> Sight:
    found: Sight = NOTHING
    for word in words:
        found = either(found, _is(attribute, word))
    return found


def _ordered(less: bool, equal: bool) -> Callable[[Any], Sight]:
    """A comparison of the age: `less` as in < and <=, `equal` as in <= and >=."""

    def read(inner: Any) -> Sight:
        number = _constant(inner["right"])
        turned = _attribute(inner["left"]) != AGE
        if turned:
            number = _constant(inner["left"])
        if AGE not in (_attribute(inner["left"]), _attribute(inner["right"])) or not _is_long(number):
            raise Unclear("a comparison of something other than the age with a number")
        smaller = less != turned
        bound = Younger(number + 1 if smaller == equal else number)
        return bound if smaller else negated(bound)

    return read


def _has(inner: Any) -> Sight:
    if _is_event(inner["left"]):
        return Always(inner["attr"] in _ATTRIBUTES)
    raise Unclear("`has` on something that is not known")


def _is_kind(inner: Any) -> Sight:
    if _is_event(inner["left"]):
        return Always(inner["entity_type"] == "Event")
    raise Unclear("`is` on something that is not known")


_READERS: dict[str, Callable[[Any], Sight]] = {
    "Value": _value, "&&": _and, "||": _or, "!": lambda inner: negated(sight_of(inner["arg"])),
    "if-then-else": _choice, "==": _equal, "!=": lambda inner: negated(_equal(inner)), "like": _like,
    "contains": _contains, "containsAny": _contains_any, "containsAll": _contains_all,
    "<": _ordered(True, False), "<=": _ordered(True, True), ">": _ordered(False, False),
    ">=": _ordered(False, True), "has": _has, "is": _is_kind,
}  # fmt: skip


def _is_event(body: Any) -> bool:
    return isinstance(body, Mapping) and body.get("unknown") == [{"Value": "resource"}]


def _attribute(body: Any) -> str:
    """The name of an event's attribute; empty for anything else."""
    inner = body.get(".") if isinstance(body, Mapping) else None
    return str(inner["attr"]) if inner and _is_event(inner["left"]) else ""


def _constant(body: Any) -> Any:
    return body.get("Value") if isinstance(body, Mapping) else None


def _is_long(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _constants(body: Any) -> tuple[str, ...] | None:
    """A set of constant words, evaluated or still written out."""
    if not isinstance(body, Mapping):
        return None
    items = body.get("Set")
    words = [_constant(item) for item in items] if items is not None else body.get("Value")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    return tuple(words)
