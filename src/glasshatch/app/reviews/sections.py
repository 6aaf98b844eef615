"""Who must approve what, who is on call, and who is told, as the configuration says it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

_Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]
_Approver = Annotated[str, msgspec.Meta(pattern=r"^(role|actor|oncall):[a-z][a-z0-9._@-]{0,62}$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key in it is refused."""


class ReviewSection(_Section, frozen=True):
    """How requests are judged; of several that fit, the first one holds.

    resource: a pattern of `type/name`. kind: session, statement, reveal or erase; empty for all. verbs: only
    requests for one of them; empty for all. approvers: who may judge: `role:NAME`, `actor:NAME` or
    `oncall:NAME`; empty for the role approver. approvals: how many people must say yes. reason_characters:
    the least length of a reason. ticket: a regular expression that the whole ticket must match; empty for
    none needed. wait: how long a request may wait, after which it counts as denied. longest: the longest
    grant. hold: how long a statement may wait in its session, as in `10m`; empty to refuse it at once.
    """

    resource: str = "*"
    kind: Literal["", "session", "statement", "reveal", "erase"] = ""
    verbs: tuple[str, ...] = ()
    approvers: tuple[_Approver, ...] = ()
    approvals: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    reason_characters: Annotated[int, msgspec.Meta(ge=5, le=2_000)] = 5
    ticket: str = ""
    wait: _Duration = "24h"
    longest: _Duration = "12h"
    hold: Literal[""] | _Duration = ""


class OncallSection(_Section, frozen=True):
    """A schedule; the table's name is what `oncall:NAME` means.

    schedule: a file, or an https address: JSON with `shifts` of `who`, `from`, `until`, or `rotation` of
    `people`, `start` and `every`; or a calendar (iCalendar). people: actors by what a calendar calls them: an
    attendee's address or name, or a summary. every: how often an address is read again. stale: a schedule
    that could not be read for so long names nobody.
    """

    schedule: str
    people: dict[str, str] = {}
    every: _Duration = "5m"
    stale: _Duration = "24h"


class NotifySection(_Section, frozen=True):
    """A way to tell people of requests that wait and of break-glass; the table's name is the channel's.

    type: webhook, signed JSON to an https address; or apprise (`pip install 'glasshatch[notify]'`), which
    reaches Slack, Teams, e-mail and many more. url: the address; for apprise, which has its secrets in it,
    `env:NAME` or `file:PATH`. secret: signs a webhook's deliveries. kinds: what of it. page: where the page
    is reached, as in `https://hatch.example.com`: then each of those who may judge has a link of their own.
    """

    type: Literal["webhook", "apprise"]
    url: str
    secret: str = ""
    kinds: tuple[Literal["request", "break-glass"], ...] = ("request", "break-glass")
    page: str = ""
