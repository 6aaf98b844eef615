"""The client's calls about people whom a directory keeps."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from .directory_values import DirectoryChange, DirectoryForm, DirectoryPage, DirectoryUser

T = TypeVar("T")


class DirectoryCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
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
