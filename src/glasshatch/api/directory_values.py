"""What client and server exchange about people whom a directory elsewhere keeps.

Times are decimal strings of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Name = Annotated[str, msgspec.Meta(max_length=256)]


class GroupRef(msgspec.Struct, frozen=True, kw_only=True):
    """A group by id and name."""

    id: str
    name: str


class DirectoryUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the directory sees them."""

    id: str
    name: str
    external_id: str
    active: bool
    created: str
    changed: str
    groups: tuple[GroupRef, ...] = ()
    """Only where one person is shown."""


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


MOST_MEMBERS = 20_000
"""So many people one call may name."""

MOST_BYTES = 8 << 20
Members = Annotated[tuple[Name, ...], msgspec.Meta(max_length=MOST_MEMBERS)]


class DirectoryGroupView(msgspec.Struct, frozen=True, kw_only=True):
    """A group, with the ids of its members if they were asked for."""

    id: str
    name: str
    external_id: str
    created: str
    changed: str
    members: tuple[str, ...] = ()


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of them, and how many there are in all."""

    total: int
    groups: list[DirectoryGroupView]


class GroupForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new group."""

    name: Name
    external_id: Name = ""
    members: Members = ()


class GroupChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes different; None is left as it is. members: exactly these, before `add` and `remove`."""

    name: Name | None = None
    external_id: Name | None = None
    members: Members | None = None
    add: Members = ()
    remove: Members = ()
