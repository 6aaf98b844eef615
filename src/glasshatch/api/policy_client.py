"""The client's calls about policies."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .policy_values import Explained, ExplainForm, PolicyLoaded, Replayed, ReplayForm

T = TypeVar("T")


class PolicyCalls:
    """Mixed into `Client`, which knows how to ask."""

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        raise NotImplementedError

    def explain_policy(self, form: ExplainForm) -> list[Explained]:
        """What policy would say of statements, in their order."""
        return self._post("/policy/explain", form, list[Explained])

    def load_policy(self) -> PolicyLoaded:
        """Have the server look at its policy's files now."""
        return self._post("/policy/load", None, PolicyLoaded)

    def replay_policy(self, form: ReplayForm) -> Replayed:
        """One step of judging recorded decisions again; again from `positions` while there is `more`."""
        return self._post("/policy/replay", form, Replayed)
