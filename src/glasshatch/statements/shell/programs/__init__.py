"""What each program does, by its name and arguments. A program on no list is unknown."""

from __future__ import annotations

from ..call import Call, Handler
from . import (
    boxes,
    builds,
    changing,
    clouds,
    code,
    filework,
    machine,
    names,
    plain,
    stores,
    texts,
    versions,
    watching,
    wire,
)

_HANDLERS: dict[str, Handler] = {
    **filework.HANDLERS,
    **code.HANDLERS,
    **texts.HANDLERS,
    **changing.HANDLERS,
    **builds.HANDLERS,
    **machine.HANDLERS,
    **wire.HANDLERS,
    **watching.HANDLERS,
    **names.HANDLERS,
    **stores.HANDLERS,
    **versions.HANDLERS,
    **boxes.HANDLERS,
    **clouds.HANDLERS,
}
KNOWN = frozenset({*_HANDLERS, *plain.TABLE})
CREDENTIALS_UNREAD = plain.CREDENTIALS_UNREAD


def meaning_of(call: Call) -> None:
    """Note what a program does; nothing for a name on no list."""
    handler = _HANDLERS.get(call.name)
    if handler is not None:
        if not plain.only_asks_for_help(call):
            handler(call)
        return
    meaning = plain.TABLE.get(call.name)
    if meaning is not None:
        verb, *risks = meaning.split()
        if not plain.only_asks_for_help(call):
            call.findings.note(verb, risks)


__all__ = ["CREDENTIALS_UNREAD", "KNOWN", "meaning_of"]
