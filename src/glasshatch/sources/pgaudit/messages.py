"""What the server's messages say, without the values that they repeat."""

from __future__ import annotations

import re

HIDDEN = "[REDACTED]"
_LONGEST = 4_096

_NAMED = (
    r"relation|column|table|role|user|database|schema|function|procedure|constraint|index|sequence|type|view"
    r"|extension|operator class|language|trigger|policy|publication|subscription|tablespace|parameter"
    r"|materialized view|operator|identity|launcher|worker|slot|socket|address|file|host"
)
_QUOTED = re.compile(rf'(?P<before>\b(?:{_NAMED})[ =]+)?"(?P<inside>(?:[^"]|"")*)"')
_KEY = re.compile(r"(?<=\)=)\(.*\)(?=[ .]|$)", re.DOTALL)
_FAILING_ROW = re.compile(r"(?<=contains )\(.*\)", re.DOTALL)
_AFTER_COLON = re.compile(r'(?s)(?<=: )"(?:[^"]|"")*"?.*')
_AT_CHARACTER = re.compile(r" at character (\d+)$")
_STATEMENT = re.compile(
    r"(?s)(?:duration: (?P<ms>[\d.]+) ms)?(?:  )?"
    r"(?:(?P<kind>statement|parse|bind|execute|fastpath function call)"
    r"(?P<name> [^:\n]{0,200})?: (?P<text>.+))?"
)
_CODES = tuple(
    (re.compile(form), code)
    for form, code in (
        (r"division by zero$", "22012"),
        (r"syntax error (at|in)", "42601"),
        (r"relation .+ does not exist$", "42P01"),
        (r"column .+ does not exist$", "42703"),
        (r"(function|operator|procedure) .+ does not exist$", "42883"),
        (r"role .+ does not exist$", "28000"),
        (r"database .+ does not exist$", "3D000"),
        (r"schema .+ does not exist$", "3F000"),
        (r"(permission denied|must be owner|must be superuser)", "42501"),
        (r"password authentication failed", "28P01"),
        (r"no pg_hba.conf entry", "28000"),
        (r"duplicate key value violates unique constraint", "23505"),
        (r"null value in column .+ violates not-null", "23502"),
        (r".+ violates foreign key constraint", "23503"),
        (r".+ violates check constraint", "23514"),
        (r"invalid input syntax for type", "22P02"),
        (r"value too long for type", "22001"),
        (r"relation .+ already exists$", "42P07"),
        (r"deadlock detected$", "40P01"),
        (r"canceling statement due to", "57014"),
        (r"terminating connection due to administrator command", "57P01"),
        (r"(sorry, too many clients|remaining connection slots)", "53300"),
        (r"current transaction is aborted", "25P02"),
    )
)
"""SQLSTATEs of messages that a stderr log shows without them (PostgreSQL, appendix "Error Codes")."""


def plain(text: str) -> str:
    """A message without quoted values; names of tables, roles and the like stay."""
    if len(text) > _LONGEST:
        return HIDDEN  # a cut one could end within a value, and a long one is somebody's text
    if '"' not in text and "(" not in text:
        return text
    text = _FAILING_ROW.sub(f"({HIDDEN})", _KEY.sub(f"({HIDDEN})", text))
    return _AFTER_COLON.sub(f'"{HIDDEN}"', _QUOTED.sub(_quoted, text))


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found["before"] else f'"{HIDDEN}"'


def without_position(text: str) -> str:
    """An error's message without the place in the statement that stderr adds."""
    return _AT_CHARACTER.sub("", text)


def code_of(message: str) -> str:
    """The SQLSTATE that a message of the server has; nothing for one that is not known."""
    return next((code for form, code in _CODES if form.match(message)), "")


def statement_in(message: str) -> tuple[str, str, str] | None:
    """Of a message of `log_statement` or `log_duration`: milliseconds, what was done, and the text."""
    if not message.startswith(("duration: ", "statement: ", "parse ", "bind ", "execute ", "fastpath ")):
        return None
    found = _STATEMENT.fullmatch(message)
    if found is None or not (found["ms"] or found["kind"]):
        return None
    return found["ms"] or "", found["kind"] or "", found["text"] or ""
