"""The routes about reaching resources."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody

from .ports import ReachDesk
from .reach_values import ConnectForm, Reachable, WayIn
from .routes import Call


def _desk(request: Call) -> ReachDesk:
    desk: ReachDesk = request.app.state.desk
    return desk


@get("/resources", opt={"scope": "request"}, sync_to_thread=True)
def list_resources(request: Call) -> list[Reachable]:
    """Every resource, what I may do there, and why."""
    return _desk(request).list_resources(request.user)


@post(
    "/connect/{kind:str}/{name:str}",
    opt={"scope": "connect", "target": "{kind}/{name}"},
    sync_to_thread=True,
    status_code=201,
)
def connect(request: Call, kind: FromPath[str], name: FromPath[str], data: JSONBody[ConnectForm]) -> WayIn:
    """A way in to one resource: its address, and a fresh token that opens nothing else."""
    bearer = request.headers["authorization"].partition(" ")[2].strip()
    return _desk(request).connect(request.user, f"{kind}/{name}", data, bearer)


REACH_ROUTES: tuple[Any, ...] = (list_resources, connect)
"""Routes below `/v1/{tenant}` about reaching resources."""
