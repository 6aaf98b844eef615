"""The API as an ASGI application: who calls, what errors look like, which routes there are.

Nothing is open unless it says so: the guard refuses every route that names no scope.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin

from .. import __version__
from ..errors import ConfigError, Denied, GlasshatchError, NotAuthenticated
from ..identity import MAX_REASON_CHARACTERS, with_reason
from .access_routes import ACCESS_ROUTES, ACCESS_USE_ROUTES
from .answers import REASON_HEADER, STATUS, Problem, problem
from .breakglass_routes import BREAK_GLASS_ROUTES
from .case_routes import CASE_ROUTES, CASE_USE_ROUTES
from .change_routes import CHANGE_ROUTES
from .directory_routes import DIRECTORY_ROUTES
from .export_routes import EXPORT_ROUTES
from .intake_routes import FEED_ROUTES, INTAKE_ROUTES
from .otlp_routes import OTLP_ROUTES
from .policy_routes import POLICY_ROUTES
from .ports import Authenticator, Desk, TlogSettings
from .reach_routes import REACH_ROUTES
from .reveal_routes import REVEAL_ROUTES
from .router import OnlyRouter
from .routes import FRONT_ROUTES, TENANT_ROUTES, me
from .scim import scim_router
from .search_routes import KEEP_ROUTES, SAVED_ROUTES, SEARCH_ROUTES
from .signin_routes import FRONT_PUBLIC_ROUTES, PUBLIC_ROUTES, SIGNIN_ROUTES
from .tlog_routes import tlog_routes
from .use_routes import USE_ROUTES
from .vault_routes import VAULT_ROUTES

MAX_BODY_BYTES: Final = 64 * 1024
_PUBLIC = {"public": True}
_OURS = ("/v1", "/scim", "/tlog", "/healthz", "/openapi.json", "/-")
_SECURE_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

Connection = ASGIConnection[Any, Any, Any, State]


class _Application(Litestar):
    """Values are msgspec's only. By default every model library that happens to be installed is loaded: for
    pydantic alone that was a fifth of what a start costs."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_app(
    desk: Desk,
    authenticator: Authenticator,
    unexpected: Callable[[BaseException], None],
    page: Router | None = None,
    *,
    use: bool = False,
    tlog: TlogSettings | None = None,
) -> Litestar:
    """The application over the ports it is handed.

    Args:
        desk: A `UseDesk` if `use` is set: then search, timeline, alerts and the like are served too.
        unexpected: Told of every exception that is our bug; the caller of the API learns nothing of it.
        page: What stands outside of `/v1`, for people.
        tlog: The ledger's tiles, if they are served here.
    """
    tiles = tlog_routes(tlog) if tlog else []
    return _Application(
        route_handlers=[
            healthz,
            openapi,
            _versioned(use),
            *([scim_router(unexpected)] if use else []),
            *tiles,
            *([page] if page else []),
        ],
        guards=[_identify],
        exception_handlers={Exception: _failed},
        openapi_config=_openapi_config(),
        request_max_body_size=MAX_BODY_BYTES,
        state=State(
            {
                "desk": desk,
                "use": use,
                "authenticator": authenticator,
                "unexpected": unexpected,
                "lost": page.exception_handlers.get(Exception) if page else None,
            }
        ),
        logging_config=None,
    )


USE_ONLY_ROUTES = (*USE_ROUTES, *SEARCH_ROUTES, *ACCESS_USE_ROUTES, *CASE_USE_ROUTES, *EXPORT_ROUTES)
"""What only a server with a back has."""


def _versioned(use: bool) -> Router:
    """Everything below `/v1`."""
    tenant = OnlyRouter(
        "/{tenant:str}",
        route_handlers=[
            *TENANT_ROUTES,
            *FEED_ROUTES,
            *SIGNIN_ROUTES,
            *DIRECTORY_ROUTES,
            *VAULT_ROUTES,
            *CHANGE_ROUTES,
            *REVEAL_ROUTES,
            *POLICY_ROUTES,
            *REACH_ROUTES,
            *BREAK_GLASS_ROUTES,
            *ACCESS_ROUTES,
            *CASE_ROUTES,
            *SAVED_ROUTES,
            *(USE_ONLY_ROUTES if use else (*FRONT_ROUTES, *KEEP_ROUTES)),
        ],
    )
    return OnlyRouter(
        "/v1",
        route_handlers=[
            me,
            *PUBLIC_ROUTES,
            *(() if use else FRONT_PUBLIC_ROUTES),
            *INTAKE_ROUTES,
            *OTLP_ROUTES,
            tenant,
        ],
    )


@get("/healthz", opt=_PUBLIC, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The server answers; needs no token and says nothing else."""
    return {"status": "ok"}


@get("/openapi.json", opt=_PUBLIC, sync_to_thread=True, include_in_schema=False)
def openapi(request: Request[Any, Any, State]) -> Response[bytes]:
    """This API, described."""
    schema = plainly_described(request.app.openapi_schema.to_schema())
    return Response(msgspec.json.encode(schema), media_type="application/json")


def plainly_described(schema: Any) -> Any:
    """A description in which a `tuple[X, ...]` is a list of X.

    Litestar describes its items as one of X and of anything, which no value meets: whatever is X is both.
    """
    if isinstance(schema, dict):
        either = schema.get("oneOf")
        if either and len(either) == 2 and either[1] == {}:
            schema = {**{name: value for name, value in schema.items() if name != "oneOf"}, **either[0]}
        return {name: plainly_described(value) for name, value in schema.items()}
    return [plainly_described(value) for value in schema] if isinstance(schema, list) else schema


def _openapi_config() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="An access token: gh_…")
    return OpenAPIConfig(
        title="Glasshatch",
        version=__version__,
        path="/-",
        render_plugins=[],
        components=Components(security_schemes={"token": bearer}),
        security=[{"token": []}],
    )


async def _identify(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let nobody through but the holder of a token with the route's scope, within their tenant."""
    if handler.opt.get("public"):
        return
    scope = handler.opt.get("scope")
    if scope is None:
        raise NotFoundException
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("a token is needed", hint="send: Authorization: Bearer gh_…")
    identify = connection.app.state.authenticator.identify
    caller = await asyncio.to_thread(identify, token.strip(), scope, _target(connection, handler))
    tenant = connection.path_params.get("tenant")
    if tenant not in (None, caller.tenant):
        raise Denied("the token belongs to another tenant", hint="GET /v1/me names it")
    connection.scope["user"] = with_reason(caller, _reason(connection))


def _reason(connection: Connection) -> str:
    """Why it is asked, if it was said; bounded, as it is recorded."""
    reason = unquote(connection.headers.get(REASON_HEADER, "")).strip()
    if len(reason) > MAX_REASON_CHARACTERS or not reason.isprintable():
        raise ConfigError(
            f"a reason is one line of at most {MAX_REASON_CHARACTERS} characters", key=REASON_HEADER
        )
    return reason


def _target(connection: Connection, handler: BaseRouteHandler) -> str:
    """What the route reaches, as scopes name it, out of the path or the query's `name`."""
    names = connection.query_params.getall("name", [])
    if len(names) > 1:
        # The handler might take the other one.
        raise Denied("the name is given twice", hint="give one name")
    name = (names[0] if names else "") or "default"
    return str(handler.opt.get("target", "")).format(**{"name": name, **connection.path_params})


def _failed(request: Request[Any, Any, State], error: Exception) -> Response[Any]:
    if request.app.state.lost and not request.url.path.startswith(_OURS):
        lost: Response[Any] = request.app.state.lost(request, error)  # who got lost outside is a person
        return lost
    status, answer = _explained(error)
    if answer is None:
        request.app.state.unexpected(error)
        answer = Problem(code="internal", message="an unexpected error", hint="see the server's log")
    headers = dict(_SECURE_HEADERS)
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(answer), status_code=status, headers=headers, media_type="application/json"
    )


def _explained(error: Exception) -> tuple[int, Problem | None]:
    if isinstance(error, NotAuthenticated):
        return 401, problem(error)
    if isinstance(error, GlasshatchError):
        return STATUS.get(error.code, 500), problem(error)
    if isinstance(error, RecursionError):
        return 400, Problem(code="config", message="the request is nested too deeply")
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code, _refused_by_framework(error)
    return 500, None


def _refused_by_framework(error: HTTPException) -> Problem:
    """Litestar's own refusals; its details name fields and types, and never repeat a value."""
    if error.status_code == 404:
        return Problem(code="not_found", message="there is nothing here", hint="see /openapi.json")
    if error.status_code == 413:
        return Problem(code="too_large", message=f"a body has at most {MAX_BODY_BYTES} bytes")
    if error.status_code == 405:
        return Problem(code="config", message="this path does not know the method", hint="see /openapi.json")
    fields = [str(item["key"]) for item in error.extra or () if isinstance(item, dict) and "key" in item]
    message = "not acceptable: " + ", ".join(fields) if fields else "the request is not acceptable"
    return Problem(code="config", message=message, hint=_first_detail(error))


def _first_detail(error: HTTPException) -> str:
    for item in error.extra or ():
        if isinstance(item, dict) and item.get("message"):
            return str(item["message"])
    return "see /openapi.json"
