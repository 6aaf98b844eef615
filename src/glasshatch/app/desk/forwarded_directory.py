"""A directory's people and groups at the back: the front keeps them."""

from __future__ import annotations

import contextlib

from ...api.client import Client
from ...api.directory_values import (
    DirectoryChange,
    DirectoryForm,
    DirectoryGroupView,
    DirectoryPage,
    DirectoryUser,
    GroupChange,
    GroupForm,
    GroupPage,
)
from ...identity import Identity


class ForwardedDirectory:
    """Mixed into `ForwardedPart`, which knows the front."""

    def _front(self, caller: Identity, address: str = "") -> contextlib.AbstractContextManager[Client]:
        raise NotImplementedError

    def list_users(self, caller: Identity, name: str, start: int, count: int) -> DirectoryPage:
        with self._front(caller) as front:
            return front.list_users(name, start, count)

    def show_user(self, caller: Identity, user_id: str) -> DirectoryUser:
        with self._front(caller) as front:
            return front.show_user(user_id)

    def create_user(self, caller: Identity, form: DirectoryForm) -> DirectoryUser:
        with self._front(caller) as front:
            return front.create_user(form)

    def change_user(self, caller: Identity, user_id: str, form: DirectoryChange) -> DirectoryUser:
        with self._front(caller) as front:
            return front.change_user(user_id, form)

    def remove_user(self, caller: Identity, user_id: str) -> None:
        with self._front(caller) as front:
            front.remove_user(user_id)

    def list_groups(
        self, caller: Identity, name: str, external_id: str, start: int, count: int, members: bool
    ) -> GroupPage:
        with self._front(caller) as front:
            return front.list_groups(name, external_id, start, count, members)

    def show_group(self, caller: Identity, group_id: str, members: bool) -> DirectoryGroupView:
        with self._front(caller) as front:
            return front.show_group(group_id, members)

    def create_group(self, caller: Identity, form: GroupForm) -> DirectoryGroupView:
        with self._front(caller) as front:
            return front.create_group(form)

    def change_group(self, caller: Identity, group_id: str, form: GroupChange) -> DirectoryGroupView:
        with self._front(caller) as front:
            return front.change_group(group_id, form)

    def remove_group(self, caller: Identity, group_id: str) -> None:
        with self._front(caller) as front:
            front.remove_group(group_id)
