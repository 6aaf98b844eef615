"""The ledger over HTTP as C2SP tlog-tiles, under the prefix `/tlog/<ledger>/`.

Checkpoint and hash tiles are open to everybody if the operator says so; otherwise, and for entries
always, a token with the scope `read` is needed. Entries need the role auditor too, and each bundle that
is handed out is recorded.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ..ledger.log import BUNDLE_ENTRIES, parse_tile_path
from .ports import Log, TlogSettings
from .routes import Call

_TEXT = "text/plain"  # sent with charset=utf-8
_BYTES = "application/octet-stream"
_YEAR = "max-age=31536000, immutable"


def tlog_routes(settings: TlogSettings) -> list[HTTPRouteHandler]:
    """The routes of all logs."""
    shared = "public" if settings.public else "private"
    access: dict[str, Any] = {"public": True} if settings.public else {"scope": "read"}

    @get("/tlog/{ledger:str}/checkpoint", opt=access, sync_to_thread=True, name="tlog.checkpoint")
    def checkpoint(ledger: FromPath[str]) -> Response[bytes]:
        """The newest signed checkpoint, with the cosignatures it already has."""
        return _text(_newest(_found(settings, ledger)), shared)

    @get("/tlog/{ledger:str}/checkpoint.witnessed", opt=access, sync_to_thread=True)
    def witnessed(ledger: FromPath[str]) -> Response[bytes]:
        """The newest checkpoint that a quorum of witnesses cosigned."""
        return _text(_found(settings, ledger).witnessed(), shared)

    @get("/tlog/{ledger:str}/keys", opt=access, sync_to_thread=True)
    def keys(ledger: FromPath[str]) -> Response[bytes]:
        """The log's public keys over time, the newest last, and the statements that link them."""
        return _text(_found(settings, ledger).fetch("keys"), shared)

    @get("/tlog/{ledger:str}/tile/{level:int}/{rest:path}", opt=access, sync_to_thread=True)
    def hash_tile(request: Request[Any, Any, State], ledger: FromPath[str]) -> Response[bytes]:
        """A tile of the tree's hashes."""
        found = _found(settings, ledger).fetch(_path(request, ledger))
        if found is None:
            raise NotFoundException
        return Response(found, media_type=_BYTES, headers={"cache-control": f"{shared}, {_YEAR}"})

    @get("/tlog/{ledger:str}/tile/entries/{rest:path}", opt={"scope": "read"}, sync_to_thread=True)
    def bundle(request: Call, ledger: FromPath[str]) -> Response[bytes]:
        """A bundle of entries; auditors only, and recorded."""
        log = _found(settings, ledger)
        name = parse_tile_path(_path(request, ledger))
        if name is None:
            raise NotFoundException
        if (name.number + 1) * BUNDLE_ENTRIES <= log.minimum():
            raise HTTPException("these entries were pruned; their hashes stay", status_code=410)
        data = request.app.state.desk.read_bundle(request.user, name.number, name.width, ledger)
        if not data:
            raise NotFoundException
        # Immutable, but it is the record itself: no cache may keep it.
        return Response(data, media_type=_BYTES, headers={"cache-control": "no-store"})

    return [checkpoint, witnessed, keys, hash_tile, bundle]


def _newest(log: Log) -> bytes | None:
    newest, witnessed = log.fetch("checkpoint"), log.witnessed()
    same = newest is not None and witnessed is not None and witnessed.startswith(newest)
    return witnessed if same else newest


def _text(note: bytes | None, shared: str) -> Response[bytes]:
    if note is None:
        raise NotFoundException
    return Response(note, media_type=_TEXT, headers={"cache-control": f"{shared}, max-age=1"})


def _found(settings: TlogSettings, ledger: str) -> Log:
    log = settings.find(ledger)
    if log is None:
        raise NotFoundException
    return log


def _path(request: Request[Any, Any, State], ledger: str) -> str:
    """The part below the log's prefix, exactly as it was asked for: one tile has one spelling."""
    return request.url.path.removeprefix(f"/tlog/{ledger}/")
