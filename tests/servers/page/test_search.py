"""Searching on the page: pages that lose nothing, bars and facets that narrow, and what is not understood."""

from __future__ import annotations

import re
import time
from html import unescape

from .conftest import PageServer

TOTAL = 130


def test_older_pages_show_every_event_once(server: PageServer) -> None:
    # Many at one instant, and recorded in another order than they happened in.
    base = int(time.time()) - 600
    server.feed(
        *(
            {
                "action": "paged.event",
                "message": f"number {number}.",
                "time": base + (number * 37 % TOTAL) // 60,
            }
            for number in range(TOTAL)
        )
    )
    carol = server.visitor("carol")
    path, numbers, pages = "/search?q=action%3Apaged.event&span=all", [], 0
    while path and pages < 5:
        text = carol.get(path).text
        numbers += re.findall(r"number (\d+)\.", text)
        assert f"<b>{TOTAL}</b> events" in text
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path, pages = unescape(older[1]) if older else "", pages + 1
    assert pages == 3
    assert sorted(map(int, numbers)) == list(range(TOTAL))


def test_what_stages_make_stands_in_a_table(server: PageServer) -> None:
    server.feed(
        *({"action": "staged.event", "message": "<b>&", "attrs": {"n": number}} for number in range(3))
    )
    carol = server.visitor("carol")
    text = carol.get(
        "/search?span=all&q=action:staged.event+|+stats+count,+sum(attrs.n)+by+action,+bin(1h)"
    ).text
    assert re.search(r"<td>.*staged\.event.*</td><td><time datetime=.*<td class=\"num\">.*3.*</td>", text)
    chosen = carol.get(
        "/search?span=all&q=action:staged.event+|+sort+-attrs.n+|+limit+1+|+fields+attrs.n,action"
    )
    assert chosen.text.count("staged.event</td>") + chosen.text.count("staged.event</bdi></td>") == 1
    wrong = carol.ask("GET", "/search?q=action:staged.event+|+stats+cuont")
    assert (wrong.status, "position 29" in wrong.text) == (400, True)


def test_bars_and_values_lead_to_their_events(server: PageServer) -> None:
    base = time.time() - 5_000
    for number in range(4):
        actor = {"id": f"a-{number}", "name": f'a "{number}"', "type": "human"}
        outcome = {"status": "failure" if number == 2 else "success"}
        at = base + number * 1_000
        server.feed({"action": "barred.event", "time": at, "actor": actor, "outcome": outcome})
    carol = server.visitor("carol")
    text = carol.get("/search?q=action:barred.event&span=24h").text
    bars = [unescape(one) for one in re.findall(r'<a href="([^"]+)" tabindex="-1">', text)]
    assert len(bars) == 4
    assert text.count('class="bar bad"') == 1
    for bar in bars:
        assert carol.get(bar).text.count("barred.event</a>") == 1
    values = [
        unescape(one) for one in re.findall(r'<li><a href="(/search[^"]+)"><span class="clip">a ', text)
    ]
    assert len(values) == 4
    for value in values:
        assert carol.get(value).text.count("barred.event</a>") == 1


def test_what_is_not_understood_is_said_beside_the_query(server: PageServer) -> None:
    for path in ("/search?q=(((", "/tail?q=((("):
        answer = server.visitor("carol").get(path)
        assert answer.status == 400
        assert 'role="alert"' in answer.text
        assert 'value="((("' in answer.text


def test_a_session_of_another_system_is_shown_on_a_timeline(server: PageServer) -> None:
    session = "../../signout?x=<b>"
    server.feed({"action": "odd.session", "session_id": session, "message": "within an odd session"})
    carol = server.visitor("carol")
    event = re.search(r'href="(/events/\d+)"', carol.get("/search?q=action:odd.session").text)
    assert event
    link = re.search(r"<dt>Session</dt><dd><a href=\"([^\"]+)\"", carol.get(event[1]).text)
    assert link
    assert link[1].startswith("/timeline?subject=session%3A")
    assert "within an odd session" in carol.get(unescape(link[1])).text
