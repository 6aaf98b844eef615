"""Somebody who says why they ask."""

from __future__ import annotations

import msgspec

from .model import Identity

MAX_REASON_CHARACTERS = 500


class Reasoned(Identity, frozen=True, kw_only=True):
    """An identity with the reason that came along; it is recorded with what is done, redacted."""

    reason: str = ""


def reason_of(caller: Identity) -> str:
    """Why they ask; empty if they did not say."""
    return caller.reason if isinstance(caller, Reasoned) else ""


def identity_of(caller: Identity) -> Identity:
    """Who it is, and nothing else: equal for everything that this identity asks."""
    members = {name: getattr(caller, name) for name in Identity.__struct_fields__}
    return caller if type(caller) is Identity else Identity(**members)


def with_reason(caller: Identity, reason: str) -> Identity:
    """The same caller, with a reason."""
    if not reason:
        return caller
    if isinstance(caller, Reasoned):
        return msgspec.structs.replace(caller, reason=reason)
    return Reasoned(**msgspec.structs.asdict(caller), reason=reason)
