"""What client and server exchange about pruning; no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from ..events import DEFAULT_LEDGER


class PruneForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let old entries of a ledger go.

    before: nanoseconds, or empty for the policy; dry_run: only say what would go.
    """

    ledger: str = DEFAULT_LEDGER
    reason: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    before: str = ""
    dry_run: bool = False


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """One step of pruning a ledger: what went, and from which index on entries are kept.

    since, until: when the oldest and the newest of them were recorded; entry: the one that records the
    pruning, -1 if none was; more: there is more to prune in a next step; stopped: why not, in words.
    """

    minimum: int
    packs: int
    entries: int
    bytes: int
    since: str
    until: str
    more: bool
    stopped: str
    entry: int = -1
