"""What the API needs of feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..identity import Identity
from .feed_values import SourceView
from .values import IntakeResult


class FeedDesk(Protocol):
    """Taking events of other systems in."""

    def ingest(
        self,
        caller: Identity,
        source: str,
        name: str,
        body: bytes,
        encoding: str = "",
        file: str = "",
        line: int = 0,
        options: Sequence[str] = (),
    ) -> IntakeResult:
        """Take a delivery of source kind `source` (as in `json`), from the instance `name`.

        Args:
            encoding: Of the body: nothing, `gzip` or `zstd`.
            file, line: Where the body's first line stands, if it comes out of a file.
            options: What the source must know of the form, each `name=value`.
        """

    def list_sources(self, caller: Identity) -> list[SourceView]:
        """Every feed that ever delivered, and how it is doing."""
