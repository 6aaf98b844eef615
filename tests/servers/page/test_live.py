"""The live tail: soon, complete, for nobody's eyes but the visitor's, and never at others' cost."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fixtures.page import Visitor, rows_of
from fixtures.timing import soonest

from .conftest import PageServer

Open = Callable[..., "Followed"]


class Followed:
    """A stream that is read in a thread of its own."""

    def __init__(self, stream: http.client.HTTPResponse) -> None:
        self.stream = stream
        self.came: queue.Queue[tuple[str, str]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            for one in rows_of(self.stream):
                self.came.put(one)
        self.came.put(("end", ""))

    def leave(self) -> None:
        """Go. A reader waits inside; closing alone would wait for it."""
        with contextlib.suppress(OSError, AttributeError):
            self.stream.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        self.stream.close()

    def next(self, timeout_s: float = 120) -> tuple[str, str]:
        return self.came.get(timeout=timeout_s)

    def until(self, words: str, timeout_s: float = 120) -> list[tuple[str, str]]:
        """Everything up to the first row with these words."""
        found = []
        while not found or words not in found[-1][1]:
            found.append(self.next(timeout_s))
            assert found[-1][0] != "end", found
        return found


@pytest.fixture
def follow() -> Iterator[Open]:
    opened: list[Followed] = []

    def begin(visitor: Visitor, path: str, **headers: str) -> Followed:
        stream = visitor.stream(path, **headers)
        assert stream.status == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.readline() == b": here\n"
        opened.append(Followed(stream))
        return opened[-1]

    yield begin
    for one in opened:
        one.leave()


def index_of(row: str) -> int:
    found = re.search(r'href="/events/(\d+)"', row)
    assert found
    return int(found[1])


def test_an_event_is_shown_within_two_seconds(server: PageServer, follow: Open) -> None:
    tail = follow(server.visitor("carol"), "/tail/stream?q=action:quick.one")

    def feed(_: int) -> None:
        server.feed({"action": "quick.one", "message": "here <b>I</b> am\r\nand\nhere \u202e"})
        shown.append(tail.next())

    shown: list[tuple[str, str]] = []
    soonest(feed, within_s=2)
    kind, row = shown[0]
    assert kind == "row"
    assert "here &lt;b&gt;I&lt;/b&gt; am" in row
    assert "U+202E" in row
    assert "\u202e" not in row


def test_nothing_between_page_and_stream_or_two_streams_is_lost(server: PageServer, follow: Open) -> None:
    carol = server.visitor("carol")
    server.feed({"action": "steady.flow", "message": "number 0"})
    page = carol.get("/tail?q=action:steady.flow").text
    after = re.search(r'data-after="(\d+)"', page)
    assert after
    server.feed(
        {"action": "steady.flow", "message": "number 1"}, {"action": "steady.flow", "message": "number 2"}
    )
    tail = follow(carol, f"/tail/stream?q=action:steady.flow&after={after[1]}")
    server.feed({"action": "steady.flow", "message": "number 3"})
    rows = [row for _, row in tail.until("number 3")]
    assert [re.search(r"number (\d)", row)[1] for row in rows] == ["1", "2", "3"]
    tail.leave()
    server.feed({"action": "steady.flow", "message": "number 4"})
    again = follow(
        carol,
        f"/tail/stream?q=action:steady.flow&after={after[1]}",
        **{"Last-Event-ID": str(index_of(rows[-1]))},
    )
    assert "number 4" in again.next()[1]


def test_a_revoked_token_ends_even_a_busy_tail(server: PageServer, follow: Open) -> None:
    token_id = server.issue("carol", "carol for a while")
    tail = follow(server.visitor("carol for a while"), "/tail/stream?q=action:busy.bee")
    server.feed({"action": "busy.bee", "message": "before"})
    tail.until("before")
    with server.client() as admin:
        admin.revoke_token(token_id)
    revoked_s = time.monotonic()
    for number in itertools.count():
        server.feed({"action": "busy.bee", "message": f"after {number}"})
        with contextlib.suppress(queue.Empty):
            if tail.next(0.05)[0] == "problem":
                break
        assert time.monotonic() - revoked_s < 15, "who was shut out still sees what is recorded"
    assert tail.next()[0] == "end"
    assert server.visitor("carol").stream("/tail/stream").status == 200


def test_who_signed_out_is_told_so_on_every_open_tail(server: PageServer, follow: Open) -> None:
    visitor = server.visitor("carol")
    tail = follow(visitor, "/tail/stream?q=action:nothing.at.all")
    visitor.post("/signout", {"csrf": visitor.csrf()})
    assert tail.next() == ("problem", "you are signed out")
    assert tail.next()[0] == "end"
    assert server.visitor().stream("/tail/stream").status == 401


def test_a_tail_shows_what_its_visitor_may_see(server: PageServer, follow: Open) -> None:
    of_alice = follow(server.visitor("alice"), "/tail/stream?q=action:request.created")
    server.ask_for("bob's wish", "bob")
    server.ask_for("a wish of alice's", "alice")
    assert "a wish of alice" in of_alice.next()[1]


def test_a_wrong_query_is_a_plain_answer(server: PageServer) -> None:
    assert server.visitor("carol").stream("/tail/stream?q=(((").status == 400


def test_many_open_tails_slow_nobody_down(server: PageServer, follow: Open) -> None:
    carol = server.visitor("carol")
    for _ in range(20):
        follow(carol, "/tail/stream?q=action:nothing.at.all")
    # As many through the API, which `glasshatch tail` uses.
    with contextlib.ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(
                contextlib.closing(clients.enter_context(server.client("carol")).tail("action:x.y"))
            )

        def look(_: int) -> None:
            assert carol.get("/sessions").status == 200
            assert server.visitor("bob").get("/timeline").status == 200

        soonest(look, within_s=4)


def test_tails_that_were_left_make_room(server: PageServer) -> None:
    carol = server.visitor("carol")
    for _ in range(80):
        stream = carol.stream("/tail/stream?q=action:nothing.at.all")
        if stream.status == 503:
            # All places are taken until the server notices who left.
            time.sleep(0.2)
        stream.close()
    server.wait_until(lambda: carol.stream("/tail/stream?q=action:nothing.at.all").status == 200)
