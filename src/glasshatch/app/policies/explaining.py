"""What policy says of a statement, and what was understood of it; nothing of the statement stays."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

import msgspec

from ...api.policy_values import Explained, PolicyText
from ...errors import ConfigError
from ...identity import Identity
from ...masking import ColumnRule
from ...policy import (
    USUAL_RESOURCES,
    Ask,
    Grant,
    PolicySet,
    ResourceFacts,
    Source,
    shipped_sets,
    suppose_ask,
    suppose_resource,
)
from ...statements import Statement, analyze


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, where, and under which policy. Without a resource, the usual one of each kind."""

    policy: PolicySet
    actor: Identity
    resource: ResourceFacts | None = None
    grants: tuple[Grant, ...] = ()
    supposed: tuple[str, ...] = ()
    rules: tuple[ColumnRule, ...] = ()
    now_ns: int = 0

    def explain(self, kind: str, text: str) -> Explained:
        """The decision on one statement.

        Raises:
            ConfigError: There is no such kind of statement.
        """
        statement = analyze(kind, text)
        resource = self.resource or suppose_resource(USUAL_RESOURCES[statement.kind])
        masked = touched(statement, self.rules)
        decision = self.policy.decide(self._ask(statement, resource, masked))
        return Explained(
            effect=decision.effect, rule=decision.rule, reason=decision.reason, kind=statement.kind,
            verbs=statement.verbs, risks=statement.risks, tables=statement.resources, masked=masked,
            grant_id=decision.grant_id, actor=self.actor.name, resource=resource.id, policy=self.policy.name,
            policy_hash=decision.policy_hash,
        )  # fmt: skip

    def _ask(self, statement: Statement, resource: ResourceFacts, masked: tuple[str, ...]) -> Ask:
        if self.supposed:
            return suppose_ask(statement, self.actor, resource, self.supposed, masked)
        return Ask(
            actor=self.actor, resource=resource, statement=statement, grants=self.grants,
            now_ns=self.now_ns, masked=masked,
        )  # fmt: skip


def touched(statement: Statement, rules: Sequence[ColumnRule]) -> tuple[str, ...]:
    """The masked columns that a statement touches, by the configuration's rules alone.

    The gateway also reads the database's catalogue, so it knows tables that no rule names in full.
    """
    found: dict[str, None] = {}
    for rule in rules:
        for column in statement.columns if rule.operator != "keep" else ():
            if _may_be(column, rule.pattern):
                found[rule.pattern if _plain(rule.pattern) else column] = None
    return tuple(found)


def _may_be(column: str, pattern: str) -> bool:
    """Whether a column as written may be one that a pattern means; what is not written may be anything."""
    pairs = zip(column.split(".")[::-1], pattern.split(".")[::-1], strict=False)
    return all(mine == "*" or fnmatch.fnmatchcase(mine, theirs) for mine, theirs in pairs)


def _plain(pattern: str) -> bool:
    return all(part == "*" or not set(part) & set("*?[") for part in pattern.split("."))


def local_judge(
    policy: str, actor: Identity, resource: str = "", granted: Sequence[str] = (), env: str = "production"
) -> Judge:
    """A judge without a server: a shipped set, a file or a folder, and somebody who is supposed."""
    return Judge(
        policy=PolicySet.load(policy), actor=actor, supposed=tuple(granted),
        resource=suppose_resource(resource, env) if resource else None,
    )  # fmt: skip


def policy_of(text: PolicyText) -> PolicySet:
    """The set that a caller sent; raises `ConfigError` with file, line and cure."""
    if text.files:
        return PolicySet(text.name, tuple(Source(file.name, file.text) for file in text.files))
    if text.name not in shipped_sets():
        raise ConfigError("there is no shipped set of this name", key="policy.name",
                          hint=f"one of: {', '.join(shipped_sets())}, or send the files")  # fmt: skip
    return PolicySet.load(text.name)
