"""Signing in and out: with a token, with a password, or through the identity provider."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import TooManyRequestsException
from litestar.params import FromQuery, QueryParameter

from ...errors import ConfigError, Denied, Unavailable
from ..ports import UseDesk
from ..signin_routes import caller_address
from ..signin_values import BrowserAnswer, BrowserForm, PasswordForm, SignedIn, Ways
from .render import html, page, see_other
from .visit import Call, Door

T = TypeVar("T")
# Litestar keeps the name `state` for itself.
InState = Annotated[str, QueryParameter(name="state")]
Anyone = Request[Any, Any, State]
FAILURE_SECONDS: Final = 1.0
_AT_ONCE = 4
_MOST_WAITING = 12
_MOST_TYPED = 1_024
# Browsers drop tabs and line ends inside an address, and read a backslash as a slash.
_INSIDE = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")
_NO_TOKEN = "The token is not accepted, has expired, or does not open the record."  # noqa: S105


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

    async def attempt(self, check: Callable[[], T]) -> T:
        """What the check gives.

        Raises:
            Denied: As the check raises it, a second after it began.
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

    async def _patiently(self, check: Callable[[], T]) -> T:
        begun_s = time.monotonic()
        try:
            return await asyncio.to_thread(check)
        except Denied:
            await asyncio.sleep(max(0.0, FAILURE_SECONDS - (time.monotonic() - begun_s)))
            raise


@page("/signin", opt={"anyone": True})
def show_signin(request: Anyone, next: FromQuery[str] = "/") -> Response[str]:
    """The way in."""
    return _form(request, 200, inside(next), "", "")


@post("/signin", opt={"anyone": True}, status_code=303)
async def signin(request: Call) -> Response[str]:
    """Take a token, or a name and a password; set the cookie."""
    form = await request.form()
    typed = {name: str(form.get(name, ""))[:_MOST_TYPED] for name in ("token", "name", "password", "code")}
    wanted = inside(str(form.get("next", "/")))
    door, patience = _door(request), request.route_handler.opt["patience"]
    with_password = not typed["token"] and bool(typed["name"] or typed["password"])
    try:
        if with_password:
            address = caller_address(request)
            found = await patience.attempt(lambda: _by_password(request, typed, address))
            cookie = await asyncio.to_thread(door.sign_in, request, found.token, made_here=True)
        else:
            cookie = await patience.attempt(lambda: door.sign_in(request, typed["token"].strip()))
    except Denied as error:
        problem = _sentence(error) if with_password else _NO_TOKEN
        tried = "password" if with_password else "token"
        return await asyncio.to_thread(_form, request, 401, wanted, problem, tried)
    return see_other(wanted, cookie)


@page("/signin/provider", opt={"anyone": True})
def to_provider(request: Anyone, next: FromQuery[str] = "/") -> Response[str]:
    """Off to the identity provider; a cookie remembers that this browser went, and where it wanted to go."""
    try:
        begun = _desk(request).begin_browser(BrowserForm(redirect=_own_address(request)))
    except (Denied, Unavailable, ConfigError) as error:
        code = 404 if isinstance(error, ConfigError) else 503
        return _form(request, code, inside(next), _sentence(error), "provider")
    return see_other(begun.address, _door(request).remember_trip(request, begun.state, inside(next)))


@page("/signin/provider/back", opt={"anyone": True})
def from_provider(
    request: Anyone,
    in_state: InState = "",
    code: FromQuery[str] = "",
    error: FromQuery[str] = "",
    iss: FromQuery[str] = "",
) -> Response[str]:
    """Back from there. Only the browser that went is taken in, so nobody is signed in as somebody else."""
    door = _door(request)
    wanted = door.end_trip(request, in_state)
    if wanted is None:
        return _form(
            request, 401, "/", "This browser did not begin that sign-in, or it took too long.", "provider"
        )
    answer = BrowserAnswer(state=in_state[:256], code=code[:4_096], error=error[:256], issuer=iss[:4_096])
    try:
        found = _desk(request).finish_browser(answer, caller_address(request))
        cookie = door.sign_in(request, found.token, made_here=True)
    except (Denied, Unavailable) as refused:
        return _form(request, 401, wanted, _sentence(refused), "provider")
    # Not a redirect: on one that another site began, a browser would not send the visit's cookie.
    shown = html(request, "welcome.html", next=wanted, name=found.actor)
    for one in (cookie, door.forget_trip(request)):
        shown.set_cookie(one)
    return shown


@post("/signout", status_code=303)
async def signout(request: Call) -> Response[str]:
    """End the visit, and the token if signing in here made it."""
    door = _door(request)
    ticket_token = door.token_made_here(request)
    if ticket_token:
        await asyncio.to_thread(_end_token, request, ticket_token)
    return see_other("/signin", door.sign_out(request))


def _by_password(request: Anyone, typed: dict[str, str], address: str) -> SignedIn:
    form = PasswordForm(
        name=typed["name"].strip()[:256], password=typed["password"], code=typed["code"].strip()[:256]
    )
    return _desk(request).sign_in_password(form, address)


def _end_token(request: Call, token: str) -> None:
    caller = request.app.state.authenticator.identify(token, "")
    _desk(request).sign_out(caller, token.split("_")[1])


def _form(request: Anyone, code: int, wanted: str, problem: str, tried: str) -> Response[str]:
    try:
        ways = _desk(request).signin_ways()
    except Unavailable:
        ways = Ways()  # the front is restarting; a token will be looked at when it is back
    return html(request, "signin.html", code, next=wanted, problem=problem, tried=tried, ways=ways)


def _own_address(request: Anyone) -> str:
    """Where the provider sends the browser back to: the guard has seen that the name is one of ours."""
    scheme = request.headers.get("x-forwarded-proto", request.url.scheme)
    return f"{'https' if scheme == 'https' else 'http'}://{request.headers['host']}/signin/provider/back"


def _sentence(error: Denied | Unavailable | ConfigError) -> str:
    text = f"{error.message}; {error.hint}" if error.hint else error.message
    return text[:1].upper() + text[1:] + "."


def _desk(request: Anyone) -> UseDesk:
    desk: UseDesk = request.app.state.desk
    return desk


def _door(request: Anyone) -> Door:
    door: Door = request.route_handler.opt["door"]
    return door


def inside(path: str) -> str:
    """A path of this page, never the way to another site."""
    return path if _INSIDE.fullmatch(path) else "/"
