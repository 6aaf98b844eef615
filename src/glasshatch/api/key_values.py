"""What is said of keys over the API: never a secret half."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class KeyView(msgspec.Struct, frozen=True):
    """What may be known of a key. `state`: in use, kept (older and still needed), retired or pending.

    `ledger` is empty for the tenant's own keys, `since` (nanoseconds) for a first key, `public` (the key as
    name+hash+base64) for all but signing keys.
    """

    kind: str
    id: str
    ledger: str
    epoch: int
    state: str
    since: str
    public: str = ""


class RotateForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which key to change and why; with `now` older signing keys sign nothing any more."""

    kind: Literal["data", "signing", "token", "control"]
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]
    ledger: str = "default"
    now: bool = False


class RetireForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The id of an older signing key, and why it shall sign no more."""

    key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=2_000)]


class KeysText(msgspec.Struct, frozen=True):
    """A ledger's public keys, one to a line, the newest last, and the statements that link them."""

    text: str
