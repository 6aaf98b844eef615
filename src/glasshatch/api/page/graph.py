"""Sessions that belong together, as a drawing and as tables: one column for each step away."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery

from ...errors import ConfigError
from ..graph_values import Graph, GraphForm, GraphNode
from .render import html, page
from .visit import Call, desk_of

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 190, 54, 110, 18, 8


@page("/graph")
def graph(request: Call, session: FromQuery[str] = "", hops: FromQuery[int] = 2) -> Response[str]:
    """What belongs together with one session."""
    try:
        form = msgspec.convert({"session": session, "hops": hops}, GraphForm)
        found = desk_of(request).graph(request.user.caller, form)
    except (ConfigError, msgspec.ValidationError):
        raise NotFoundException from None
    return html(request, "graph.html", current="sessions", found=found, drawn=drawing(found), hops=hops)


def drawing(found: Graph) -> dict[str, Any]:
    """Boxes and lines with their places; the same for the same graph."""
    columns: dict[int, list[GraphNode]] = {}
    for node in found.nodes:
        columns.setdefault(node.hops, []).append(node)
    places = {
        node.id: (_EDGE + hops * (_WIDTH + _GAP_X), _EDGE + turn * (_HEIGHT + _GAP_Y))
        for hops, nodes in columns.items()
        for turn, node in enumerate(nodes)
    }
    return {
        # Room for the lines within the last column, too.
        "width": 2 * _EDGE + max(x for x, _ in places.values()) + _WIDTH + _GAP_X // 2,
        "height": 2 * _EDGE + max(y for _, y in places.values()) + _HEIGHT,
        "box": (_WIDTH, _HEIGHT),
        "nodes": [(node, *_words(node), *places[node.id]) for node in found.nodes],
        "edges": [(edge, _line(places[edge.one], places[edge.other])) for edge in found.edges],
    }


def _words(node: GraphNode) -> tuple[str, str]:
    """The two lines in a box: who or what, and where."""
    if node.kind == "service":
        return node.source, "trace " + node.id.rpartition("#")[2][:16]
    return node.actor or node.id, node.resource or node.source


def _line(one: tuple[int, int], other: tuple[int, int]) -> str:
    """From the side of one box to the side of the other; within a column around its right side."""
    (x, y), (to_x, to_y) = sorted((one, other))
    y, to_y = y + _HEIGHT // 2, to_y + _HEIGHT // 2
    if x == to_x:
        side = x + _WIDTH
        return f"M{side} {y}C{side + 40} {y} {side + 40} {to_y} {side} {to_y}"
    begin, middle = x + _WIDTH, (x + _WIDTH + to_x) // 2
    return f"M{begin} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}"
