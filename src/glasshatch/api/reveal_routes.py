"""The routes of masked values in clear. Statements and values travel in bodies, and nothing keeps a copy."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from .ports import RevealDesk
from .reveal_values import ClearForm, ClearShown
from .routes import Call
from .values import RequestView

_MOST_BYTES = 8 << 20


def _desk(request: Call) -> RevealDesk:
    desk: RevealDesk = request.app.state.desk
    return desk


@post("/reveals", opt={"scope": "request"}, sync_to_thread=True, request_max_body_size=_MOST_BYTES)
def ask_reveal(request: Call, data: JSONBody[ClearForm]) -> RequestView:
    """Ask to be shown masked values of one row; gives the request that waits for the same already."""
    return _desk(request).ask_reveal(request.user, data)


@post(
    "/requests/{request_id:str}/reveal", opt={"scope": "request"}, sync_to_thread=True, status_code=200,
    responses={200: ResponseSpec(ClearShown, generate_examples=False, description="The values, once")},
)  # fmt: skip
def show_reveal(request: Call, request_id: FromPath[str]) -> Response[bytes]:
    """Show what an approved request asks for, once; recorded before it leaves."""
    shown = _desk(request).show_reveal(request.user, request_id)
    return Response(
        msgspec.json.encode(shown), media_type="application/json", headers={"cache-control": "no-store"}
    )


REVEAL_ROUTES: tuple[Any, ...] = (ask_reveal, show_reveal)
"""Routes below `/v1/{tenant}` about masked values in clear."""
