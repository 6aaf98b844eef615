"""The client's calls about people whom a directory keeps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

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

T = TypeVar("T")
_LONG_SECONDS: Final = 300.0
"""What changes for thousands of people is recorded for each of them."""


class DirectoryCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def _patience(self, seconds: float) -> AbstractContextManager[None]:
        raise NotImplementedError

    def list_users(self, name: str = "", start: int = 0, count: int = 100) -> DirectoryPage:
        """The people of the directory, or the one of a name."""
        return self._get("/directory", DirectoryPage, name=name, start=start, count=count)

    def create_user(self, form: DirectoryForm) -> DirectoryUser:
        """Bring somebody in."""
        return self._post("/directory", form, DirectoryUser)

    def show_user(self, user_id: str) -> DirectoryUser:
        """One person."""
        return self._get(f"/directory/{quote(user_id, safe='')}", DirectoryUser)

    def change_user(self, user_id: str, form: DirectoryChange) -> DirectoryUser:
        """Change one."""
        return self._post(f"/directory/{quote(user_id, safe='')}", form, DirectoryUser)

    def remove_user(self, user_id: str) -> None:
        """Take one out for good."""
        self._post(f"/directory/{quote(user_id, safe='')}/remove", None, type(None))

    def list_groups(
        self, name: str = "", external_id: str = "", start: int = 0, count: int = 100, members: bool = False
    ) -> GroupPage:
        """The groups of the directory, or the one of a name or external id."""
        return self._get(
            "/directory-groups", GroupPage, name=name, external_id=external_id, start=start, count=count,
            members=str(members).lower(),
        )  # fmt: skip

    def show_group(self, group_id: str, members: bool = True) -> DirectoryGroupView:
        """One group."""
        place = f"/directory-groups/{quote(group_id, safe='')}"
        return self._get(place, DirectoryGroupView, members=str(members).lower())

    def create_group(self, form: GroupForm) -> DirectoryGroupView:
        """Make a group."""
        with self._patience(_LONG_SECONDS):
            return self._post("/directory-groups", form, DirectoryGroupView)

    def change_group(self, group_id: str, form: GroupChange) -> DirectoryGroupView:
        """Change one, or who is in it."""
        with self._patience(_LONG_SECONDS):
            return self._post(f"/directory-groups/{quote(group_id, safe='')}", form, DirectoryGroupView)

    def remove_group(self, group_id: str) -> None:
        """Take one away; its members stay."""
        with self._patience(_LONG_SECONDS):
            self._post(f"/directory-groups/{quote(group_id, safe='')}/remove", None, type(None))
