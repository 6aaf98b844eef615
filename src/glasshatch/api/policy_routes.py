"""The routes of policies. Statements and texts travel in bodies, not in addresses, which end up in logs."""

from __future__ import annotations

from typing import Any

from litestar import post
from litestar.params import JSONBody

from .policy_values import Explained, ExplainForm, PolicyLoaded, Replayed, ReplayForm
from .ports import PolicyDesk
from .routes import Call

# A policy of many files, or some hundred statements; the largest one that is understood has 1 MiB.
_MOST_BYTES = 8 << 20


def _desk(request: Call) -> PolicyDesk:
    desk: PolicyDesk = request.app.state.desk
    return desk


@post(
    "/policy/explain", opt={"scope": "request"}, sync_to_thread=True, status_code=200,
    request_max_body_size=_MOST_BYTES,
)  # fmt: skip
def explain_policy(request: Call, data: JSONBody[ExplainForm]) -> list[Explained]:
    """What policy would say of statements, in their order; nothing runs and none of them is recorded."""
    return _desk(request).explain_policy(request.user, data)


@post("/policy/load", opt={"scope": "admin"}, sync_to_thread=True, status_code=200)
def load_policy(request: Call) -> PolicyLoaded:
    """Look at the files of the policy now; a broken text is refused and what is in force stays."""
    return _desk(request).load_policy(request.user)


@post(
    "/policy/replay", opt={"scope": "read"}, sync_to_thread=True, status_code=200,
    request_max_body_size=_MOST_BYTES,
)  # fmt: skip
def replay_policy(request: Call, data: JSONBody[ReplayForm]) -> Replayed:
    """One step of judging recorded decisions again, by a policy that may not be in force; auditors only."""
    return _desk(request).replay_policy(request.user, data)


POLICY_ROUTES: tuple[Any, ...] = (explain_policy, load_policy, replay_policy)
"""Routes below `/v1/{tenant}` about policies."""
