"""The routes about who may do and see what."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.params import FromQuery

from .access_values import AccessReview, AccessView
from .ports import EntitlementDesk, UseDesk
from .routes import Call


def _desk(request: Call) -> EntitlementDesk:
    desk: EntitlementDesk = request.app.state.desk
    return desk


@get("/access", opt={"scope": ""}, sync_to_thread=True)
def show_access(request: Call, actor: FromQuery[str] = "") -> AccessView:
    """What I may do at the desk and see of the record now; with `actor`, what another actor may."""
    return _desk(request).show_access(request.user, actor)


@get("/access/state", opt={"scope": "read"}, sync_to_thread=True)
def access_state(request: Call) -> AccessReview:
    """What every actor could do now, without what they did."""
    return _desk(request).access_state(request.user)


@get("/access/review", opt={"scope": "read"}, sync_to_thread=True)
def review_access(request: Call) -> AccessReview:
    """What every actor could do now, and what use they made of it."""
    desk: UseDesk = request.app.state.desk
    return desk.review_access(request.user)


ACCESS_ROUTES: tuple[Any, ...] = (show_access, access_state)
"""Routes below `/v1/{tenant}` about entitlements."""

ACCESS_USE_ROUTES: tuple[Any, ...] = (review_access,)
"""Those of them that need the index."""
