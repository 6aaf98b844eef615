"""Collects what a conversation wants done while it takes one input; neighbouring bytes become one write."""

from __future__ import annotations

from ...core import Effect, Send


class Outbox:
    """Effects in order. Bytes for the same side are joined; they never pass another effect but a record."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._client: list[bytes] = []
        self._upstream: list[bytes] = []
        self.muted = False
        """While set, what is said to the client is dropped."""

    def client(self, data: bytes) -> None:
        """Bytes for the client."""
        if not self.muted:
            self._client.append(data)

    def upstream(self, data: bytes) -> None:
        """Bytes for the database."""
        self._upstream.append(data)

    def add(self, effect: Effect) -> None:
        """Any effect that must come after the bytes collected so far."""
        self._flush()
        self._effects.append(effect)

    def aside(self, effect: Effect) -> None:
        """An effect whose order against bytes does not matter (a record, a question)."""
        self._effects.append(effect)

    def take(self) -> list[Effect]:
        """Everything collected since the last time."""
        self._flush()
        effects, self._effects = self._effects, []
        return effects

    def _flush(self) -> None:
        if self._upstream:
            self._effects.append(Send("upstream", b"".join(self._upstream)))
            self._upstream.clear()
        if self._client:
            self._effects.append(Send("client", b"".join(self._client)))
            self._client.clear()
