"""Whatever comes as syslog is an event or refused with a reason; no byte is made up, none vanishes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from glasshatch.events import decode, encode
from glasshatch.sources import SOURCES, Arrival, Parsed
from glasshatch.sources.syslog.forms import message_item
from glasshatch.sources.syslog.framing import Framer

KIND = SOURCES["syslog"]
NOW_NS = 1_795_385_333 * 10**9
PARTS = st.sampled_from(
    [
        "<13>", "<191>", "<192>", "<0", ">", "1 ", "- ", "-", " ", "2026-11-22T22:14:15.003Z ", "+24:00",
        "9" * 20, "vm ", "app", "[7]", ": ", "[a@1", ' x="', '"', "]", "\\", "Nov 22 22:14:15 ", "2003 ",
        "CST 1987 ", "sshd", "sudo", "Invalid user ", "from 192.0.2.7 port 22", "ada : PWD=", " ; COMMAND=",
        "Feb 29 00:00:00 ", "pam_unix(sshd:session): session opened for user ", "\ufeff", "\x00", "\u00e9",
    ]
)  # fmt: skip
LINES = st.lists(PARTS | st.text(max_size=8), max_size=14).map("".join)
MESSAGES = LINES.map(str.encode) | st.binary(max_size=200)


@given(MESSAGES, st.booleans(), st.sampled_from(["", "Europe/Berlin"]))
def test_any_message_is_an_event_or_refused(data: bytes, received: bool, zone: str) -> None:
    beside = {"peer": "192.0.2.9", "received": "boot 1"} if received else {}
    item = message_item(1, data, beside | ({"timezone": zone} if zone else {}))
    if item.problem:
        return
    arrival = Arrival(NOW_NS, "one", "default", lambda: "00000000-0000-7000-8000-000000000000", "", 0)
    found = KIND.parse(item.value, item.data, arrival)
    if isinstance(found, Parsed):
        again = decode(encode(found.event))
        assert again.source.kind == "syslog"
        assert 0 <= again.severity <= 6
        assert 0 <= again.time_ns < 2**63
    else:
        assert 0 < len(found.reason) < 200


@given(
    st.lists(MESSAGES.filter(lambda one: one.strip(b"\r\n\0 ") and b"\n" not in one), max_size=8), st.data()
)
@example([b"7 <13>one"], None)
def test_lines_are_taken_apart_alike_however_they_come(
    messages: list[bytes], data: st.DataObject | None
) -> None:
    body = b"\n".join([b"<13>begins", *messages]) + b"\n"
    assert [frame.data for frame in Framer().feed(body)] == [b"<13>begins", *messages]
    assert _fed(body, data) == [b"<13>begins", *messages]


@given(st.lists(st.binary(min_size=1, max_size=80).map(lambda one: b"<" + one), max_size=8), st.data())
def test_messages_with_their_lengths_are_taken_apart_alike(
    messages: list[bytes], data: st.DataObject
) -> None:
    body = b"".join(b"%d %s" % (len(one), one) for one in messages)
    assert _fed(body, data) == messages


@given(st.binary(max_size=400), st.integers(1, 40))
def test_no_bytes_make_it_raise_or_hold_much(body: bytes, size: int) -> None:
    framer = Framer(64)
    found = [
        frame for start in range(0, len(body), size) for frame in framer.feed(body[start : start + size])
    ]
    found += framer.end()
    assert sum(len(frame.data) for frame in found) <= len(body)


def _fed(body: bytes, data: st.DataObject | None) -> list[bytes]:
    framer, found, at = Framer(), [], 0
    while at < len(body):
        size = data.draw(st.integers(1, 30)) if data is not None else 1
        found += framer.feed(body[at : at + size])
        at += size
    return [frame.data for frame in found]
