"""The client's calls about who may do and see what."""

from __future__ import annotations

from typing import Any, TypeVar

from .access_values import AccessReview, AccessView

T = TypeVar("T")


class AccessCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _get(self, path: str, answer: type[T], **query: Any) -> T:
        raise NotImplementedError

    def show_access(self, actor: str = "") -> AccessView:
        """What I, or another actor, may do at the desk and see of the record now."""
        return self._get("/access", AccessView, actor=actor)

    def access_state(self) -> AccessReview:
        """What every actor could do now, without what they did."""
        return self._get("/access/state", AccessReview)

    def review_access(self) -> AccessReview:
        """What every actor could do now, and what use they made of it."""
        return self._get("/access/review", AccessReview)
