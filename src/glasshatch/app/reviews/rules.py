"""Which rule a request falls under, whether it is acceptable there, and who may judge it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...clock import Clock
from ...errors import ConfigError, Denied
from ...identity import Identity
from .oncall import Oncall, Place, check_place
from .sections import OncallSection, ReviewSection

if TYPE_CHECKING:
    from ...policy import GrantLimits
    from ..config import LoadedConfig

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_USUAL = ("role:approver",)
_NAMED = 5
_HELD_REASON = 40


class ReviewRules:
    """The rules of a configuration, and who is on call now.

    Who may judge is looked up when somebody does: a group that has changed since a request was made is asked
    as it is now. How many approvals it takes is written into the request when it is made.
    """

    def __init__(self, loaded: LoadedConfig, clock: Clock) -> None:
        """Raises `ConfigError` for a rule that could never be met, or would mean nothing."""
        config, file = loaded.config, str(loaded.file)
        self.sections = config.reviews
        self.oncall = Oncall(
            {name: _source(loaded, section) for name, section in config.oncall.items()}, clock
        )
        for section in self.sections:
            _check(section, config.oncall, file)

    def of(self, kind: str, resource: str, verbs: Iterable[str]) -> ReviewSection:
        """The first rule that fits; the usual one if none does."""
        place = _place(resource)
        for one in self.sections:
            fits = fnmatch.fnmatchcase(place, one.resource) and one.kind in ("", kind)
            if fits and (not one.verbs or set(one.verbs) & set(verbs)):
                return one
        return ReviewSection()

    def holds(self, resource: str) -> bool:
        """Whether some statement to a resource may wait in its session."""
        return any(
            one.hold and one.kind in ("", "statement") and fnmatch.fnmatchcase(resource, one.resource)
            for one in self.sections
        )

    def limits(self, section: ReviewSection, *, held: bool = False) -> GrantLimits:
        """The bounds of a request under a rule; one that is held waits no longer than its session."""
        from ...policy import GrantLimits

        wait = section.hold if held else section.wait
        return GrantLimits(
            max_duration_ns=seconds(section.longest) * 10**9, max_wait_ns=seconds(wait) * 10**9,
            min_reason_chars=section.reason_characters, approvals=section.approvals,
        )  # fmt: skip

    def require_ticket(self, section: ReviewSection, ticket: str) -> None:
        """Refuse a request whose ticket is not what the rule wants.

        Raises:
            ConfigError: It is missing, or has another form.
        """
        if section.ticket and not re.fullmatch(section.ticket, ticket.strip()):
            raise ConfigError(
                "a ticket of another form is needed here" if ticket else "a ticket is needed here",
                key="ticket", hint=f"it must match {section.ticket}",
            )  # fmt: skip

    def may_judge(self, reviewer: Identity, section: ReviewSection) -> bool:
        """Whether somebody is among those who may judge under a rule; not whether it is their own request."""
        return any(self._is(reviewer, one) for one in section.approvers or _USUAL)

    def require_judge(self, reviewer: Identity, section: ReviewSection) -> None:
        """Refuse who is not among them.

        Raises:
            Denied: Says who is.
        """
        if not self.may_judge(reviewer, section):
            raise Denied(
                f"{reviewer.name} may not judge this",
                hint=f"it takes {' or '.join(section.approvers or _USUAL)}",
            )

    def judges(self, section: ReviewSection, people: Sequence[Identity], asker: Identity) -> list[Identity]:
        """Those of these people who may judge a request of somebody's."""
        own = asker.people()
        return [
            one for one in people
            if one.type == "human" and not one.disabled and not one.people() & own
            and self.may_judge(one, section)
        ]  # fmt: skip

    def _is(self, reviewer: Identity, approver: str) -> bool:
        kind, _, name = approver.partition(":")
        if kind == "role":
            return reviewer.has_role(name)
        if kind == "actor":
            return reviewer.name == name and not reviewer.disabled
        return reviewer.name in self.oncall.on_duty(name) and not reviewer.disabled


def names(people: Sequence[Identity]) -> str:
    """Some people by name, as a notice says it."""
    shown = [one.name for one in people[:_NAMED]]
    more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
    return " or ".join(shown) + more if len(shown) < 3 and not more else ", ".join(shown) + more


def _place(resource: str) -> str:
    """Where a request leads: one for a statement or a masked value names it inside its own resource."""
    kind, _, rest = resource.partition("/")
    parts = (rest if kind in ("statement", "clear") else resource).split("/")
    return "/".join(parts[:2])


def _source(loaded: LoadedConfig, section: OncallSection) -> Place:
    place = section.schedule
    if "://" in place:
        check_place(place)
    else:
        place = str(loaded.path(place))
    return Place(place, seconds(section.every), seconds(section.stale), section.people)


def seconds(text: str) -> int:
    """A duration of the file in seconds."""
    return int(text[:-1]) * _UNITS[text[-1]]


def _check(section: ReviewSection, oncall: dict[str, OncallSection], file: str) -> None:
    try:
        re.compile(section.ticket)
    except re.error as error:
        raise ConfigError(f"is no regular expression: {error}", file=file, key="reviews.ticket") from None
    for approver in section.approvers:
        kind, _, name = approver.partition(":")
        if kind == "oncall" and name not in oncall:
            raise ConfigError(
                f"there is no schedule {name}",
                file=file,
                key="reviews.approvers",
                hint=f"add [oncall.{name}]",
            )
    if section.hold and (section.ticket or section.reason_characters > _HELD_REASON):
        raise ConfigError(
            "a statement that waits in its session has no ticket and a short reason", file=file,
            key="reviews.hold", hint="give hold to a rule of kind statement without them",
        )  # fmt: skip
    only = [one for one in section.approvers if one.startswith("actor:")]
    if section.approvers and len(only) == len(section.approvers) < section.approvals:
        raise ConfigError(
            f"{section.approvals} approvals, and only {len(only)} who could give one", file=file,
            key="reviews.approvals",
        )  # fmt: skip
