"""What client and server exchange about policies; no server dependency here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Form

_MOST_ASKS = 1_000


class PolicyFile(Form, frozen=True):
    """One `.cedar` file: its name and its text."""

    name: Annotated[str, msgspec.Meta(max_length=255)]
    text: Annotated[str, msgspec.Meta(max_length=1 << 20)]


class PolicyText(Form, frozen=True):
    """A policy set that the caller has and the server has not; without files, a shipped set by its name."""

    name: Annotated[str, msgspec.Meta(max_length=255)]
    files: Annotated[tuple[PolicyFile, ...], msgspec.Meta(max_length=200)] = ()


class AskForm(Form, frozen=True):
    """One statement to be judged. It is neither recorded nor shown in a representation."""

    kind: Annotated[str, msgspec.Meta(max_length=40)]
    statement: Annotated[str, msgspec.Meta(max_length=16 << 20)]

    def __repr__(self) -> str:
        return f"AskForm(kind={self.kind!r})"


class ExplainForm(Form, frozen=True):
    """What would policy say? actor: by name, with the grants of now; the caller if empty. resource: as in
    `postgres/orders`. policy: another one than the one in force."""

    asks: Annotated[tuple[AskForm, ...], msgspec.Meta(min_length=1, max_length=_MOST_ASKS)]
    actor: str = ""
    resource: str = ""
    policy: PolicyText | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What policy says of one statement, why, and what was understood of it. Holds none of its values."""

    effect: Literal["allow", "deny", "review"]
    rule: str
    reason: str
    kind: str = ""
    verbs: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    grant_id: str = ""
    actor: str = ""
    resource: str = ""
    policy: str = ""
    policy_hash: str = ""


class PolicyLoaded(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force after a look at its files; `changed` says whether that look changed it."""

    name: str
    hash: str
    before: str
    changed: bool
    rules: int


class ReplayForm(Form, frozen=True):
    """Judge again what is recorded. since, until: nanoseconds, until exclusive; policy: the one to judge
    by, the one in force if there is none. positions: where to go on in each ledger, out of the answer before.
    """

    policy: PolicyText | None = None
    since: str = ""
    until: str = ""
    positions: dict[str, int] = msgspec.field(default_factory=dict)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions of one actor that would come out otherwise, in the same way; `events` names some of them."""

    actor: str
    resource: str
    was_effect: str
    was_rule: str
    effect: str
    rule: str
    count: int
    events: tuple[str, ...]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a replay. done, total: entries read, and all there are; judged: decisions judged again.

    uncertain: among them, those of which the record does not hold all that this policy asks about, by why.
    skipped: decisions that no policy made or that cannot be judged again, by why.
    """

    policy: str
    policy_hash: str
    positions: dict[str, int]
    done: int
    total: int
    more: bool
    judged: int
    uncertain: dict[str, int]
    skipped: dict[str, int]
    differences: tuple[Difference, ...]
