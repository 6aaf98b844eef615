"""One reviewed statement is run in a transaction of its own: image, statement, image kept, commit.

What holds if we stop anywhere: before COMMIT is sent the database rolls back, whatever was recorded. Only a
connection lost at the COMMIT itself leaves it open whether the change is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from ...errors import GlasshatchError, Unavailable
from ...statements import Change
from .images import Bounds, Image, NoImage, finish, take_before
from .upstream import Upstream

WhenNot = Literal["refuse", "go on"]
SECONDS = 300
LIMITS = {"statement_timeout": f"{SECONDS}s", "lock_timeout": "30s"}
"""How long a reviewed statement may take, and wait for others."""


class Wish(msgspec.Struct, frozen=True):
    """An image is wanted: how much it may hold, and what is done where there can be none."""

    bounds: Bounds
    without: WhenNot


class Done(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        outcome: `unknown` only if the connection was lost at the commit.
        code: The SQLSTATE of what failed, or `image`.
        image: Whether one was taken and kept; `image_why` says why not.
    """

    outcome: Literal["success", "failure", "unknown"]
    code: str = ""
    reason: str = ""
    affected: int = 0
    imaged: int = 0
    image: bool = False
    image_why: str = ""


class _Failed(Exception):
    def __init__(self, done: Done) -> None:
        super().__init__(done.code)
        self.done = done


def run_statement(
    upstream: Upstream, text: str, change: Change | None, wish: Wish | None, keep: Callable[[Image], None]
) -> Done:
    """Run it, all or nothing.

    Args:
        wish: None if no image is wanted.
        keep: Makes an image durable; if it raises, nothing was changed.

    Raises:
        GlasshatchError: `keep` raised, or the connection was lost before the commit; nothing was changed.
    """
    level = "REPEATABLE READ" if wish else "READ COMMITTED"
    return _in_transaction(upstream, level, lambda: _changed(upstream, text, change, wish, keep))


def run_reversal(upstream: Upstream, statements: tuple[tuple[str, int], ...]) -> Done:
    """Run statements of the gateway's own making, each of which must change exactly so many rows, or none."""

    def changed() -> Done:
        upstream.query("SET LOCAL timezone = 'UTC'")
        affected = 0
        for text, rows in statements:
            answer = upstream.query(text, SECONDS)
            if answer.error:
                raise _Failed(_refused(answer.error))
            if answer.counts[-1] != rows:
                reason = "a row was changed or went since: nothing was undone"
                raise _Failed(Done("failure", "changed_since", reason))
            affected += rows
        return Done("success", affected=affected)

    return _in_transaction(upstream, "READ COMMITTED", changed)


def _in_transaction(upstream: Upstream, level: str, work: Callable[[], Done]) -> Done:
    begun = upstream.query(f"BEGIN ISOLATION LEVEL {level}, READ WRITE")
    if begun.error:
        return _refused(begun.error)
    try:
        done = work()
    except _Failed as failed:
        upstream.query("ROLLBACK")
        return failed.done
    try:
        committed = upstream.query("COMMIT", SECONDS)
    except GlasshatchError:
        return msgspec.structs.replace(
            done, outcome="unknown", reason="the connection was lost at the commit"
        )
    return _refused(committed.error) if committed.error else done


def _changed(
    upstream: Upstream, text: str, change: Change | None, wish: Wish | None, keep: Callable[[Image], None]
) -> Done:
    image = take_before(upstream, text, change, wish.bounds, SECONDS) if wish else None
    _require(image, wish)
    answer = upstream.query(text, SECONDS)
    if answer.error:
        raise _Failed(_refused(answer.error))
    if answer.status != "T":
        # It has ended its own transaction, which no statement that is reviewed may do.
        raise Unavailable("the statement ended the transaction it ran in")
    affected = sum(answer.counts)
    if isinstance(image, Image):
        image = finish(upstream, image, affected, SECONDS)
        _require(image, wish)
    if isinstance(image, Image):
        keep(image)
        return Done("success", affected=affected, imaged=len(image.rows), image=True)
    return Done("success", affected=affected, image_why=image.why if image else "")


def _require(image: Image | NoImage | None, wish: Wish | None) -> None:
    """Go on with an image, or without one where that is allowed and the transaction is still good."""
    if isinstance(image, NoImage) and wish and (wish.without == "refuse" or image.error):
        reason = f"no before-image can be taken: {image.why}"
        raise _Failed(Done("failure", image.error or "image", reason, image_why=image.why))


def _refused(code: str) -> Done:
    return Done("failure", code, f"the database refused it (SQLSTATE {code[:5]})")
