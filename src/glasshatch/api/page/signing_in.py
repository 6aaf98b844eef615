"""Signing in and out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from litestar import Response, post
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromQuery

from ...errors import Denied
from .render import html, page, see_other
from .visit import Call, Door

T = TypeVar("T")
FAILURE_SECONDS: Final = 1.0
_AT_ONCE = 4
_MOST_WAITING = 12
# Browsers drop tabs and line ends inside an address, and read a backslash as a slash.
_INSIDE = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")


class Patience:
    """Slows guessing down: few attempts at a time, and each that fails takes a second, whatever it was.

    The limit is the server's, not an address's: behind a proxy everybody has the same. Who is signed in
    does not notice.
    """

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    def __deepcopy__(self, _: object) -> Patience:
        return self  # as `Door` has it

    async def attempt(self, check: Callable[[], T]) -> T | None:
        """What the check gives, or None if it is denied.

        Raises:
            TooManyRequestsException: Too many wait already.
        """
        if self._waiting >= _MOST_WAITING:
            raise TooManyRequestsException("too many are signing in; try again in a moment")
        self._waiting += 1
        try:
            async with self._slots:
                return await self._patiently(check)
        finally:
            self._waiting -= 1

    async def _patiently(self, check: Callable[[], T]) -> T | None:
        begun_s = time.monotonic()
        try:
            return await asyncio.to_thread(check)
        except Denied:
            await asyncio.sleep(max(0.0, FAILURE_SECONDS - (time.monotonic() - begun_s)))
            return None


@page("/signin", opt={"anyone": True})
def show_signin(request: Call, next: FromQuery[str] = "/") -> Response[str]:
    """The way in."""
    return html(request, "signin.html", next=_inside(next), problem="")


@post("/signin", opt={"anyone": True}, status_code=303)
async def signin(request: Call) -> Response[str]:
    """Take a token, set the cookie."""
    form = await request.form()
    token, wanted = str(form.get("token", "")).strip(), _inside(str(form.get("next", "/")))
    door: Door = request.route_handler.opt["door"]
    patience: Patience = request.route_handler.opt["patience"]
    cookie = await patience.attempt(lambda: door.sign_in(request, token))
    if cookie is None:
        problem = "The token is not accepted, has expired, or does not open the record."
        return html(request, "signin.html", 401, next=wanted, problem=problem)
    return see_other(wanted, cookie)


@post("/signout", status_code=303)
async def signout(request: Call) -> Response[str]:
    """End the visit."""
    door: Door = request.route_handler.opt["door"]
    return see_other("/signin", door.sign_out(request))


def _inside(path: str) -> str:
    """A path of this page, never the way to another site."""
    return path if _INSIDE.fullmatch(path) else "/"
