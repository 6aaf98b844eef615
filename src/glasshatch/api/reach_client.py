"""The client's calls about reaching resources."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ..errors import ConfigError
from .reach_values import ConnectForm, Reachable, WayIn

T = TypeVar("T")


class ReachCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        raise NotImplementedError

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def list_resources(self) -> list[Reachable]:
        """Every resource, and how the caller stands to it."""
        return self._get("/resources", list[Reachable])

    def connect(self, resource: str, form: ConnectForm) -> WayIn:
        """A way in to one resource, with a fresh token."""
        kind, slash, name = resource.partition("/")
        if not (slash and all(part.replace("-", "").replace("_", "").isalnum() for part in (kind, name))):
            raise ConfigError("is no resource", key="RESOURCE", hint="for example postgres/orders")
        return self._post(f"/connect/{kind}/{name}", form, WayIn)
