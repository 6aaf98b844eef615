"""What the sessions of one resource share: the newest snapshot of its catalogue, and known texts."""

from __future__ import annotations

from .answers import ColumnShape, read_shape
from .catalogue import Catalogue
from .knowing import Known

_SHAPES, _SHAPE_BYTES = 512, 4_096


class Shelf:
    """Where the sessions of one resource keep the newest snapshot. It lives as long as the server does.

    Args:
        max_age_ns: A snapshot older than this is read anew by the next session that is free.
    """

    def __init__(self, max_age_ns: int) -> None:
        self._max_age_ns = max_age_ns
        self._read_at_ns = 0
        self._claimed_at_ns = 0
        self._invalid = True
        self._generation = 0
        self.catalogue: Catalogue | None = None
        self.known = Known()
        self._shapes: dict[bytes, tuple[ColumnShape, ...]] = {}

    @property
    def doubtful(self) -> bool:
        """Whether a table may have changed since the snapshot was read."""
        return self._invalid or self.catalogue is None

    def shape(self, body: bytes) -> tuple[ColumnShape, ...]:
        """As `read_shape`; the same answers come again and again."""
        held = self._shapes.get(body)
        if held is None:
            held = read_shape(body)
            if len(body) <= _SHAPE_BYTES:
                if len(self._shapes) >= _SHAPES:
                    self._shapes.clear()
                self._shapes[body] = held
        return held

    def invalidate(self) -> None:
        """Something was created or changed: nobody may rely on the snapshot."""
        self._invalid = True
        self._generation += 1

    def wants_reading(self, now_ns: int) -> bool:
        """Whether the asking session should read now; of an aged snapshot only one is told so."""
        if self.doubtful:
            return True
        if now_ns - max(self._read_at_ns, self._claimed_at_ns) < self._max_age_ns:
            return False
        self._claimed_at_ns = now_ns
        return True

    def begin(self) -> int:
        """Mark the start of a reading; what is invalidated after it stays invalid."""
        return self._generation

    def put(self, catalogue: Catalogue, begun: int, now_ns: int) -> None:
        """Offer a snapshot whose reading began at `begun`."""
        self.catalogue = catalogue
        self._read_at_ns = now_ns
        if begun == self._generation:
            self._invalid = False
