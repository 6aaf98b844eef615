"""Words that stand before a value: as a cheap trigger, and as the front of the expression that verifies.

A lead is written as people say it, in lower case: `date of birth`. It is found in any case and with any
joint (`dateOfBirth`, `DATE_OF_BIRTH`, `date-of-birth`), with its accents or without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .beginnings import begins_with_digit
from .folding import octets

LEAD_GAP = 26
"""How many characters may stand between a lead and the first digit of its value."""

_SHORT = 4

# Punctuation, quotes, brackets, spaces, of any script; no letters, no digits, no NUL.
_JOINT = r"[\x01-/:-@\[-`{-\xbf\u2010-\u203a\u2190-\u21ff\u3000-\u303f]"

# Words that say no more than `here it comes`, in the languages people chat in.
_FILLERS = """
number numbers num no n nr nbr numero numéro número nummer nummern numer n° nº id code value val text string
data is was are as its it ist lautet war sind est es son era è é são sono är jest wynosi to
c'est cest my your his her their
the a of for de del della du da do der des den die das dem von van för para pour für per
on le el il la al em in am op den dnia at unter au aan på på new old updated changed
us usa u.s uk gb in br ca au jp fr de es it nl se pl pt eu
hat ha tem tiene porte heeft har ma med met mit avec con com document doc reads ends type
card file record field column here below full copy input attr param name
номер
""".split()
_FILLERS_WITHOUT_SPACES = "番号 は が の を 号码 号 是 为 번호 는 은".split()

_ACCENTED = {
    plain: plain + "".join(
        chr(code) for code in range(0xC0, 0x180)
        if unicodedata.normalize("NFD", chr(code))[0].lower() == plain
    )
    for plain in "aceilnosuyz"
}  # fmt: skip


def lead_expression(words: Sequence[str], gap: int = 0, ahead: str = "") -> str:
    """The front of a `verify` expression: one of the words, and what may stand before the value.

    Args:
        gap: How many characters other than the usual connecting ones may stand there too.
        ahead: What must follow behind them. It is looked for once behind the word, before the connection is
            taken apart in every way that it could be; that took ten times as long where nothing follows.
    """
    start = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))" if all(word.isascii() for word in words) else _START
    spoken = _branches([_spoken(word) for word in sorted(words, key=len, reverse=True)])
    # Behind a list of columns stand the values of all of them, the first one's first.
    loose = rf"(?:(?:(?![Vv](?:ALUES|alues))[^0-9\x00\n);]){{0,{gap}}}?(?<![A-Za-z]))?" if gap else ""
    # A word may have the word for a number right behind it: `paspoortnr`, `telno`, `Passnummer`.
    return rf"{start}(?:{spoken})(?:s|[Nn](?:r|o|um(?:mer|ber)?))?(?![a-z]){ahead}{connection()}{loose}"


def value_ahead(value: str, gap: int) -> str:
    """That a value follows, behind what may stand between it and a lead, which is never a digit."""
    most = LONGEST_CONNECTION + gap
    # A value that begins with a digit begins at the first one, so there is one place to look at.
    least = "+" if begins_with_digit(value) else "?"
    return rf"(?=[^0-9\x00]{{0,{most}}}{least}{value})"


# In scripts that write no spaces, a word may follow a letter.
_START = r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z])|(?=[\u3040-\u9fff\uac00-\ud7af]))"


def connection() -> str:
    """What may stand between a lead and its value: punctuation and up to four filling words."""
    return _CONNECTION


def lead_triggers(words: Sequence[str], gap: int = 0, digit: bool = True) -> list[str]:
    """Hyperscan expressions for the words, each with the first digit that follows where one must.

    Raises:
        ValueError: A word is too short to be told from the letters around it.
    """
    for word in words:
        if len(octets(word)) < 2:
            raise ValueError(f"the lead {word!r} is shorter than two characters")
    # What starts with another lead and a space is heard with that one, so far behind it as that is longer.
    heard = dict.fromkeys(word for word in words if not any(word.startswith(other + " ") for other in words))
    triggers = []
    for word in heard:
        longest = max(len(octets(other)) for other in words if other == word or other.startswith(word + " "))
        far = LEAD_GAP + gap + longest - len(octets(word))
        triggers.append(_heard(word) + (rf"[^0-9\x00]{{0,{far}}}[0-9]" if digit else ""))
    return triggers


def lead_reach(words: Sequence[str], gap: int = 0) -> int:
    """How many characters before the end of a trigger's hit its lead may start."""
    return max(len(word) + word.count(" ") for word in words) + LEAD_GAP + gap + 4


def _branches(words: Sequence[Sequence[str]]) -> str:
    """One of the words, as a tree: what they begin with is tried once, not once for each of them.

    A hundred words side by side took a hundred times as long at every place where none of them stands.
    """
    groups: dict[str, list[Sequence[str]]] = {}
    for first, *rest in (word for word in words if word):
        groups.setdefault(first, []).append(rest)
    branches = [first + _branches(rests) for first, rests in groups.items()]
    if not branches:
        return ""
    # A word that ends here comes last: the longer one is meant.
    ends = not all(words)
    return branches[0] if len(branches) == 1 and not ends else f"(?:{'|'.join(branches)}{'|' * ends})"


def _spoken(word: str) -> list[str]:
    """A lead for `re`, without flags: each letter in both cases, so that the first letter decides fast."""
    parts = []
    for letter in word.lower():
        if letter == " ":
            parts.append(r"[ _.\-]{0,2}")
        elif letter == "'":
            parts.append("['’]?")
        else:
            parts.append(_letter(letter, re.escape))
    return parts


def _heard(word: str) -> str:
    """A lead for a trigger over octets, which ignores the case of ASCII letters."""
    parts = []
    for letter in word.lower():
        if letter == " ":
            parts.append(r"[ _.\-]{0,2}")
        elif letter == "'":
            parts.append("['\\x80-\\xff]?")
        else:
            parts.append(_letter(letter, lambda one: "".join(_octet(octet) for octet in octets(one)), False))
    heard = "".join(parts)
    # A short word is found inside longer ones all the time.
    return f"[^a-z]{heard}(?:[^a-z]|n[our])" if len(word) <= _SHORT and word.isascii() else heard


def _letter(letter: str, spell: object, cases: bool = True) -> str:
    plain = unicodedata.normalize("NFD", letter)[0]
    variants = {letter}
    if plain != letter and plain in _ACCENTED:
        variants |= {plain, letter.upper()}
    if not letter.isascii() and len(letter.upper()) == 1:
        variants.add(letter.upper())
    if cases:
        variants |= {one.upper() for one in set(variants) if len(one.upper()) == 1}
    assert callable(spell)
    if len(variants) == 1:
        return str(spell(letter))
    return "[" + "".join(sorted(spell(one) for one in variants)) + "]"


def _octet(octet: int) -> str:
    return chr(octet) if chr(octet).isalnum() and octet < 0x80 else f"\\x{octet:02x}"


def _fillers() -> str:
    words = [list(map(_both_cases, word)) for word in sorted(set(_FILLERS), key=len, reverse=True)]
    return rf"{_branches(words)}(?![A-Za-z])|{'|'.join(_FILLERS_WITHOUT_SPACES)}"


def _both_cases(letter: str) -> str:
    cases = {letter, letter.upper()} if len(letter.upper()) == 1 else {letter}
    return re.escape(letter) if len(cases) == 1 else f"[{''.join(sorted(cases))}]"


# No filling word begins with a joint, so giving back joints that were taken leads nowhere.
_CONNECTION = rf"(?:{_JOINT}{{0,4}}+(?:{_fillers()})){{0,4}}{_JOINT}{{0,12}}?"

LONGEST_CONNECTION = 4 * (4 + max(map(len, _FILLERS))) + 12
"""How many characters may stand between a lead and its value besides those of a gap."""
