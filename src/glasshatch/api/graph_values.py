"""What the API gives about sessions that belong together."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Form


class GraphForm(Form, frozen=True):
    """Around which session; how many links away at most, and how many sessions at most."""

    session: Annotated[str, msgspec.Meta(min_length=3, max_length=300)]
    hops: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


class GraphNode(msgspec.Struct, frozen=True, kw_only=True):
    """A session of any source, or what a service did within a trace; `hops` from the one that was asked for.

    first, last: nanoseconds. events: how many of it the caller may see.
    """

    id: str
    kind: Literal["session", "service"]
    source: str
    actor: str
    resource: str
    first: str
    last: str
    events: int
    hops: int


class GraphEdge(msgspec.Struct, frozen=True, kw_only=True):
    """Two that belong together, and by what; `inferred` where no key says so."""

    one: str
    other: str
    link: Literal["exact", "inferred"]
    why: str


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions that belong together, the one that was asked for first.

    `notice` says that a reason would show more.
    """

    session: str
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    truncated: bool = False
    notice: str = ""
