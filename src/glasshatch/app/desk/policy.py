"""Policy at the desk: what it says, the files looked at again, a changed one tried on the record."""

from __future__ import annotations

from ...api.policy_values import Explained, ExplainForm, PolicyLoaded, Replayed, ReplayForm
from ...errors import ConfigError
from ...events import Data, Outcome
from ...identity import Identity
from ...masking import ColumnRule
from ...policy import Grant, PolicySet, ResourceFacts, find_sources, suppose_actor
from ..access import refuse_hidden, require_everything, why
from ..house import House
from ..policies import Judge, Replay, policy_of
from .record import RECORD


class PolicyPart:
    """The desk's `PolicyDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def explain_policy(self, caller: Identity, form: ExplainForm) -> list[Explained]:
        """What policy would say; runs nothing and records nothing of the statements.

        Everybody may ask for themselves; about others ask who may see their grants.
        """
        house = self._house
        actor = self._actor(caller, form.actor)
        section = self._section(form.resource)
        now_ns = house.clock.now_ns()
        judge = Judge(
            policy=policy_of(form.policy) if form.policy else house.policy, actor=actor,
            grants=self._grants(actor, now_ns), now_ns=now_ns,
            resource=section[0] if section else None, rules=section[1] if section else (),
        )  # fmt: skip
        return [judge.explain(ask.kind, ask.statement) for ask in form.asks]

    def load_policy(self, caller: Identity) -> PolicyLoaded:
        """Look at the policy's files now."""
        self._house.require(caller, "policy.load")
        house = self._house
        loaded = house.policies.look(house.note, "asked for", caller.as_actor())
        house.access_policies.look(house.note, "asked for", caller.as_actor())
        return loaded

    def replay_policy(self, caller: Identity, form: ReplayForm) -> Replayed:
        """One step of judging the record again; for auditors, and recorded as a read of it."""
        self._house.require(caller, "policy.replay")
        view = self._house.entitlements.view(caller)
        refuse_hidden(view, "a replay", "statement")
        require_everything(view, "a replay")
        house = self._house
        policy, text = house.policy, house.policies.text()
        if form.policy:
            policy, text = policy_of(form.policy), "\n".join(file.text for file in form.policy.files)
            text = text or "\n".join(one.text for one in find_sources(form.policy.name)[1])
        minimums = house.ledgers.minimums()
        ledgers = [(name, ledger, minimums.get(name, 0)) for name, ledger in house.ledgers.items()]
        found = Replay(policy, text, house.control.grants.list).run(
            ledgers, form.positions, _time("since", form.since) or 0, _time("until", form.until)
        )
        self._note_replay(caller, policy, form, found)
        return found

    def _note_replay(self, caller: Identity, policy: PolicySet, form: ReplayForm, found: Replayed) -> None:
        """Record it before the answer leaves."""
        given = {"policy": policy.hash, "since": form.since, "until": form.until}
        asked = {name: value for name, value in given.items() if value}
        self._house.note(
            "record.read",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=RECORD,
            data=Data(rows=found.judged, recipient=caller.id),
            attrs={"what": "policy.replay", "filter": asked},
            **why(caller),
        )

    def _actor(self, caller: Identity, name: str) -> Identity:
        if not name:
            # Who opens the directory by hand is nobody that policy knows.
            return caller if self._is_known(caller) else suppose_actor()
        control = self._house.control
        if name != caller.name:
            self._house.require(caller, "policy.explain")
        return control.actors.current(control.actors.named(name).id)

    def _grants(self, actor: Identity, now_ns: int) -> tuple[Grant, ...]:
        return self._house.control.grants_of(actor.id, now_ns) if self._is_known(actor) else ()

    def _is_known(self, actor: Identity) -> bool:
        try:
            self._house.control.actors.get(actor.id)
        except ConfigError:
            return False
        return True

    def _section(self, resource: str) -> tuple[ResourceFacts, tuple[ColumnRule, ...]] | None:
        """The facts and the column rules of a configured resource; None if none is named."""
        if not resource:
            return None
        sections = self._house.loaded.config.resources
        for name, section in sections.items():
            if resource == f"{section.type}/{name}":
                facts = ResourceFacts(type=section.type, name=name, env=section.env, labels=section.labels)
                return facts, section.columns
        known = ", ".join(f"{section.type}/{name}" for name, section in sections.items())
        raise ConfigError(
            f"there is no resource {resource[:80]!r}", key="resource",
            hint=f"there is: {known}" if known else "the configuration names none",
        )  # fmt: skip


def _time(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ConfigError("is no time in nanoseconds", key=name)
    return int(text)
