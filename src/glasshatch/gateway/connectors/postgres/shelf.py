"""What the sessions of one resource share: the newest snapshot of its catalogue, and known texts."""

from __future__ import annotations

from collections.abc import Hashable

from ...core import Alone, Siblings
from .answers import ColumnShape, read_shape
from .catalogue import Catalogue
from .knowing import Known

_SHAPES, _SHAPE_BYTES = 512, 4_096
_ACTORS = 4_096


class Shelf:
    """Where the sessions of one resource keep the newest snapshot. It lives as long as the server does.

    Args:
        max_age_ns: A snapshot older than this is read anew by the next session that is free.
        siblings: Their sessions change tables too.
    """

    def __init__(self, max_age_ns: int, siblings: Siblings | None = None) -> None:
        self._max_age_ns = max_age_ns
        self._siblings: Siblings = siblings or Alone()
        self._read_at_ns = 0
        self._claimed_at_ns = 0
        self._changes = 0
        self._read_for = -1
        self.catalogue: Catalogue | None = None
        self.known = Known()
        self._shapes: dict[bytes, tuple[ColumnShape, ...]] = {}
        self._actors: dict[Hashable, object] = {}

    @property
    def doubtful(self) -> bool:
        """Whether a table may have changed since the snapshot was read."""
        return self.catalogue is None or self._read_for != self.begin()

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
        self._changes += 1
        self._siblings.tell_table_change()

    def wants_reading(self, now_ns: int) -> bool:
        """Whether the asking session should read now; of an aged snapshot only one is told so."""
        if self.doubtful:
            return True
        if now_ns - max(self._read_at_ns, self._claimed_at_ns) < self._max_age_ns:
            return False
        self._claimed_at_ns = now_ns
        return True

    def holds(self, now_ns: int) -> bool:
        """Whether the snapshot may be relied on and is not aged; if not, ask `wants_reading`."""
        return (
            self._read_for == self._changes + self._siblings.table_changes()
            and now_ns - self._read_at_ns < self._max_age_ns
            and self.catalogue is not None
        )

    def who(self, actor: Hashable) -> object:
        """One thing for equal actors, told apart by identity: cheap to look up by."""
        if len(self._actors) > _ACTORS:
            self._actors.clear()
        return self._actors.setdefault(actor, object())

    def begin(self) -> int:
        """Mark the start of a reading; what is invalidated after it stays invalid."""
        return self._changes + self._siblings.table_changes()

    def put(self, catalogue: Catalogue, begun: int, now_ns: int) -> None:
        """Offer a snapshot whose reading began at `begun`."""
        self.catalogue = catalogue
        self._read_at_ns = now_ns
        self._read_for = begun
