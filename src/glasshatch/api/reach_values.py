"""What the API says about reaching a resource: what the caller may do there and why, and a way in."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Form

WayState = Literal["allowed", "request", "review", "refused"]


class Way(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some verbs, and how the caller comes to use them.

    state: allowed now; request, a grant is needed and could be given; review, a person looks at each
    statement; refused, no grant lifts it. rule, reason: policy's own. grant_id, approvers, until: the grant
    that it rests on, if it does.
    """

    verbs: tuple[str, ...]
    state: WayState
    rule: str
    reason: str
    grant_id: str = ""
    approvers: tuple[str, ...] = ()
    until: str = ""


class Reachable(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as the caller stands to it. open: whether a session may be opened there; rule and reason
    say why, or why not."""

    resource: str
    env: str
    open: bool
    rule: str
    reason: str
    ways: tuple[Way, ...] = ()


class ConnectForm(Form, frozen=True):
    """A wish for a fresh token that opens one resource, for a short time."""

    lifetime_s: Annotated[int, msgspec.Meta(ge=10, le=12 * 3_600)] = 900


class WayIn(msgspec.Struct, frozen=True, kw_only=True):
    """Where a client connects, as whom, and the token that is its password.

    host is empty where the gateway listens on every address: then it is the host that the server was
    reached by. tls_ca: the PEM text of the certificate that signs the gateway's, if the server has it;
    tls_names: the names that the gateway's certificate is for; both are empty without TLS.
    expires: nanoseconds; the token ends then, an open session does not.
    """

    resource: str
    kind: str
    host: str
    port: int
    database: str
    user: str
    token: str
    token_id: str
    expires: str
    tls: bool
    tls_ca: str = ""
    tls_names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"WayIn({self.resource!r}, token_id={self.token_id!r})"
