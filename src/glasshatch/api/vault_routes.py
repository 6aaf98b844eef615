"""The routes of sealed values: reveal, erase, legal holds. What they take travels in bodies."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from .ports import VaultDesk
from .routes import Call
from .vault_values import Erased, EraseForm, HoldForm, HoldView, ReleaseForm, Revealed, RevealForm


def _desk(request: Call) -> VaultDesk:
    desk: VaultDesk = request.app.state.desk
    return desk


@post(
    "/reveal", opt={"scope": "request"}, sync_to_thread=True, status_code=200,
    responses={200: ResponseSpec(Revealed, generate_examples=False, description="The value, with its proof")},
)  # fmt: skip
def reveal(request: Call, data: JSONBody[RevealForm]) -> Response[bytes]:
    """Show one sealed value under an approved request; without one, file it and refuse."""
    shown = _desk(request).reveal(request.user, data)
    return Response(
        msgspec.json.encode(shown), media_type="application/json", headers={"cache-control": "no-store"}
    )


@post("/erase", opt={"scope": "admin"}, sync_to_thread=True, status_code=200)
def erase(request: Call, data: JSONBody[EraseForm]) -> Erased:
    """Destroy the keys of a data subject's sealed values under an approved request."""
    return _desk(request).erase(request.user, data)


@get("/holds", opt={"scope": "admin"}, sync_to_thread=True)
def list_holds(request: Call) -> list[HoldView]:
    """Every legal hold there was, oldest first."""
    return _desk(request).list_holds(request.user)


@post("/holds", opt={"scope": "admin"}, sync_to_thread=True)
def place_hold(request: Call, data: JSONBody[HoldForm]) -> HoldView:
    """Put a legal hold on a data subject."""
    return _desk(request).place_hold(request.user, data)


@post("/holds/{hold_id:str}/release", opt={"scope": "admin"}, sync_to_thread=True, status_code=200)
def release_hold(request: Call, hold_id: FromPath[str], data: JSONBody[ReleaseForm]) -> HoldView:
    """End a legal hold."""
    return _desk(request).release_hold(request.user, hold_id, data.reason)


VAULT_ROUTES: tuple[Any, ...] = (reveal, erase, list_holds, place_hold, release_hold)
"""Routes below `/v1/{tenant}` about sealed values."""
