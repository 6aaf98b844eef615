"""The client's calls about the feeds of other systems."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

from .feed_values import SourceView
from .values import IntakeResult

T = TypeVar("T")


class FeedCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _open(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        raise NotImplementedError

    def _answer(self, response: http.client.HTTPResponse, answer: type[T]) -> T:
        raise NotImplementedError

    def ingest(
        self,
        source: str,
        name: str,
        body: bytes,
        encoding: str = "",
        file: str = "",
        line: int = 0,
        options: Sequence[str] = (),
    ) -> IntakeResult:
        """Deliver events of a source; every one is durable or quarantined when this returns."""
        headers = {"Content-Type": "application/x-ndjson"}
        if encoding:
            headers["Content-Encoding"] = encoding
        asked = [("file", file), ("line", str(line))] if line else []
        asked += [("option", one) for one in options]
        path = f"/v1/sources/{quote(source, safe='')}/{quote(name or 'default', safe='')}"
        response = self._open("POST", f"{path}?{urlencode(asked)}" if asked else path, body, headers)
        return self._answer(response, IntakeResult)

    def list_sources(self) -> list[SourceView]:
        """Every feed that ever delivered, and how it is doing."""
        return self._get("/sources", list[SourceView])
