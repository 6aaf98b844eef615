"""What shows more to who asks for it: a masked value by approval, and an administrator's reason to read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect

from fixtures.page_world import PageWorld
from glasshatch.api.values import SearchForm

from .conftest import Complaints, Open
from .test_looks import look_at

SELECT = "SELECT id, email, phone FROM customers WHERE id = 7"


def picture(page: Page, name: str) -> None:
    """For people who change the page: `PICTURES=FOLDER` keeps what a test has seen."""
    if folder := os.environ.get("PICTURES"):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def event_of(world: PageWorld, text: str) -> str:
    """The id of the newest run of a statement, once the index has it."""
    deadline_s = time.monotonic() + 120
    while True:
        with world.client("alice") as alice:
            found = alice.search(SearchForm(query="actor:alice action:statement.run", limit=50)).events
        for one in found:
            if text in bytes(one.event).decode():
                return str(one.index)
        assert time.monotonic() < deadline_s, "the statement is not in the index"
        time.sleep(0.2)


def test_a_masked_value_is_asked_for_approved_and_shown_once(browse: Open, world: PageWorld) -> None:
    world.stage.psql("alice", f"{SELECT};")
    alice = browse("alice")
    complaints = Complaints(alice)
    alice.goto(f"/events/{event_of(world, SELECT)}")
    alice.get_by_text("Ask for it").click()
    alice.get_by_label("Reason").fill("ticket 17: she asks which address we have of her")
    picture(alice, "ask")
    look_at(alice, complaints)
    alice.get_by_role("button", name="Ask", exact=True).click()
    alice.wait_for_url("/requests?done=reveal")
    bob = browse("bob", viewport={"width": 1280, "height": 800})
    bob.goto("/requests")
    card = bob.get_by_role("article").filter(has_text="ticket 17: she asks")
    expect(card).to_contain_text("public.customers.email")
    picture(bob, "judge")
    card.get_by_role("button", name="Approve").click()
    bob.wait_for_url("/requests?done=approve")
    alice.goto("/requests")
    look_at(alice, complaints)
    picture(alice, "ready")
    alice.get_by_role("button", name="Show it once").click()
    expect(alice.get_by_role("heading", name="Shown once")).to_be_visible()
    expect(alice.locator(".shown").first).to_contain_text("@")
    picture(alice, "shown")
    assert not complaints.take()
    alice.goto("/requests")
    # The browser has kept nothing that it could show again.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        alice.go_back()


def test_an_administrator_says_why_and_reads_on(browse: Open) -> None:
    page = browse("admin")
    complaints = Complaints(page)
    page.goto("/search?q=action:page.viewed&span=all")
    expect(page.get_by_label("Why do you read?")).to_be_visible()
    assert page.locator(".rows tbody tr").count() == 0
    picture(page, "why")
    look_at(page, complaints)
    page.get_by_label("Why do you read?").fill("ticket 17: which page did they see")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Why you read")).to_contain_text("ticket 17")
    assert "action:page.viewed" in page.url or "action%3Apage.viewed" in page.url
    assert page.locator(".rows tbody tr").count() > 0
    picture(page, "because")
    assert not complaints.take()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_label("Why do you read?")).to_be_visible()
