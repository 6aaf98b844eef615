"""What people do with the page: by keyboard alone, without script, and while things happen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from fixtures.page_world import PageWorld
from fixtures.timing import soonest

from .conftest import Complaints, Open

FOCUS = "(() => { const e = document.activeElement; return e.id || e.getAttribute('href') || e.innerText })()"


def tab_to(page: Page, *, name: str = "", selector: str = "", most: int = 80) -> None:
    """Press Tab until something has the focus, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if selector and page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        if name and page.evaluate("document.activeElement.innerText || ''").strip() == name:
            return
    raise AssertionError(f"the keyboard does not reach {name or selector}")


def test_signing_in_takes_only_the_keyboard(browse: Open, world: PageWorld) -> None:
    page = browse()
    page.goto("/sessions")
    expect(page.get_by_label("Your token")).to_be_focused()
    page.keyboard.insert_text(world.stage.token("carol"))
    page.keyboard.press("Enter")
    page.wait_for_url("/sessions")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "#main"
    expect(page.get_by_text("Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    tab_to(page, name="Sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("/signin")


@pytest.mark.parametrize(
    "path",
    ["/", "/search", "/requests", "/alerts", "/tail?q=action:page.viewed", "/timeline?subject=actor:alice"],
)
def test_tab_reaches_everything_in_its_order_and_shows_where_it_is(carol: Page, path: str) -> None:
    carol.goto(path)
    carol.set_viewport_size({"width": 1280, "height": 800})
    # All that can be operated, in the order in which it stands; what is folded away is not shown.
    wanted = carol.evaluate("""() => [...document.querySelectorAll('a[href], button, input, select, summary')]
        .filter((one) => one.tabIndex >= 0 && one.type !== 'hidden' && one.checkVisibility()).length""")
    reached = carol.evaluate("() => { window.reached = []; return 0 }")
    for _ in range(wanted + 20):
        carol.keyboard.press("Tab")
        seen = carol.evaluate("""() => {
            const one = document.activeElement;
            if (one === document.body || window.reached.includes(one)) return null;
            window.reached.push(one);
            const style = getComputedStyle(one);
            return one.matches('a[href], button, input, select, summary')
                ? style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 : 'region';
        }""")
        if seen is None:
            break
        assert seen, "the focus is not to be seen"
        reached += seen is True
    assert reached == wanted
    in_order = """() => window.reached.every((one, place, all) => !place
        || all[place - 1].compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING)"""
    assert carol.evaluate(in_order)


def test_keys_go_to_places_rows_and_the_query(carol: Page) -> None:
    carol.goto("/timeline")
    for key, path in (("s", "/search"), ("e", "/sessions"), ("r", "/requests"), ("a", "/alerts"), ("o", "/")):
        carol.keyboard.press("g")
        carol.keyboard.press(key)
        carol.wait_for_url(path)
        carol.wait_for_load_state()
    carol.keyboard.press("/")
    carol.wait_for_url("/search#q")
    expect(carol.locator("#q")).to_be_focused()
    carol.keyboard.type("action:statement.denied g o /")
    expect(carol.locator("#q")).to_have_value("action:statement.denied g o /")
    carol.locator("#q").fill("action:statement.denied")
    carol.keyboard.press("Enter")
    carol.wait_for_url("**q=action%3Astatement.denied*")
    carol.locator("body").press("j")
    carol.keyboard.press("j")
    carol.keyboard.press("k")
    carol.keyboard.press("j")
    second = carol.locator(".rows tbody tr").nth(1).locator("a").first
    expect(second).to_be_focused()
    href = second.get_attribute("href")
    carol.keyboard.press("Enter")
    carol.wait_for_url(f"**{href}")
    carol.keyboard.press("?")
    expect(carol.get_by_role("dialog", name="Keyboard")).to_be_visible()
    carol.keyboard.press("Escape")
    expect(carol.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_a_request_is_approved_by_keyboard_alone(browse: Open, world: PageWorld) -> None:
    request_id = world.ask_for("put the clock of the till right", "update")
    page = browse("bob")
    complaints = Complaints(page)
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("/requests")
    card = page.get_by_role("article").filter(has_text="the clock of the till")
    field = card.get_by_label("Comment").get_attribute("id")
    tab_to(page, selector=f"#{field}")
    page.keyboard.type("until noon")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Approve"
    page.keyboard.press("Enter")
    page.wait_for_url("/requests?done=approve")
    expect(page.get_by_role("status")).to_contain_text("Approved.")
    with world.client("bob") as bob:
        assert next(one.state for one in bob.list_requests("") if one.id == request_id) == "approved"
    assert not complaints.take()


def test_an_alert_is_taken_on(browse: Open, world: PageWorld) -> None:
    page = browse("bob")
    page.goto("/alerts")
    open_before = page.get_by_role("button", name="Acknowledge").count()
    page.get_by_label("Comment").last.fill("that was agreed on")
    page.keyboard.press("Enter")
    page.wait_for_url("/alerts?done=1")
    assert page.get_by_role("button", name="Acknowledge").count() == open_before - 1
    expect(page.get_by_text("by bob: that was agreed on")).to_be_visible()


def test_the_live_view_shows_what_happens_and_pauses_by_key(browse: Open, world: PageWorld) -> None:
    page = browse("carol")
    complaints = Complaints(page)
    page.goto("/tail?q=action:till.opened")
    rows = page.locator("#tail-rows tbody tr")
    expect(page.locator("#tail-state")).to_contain_text("Live")

    def open_till(number: int) -> None:
        message = "first <img src=x onerror=document.title='owned'>"
        world.feed("web", {"action": "till.opened", "message": message})
        expect(rows).to_have_count(number + 1)

    soonest(open_till, within_s=2)
    shown = rows.count()
    expect(rows.first).to_contain_text("first <img")
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    world.feed(
        "web", {"action": "till.opened", "message": "second"}, {"action": "till.opened", "message": "third"}
    )
    expect(page.locator("#tail-state")).to_have_text("Paused; 2 new wait.")
    assert rows.count() == shown
    page.keyboard.press("p")
    expect(rows).to_have_count(shown + 2)
    expect(rows.first).to_contain_text("third")
    assert page.title() == "Live · Glasshatch"
    assert not complaints.take()


def test_the_live_view_ends_with_the_visit(browse: Open, world: PageWorld) -> None:
    page = browse("carol")
    page.goto("/tail?q=action:till.closed")
    expect(page.locator("#tail-state")).to_contain_text("Live")
    other = page.context.new_page()
    other.goto("/timeline")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("/signin")
    expect(page.locator("#tail-state")).to_contain_text("Stopped: you are signed out", timeout=20_000)


def test_everything_but_the_live_part_works_without_script(browse: Open, world: PageWorld) -> None:
    request_id = world.ask_for("without a script", "update")
    page = browse("bob", java_script_enabled=False)
    page.get_by_role("link", name="Search", exact=True).click()
    page.get_by_label("Query").fill("actor:alice action:statement.denied")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No event matches.")).to_be_visible()  # bob is no auditor
    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.get_by_text("With script on, they follow")).to_be_visible()
    expect(page.locator("time").first).to_contain_text("UTC")
    page.get_by_role("link", name="Requests", exact=True).click()
    card = page.get_by_role("article").filter(has_text="without a script")
    card.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("status")).to_contain_text("Denied.")
    with world.client("bob") as bob:
        assert next(one.state for one in bob.list_requests("") if one.id == request_id) == "denied"
    page.get_by_role("link", name="Search", exact=True).click()
    page.locator("td.action a").first.click()
    page.get_by_role("link", name="Verify").click()
    expect(page.get_by_text("These very bytes are in the log.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("/signin")


def test_times_are_shown_where_the_reader_is(browse: Open) -> None:
    page = browse("carol")
    page.goto("/sessions")
    shown = page.locator("td.when time").first
    utc, local = shown.get_attribute("datetime"), shown.inner_text()
    assert utc
    hours = int(local[11:13]) - int(utc[11:13])
    assert hours % 24 in (1, 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", local)
    assert shown.get_attribute("title") == utc


def test_a_bar_of_the_histogram_leads_to_its_events(carol: Page) -> None:
    carol.set_viewport_size({"width": 1280, "height": 800})
    carol.goto("/search?q=action:order.created&span=24h")
    bars = carol.locator(".plot a")
    assert bars.count() > 20
    title = bars.nth(10).locator("title").text_content() or ""
    bars.nth(10).locator(".reach").click()
    carol.wait_for_url("**since=*")
    expect(carol.locator(".chart figcaption b").first).to_have_text(title.split()[0])
