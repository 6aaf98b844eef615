"""A real Chromium before a real server with a day's events; what a page complains of is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from fixtures.groups import missing_packages
from fixtures.page_world import PageWorld

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.needs("browser"))
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def world(open_directory: Path) -> Iterator[PageWorld]:
    if missing_packages("browser"):
        pytest.skip("needs chromium (browser)")
    world = PageWorld(open_directory / "page-world")
    yield world.befall()
    world.stop()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    # It keeps an event loop in this thread for as long as it runs, so it must end before other tests.
    with sync_playwright() as running:
        yield running


class Browsers:
    """Starts browsers, each with a profile of its own."""

    def __init__(self, playwright: Playwright, world: PageWorld, profiles: pytest.TempPathFactory) -> None:
        self._playwright, self._world, self._profiles = playwright, world, profiles
        self._opened: list[BrowserContext] = []

    def open(self, person: str = "", **settings: object) -> Page:
        """A page in a new browser, with somebody signed in if they are named."""
        context = self._playwright.chromium.launch_persistent_context(
            self._profiles.mktemp("profile"), executable_path=CHROMIUM, headless=True, args=list(FLAGS),
            base_url=self._world.url, timezone_id="Europe/Berlin", locale="en-GB", **settings,
        )  # fmt: skip
        context.set_default_timeout(30_000)
        self._opened.append(context)
        page = context.pages[0]
        if person:
            sign_in(page, self._world, person)
        return page

    def close(self) -> None:
        for context in self._opened:
            context.close()


@pytest.fixture
def browse(
    playwright: Playwright, world: PageWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Open]:
    """Open a page in a browser of its own; all are closed at the test's end."""
    browsers = Browsers(playwright, world, tmp_path_factory)
    yield browsers.open
    browsers.close()


@pytest.fixture(scope="module")
def carol(
    playwright: Playwright, world: PageWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """Carol, the auditor, who sees everything; one browser for all looks."""
    browsers = Browsers(playwright, world, tmp_path_factory)
    yield browsers.open("carol")
    browsers.close()


@pytest.fixture(scope="module")
def complaints(carol: Page) -> Complaints:
    """What Carol's pages complain of."""
    return Complaints(carol)


def sign_in(page: Page, world: PageWorld, person: str) -> None:
    """As a person does: the token into the field, and Enter."""
    page.goto("/signin")
    page.get_by_label("Your token").fill(world.stage.token(person))
    page.keyboard.press("Enter")
    page.wait_for_url("/")


class Complaints:
    """What a page says on its console, throws, or was kept from doing by its policy."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure or ""))
        page.on("console", lambda message: self._console(message.type, message.text))
        tell = "(event) => console.error(`policy: ${event.violatedDirective}`)"
        page.add_init_script(f"addEventListener('securitypolicyviolation', {tell})")

    def _console(self, kind: str, text: str) -> None:
        # Chromium says this of the answer to the page itself; the tests look at its status themselves.
        if kind in ("error", "warning") and "the server responded with a status of" not in text:
            self.said.append(f"{kind}: {text}")

    def _failed(self, url: str, why: str) -> None:
        # A live tail is cut off when its page is left.
        if not ("/tail/stream" in url and "ERR_ABORTED" in why):
            self.said.append(f"failed: {url}: {why}")

    def take(self) -> list[str]:
        """What was said since the last time."""
        said, self.said = self.said, []
        return said
