"""What the routes for directories need of a desk."""

from __future__ import annotations

from typing import Protocol

from ..identity import Identity
from .directory_values import (
    DirectoryChange,
    DirectoryForm,
    DirectoryGroupView,
    DirectoryPage,
    DirectoryUser,
    GroupChange,
    GroupForm,
    GroupPage,
)


class DirectoryDesk(Protocol):
    """People, and groups of them, whom a directory elsewhere brings in and takes out."""

    def list_users(self, caller: Identity, name: str, start: int, count: int) -> DirectoryPage: ...
    def show_user(self, caller: Identity, user_id: str) -> DirectoryUser: ...
    def create_user(self, caller: Identity, form: DirectoryForm) -> DirectoryUser: ...
    def change_user(self, caller: Identity, user_id: str, form: DirectoryChange) -> DirectoryUser: ...
    def remove_user(self, caller: Identity, user_id: str) -> None: ...

    def list_groups(
        self, caller: Identity, name: str, external_id: str, start: int, count: int, members: bool
    ) -> GroupPage: ...
    def show_group(self, caller: Identity, group_id: str, members: bool) -> DirectoryGroupView: ...
    def create_group(self, caller: Identity, form: GroupForm) -> DirectoryGroupView: ...
    def change_group(self, caller: Identity, group_id: str, form: GroupChange) -> DirectoryGroupView:
        """The answer is without members."""

    def remove_group(self, caller: Identity, group_id: str) -> None: ...
