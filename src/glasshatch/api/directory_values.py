"""What client and server exchange about people whom a directory elsewhere keeps.

Times are decimal strings of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(max_length=256)]


class DirectoryUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the directory sees them."""

    id: str
    name: str
    external_id: str
    active: bool
    created: str
    changed: str


class DirectoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of them, and how many there are in all."""

    total: int
    users: list[DirectoryUser]


class DirectoryForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new person."""

    name: Name
    external_id: Name = ""
    active: bool = True


class DirectoryChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes different; None is left as it is."""

    active: bool | None = None
    external_id: Name | None = None
