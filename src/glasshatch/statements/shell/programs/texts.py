"""sed, awk and other programs for text that can also write files or start programs."""

from __future__ import annotations

import re

from .. import files
from ..call import Call, Handler, operands
from ..expand import UNKNOWN, Argument

# awk: strings, regular expressions and comments are data.
_AWK_DATA = re.compile(
    r'"(?:[^"\\]|\\.)*"|#[^\n]*|(?<=[~(,&|!{};])\s*/(?:[^/\\\n]|\\.)+/|^\s*/(?:[^/\\\n]|\\.)+/'
)
_AWK_CODE = re.compile(r"\bsystem\b|\bgetline\b|(?<!\|)\|(?!\|)|@(?:load|include)\b|\bENVIRON\b")
_AWK_WRITE = re.compile(r"\bprintf?\b[^;}\n]*>")
_SED_ADDRESS = re.compile(
    r"\s*(?:(?:[0-9]+|\$|/(?:[^/\\\n]|\\.)*/[IM]*)(?:\s*[,~]\s*(?:[+~]?[0-9]+|\$|/(?:[^/\\\n]|\\.)*/[IM]*))?)?\s*(?:!\s*)*",
    re.DOTALL,
)


def _sed(call: Call) -> None:
    scripts = [arg.text for arg in call.values("-e", "--expression")]
    valued = frozenset(("-e", "-f", "-l", "--expression", "--file", "--line-length"))
    places = operands(call.args, valued)
    if call.value("-f", "--file") is not None:
        call.unknown("unknown_code")
    elif not scripts and places:
        scripts, places = [places[0].text], places[1:]
    call.note("read")
    for script in scripts:
        _sed_script(call, script)
    in_place = any(re.match(r"^-[nrEsuz]*i|^--in-p", text) for text in call.options())
    if in_place:
        for place in places or [Argument(UNKNOWN)]:
            if place.glob:
                call.note("update", "destructive")
            files.changed(call.findings, place)


def _sed_script(call: Call, script: str) -> None:
    """The commands that write a file or start a program; what cannot be read may be either."""
    at = 0
    while at < len(script):
        while at < len(script) and script[at] in " \t\n;{}":
            at += 1
        address = _SED_ADDRESS.match(script, at)
        at = address.end() if address else at
        if at >= len(script):
            return
        sign = script[at]
        if sign in "sy":
            at = _sed_substitution(call, script, at)
        elif sign in "aicrRbtT:#":
            if sign in "rR":
                call.note("read")
            end = script.find("\n", at)
            at = len(script) if end < 0 else end
        elif sign in "wW":
            files.written(call.findings, Argument(script[at + 1 :].split("\n", maxsplit=1)[0].strip()))
            end = script.find("\n", at)
            at = len(script) if end < 0 else end
        elif sign in "dDgGhHlnNpPqQxz=}F{":
            at += 1
            while at < len(script) and script[at].isdigit():
                at += 1
        else:
            call.unknown("untrusted_code" if sign == "e" else "unknown_code")
            return


def _sed_substitution(call: Call, script: str, at: int) -> int:
    """Past `s/a/b/flags`; the flags `e` and `w` run and write."""
    mark, seen, at = script[at + 1 : at + 2], 0, at + 2
    while at < len(script) and seen < 2:
        if script[at] == "\\":
            at += 1
        elif script[at] == mark:
            seen += 1
        at += 1
    flags = re.match(r"[gpiImM0-9]*", script[at:])
    at += flags.end() if flags else 0
    if script[at : at + 1] == "e":
        call.unknown("untrusted_code")
        return len(script)
    if script[at : at + 1] == "w":
        files.written(call.findings, Argument(script[at + 1 :].split("\n", maxsplit=1)[0].strip()))
        return len(script)
    return at


def _awk(call: Call) -> None:
    call.note("read")
    if call.value("-f", "--file", "-E", "--exec", "-i", "--include", "-l") is not None:
        call.unknown("unknown_code")
        return
    places = operands(call.args, frozenset(("-F", "-v", "--field-separator", "--assign")))
    program = places[0].text if places else ""
    bare = _AWK_DATA.sub(" 0 ", program)
    if UNKNOWN in bare or _AWK_CODE.search(bare):
        call.unknown("unknown_code")
        if "ENVIRON" in bare:
            call.note("read", "credential_read")
    if _AWK_WRITE.search(bare):
        call.note("update", "destructive" if re.search(r'>\s*"/(?!dev/std|tmp/)', program) else "")


def _sort(call: Call) -> None:
    call.note("read")
    if any(text.startswith("--comp") for text in call.texts):
        call.unknown("unknown_code")
    target = call.value("-o", "--output")
    if target is not None:
        files.written(call.findings, target)


def _uniq(call: Call) -> None:
    call.note("read")
    places = call.operands(("-f", "-s", "-w"))
    if len(places) > 1:
        files.written(call.findings, places[1])


def _tail(call: Call) -> None:
    call.note("read")


def _history(call: Call) -> None:
    changes = call.has("-c", "-d", "-w", "-r", "-a", "-n", "-p", "-s")
    call.note("set" if changes else "read", "audit_change" if call.has("-c", "-d", "-w", "-r") else "")


def _set(call: Call) -> None:
    call.note("set")
    if not call.args:
        call.note("read", "credential_read")
    if "history" in call.texts and "+o" in call.texts:
        call.note("set", "audit_change")


def _unset(call: Call) -> None:
    call.note("set")
    if any(text.startswith("HIST") or text in ("PROMPT_COMMAND", "TMOUT") for text in call.texts):
        call.note("set", "audit_change")


def _export(call: Call) -> None:
    """With `-p`, or alone, every variable is shown."""
    call.note("set")
    if not call.operands() and (not call.args or call.has("-p", "-x")):
        call.note("read", "credential_read")


def _echo(call: Call) -> None:
    call.note("read")
    if any(arg.secret for arg in call.args):
        call.note("read", "credential_read")


def _pager(call: Call) -> None:
    """`less +!command` runs it."""
    call.note("read")
    if any(text.startswith("+") and set(text) & {"!", "|", "#"} for text in call.texts):
        call.unknown("unknown_code")


def _man(call: Call) -> None:
    call.note("read")
    if call.has("-P", "--pager", "-H", "--html"):
        call.unknown("unknown_code")


def _grep(call: Call) -> None:
    """Looking for passwords through a whole tree finds them."""
    call.note("read")
    places = operands(call.args, frozenset(("-e", "-f", "-A", "-B", "-C", "-m", "--include", "--exclude")))
    words = [places[0].text] if places else []
    words += [arg.text for arg in call.values("-e", "--regexp")]
    deep = call.has("-r", "-R", "--recursive") or call.name in ("rg", "ag", "ack")
    if deep and any(
        re.search(r"passw|secret|api_?key|private.?key|BEGIN .*KEY", word, re.I) for word in words
    ):
        call.note("read", "credential_read")
    if call.has("--pre") and call.name == "rg":
        call.unknown("unknown_code")


def _ps(call: Call) -> None:
    """`ps e` shows the environment of processes, where secrets are."""
    call.note("read")
    if re.fullmatch(r"[axwufjlvgrT]*e[axwufjlvgrTe]*", call.first()):
        call.note("read", "credential_read")


HANDLERS: dict[str, Handler] = {
    "sed": _sed,
    "gsed": _sed,
    "awk": _awk,
    "gawk": _awk,
    "mawk": _awk,
    "nawk": _awk,
    "sort": _sort,
    "uniq": _uniq,
    "tail": _tail,
    "history": _history,
    "fc": _history,
    "set": _set,
    "unset": _unset,
    "export": _export,
    "declare": _export,
    "typeset": _export,
    "echo": _echo,
    "printf": _echo,
    "less": _pager,
    "more": _pager,
    "man": _man,
    "grep": _grep,
    "egrep": _grep,
    "fgrep": _grep,
    "rg": _grep,
    "ag": _grep,
    "ack": _grep,
    "ps": _ps,
}
