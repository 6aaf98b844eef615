"""Every page, light and dark, wide and narrow: axe finds nothing, nothing complains or sticks out."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from fixtures.page_world import TRACE

from .conftest import Complaints, Open

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPTIONS = {"runOnly": list(WCAG), "resultTypes": ["violations"]}
# Rows of a table come out of one template; more of them only take longer.
LOOKED_AT = {"exclude": [[".rows tbody tr:nth-child(n+7)"], [".list li:nth-child(n+5)"]]}
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
PLACES = {
    "overview": "/",
    "search": "/search",
    "search one bar": "/search?since=1&until=4000000000000000000",
    "search of nothing": "/search?q=action:never.happened",
    "search with a mistake": "/search?q=(((",
    "hostile events": "/search?q=action:page.viewed",
    "hostile query": "/search?q=%22%3E%3Cscript%3Edocument.title=1%3C/script%3E%E2%80%AE",
    "live": "/tail?q=action:page.viewed",
    "timeline": "/timeline",
    "timeline of a trace": f"/timeline?subject=trace:{TRACE}",
    "timeline of a mistake": "/timeline?subject=moon:full",
    "sessions": "/sessions",
    "requests": "/requests",
    "requests after a verdict": "/requests?done=approve",
    "alerts": "/alerts",
    "incidents": "/incidents",
    "opening an incident": "/incidents?alert=0198",
    "incident": "/incidents/1",
    "lost": "/nowhere",
}
FOUND = {
    "session": ("/sessions", "td.lead a"),
    "event of a statement": ("/search?q=action:statement.denied", "td.action a"),
    "pinning an event": ("/search?q=action:statement.denied", "td.pin a"),
    "event that is hostile": ("/search?q=action:page.viewed+outcome:failure", "td.action a"),
    "event without much": ("/search?q=action:page.viewed+astronaut", "td.action a"),
}


def look_at(page: Page, complaints: Complaints) -> None:
    """The same page in both sizes and both themes."""
    page.evaluate(AXE_SCRIPT)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            seen = f"{size}, {theme}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{seen}: sticks out"
            found = page.evaluate("([where, options]) => axe.run(where, options)", [LOOKED_AT, OPTIONS])
            wrong = [
                (one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]
            ]
            assert not wrong, f"{seen}: {wrong}"
    said = complaints.take()
    assert not said


@pytest.mark.parametrize("place", PLACES)
def test_a_page_is_in_order(carol: Page, complaints: Complaints, place: str) -> None:
    carol.goto(PLACES[place])
    assert "owned" not in carol.title()
    look_at(carol, complaints)


@pytest.mark.parametrize("place", FOUND)
def test_what_a_page_leads_to_is_in_order(carol: Page, complaints: Complaints, place: str) -> None:
    path, link = FOUND[place]
    carol.goto(path)
    carol.locator(link).first.click()
    carol.wait_for_url("**/pin?*" if "pin" in place else "**/*s/*")
    look_at(carol, complaints)
    if place.startswith("event"):
        carol.get_by_role("link", name="Verify").click()
        carol.get_by_text("These very bytes are in the log.").wait_for()
        look_at(carol, complaints)


def test_an_incident_s_forms_are_in_order(carol: Page, complaints: Complaints) -> None:
    carol.goto("/incidents/1")
    carol.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    look_at(carol, complaints)


def test_related_sessions_are_in_order(carol: Page, complaints: Complaints) -> None:
    carol.goto(f"/search?q=trace_id:{TRACE}+action:statement.run")
    carol.locator("td.action a").first.click()
    carol.locator("a[href^='/sessions/']").first.click()
    carol.get_by_role("link", name="related sessions").click()
    carol.get_by_role("heading", name="Related sessions").wait_for()
    look_at(carol, complaints)


def test_the_way_in_is_in_order(browse: Open) -> None:
    page = browse()
    complaints = Complaints(page)
    page.goto("/search?q=x")
    look_at(page, complaints)
    page.get_by_label("Your token").fill("gh_wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    look_at(page, complaints)


def test_the_keyboard_s_list_is_in_order(carol: Page, complaints: Complaints) -> None:
    carol.goto("/timeline")
    carol.get_by_role("button", name="Keyboard").click()
    carol.get_by_role("dialog", name="Keyboard").wait_for()
    look_at(carol, complaints)


def test_what_a_reviewer_sees_is_in_order(browse: Open) -> None:
    page = browse("bob")
    complaints = Complaints(page)
    for path in ("/requests", "/alerts", "/"):
        page.goto(path)
        look_at(page, complaints)


def test_a_theme_is_chosen_and_kept(browse: Open) -> None:
    page = browse("alice")
    page.emulate_media(color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.goto("/sessions")
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == light


def test_the_looking_itself_can_fail(carol: Page, complaints: Complaints) -> None:
    carol.goto("/timeline")
    wrong = "<button></button><i style=color:red>x</i>"
    carol.evaluate("wrong => document.querySelector('h1').insertAdjacentHTML('beforeend', wrong)", wrong)
    with pytest.raises(AssertionError, match="button-name"):
        look_at(carol, complaints)
    assert any("policy: style-src" in one for one in complaints.take())
