"""Where a search goes on: pages that neither repeat nor leave out an event while others are recorded."""

from __future__ import annotations

import base64
import hashlib

import msgspec

from ..errors import ConfigError
from .query.sql import Parameter

_MAX_CHARACTERS = 16_384


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The end of a page, in the order of pages, and what the first page saw.

    Attributes:
        question: Which question this is a page of.
        now_ns: What `now` meant on the first page.
        count: How many matched then.
        time, ledger, index: The page's last event.
        seen: Of each ledger the entry that was wanted next: what came later is on no page.
    """

    question: str
    now_ns: int
    count: int
    time: int
    ledger: str
    index: int
    seen: dict[str, int]

    def written(self) -> str:
        """As a caller carries it; says nothing that its holder was not shown."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    def condition(self, oldest_first: bool, bound: dict[str, Parameter]) -> str:
        """Matches behind this place that the first page could see; binds parameters."""
        side = ">" if oldest_first else "<"
        bound |= {"last_time": self.time, "last_ledger": self.ledger, "last_index": self.index}
        seen = []
        for number, (ledger, mark) in enumerate(self.seen.items()):
            bound |= {f"seen_in{number}": ledger, f"seen{number}": mark}
            seen.append(f"(ledger = {{seen_in{number}:String}} AND `index` < {{seen{number}:Int64}})")
        behind = "({last_time:Int64}, {last_ledger:String}, {last_index:Int64})"
        # The time alone as well: by it the table is read from the right place on.
        return (
            f"time {side}= {{last_time:Int64}} AND (time, ledger, `index`) {side} {behind}"
            f" AND ({' OR '.join(seen) or '0'})"
        )


def question_of(*parts: object) -> str:
    """A short name for a question, to know its pages by."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def read_cursor(text: str, question: str) -> Cursor:
    """A cursor as it was handed out.

    Raises:
        ConfigError: It is none, or of another question.
    """
    try:
        if len(text) > _MAX_CHARACTERS:
            raise ValueError
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = msgspec.msgpack.decode(data, type=Cursor)
        if not all(0 <= one < 2**63 for one in (found.now_ns, found.time, found.index, *found.seen.values())):
            raise ValueError
    except (ValueError, msgspec.DecodeError):
        raise ConfigError(
            "the cursor is not understood", key="cursor", hint="give the `next` of the page before, as it is"
        ) from None
    if found.question != question:
        raise ConfigError(
            "the cursor is of another question", key="cursor",
            hint="ask the same query, times and order as for the first page",
        )  # fmt: skip
    return found
