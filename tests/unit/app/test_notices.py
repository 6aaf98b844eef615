"""Approve links, and notices that nobody waits for."""

from __future__ import annotations

import os
import threading

import msgspec
import pytest

from glasshatch.app.reviews.links import ApproveLinks
from glasshatch.app.reviews.notices import Judge, Notice, Notifier
from glasshatch.errors import Denied, Unavailable
from glasshatch.identity import Identity

BOB = Identity(id="id-bob", tenant="default", type="human", name="bob")
ERNA = Identity(id="id-erna", tenant="default", type="human", name="erna")


class Clock:
    ns = 1_000

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


def test_a_link_opens_one_request_for_one_person_until_its_end() -> None:
    clock, keys = Clock(), [b"k" * 32]
    links = ApproveLinks(lambda: keys[0], clock)
    link = links.make("request-1", BOB, 5_000)
    assert links.read(link, BOB) == "request-1"
    with pytest.raises(Denied, match="somebody else"):
        links.read(link, ERNA)
    clock.ns = 5_000
    with pytest.raises(Denied, match="is over"):
        links.read(link, BOB)
    clock.ns = 1_000
    keys[0] = b"n" * 32
    with pytest.raises(Denied, match="not one of ours"):
        links.read(link, BOB)


def test_no_changed_link_opens_anything() -> None:
    links = ApproveLinks(lambda: b"k" * 32, Clock())
    link = links.make("request-1", BOB, 5_000)
    for at in range(len(link)):
        for letter in ("A", "b", "_", ".", "="):
            changed = link[:at] + letter + link[at + 1 :]
            if changed != link:
                with pytest.raises(Denied):
                    links.read(changed, BOB)
    for wrong in ("", ".", "x", link + "A", link[:-1], "A" * 500, link.partition(".")[0], "é.é"):
        with pytest.raises(Denied):
            links.read(wrong, BOB)
    other = ApproveLinks(lambda: os.urandom(32), Clock()).make("request-1", BOB, 5_000)
    with pytest.raises(Denied):
        links.read(other, BOB)


class Channel:
    """Takes what it is told after some refusals."""

    def __init__(self, refusals: int = 0, kinds: tuple[str, ...] = ("request",), page: str = "") -> None:
        self.name, self.kinds, self.page = "chat", kinds, page
        self.refusals = refusals
        self.tries = 0
        self.taken: list[Notice] = []
        self.done = threading.Event()

    def send(self, notice: Notice) -> None:
        self.tries += 1
        if self.tries <= self.refusals:
            raise Unavailable("answered 500") if self.tries % 2 else ValueError("https://secret.example.com")
        self.taken.append(notice)
        self.done.set()


def notice(page: str = "") -> Notice:
    return Notice(
        id="r1", kind="request", title="alice asks for postgres/shop", who="alice", resource="postgres/shop",
        reason="void orders", what="update for 60 s",
        judges=(Judge("bob", f"{page}/judge/x" if page else ""),),
    )  # fmt: skip


def test_a_channel_that_refuses_is_tried_again_and_then_recorded() -> None:
    failed: list[tuple[str, str]] = []
    over = threading.Event()

    def fail(channel: str, _: Notice, why: str) -> None:
        failed.append((channel, why))
        over.set()

    patient, broken = Channel(2), Channel(99)
    notifier = Notifier([patient, broken], fail, waits_s=(0.0, 0.0))
    notifier.tell(notice, "request")
    notifier.tell(notice, "break-glass")
    assert patient.done.wait(10)
    assert over.wait(10)
    notifier.close()
    assert len(patient.taken) == 1
    assert (broken.tries, failed) == (3, [("chat", "answered 500")])
    # What an exception of somebody else's says is not passed on: it may hold the address.
    failed.clear()
    odd = Channel(2)
    again = Notifier([odd], fail, waits_s=(0.0,))
    again.tell(notice, "request")
    again.close()
    assert failed in ([("chat", "ValueError")], [("chat", "answered 500")])


def test_a_notice_tells_a_person_what_to_do() -> None:
    assert "glasshatch approve r1" in notice().text()
    linked = notice("https://hatch.example.com").text()
    assert "bob: https://hatch.example.com/judge/x" in linked
    assert "glasshatch approve" not in linked
    assert msgspec.json.decode(msgspec.json.encode(notice()))["kind"] == "request"
