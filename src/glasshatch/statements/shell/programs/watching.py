"""Programs that look into others, or in which others run unseen."""

from __future__ import annotations

from ...words import words
from ..call import Call, Handler, command_after


def _strace(call: Call) -> None:
    """Tracing another process reads what it reads and writes."""
    call.note("read", "credential_read")
    inner = command_after(call.args, "-e -o -p -s -u -E -P -S -a -b -I -O -X")
    if inner:
        call.run(inner)


def _terminals(call: Call) -> None:
    """tmux and screen: what runs in them is not seen; which there are is."""
    looks = call.first() in (
        "ls",
        "list-sessions",
        "list-windows",
        "list-panes",
        "info",
        "-ls",
        "-list",
        "-V",
        "-v",
    )
    call.note("read") if looks and len(call.args) <= 3 else call.unknown("unknown_code")


_JVM_LOOKS = words(
    "Thread.print VM.flags VM.version VM.uptime VM.native_memory GC.heap_info GC.class_histogram help -l"
)


def _jvm(call: Call) -> None:
    """jcmd and jmap: to count and to list is a look; a dump holds all that is in memory."""
    places = [arg.text for arg in call.operands()]
    asked = places[1:2] if call.name == "jcmd" else call.texts[:1]
    looks = not asked or asked[0] in _JVM_LOOKS or asked[0].startswith(("-histo", "-heap", "-clstats"))
    call.note("read") if looks else call.unknown("unknown_code")


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("jcmd", "jmap"), _jvm),
    "tmux": _terminals,
    "screen": _terminals,
    "strace": _strace,
    "ltrace": _strace,
}
