"""How syslog stands in a file: a message a line. What is read of one is what a receiver hands over too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...errors import ConfigError, TooLarge
from ..forms import Form, Options, whole_lines
from ..items import MAX_ITEM_BYTES, MAX_ITEMS, Item, Piece

_BOM = b"\xef\xbb\xbf"
_ENDS = b"\r\n\0 \t"
_OLD_CHARSET = "latin-1"


def syslog_form(options: Options) -> Form:
    """How a log's lines stand in it.

    Raises:
        ConfigError: The time zone is none.
    """
    zone = options.get("timezone", "")
    _check_zone(zone)
    return Form(_split, partial(_read, {"timezone": zone} if zone else {}), whole_lines, "")


def _check_zone(zone: str) -> None:
    try:
        if zone:
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("is no time zone", key="timezone", hint="a name as in Europe/Berlin") from None


def _split(body: bytes, first: int) -> list[Piece]:
    pieces: list[Piece] = []
    for number, start, stop in _lines(body):
        if len(pieces) >= MAX_ITEMS:
            raise TooLarge(f"the delivery has more than {MAX_ITEMS} items", hint="send it in several")
        if body[start:stop].strip(_ENDS):
            pieces.append((first + number, body[start:stop]))
    return pieces


def _lines(body: bytes) -> Iterator[tuple[int, int, int]]:
    start, number = len(_BOM) if body.startswith(_BOM) else 0, 0
    while start < len(body):
        stop = body.find(b"\n", start) + 1 or len(body)
        yield number, start, stop
        start, number = stop, number + 1


def _read(extra: dict[str, str], piece: Piece) -> Item:
    return message_item(piece[0], bytes(piece[1]), extra)


def message_item(
    place: int, data: bytes, extra: dict[str, str], received: str = "", sender: str = "", problem: str = ""
) -> Item:
    """The item of one message.

    RFC 5424 wants UTF-8 and lets senders that do not know their charset write anything (§6.4), and RFC 3164
    knows no charset: what is not UTF-8 is read as Latin-1, of which no byte is lost, and says so.

    Args:
        extra: What is known beside the message: `timezone`, and of one that was received `peer`, `peer_name`
            and `received`.
        received, sender, problem: As of any item.
    """
    data = data.rstrip(_ENDS)
    value: dict[str, str] | None = None
    if not problem and len(data) > MAX_ITEM_BYTES:
        problem = f"has more than {MAX_ITEM_BYTES} bytes"
    elif not problem and not data:
        problem = "is empty"
    elif not problem:
        try:
            value = {"line": data.decode("utf-8"), **extra}
        except UnicodeDecodeError:
            value = {"line": data.decode(_OLD_CHARSET), "charset": _OLD_CHARSET, **extra}
    return Item(place, value, data, problem, received, sender)
