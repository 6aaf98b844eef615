"""Values whose names stand elsewhere: in an INSERT's columns, a header line, a statement's parameters.

Each value is read again with its name before it, so that the words that lead to a value lead to it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .budget import Budget
from .sources import Pieces

NAMES = (
    "ssn|dob|birth|passport|licen[cs]e|phone|mobile|telefon|nino|nhs|dni|bsn|tfn|cpf|aadhaar|tax_?id|iban|password"
    "|passwd|secret|token|api_?key|personnummer|geburtsdatum|naissance|nacimiento|nascita|nascimento|pesel|steuer"
    "|codice_fiscale|medicare|national_id|card|sin|nir|nif",
    "geburts|pass_?nummer|pass_?nr|rvnr|idnr|sv_?nummer|telefoon|telefono|movil|celular|portable|mobil|mobiel|handy"
    "|nasc|naiss|geboorte|urodz|dogum|pasaport|passeport|passaporto",
    "reisepass|paszport|paspoort|fuehrerschein|permis|patente|rijbewijs|korkort|ehliyet|passwort|wachtwoord|contrasena"
    "|senha|haslo|sifre|backup_?code|recovery_?code|scratch_?code",
)
"""Words that name a column whose values are read with it, in groups: a trigger of more than about forty words
is no longer found by its words, and slows everything down."""


def _columns_named(names: str) -> tuple[str, ...]:
    titled, upper = "|".join(one[0].upper() + one[1:] for one in names.split("|")), names.upper()
    return (
        rf"[,;\t|](?: |\x22)?(?:[a-z]{{1,12}}_)?(?:{names})[a-z_]{{0,12}}(?: {{0,20}}|\x22)[,;\t|\r\n]",
        rf"[,;\t|](?: |\x22)?(?:[A-Z]{{1,12}}_)?(?:{upper})[A-Z_]{{0,12}}(?: {{0,20}}|\x22)[,;\t|\r\n]",
        rf"[\n\x00](?: |\x22)?(?:[a-z]{{1,12}}_)?(?:{names})[a-z_]{{0,12}}(?: {{0,20}}|\x22)[,;\t|]",
        rf"[,;\t|\n\x00](?: |\x22)?(?:{titled})[A-Za-z_-]{{0,12}}(?: {{0,20}}|\x22)[,;\t|\r\n]",
        # The names of columns stand in the middle of them where psql prints a table.
        rf"\| {{2,20}}(?:{names})[a-z_]{{0,12}} {{0,20}}[|\n]",
    )


TRIGGERS = (
    r"(?:VALUES|values|Values)[ \r\n\t]{0,4}\(",
    r"\$1 = ['0-9]",
    r"(?:FROM|from) (?:STDIN|stdin)",
    *(trigger for names in NAMES for trigger in _columns_named(names)),
)
_MOST_COLUMNS, _MOST_ROWS, _LONGEST, _LONGEST_ROW, _A_TRY = 100, 200, 1 << 14, 4096, 64

_COLUMNS_AFTER = re.compile(
    r"\s{0,4}\)?\s{0,4}(?:AS\s+)?[\w\"]{1,60}\s{0,4}\(([^()'\x00]{1,4000})\)", re.IGNORECASE
)
_NEXT_ROW = re.compile(r"\s{0,20},\s{0,20}\(")
_COLUMN = re.compile(r"[^\w]*([\w$. -]{1,60}?)[^\w]*")
_TOKEN = re.compile(r"'(?:[^'\x00]|''){0,4000}'|\"[^\"\x00]{0,4000}\"|[(),]|[^'\"(),\x00]{1,4000}")
_ASSIGNED = re.compile(
    r"([\w.]{1,60})\"?\s{0,3}(?:=|<>|!=|<=?|>=?|LIKE|IN\s{0,2}\()\s{0,3}\$(\d{1,3})(?!\d)", re.IGNORECASE
)
_INTO = re.compile(r"\(([^()'\x00]{1,4000})\)\s{0,4}VALUES\s{0,4}\(([^()\x00]{1,4000})\)", re.IGNORECASE)
_COPIED = re.compile(r"copy\s{1,3}[\w.\"]{1,120}\s{0,3}\(([^()\x00]{1,4000})\)\s{1,3}from", re.IGNORECASE)
_PARAMETER_VALUE = re.compile(r"\$(\d{1,3}) = ")


def sources(text: str, hits: Sequence[tuple[int, int]], budget: Budget) -> Iterator[Pieces]:
    """The records behind the hits, each value with its name before it."""
    done = dict.fromkeys(_READERS, 0)
    for kind, end in hits:
        reader = _READERS[kind]
        if end <= done[reader]:
            continue
        # Also what leads nowhere costs time, and is not looked at again: many hits in one line must not
        # cost their square.
        budget.spend(_A_TRY)
        pieces, done[reader] = reader(text, end, budget)
        if pieces is not None:
            yield pieces


def _named(column: str) -> str:
    match = _COLUMN.fullmatch(column.strip())
    return match[1].rpartition(".")[2] if match else ""


def _columns(listed: str) -> list[str]:
    names = [_named(column) for column in listed.split(",")]
    return names if len(names) <= _MOST_COLUMNS else []


def _inserted(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """`INSERT INTO t (a, b) VALUES (1, 2), (3, 4)`, or `(VALUES (1, 2)) v(a, b)`."""
    listed = _columns_before(text, end)
    rows: list[list[int]] = []
    place, limit = end - 1, min(len(text), end + _LONGEST)
    while len(rows) < _MOST_ROWS:
        marks, place = _row(text, place, min(limit, place + _LONGEST_ROW))
        if not marks:
            break
        rows.append(marks)
        following = _NEXT_ROW.match(text, place)
        if following is None:
            break
        place = following.end() - 1
    budget.spend(place - end + (0 if rows else _LONGEST_ROW))
    if not listed and rows:
        after = _COLUMNS_AFTER.match(text, place)
        listed = after[1] if after else ""
    if not listed or not rows:
        return None, end
    names = _columns(listed)
    marked = [
        (mark, name) for row in rows if len(row) == len(names) for mark, name in zip(row, names, strict=True)
    ]
    return spelled(text, marked, place), place


def _columns_before(text: str, end: int) -> str:
    """What stands in the brackets before `VALUES (`, whose hit ends at `end`; empty if there are none."""
    head = text[max(0, end - 24) : end - 1].rstrip()
    stop = max(0, end - 24) + len(head.rstrip("VALUESvalues").rstrip())
    if text[stop - 1 : stop] != ")":
        return ""
    opening = text.rfind("(", max(0, stop - 4000), stop)
    return text[opening + 1 : stop - 1] if opening >= 0 else ""


def _row(text: str, opening: int, limit: int) -> tuple[list[int], int]:
    """Where each value's separator stands, the bracket first; and the place behind the row."""
    marks, depth = [opening], 1
    for token in _TOKEN.finditer(text, opening + 1, limit):
        letter = token[0]
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                return marks, token.end()
        elif letter == "," and depth == 1:
            marks.append(token.start())
    return [], opening


def _table(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """Lines under a header: CSV, or what a database's shell prints."""
    first = max(text.rfind("\n", 0, end - 1), text.rfind("\0", 0, end - 1)) + 1
    if end - first > 2000:
        return None, _line_end(text, end - 1)
    last = text.find("\n", end - 1)
    if last < 0 or last - first > 4000 or text.find("\0", first, last) >= 0:
        return None, _line_end(text, end - 1)
    header = text[first:last]
    separator = next((one for one in "\t|;," if one in header), "")
    names = [_named(name) for name in header.strip("|\r").split(separator)] if separator else []
    if not 2 <= len(names) <= _MOST_COLUMNS:
        return None, last
    marked: list[tuple[int, str]] = []
    place, rows = last, 0
    while rows < _MOST_ROWS and place - last < _LONGEST:
        stop = _line_end(text, place + 1)
        marks = [place, *_separators(text, place + 1, stop, separator)]
        if len(marks) == len(names):
            marked += zip(marks, names, strict=True)
        elif stop - place > 1 and set(text[place + 1 : stop].strip()) - set("-+|= "):
            break
        rows += 1
        place = stop
        if place >= len(text) or text[place] != "\n":
            break
    return (spelled(text, marked, place), place) if marked else (None, last)


def _line_end(text: str, start: int) -> int:
    ends = [place for place in (text.find("\n", start), text.find("\0", start)) if place >= 0]
    return min(ends, default=len(text))


def _separators(text: str, start: int, stop: int, separator: str) -> list[int]:
    found, quoted = [], False
    # Outer bars frame a row and separate nothing.
    low = start + (text[start : start + 1] == "|")
    high = stop - (text[stop - 1 : stop] == "|")
    for place in range(low, high):
        letter = text[place]
        if letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            found.append(place)
    return found


def _parameters(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """`... WHERE dob = $1` and behind it `parameters: $1 = '1984-03-12'`, as PostgreSQL logs them."""
    start = end - len("$1 = ?")
    low = max(text.rfind("\0", 0, start) + 1, start - _LONGEST)
    names = {match[2]: _named(match[1]) for match in _ASSIGNED.finditer(text, low, start)}
    for match in _INTO.finditer(text, low, start):
        values = [value.strip() for value in match[2].split(",")]
        names |= {
            value[1:]: name
            for value, name in zip(values, _columns(match[1]), strict=False)
            if value.startswith("$")
        }
    stop = _line_end(text, start)
    marked = [
        (match.end() - 1, names[match[1]])
        for match in _PARAMETER_VALUE.finditer(text, start, stop)
        if match[1] in names
    ]
    return (spelled(text, marked, stop), stop) if marked else (None, stop)


def spelled(text: str, marked: Sequence[tuple[int, str]], stop: int) -> Pieces | None:
    """The text from the first mark on, each marked character replaced by the name of the value behind it."""
    if not marked:
        return None
    pieces = Pieces(marked[0][0])
    for mark, name in marked:
        pieces.keep(text, mark)
        # One character for the name: no finding may start inside it.
        pieces.replace(mark + 1, f"\n{name}: ")
    return pieces.finish(text, stop)


def _copied(text: str, end: int, budget: Budget) -> tuple[Pieces | None, int]:
    """`COPY t (a, b) FROM stdin;` and the lines under it, a tab between their values."""
    start = max(0, text.rfind("\n", 0, end), text.rfind("\0", 0, end) + 1)
    match = _COPIED.search(text, start, end)
    place = _line_end(text, end)
    budget.spend(end - start)
    names = _columns(match[1]) if match else []
    if not names:
        return None, end
    marked: list[tuple[int, str]] = []
    rows, separator = 0, "," if "csv" in text[end:place].lower() else "\t"
    while text[place : place + 1] == "\n" and rows < _MOST_ROWS:
        stop = _line_end(text, place + 1)
        marks = [place, *_separators(text, place + 1, stop, separator)]
        if len(marks) != len(names):
            break
        marked += zip(marks, names, strict=True)
        rows, place = rows + 1, stop
    return spelled(text, marked, place), place


_READERS = (_inserted, _parameters, _copied, *[_table] * (len(TRIGGERS) - 3))
"""What reads the records behind a trigger, by the trigger's place."""
