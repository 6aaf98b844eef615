"""The access policy in force: deeds at the desk, events and fields of the record."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from glasshatch.errors import ConfigError
from glasshatch.identity import Identity, IdentityType

from ..grants import Request
from ..persons import HUMAN, SOMEBODY, somebody_like
from ..rulebook import Rulebook, Verdict
from ..sources import Kind, Rule, Source, find_sources, line_of_rule
from ..vocabulary import REVIEW
from .sight import (
    ALL,
    NOTHING,
    EventFacts,
    Every,
    Is,
    Not,
    Sight,
    Some,
    Unclear,
    both,
    either,
    negated,
    sight_of,
    small,
)  # fmt: skip

ACCESS: Final = Kind(Path(__file__).parent, "docs/concepts/access.md", "access")
"""What is done at the desk and read of the record."""

FIELDS: Final = ("statement", "subjects", "client", "detail")
"""The classes of fields that a rule can hide."""

_HELD = 4_096
_ROLE = re.compile(r'Role::"((?:[^"\\]|\\.)*)"')
_DESK: dict[str, str] = {"type": "Desk", "id": "desk"}
T = TypeVar("T")


class AccessRules:
    """A loaded access policy. It never changes: a new text is a new one with a new hash.

    Attributes:
        name: The shipped set's or the file's name.
        hash: SHA-256 of the exact text.
    """

    def __init__(self, name: str, sources: tuple[Source, ...]) -> None:
        """Parse it, and try it on everybody it could mean.

        Raises:
            ConfigError: Names the file, the line and what is wrong; nothing is loaded.
        """
        self._book = Rulebook(name, sources, ACCESS)
        self.name, self.hash = name, self._book.hash
        self._held: dict[Hashable, Any] = {}
        self._check(sources)

    @classmethod
    def load(cls, source: str | Path) -> AccessRules:
        """Load a shipped set by name, a `.cedar` file, or a folder of them; raises `ConfigError`."""
        return cls(*find_sources(source, ACCESS))

    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order of the text."""
        return self._book.rules()

    def deed(self, actor: Identity, deed: str, reason: str = "") -> Verdict:
        """May this actor do this at the desk?"""
        who = self._book.persons.shared(actor, deed)
        return self._kept(("deed", who, deed, reason), lambda: self._judge(who, deed, _DESK, [], reason))

    def review(self, actor: Identity, request: Request, reason: str = "") -> Verdict:
        """May this actor judge this request? Four eyes are no matter of policy and asked elsewhere."""
        target = {"type": "Request", "id": request.id}
        attributes = {
            "kind": request.kind, "resource": request.resource, "verbs": list(request.verbs),
            "requester": request.actor_id, "on_behalf_of": request.on_behalf_of,
        }  # fmt: skip
        entity = {"uid": target, "attrs": attributes, "parents": []}
        return self._judge(actor, REVIEW, target, [entity], reason)

    def may_review_some(self, actor: Identity, reason: str = "") -> Verdict:
        """May this actor judge requests at all? Tried on one that nobody has made."""
        made = Request(
            id="none", tenant=actor.tenant, actor_id="", resource="", verbs=(), duration_ns=0, reason="",
            created_ns=0, expires_ns=0,
        )  # fmt: skip
        who = self._book.persons.shared(actor, REVIEW)
        return self._kept(("review", who, reason), lambda: self.review(who, made, reason))

    def event(self, actor: Identity, event: EventFacts, reason: str = "") -> Verdict:
        """May this actor read this event? `sight` answers it for all events at once, and says the same."""
        target = {"type": "Event", "id": "event"}
        attributes: dict[str, Any] = msgspec.structs.asdict(event) | {"resources": sorted(event.resources)}
        entity = {"uid": target, "attrs": attributes, "parents": []}
        return self._judge(actor, "record.read", target, [entity], reason)

    def roles_for(self, deed: str, roles: Iterable[str]) -> tuple[str, ...]:
        """Which of these roles would do for this deed, each by itself."""
        asked = self.deed if deed != REVIEW else lambda who, _: self.may_review_some(who)
        return tuple(role for role in roles if asked(_somebody((role,)), deed).effect == "allow")

    def hidden(self, actor: Identity, reason: str = "") -> frozenset[str]:
        """The classes of fields that this actor may not see."""
        who = self._book.persons.shared(actor, "record.field")
        return self._kept(("hidden", who, reason), lambda: self._hidden(who, reason))

    def sight(self, actor: Identity, reason: str = "") -> Sight:
        """What this actor may see of the record; nothing, if the rules cannot tell."""
        try:
            who = self._reader(actor, reason)
            found = self._kept(("sight", who, reason), lambda: self._sight(who, reason))
            return found if who is actor else meant_for(found, actor)
        except (Unclear, ValueError):
            return NOTHING

    def kept_from(self, actor: Identity, reason: str = "") -> Sight:
        """What is forbidden this actor to read, whatever permits it; everything, if the rules cannot tell."""
        try:
            who = self._reader(actor, reason)
            found = self._kept(("kept", who, reason), lambda: self._parted(who, reason)[1])
            return found if who is actor else meant_for(found, actor)
        except (Unclear, ValueError):
            return ALL

    def forget(self) -> None:
        """Judge everything anew from here on."""
        self._held.clear()

    def _reader(self, actor: Identity, reason: str) -> Identity:
        """Who stands for all who read as this actor does, but for what is their own."""
        if self._book.persons.asks("record.read") == "somebody" or small(reason) in (SOMEBODY, HUMAN):
            return actor
        return somebody_like(actor)

    def _kept(self, key: Hashable, made: Callable[[], T]) -> T:
        """The answer to equal questions. A disabled actor or another role is another question."""
        found: T | None = self._held.get(key)
        if found is None:
            found = made()
            # Whole operations on a dict, so that threads may ask at once; two of them may answer the same.
            if len(self._held) >= _HELD:
                self._held.clear()
            self._held[key] = found
        return found

    def _judge(
        self, actor: Identity, action: str, target: dict[str, str], more: list[dict[str, Any]], reason: str
    ) -> Verdict:
        user, entity = user_of(actor)
        request = {
            "principal": user, "action": {"type": "Action", "id": action}, "resource": target,
            "context": {"reason": reason},
        }  # fmt: skip
        return self._book.judge(request, [entity, *more])

    def _hidden(self, actor: Identity, reason: str) -> frozenset[str]:
        def shown(name: str) -> bool:
            target = {"type": "Field", "id": name}
            entity = {"uid": target, "attrs": {"name": name}, "parents": []}
            return self._judge(actor, "record.field", target, [entity], reason).effect == "allow"

        return frozenset(name for name in FIELDS if not shown(name))

    def _sight(self, actor: Identity, reason: str) -> Sight:
        permitted, forbidden = self._parted(actor, reason)
        return both(permitted, negated(forbidden))

    def _parted(self, actor: Identity, reason: str) -> tuple[Sight, Sight]:
        """What is permitted by some rule, and what is forbidden by some."""
        permitted: Sight = NOTHING
        forbidden: Sight = NOTHING
        for rule, permits, left in self._left(actor, reason):
            try:
                part = sight_of(left)
            except Unclear as problem:
                raise Unclear(f"{rule.name}: {problem}") from None
            if permits:
                permitted = either(permitted, part)
            else:
                forbidden = either(forbidden, part)
        return permitted, forbidden

    def _left(self, actor: Identity, reason: str) -> list[tuple[Rule, bool, Any]]:
        user, entity = user_of(actor)
        request = {
            "principal": _literal(user), "action": 'Action::"record.read"', "context": {"reason": reason},
        }  # fmt: skip
        # Without the action among the entities Cedar leaves open whether it is one of several.
        known = [entity, {"uid": {"type": "Action", "id": "record.read"}, "attrs": {}, "parents": []}]
        return [(one.rule, one.permits, one.body) for one in self._book.residues(request, known)]

    def _check(self, sources: tuple[Source, ...]) -> None:
        """Refuse what could not be asked of the record later, when somebody reads it at night."""
        for rule in self._book.rules():
            if rule.effect == "review":
                raise ConfigError(
                    f"{rule.name} asks for a review, which there is not at the desk",
                    file=line_of_rule(sources, rule.name), hint='write @effect("deny"), or leave it out',
                )  # fmt: skip
        roles = sorted({role for source in sources for role in _ROLE.findall(source.text)})
        for actor in _everybody(roles):
            for reason in ("", "a reason"):
                try:
                    self._sight(actor, reason)
                except (Unclear, ValueError) as problem:
                    name = str(problem).partition(":")[0]
                    raise ConfigError(
                        f"what somebody may read cannot be told by it: {problem}",
                        file=line_of_rule(sources, name),
                        hint=f"{ACCESS.page} lists what may be asked of an event",
                    ) from None


def user_of(actor: Identity) -> tuple[dict[str, str], dict[str, Any]]:
    """The actor as Cedar names and knows them, in small letters as events are. A disabled one has no role."""
    roles = () if actor.disabled else actor.roles
    user = {"type": "User", "id": actor.id}
    attributes = {
        "id": small(actor.id), "kind": actor.type, "name": small(actor.name), "roles": list(roles),
        "on_behalf_of": small(actor.on_behalf_of),
    }  # fmt: skip
    parents = [{"type": "Role", "id": role} for role in dict.fromkeys(roles)]
    return user, {"uid": user, "attrs": attributes, "parents": parents}


def meant_for(sight: Sight, actor: Identity) -> Sight:
    """What is somebody's own in a sight that holds for many becomes this actor's own."""
    own = {SOMEBODY: small(actor.id), HUMAN: small(actor.on_behalf_of)}
    match sight:
        case Is(attribute, word):
            return Is(attribute, own.get(word, word))
        case Not(part):
            return Not(meant_for(part, actor))
        case Every(parts):
            return Every(tuple(meant_for(part, actor) for part in parts))
        case Some(parts):
            return Some(tuple(meant_for(part, actor) for part in parts))
    return sight


def _literal(entity: dict[str, str]) -> str:
    quoted = entity["id"].replace("\\", "\\\\").replace('"', '\\"')
    return f'{entity["type"]}::"{quoted}"'


def _everybody(roles: list[str]) -> list[Identity]:
    """Somebody of each kind, without a role, with each, and with all."""
    held = [(), *((role,) for role in roles), tuple(roles)]
    kinds: tuple[IdentityType, ...] = ("human", "service", "agent")
    return [_somebody(some, kind) for kind in kinds for some in held]


def _somebody(roles: tuple[str, ...], kind: IdentityType = "human") -> Identity:
    return Identity(id=f"somebody-{kind}", tenant="default", type=kind, name="somebody", roles=roles)
