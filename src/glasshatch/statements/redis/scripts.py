"""Lua in EVAL: which commands it calls. A script that hides what it calls is unknown."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..findings import Findings
from ..words import words

_TOKEN = re.compile(
    r"""(?P<skip>\s++|--\[(?P<level>=*)\[.*?(?:\](?P=level)\]|$)|--[^\n]*+)
    |(?P<string>"(?:[^"\\\n]++|\\.)*+"|'(?:[^'\\\n]++|\\.)*+')
    |(?P<long>\[(?P<mark>=*)\[.*?\](?P=mark)\])
    |(?P<name>[A-Za-z_]\w*+)
    |(?P<number>\d[\w.]*+)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MAX_TOKENS = 5_000
_MAX_LONG = 64
_MAX_DIGITS = 6
# What could call a command under another name, or run text as code.
_HIDING = words(
    """
    load loadstring loadfile dofile require _G getfenv setfenv rawget rawset setmetatable getmetatable debug
    os io package dump coroutine
"""
)
_HARMLESS = words("status_reply error_reply sha1hex log LOG_DEBUG LOG_VERBOSE LOG_NOTICE LOG_WARNING setresp")
_LOOPS = words("while repeat")
_SIMPLE_ESCAPE = re.compile(r"\\(?:(\d{1,3})|(.))", re.DOTALL)

Understand = Callable[[list[str], Findings], None]


def read_script(script: str, given: list[str], findings: Findings, understand: Understand) -> None:
    """Note every command that the script calls by a literal name; `given` is what follows the script."""
    tokens = _tokens(script)
    if tokens is None:
        findings.unknown("unknown_code")
        return
    findings.note("read")
    tables = _tables(given)
    loops = ("name", "for") in tokens
    for index, (kind, text) in enumerate(tokens):
        if kind != "name":
            continue
        if text in _HIDING or text in _LOOPS:
            findings.unknown("unknown_code")
        elif text in ("redis", "server"):
            _member(tokens, index, tables, findings, understand)
    if loops and "delete" in findings.verbs:
        # As many times as there are keys, or elements.
        findings.risks.add("unbounded_write")


def _tables(given: list[str]) -> dict[str, list[str]]:
    """What the script sees as KEYS and ARGV."""
    count = int(given[0]) if given and given[0].isdecimal() and len(given[0]) < _MAX_DIGITS else 0
    return {"KEYS": given[1 : count + 1], "ARGV": given[count + 1 :]}


def _member(
    tokens: list[tuple[str, str]],
    at: int,
    tables: dict[str, list[str]],
    findings: Findings,
    understand: Understand,
) -> None:
    """`redis.call("NAME", …)` is that command; any other use of the door hides what it does."""
    follow = [text for _, text in tokens[at + 1 : at + 5]]
    if len(follow) > 1 and follow[0] == "." and follow[1] in _HARMLESS:
        return
    if follow[:1] != ["."] or follow[1:2] not in (["call"], ["pcall"]):
        findings.unknown("unknown_code")
        return
    start = at + 4 if follow[2:3] == ["("] else at + 3
    arguments = _arguments(tokens, start, tables, call=follow[2:3] == ["("])
    named = _arguments(tokens, start, {}, call=follow[2:3] == ["("])[:1]
    if (
        not arguments
        or arguments[0] is None
        or named == [None]
        or arguments[0].upper() in ("EVAL", "EVAL_RO")
    ):
        findings.unknown("dynamic_sql")
    else:
        understand([word if word is not None else "?" for word in arguments], findings)


def _arguments(
    tokens: list[tuple[str, str]], start: int, tables: dict[str, list[str]], *, call: bool
) -> list[str | None]:
    """The arguments of a call, None for those that are no plain string or number."""
    found: list[str | None] = []
    piece: list[tuple[str, str]] = []
    depth = 0
    for kind, text in tokens[start:]:
        if depth == 0 and text in (",", ")") and kind == "other":
            found.append(_plain(piece, tables))
            piece = []
            if text == ")":
                return found
            continue
        depth += (text in "([{") - (text in ")]}") if kind == "other" else 0
        piece.append((kind, text))
        if not call:
            return [_plain(piece, tables)]
        if len(found) > 1000:
            break
    return []


def _plain(piece: list[tuple[str, str]], tables: dict[str, list[str]]) -> str | None:
    texts = [text for _, text in piece]
    if len(texts) == 4 and texts[0] in tables and texts[1] + texts[3] == "[]" and texts[2].isdecimal():
        at = int(texts[2][:6])
        return tables[texts[0]][at - 1] if 0 < at <= len(tables[texts[0]]) else None
    if len(piece) == 1 and piece[0][0] == "string":
        return _SIMPLE_ESCAPE.sub(_unescaped, piece[0][1][1:-1])
    if len(piece) == 1 and piece[0][0] == "number":
        return piece[0][1]
    return None


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1]) % 256) if found[1] else {"n": "\n"}.get(found[2], found[2])


def _tokens(script: str) -> list[tuple[str, str]] | None:
    """The tokens without comments; None for too many, or for long brackets that would cost a search each."""
    if script.count("[[") + script.count("[=") > _MAX_LONG:
        return None
    found: list[tuple[str, str]] = []
    for token in _TOKEN.finditer(script):
        kind = token.lastgroup or "other"
        if token["skip"] is not None:
            continue
        if token["long"] is not None:
            found.append(("string", '"' + token["long"].strip("[]=").replace("\\", "\\\\") + '"'))
        else:
            found.append((kind if kind in ("string", "name", "number") else "other", token.group()))
        if len(found) > _MAX_TOKENS:
            return None
    return found
