"""Schedules behind addresses are read again beside the server's work."""

from __future__ import annotations

import asyncio

from .rules import ReviewRules

_LOOK_SECONDS = 5.0


async def keep_schedules(rules: ReviewRules) -> None:
    """Read them when they are due, until cancelled; one that cannot be read is tried again."""
    while rules.oncall.has_addresses:
        await asyncio.to_thread(rules.oncall.refresh)
        await asyncio.sleep(_LOOK_SECONDS)
