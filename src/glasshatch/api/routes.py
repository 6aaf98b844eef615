"""The API's routes: each decodes, calls its desk under the caller's identity, and encodes.

Roles are the desk's business. A route only names the scope a token needs to come this far.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from ..errors import ConfigError
from ..events import DEFAULT_LEDGER, Event
from ..identity import Identity
from .answers import Me
from .key_values import KeysText, KeyView, RetireForm, RotateForm
from .ports import Desk
from .retention import Pruned, PruneForm
from .values import (
    ActorForm,
    ActorView,
    BackupForm,
    CheckpointText,
    EventFilter,
    GrantView,
    LedgerForm,
    LedgerView,
    ProofText,
    RequestForm,
    RequestView,
    ReviewForm,
    SealForm,
    SessionSummary,
    Status,
    TokenForm,
    TokenIssued,
)

Call = Request[Identity, Any, State]
# Litestar keeps the names `state` and `scope` for itself, so the parameters have other ones inside.
InState = Annotated[str, QueryParameter(name="state")]
InScope = Annotated[str, QueryParameter(name="scope")]
Events = Annotated[int, QueryParameter(ge=1, le=100_000)]
Sessions = Annotated[int, QueryParameter(ge=1, le=10_000)]

_READ = {"scope": "read"}
_REQUEST = {"scope": "request"}
_REVIEW = {"scope": "review"}
_ADMIN = {"scope": "admin"}


class StoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event with its place in its ledger, the default one if no other is named."""

    index: int
    event: Event
    ledger: str = DEFAULT_LEDGER


def _desk(request: Call) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _stored(value: object) -> Response[bytes]:
    # Encoded here, in the worker thread: a hundred thousand events would hold up the event loop.
    return Response(msgspec.json.encode(value), media_type="application/json")


@get("/me", opt={"scope": ""}, sync_to_thread=True)
def me(request: Call, in_scope: InScope = "") -> Me:
    """Who I am, and in which tenant; with `scope`, only if my token opens that."""
    caller = request.user
    if in_scope:
        area, _, target = in_scope.partition(":")
        token = request.headers["authorization"].partition(" ")[2].strip()
        caller = request.app.state.authenticator.identify(token, area, target)
    return Me(
        id=caller.id, tenant=caller.tenant, type=caller.type, name=caller.name, roles=caller.roles,
        on_behalf_of=caller.on_behalf_of,
    )  # fmt: skip


@get(
    "/events",
    opt=_READ,
    sync_to_thread=True,
    responses={
        200: ResponseSpec(
            list[StoredEvent], generate_examples=False, description="The newest matches, oldest first"
        )
    },
)
def list_events(
    request: Call,
    *,
    actor: FromQuery[str] = "",
    action: FromQuery[str] = "",
    session: FromQuery[str] = "",
    resource: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    after: FromQuery[int] = -1,
    limit: Events = 1_000,
) -> Response[bytes]:
    """Events by actor, action, session, resource and time; `after` follows by ledger index."""
    _only(request, EventFilter.__struct_fields__)
    wanted = EventFilter(
        actor=actor,
        action=action,
        session=session,
        resource=resource,
        since=since,
        until=until,
        after=after,
        limit=limit,
    )
    return _stored(_desk(request).list_events(request.user, wanted))


@get(
    "/events/{event_id:str}",
    opt=_READ,
    sync_to_thread=True,
    responses={
        200: ResponseSpec(StoredEvent, generate_examples=False, description="The event as it is stored")
    },
)
def show_event(request: Call, event_id: FromPath[str], ledger: FromQuery[str] = "") -> Response[bytes]:
    """One event, by id or by its index in a ledger, the default one if `ledger` names no other."""
    _only(request, ("ledger",))
    return _stored(_desk(request).show_event(request.user, f"{ledger}/{event_id}" if ledger else event_id))


@get(
    "/events/{event_id:str}/whole",
    opt=_READ,
    sync_to_thread=True,
    responses={200: ResponseSpec(StoredEvent, generate_examples=False, description="The event, all of it")},
)
def show_whole(request: Call, event_id: FromPath[str], ledger: FromQuery[str] = "") -> Response[bytes]:
    """One event with what is too large for the ledger's entry, by what `show_event` takes.

    Its SHA-256 is compared with the one that the entry names before anything is sent.
    """
    _only(request, ("ledger",))
    return _stored(_desk(request).show_whole(request.user, f"{ledger}/{event_id}" if ledger else event_id))


@get("/sessions", opt=_READ, sync_to_thread=True)
def list_sessions(request: Call, limit: Sessions = 100) -> list[SessionSummary]:
    """The newest sessions, oldest first."""
    _only(request, ("limit",))
    return _desk(request).list_sessions(request.user, limit)


@get("/proofs/{event_id:str}", opt=_READ, sync_to_thread=True)
def prove(request: Call, event_id: FromPath[str], ledger: FromQuery[str] = "") -> ProofText:
    """A proof, checkable by anyone, that an event is in the record; by what `show_event` takes."""
    _only(request, ("ledger",))
    return _desk(request).prove(request.user, f"{ledger}/{event_id}" if ledger else event_id)


@get("/status", opt=_READ, sync_to_thread=True)
def status(request: Call) -> Status:
    """The server at a glance."""
    return _desk(request).status(request.user)


@get("/bundle", opt=_READ, sync_to_thread=True)
def read_bundle(
    request: Call, number: FromQuery[int], width: FromQuery[int], ledger: FromQuery[str] = DEFAULT_LEDGER
) -> Response[bytes]:
    """Entries as tlog-tiles bundles them, empty if there are none: how the back gets them from the front."""
    _only(request, ("number", "width", "ledger"))
    data = _desk(request).read_bundle(request.user, number, width, ledger)
    return Response(data, media_type="application/octet-stream", headers={"cache-control": "no-store"})


@get("/ledgers", opt=_READ, sync_to_thread=True)
def list_ledgers(request: Call) -> list[LedgerView]:
    """The ledgers, the default one first: public key, size, checkpoint and streams of each."""
    return _desk(request).list_ledgers(request.user)


@post("/ledgers", opt=_ADMIN, sync_to_thread=True)
def create_ledger(request: Call, data: JSONBody[LedgerForm]) -> LedgerView:
    """Make a ledger, with keys of its own."""
    return _desk(request).create_ledger(request.user, data)


@post("/backups/begin", opt=_ADMIN, sync_to_thread=True, status_code=200)
def begin_backup(request: Call) -> CheckpointText:
    """A fresh checkpoint, for a backup of the files on the server's own machine."""
    return _desk(request).begin_backup(request.user)


@post("/backups", opt=_ADMIN, sync_to_thread=True, status_code=204)
def backup_made(request: Call, data: JSONBody[BackupForm]) -> None:
    """Record a backup, before it comes into being."""
    _desk(request).backup_made(request.user, data)


@get("/keys", opt=_ADMIN, sync_to_thread=True)
def list_keys(request: Call) -> list[KeyView]:
    """Every key of the tenant: kind, id, state; nothing secret."""
    _only(request, ())
    return _desk(request).list_keys(request.user)


@post("/keys/rotate", opt=_ADMIN, sync_to_thread=True, status_code=200)
def rotate_key(request: Call, data: JSONBody[RotateForm]) -> KeyView:
    """Put a fresh key in the place of the one in use."""
    return _desk(request).rotate_key(request.user, data)


@post("/keys/retire", opt=_ADMIN, sync_to_thread=True, status_code=200)
def retire_key(request: Call, data: JSONBody[RetireForm]) -> KeyView:
    """Let an older signing key sign no more."""
    return _desk(request).retire_key(request.user, data)


@get("/keys/export", opt=_READ, sync_to_thread=True)
def export_keys(request: Call, ledger: FromQuery[str] = "default") -> KeysText:
    """A ledger's public keys over time, with the statements that link them."""
    _only(request, ("ledger",))
    return _desk(request).export_keys(request.user, ledger)


@post("/prune", opt=_ADMIN, sync_to_thread=True, status_code=200)
def prune(request: Call, data: JSONBody[PruneForm]) -> Pruned:
    """Let entries go that are older than the retention policy keeps, one step of them."""
    return _desk(request).prune(request.user, data)


@post("/evidence/seal", opt=_READ, sync_to_thread=True)
def seal_evidence(request: Call, data: JSONBody[SealForm]) -> ProofText:
    """Record an evidence bundle: how the back has the front vouch for what it is about to hand out."""
    return _desk(request).seal_evidence(request.user, data)


@post("/requests", opt=_REQUEST, sync_to_thread=True)
def create_request(request: Call, data: JSONBody[RequestForm]) -> RequestView:
    """Ask for access."""
    return _desk(request).create_request(request.user, data)


@get("/requests", opt=_REQUEST, sync_to_thread=True)
def list_requests(request: Call, in_state: InState = "") -> list[RequestView]:
    """Requests the caller may see; `state` narrows."""
    _only(request, ("state",))
    return _desk(request).list_requests(request.user, in_state)


@post("/requests/{request_id:str}/approve", opt=_REVIEW, sync_to_thread=True, status_code=200)
def approve(request: Call, request_id: FromPath[str], data: JSONBody[ReviewForm]) -> RequestView:
    """Approve somebody else's request."""
    return _desk(request).approve(request.user, request_id, data.comment)


@post("/requests/{request_id:str}/deny", opt=_REVIEW, sync_to_thread=True, status_code=200)
def deny(request: Call, request_id: FromPath[str], data: JSONBody[ReviewForm]) -> RequestView:
    """Deny somebody else's request."""
    return _desk(request).deny(request.user, request_id, data.comment)


@post("/requests/{request_id:str}/withdraw", opt=_REQUEST, sync_to_thread=True, status_code=200)
def withdraw(request: Call, request_id: FromPath[str]) -> RequestView:
    """Take one's own request back."""
    return _desk(request).withdraw(request.user, request_id)


@get("/grants", opt=_REQUEST, sync_to_thread=True)
def list_grants(request: Call, in_state: InState = "") -> list[GrantView]:
    """Grants the caller may see; `state` narrows."""
    _only(request, ("state",))
    return _desk(request).list_grants(request.user, in_state)


@post("/grants/{grant_id:str}/revoke", opt=_REVIEW, sync_to_thread=True, status_code=200)
def revoke(request: Call, grant_id: FromPath[str]) -> GrantView:
    """Take a grant back before its time."""
    return _desk(request).revoke(request.user, grant_id)


@post("/actors", opt=_ADMIN, sync_to_thread=True)
def create_actor(request: Call, data: JSONBody[ActorForm]) -> ActorView:
    """Add an actor."""
    return _desk(request).create_actor(request.user, data)


@get("/actors", opt=_ADMIN, sync_to_thread=True)
def list_actors(request: Call) -> list[ActorView]:
    """Everybody there is."""
    return _desk(request).list_actors(request.user)


@post("/actors/{name:str}/disable", opt=_ADMIN, sync_to_thread=True, status_code=200)
def disable_actor(request: Call, name: FromPath[str]) -> ActorView:
    """Shut an actor out."""
    return _desk(request).disable_actor(request.user, name)


@post("/tokens", opt=_ADMIN, sync_to_thread=True)
def issue_token(request: Call, data: JSONBody[TokenForm]) -> TokenIssued:
    """A token for an actor; its text is in this answer and never again."""
    return _desk(request).issue_token(request.user, data)


@post("/tokens/{token_id:str}/revoke", opt=_ADMIN, sync_to_thread=True, status_code=204)
def revoke_token(request: Call, token_id: FromPath[str]) -> None:
    """End a token now."""
    _desk(request).revoke_token(request.user, token_id)


TENANT_ROUTES = (
    list_events, show_event, show_whole, list_sessions, prove, status, read_bundle, create_request,
    list_requests, approve, deny, withdraw, list_grants, revoke, create_actor, list_actors, disable_actor,
    issue_token, revoke_token, begin_backup, backup_made, list_ledgers, create_ledger, list_keys, rotate_key,
    retire_key, export_keys, prune,
)  # fmt: skip
"""Every route below `/v1/{tenant}`."""

FRONT_ROUTES = (seal_evidence,)
"""Routes that only the server's own back may reach, on the front's socket: it answers for what it seals."""


def _only(request: Call, known: tuple[str, ...]) -> None:
    # A misspelt filter that is ignored would show more than was asked for.
    for name in request.query_params:
        if name not in known:
            raise ConfigError(f"there is no query parameter {name[:40]!r} here", hint="see /openapi.json")
