"""A statement without its values: the text that statements of one kind share, and a digest of it.

Strings, numbers and comments are taken out by their marks, which needs no grammar of SQL. Of a text whose
marks do not close, or mean one thing or another by a setting of the server, nothing is kept.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from ..events import StatementText

UNKNOWN = "[UNSCANNED]"
_LIMIT_CHARACTERS = 100_000
_KEPT_CHARACTERS = 4_000

_PARTS = r"""
    (?P<comment> --[^\n]* | {comment} )
  | (?P<string> \b[eE]'(?:[^'\\]|\\.|'')*' | \b[bBnNxX]'[^']*' | \b[uU]&'(?:[^']|'')*' | '(?:[^']|'')*'
      | {string} | \$(?P<tag>[A-Za-z_][A-Za-z0-9_]*|)\$ .*? \$(?P=tag)\$ )
  | (?P<name> {name} | [^\W\d][\w$]* )
  | (?P<bind> \$[0-9]+ | %\([^()]*\)s | %s | (?<!:):[A-Za-z_]\w* | @[A-Za-z_]\w* )
  | (?P<number> 0[xXoObB][0-9A-Fa-f_]+ | (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)? )
  | (?P<space> \s+ )
  | (?P<open> ' | " | ` | /\* | \*/ )
  | (?P<other> . )
"""
_NOTHING = "(?!)"


def _form(comment: str, string: str, name: str) -> re.Pattern[str]:
    return re.compile(_PARTS.format(comment=comment, string=string, name=name), re.VERBOSE | re.DOTALL)


_BLOCK, _IN_QUOTATION, _IN_BACKTICKS = r"/\* .*? \*/", '"(?:[^"]|"")*"', "`(?:[^`]|``)*`"
_STANDARD = _form(_BLOCK, _NOTHING, _IN_QUOTATION)
# In these a text in double quotation marks is a string, or may be one.
_FORMS = {
    "mysql": _form(rf"{_BLOCK} | \#[^\n]*", _IN_QUOTATION, _IN_BACKTICKS),
    "mariadb": _form(rf"{_BLOCK} | \#[^\n]*", _IN_QUOTATION, _IN_BACKTICKS),
    "sqlite": _form(_BLOCK, _IN_QUOTATION, _IN_BACKTICKS),
}
# Whether a backslash keeps a string open is a setting of the server, so these are not understood.
_EITHER_WAY = re.compile(r"""\\['"]""")


@lru_cache(1_024)
def shape_of(text: str, dialect: str) -> StatementText:
    """Shape and digest of a statement; its text is left out.

    Args:
        dialect: SQLAlchemy's name for it.
    """
    shape = _without_values(text, _FORMS.get(dialect, _STANDARD))
    digest = hashlib.sha256(shape.encode("utf-8", "replace")).hexdigest()[:32]
    return StatementText(shape=shape[:_KEPT_CHARACTERS], hash=f"sha256:{digest}")


def _without_values(text: str, form: re.Pattern[str]) -> str:
    if len(text) > _LIMIT_CHARACTERS or _EITHER_WAY.search(text):
        return UNKNOWN
    parts = []
    for found in form.finditer(text):
        kind = found.lastgroup if found.lastgroup != "tag" else "string"
        if kind == "open":
            return UNKNOWN
        if kind in ("string", "number", "bind"):
            parts.append("?")
        elif kind in ("comment", "space"):
            parts.append(" ")
        else:
            parts.append(found[0])
    return re.sub(r"\?(?:\s*,\s*\?)+", "?", re.sub(r"\s+", " ", "".join(parts))).strip()
