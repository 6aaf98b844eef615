"""The routes about break-glass."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody

from .breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView
from .ports import BreakGlassDesk
from .routes import Call


def _desk(request: Call) -> BreakGlassDesk:
    desk: BreakGlassDesk = request.app.state.desk
    return desk


@post("/break-glass", opt={"scope": "admin"}, sync_to_thread=True)
def print_sheets(request: Call, data: JSONBody[PrintForm]) -> list[SheetPrinted]:
    """Print sheets for one holder; their texts are in this answer and never again."""
    return _desk(request).print_sheets(request.user, data)


@get("/break-glass", opt={"scope": "request"}, sync_to_thread=True)
def list_sheets(request: Call) -> list[SheetView]:
    """The sheets that the caller may see, and what became of them."""
    return _desk(request).list_sheets(request.user)


@post("/break-glass/{number:int}/revoke", opt={"scope": "request"}, sync_to_thread=True, status_code=200)
def revoke_sheet(request: Call, number: FromPath[int]) -> SheetView:
    """A sheet opens nothing any more."""
    return _desk(request).revoke_sheet(request.user, number)


@post("/break-glass/{number:int}/review", opt={"scope": "review"}, sync_to_thread=True, status_code=200)
def review_sheet(request: Call, number: FromPath[int], data: JSONBody[SheetReview]) -> SheetView:
    """Say whether a use was justified; its holder may then use another sheet."""
    return _desk(request).review_sheet(request.user, number, data)


BREAK_GLASS_ROUTES: tuple[Any, ...] = (print_sheets, list_sheets, revoke_sheet, review_sheet)
"""Routes below `/v1/{tenant}` about break-glass."""
