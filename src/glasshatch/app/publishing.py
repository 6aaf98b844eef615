"""The ledger for outsiders, as the configuration says it: tiles, witnesses, anchors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

_Seconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]


class TlogSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ledger for outsiders: tiles over HTTP, and how often witnesses are asked.

    access: who may read checkpoint and hash tiles; token takes an access token, public nothing. Entries
    always take an auditor's token. quorum: how many witnesses must have cosigned a checkpoint before it
    counts as witnessed, 0 for all. every_seconds: the least time between two checkpoints shown to a witness.
    """

    access: Literal["token", "public"] = "token"
    quorum: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    every_seconds: _Seconds = 1


class WitnessSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A witness that is shown new checkpoints.

    url: its address. key: its public key, `name+hash+base64`.
    """

    url: str
    key: str


class AnchorSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A place elsewhere that keeps checkpoints.

    type: file or git. path: the file, or the repository. every_seconds: the least time between two.
    """

    type: str
    path: str
    every_seconds: _Seconds = 60
