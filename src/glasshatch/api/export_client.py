"""The client's calls about exports."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import quote

import msgspec

from ..errors import PeerError
from .answers import Problem, raised
from .export_values import (
    Exported,
    ExportEnd,
    ExportForm,
    ExportHead,
    ExportReset,
    ExportResetForm,
    ExportView,
)
from .values import RecordedEvent

T = TypeVar("T")
_BROKEN_OFF = "the export broke off"


class ExportCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _stream(self, path: str, form: object) -> http.client.HTTPResponse:
        raise NotImplementedError

    def list_exports(self) -> list[ExportView]:
        """Every export of the configuration, and how it is doing."""
        return self._get("/exports", list[ExportView])

    def reset_export(self, name: str, form: ExportResetForm) -> ExportReset:
        """Let an export go on from another entry."""
        return self._post(f"/exports/{quote(name, safe='')}/reset", form, ExportReset)

    def export_events(self, form: ExportForm) -> Exported:
        """Take events out, all that match."""
        response = self._stream("/export", form)
        head = _decoded(response.readline(), ExportHead)
        return Exported(head.count, _events(response))


def _events(response: http.client.HTTPResponse) -> Iterator[RecordedEvent]:
    """The events of an answer; raises if it ends before it says that it is whole."""
    count = 0
    while line := _line(response):
        if line.startswith(b'{"end"'):
            if _decoded(line, ExportEnd).end != count:
                raise PeerError(_BROKEN_OFF)
            return
        if line.startswith(b'{"code"'):
            raise raised(_decoded(line, Problem))
        yield _decoded(line, RecordedEvent)
        count += 1
    raise PeerError(_BROKEN_OFF, hint="try again")


def _line(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.readline()
    except (OSError, http.client.HTTPException):
        raise PeerError(_BROKEN_OFF, hint="try again") from None


def _decoded(line: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise PeerError("the server's answer is not what this version understands") from None
