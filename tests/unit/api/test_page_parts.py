"""The page's pure parts: what is drawn, how foreign text is shown, and when a cookie ends."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from glasshatch.api.gist import gist_of
from glasshatch.api.page import PageSettings
from glasshatch.api.page.chart import HEIGHT, WIDTH, chart_of
from glasshatch.api.page.live import _rows, by_place
from glasshatch.api.page.render import plain, session_address, timeline_address, utc, visible
from glasshatch.api.page.visit import LIFETIME_SECONDS, Door, NotSignedIn
from glasshatch.api.recorded import RecordedEvent
from glasshatch.api.values import Histogram, HistogramBin
from glasshatch.events import Data, Event, Source, encode
from glasshatch.identity import Identity

SECOND = 10**9
TOKEN = "gh_" + "a" * 16 + "_" + "b" * 52


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"),
        ("a\nb\tc\r\nd", "a\nb\tc\nd"),
        ("\u00e4\u4e2d\U0001f600", "\u00e4\u4e2d\U0001f600"),
        ("\u0645", "<bdi>\u0645</bdi>"),
    ],
)
def test_text_is_shown_as_it_is_and_never_as_markup(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "char",
    [
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "\r",
        "\u00ad",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\u2028",
        "\ue000",
    ],
)
def test_what_cannot_be_seen_is_named(char: str) -> None:
    assert char not in visible(f"a{char}b")
    assert f"U+{ord(char):04X}" in visible(f"a{char}b")
    assert plain(f"a{char}<b>") == f"aU+{ord(char):04X}<b>"


def test_a_session_has_an_address_or_a_timeline() -> None:
    assert session_address("01a2-b_c.D:e") == "/sessions/01a2-b_c.D:e"
    for odd in ("..", ".", "a/b", "a?b", "a#b", "", "a b", "\u00e4", "x" * 300):
        assert session_address(odd) == timeline_address("session", odd)
        assert set(timeline_address("session", odd)[10:]) <= set(
            "=%-_.~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        )


def test_a_time_is_in_utc_and_one_that_is_none_is_still_shown() -> None:
    assert 'datetime="2001-09-09T01:46:40.123Z"' in utc("1000000000123456789")
    assert utc("9" * 30) == "9" * 30 + " ns"
    assert utc("<b>") == "&lt;b&gt; ns"


def histogram(*bins: tuple[int, int, int], width_s: int = 60) -> Histogram:
    return Histogram(
        width_ns=str(width_s * SECOND),
        bins=[HistogramBin(str(start * SECOND), count, failed) for start, count, failed in bins],
    )


def test_a_chart_covers_all_the_time_that_was_asked_for() -> None:
    chart = chart_of(histogram((6_000, 4, 1), (9_000, 8, 0)), str(3_030 * SECOND), str(9_630 * SECOND))
    assert chart is not None
    assert (chart.most, chart.total, chart.failed, chart.bar_seconds) == (8, 12, 1, 60)
    assert (chart.ticks[0], chart.ticks[-1]) == (str(3_000 * SECOND), str(9_660 * SECOND))
    first, last = chart.bars
    assert first.x == round(WIDTH * 3_000 / 6_660, 2)
    assert last.x + last.width <= WIDTH
    assert (first.height, first.failed_height) == (HEIGHT / 2, HEIGHT / 8)
    assert (first.start, first.stop) == (str(6_000 * SECOND), str(6_060 * SECOND))


def test_bars_stay_within_their_box_and_are_seen() -> None:
    chart = chart_of(histogram(*((number * 60, 1 + number**4, number % 2) for number in range(80))))
    assert chart is not None
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
        assert 2 <= bar.height <= HEIGHT
        assert bool(bar.failed_height) == bool(bar.failed)
        assert bar.failed_height <= HEIGHT


def test_one_bar_is_no_wall_and_nothing_is_no_chart() -> None:
    chart = chart_of(histogram((60, 5, 0)))
    assert chart is not None
    assert chart.bars[0].width < WIDTH / 10
    assert chart_of(Histogram(width_ns="0", bins=[])) is None


def call(door: Door | None = None, cookie: str = "", **headers: str) -> Any:
    def identify(token: str, scope: str) -> Identity:
        assert token == TOKEN
        return Identity(id="1", tenant="default", type="human", name="carol", roles=())

    state = SimpleNamespace(authenticator=SimpleNamespace(identify=identify))
    return SimpleNamespace(
        cookies={"glasshatch": cookie}, headers=headers, url=SimpleNamespace(scheme="http"),
        app=SimpleNamespace(state=state),
    )  # fmt: skip


def test_a_cookie_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(PageSettings(lambda: b"k" * 32))
    cookie = door.sign_in(call(), TOKEN).value
    assert cookie
    assert door.visit(call(cookie=cookie), "read").caller.name == "carol"
    later = time.time() + LIFETIME_SECONDS + 2
    monkeypatch.setattr("glasshatch.api.page.visit.time", SimpleNamespace(time=lambda: later))
    with pytest.raises(NotSignedIn):
        door.visit(call(cookie=cookie), "read")


def test_a_cookie_of_another_server_opens_nothing() -> None:
    cookie = Door(PageSettings(lambda: b"k" * 32)).sign_in(call(), TOKEN).value
    assert cookie
    with pytest.raises(NotSignedIn):
        Door(PageSettings(lambda: b"l" * 32)).visit(call(cookie=cookie), "read")


def test_no_representation_tells_a_secret() -> None:
    door = Door(PageSettings(lambda: b"k" * 32))
    visit = door.visit(call(cookie=str(door.sign_in(call(), TOKEN).value)), "read")
    assert visit.csrf not in repr(visit)
    assert "kkkk" not in repr(PageSettings(lambda: b"k" * 32))


def test_a_read_is_told_in_a_line() -> None:
    event = Event(
        id="1", time="1", action="record.read", source=Source(kind="glasshatch"), data=Data(rows=3),
        attrs={"what": "search", "filter": {"query": "actor:alice", "limit": "50"}},
    )  # fmt: skip
    assert gist_of(event) == "search: actor:alice, 3 found"


def test_bars_too_many_to_be_seen_become_fewer_and_lose_no_event() -> None:
    day = 86_400
    fine = histogram(*((day - 100 + number, number, number % 3) for number in range(1, 50)), width_s=1)
    chart = chart_of(fine, str(10 * SECOND), str((day + 10) * SECOND))
    assert chart is not None
    assert chart.bar_seconds == 900
    assert chart.total == sum(range(1, 50))
    assert chart.failed == sum(number % 3 for number in range(1, 50))
    assert all(bar.width > 3 for bar in chart.bars)
    years = chart_of(fine, "0", str(50 * 365 * day * SECOND))
    assert years is not None
    assert years.total == chart.total


def test_what_a_tail_makes_up_for_leaves_out_nothing_that_came_late_with_an_early_time() -> None:
    places = [("a", 5, 100), ("a", 6, 50), ("b", 3, 70), ("a", 7, 60), ("b", 4, 10)]
    events = [
        RecordedEvent(
            index,
            msgspec.Raw(encode(Event(id=f"{ledger}{index}", time=str(time_s * SECOND), action="order.paid",
                                     source=Source(kind="app", name="till")))),
            ledger,
        )
        for ledger, index, time_s in sorted(places, key=lambda one: one[2])
    ]  # fmt: skip
    marks = {"a": 4, "b": 2}
    assert len(list(_rows(by_place(events), marks))) == len(places)
    assert marks == {"a": 7, "b": 4}
