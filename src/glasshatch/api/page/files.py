"""The page's own files: style, script, icon. Their addresses change when they do."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from .headers import HEADERS

_KINDS: Final = {"style.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@get("/static/{name:str}", opt={"anyone": True}, sync_to_thread=False)
def file(name: FromPath[str]) -> Response[bytes]:
    """A file of the page's own."""
    if name not in _KINDS:
        raise NotFoundException
    return Response(_data(name), media_type=_KINDS[name], headers=HEADERS | _FOREVER)


def address(name: str) -> str:
    """Where a file is, by its content."""
    return f"/static/{name}?{hashlib.sha256(_data(name)).hexdigest()[:12]}"


@functools.cache
def _data(name: str) -> bytes:
    return importlib.resources.files(__package__).joinpath("static", name).read_bytes()
