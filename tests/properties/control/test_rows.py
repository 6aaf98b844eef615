"""A row's code tells any two different rows apart, and a store agrees with a model whatever happens."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from glasshatch.control import ControlStore
from glasshatch.control.sealed import row_mac
from glasshatch.errors import Conflict, Denied, GlasshatchError
from glasshatch.policy import Grant, GrantLimits

NOW = 1_800_000_000_000_000_000
SECOND = 10**9
KEY = b"k" * 32

names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)
cells = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=12)
rows = st.dictionaries(names, cells, max_size=5)


def present(row: dict[str, Any]) -> dict[str, Any]:
    return {name: (type(value), value) for name, value in row.items() if value is not None}


@given(rows, rows, names, names)
def test_different_rows_have_different_codes(first: Any, second: Any, table: str, other: str) -> None:
    same = present(first) == present(second) and table == other
    assert (row_mac(KEY, table, first) == row_mac(KEY, other, second)) is same


@given(rows, names, st.text(max_size=6), st.text(max_size=6))
def test_text_cannot_be_moved_between_columns(row: Any, table: str, left: str, right: str) -> None:
    assume(right)
    whole, split = {**row, "x": left + right, "y": ""}, {**row, "x": left, "y": right}
    assert row_mac(KEY, table, whole) != row_mac(KEY, table, split)


@given(rows, names, names)
def test_a_column_added_later_leaves_old_rows_valid(row: Any, table: str, added: str) -> None:
    assume(added not in row)
    assert row_mac(KEY, table, row) == row_mac(KEY, table, {**row, added: None})


@given(rows, names)
def test_another_key_makes_another_code(row: Any, table: str) -> None:
    assert row_mac(KEY, table, row) != row_mac(b"l" * 32, table, row)


@pytest.fixture(scope="module")
def fresh_store() -> Path:
    path = Path(tempfile.mkdtemp()) / "control.db"
    ControlStore.create(path, tenant="default", mac_key=KEY, random=os.urandom).close()
    return path


class Desk(RuleBasedStateMachine):
    """People ask, review, revoke and wait in any order; the store says what a plain model says."""

    source: Path

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "control.db"
        shutil.copy2(self.source, self.path)
        self.store = ControlStore.open(self.path, tenant="default", mac_key=KEY, random=os.urandom)
        self.now = NOW
        self.people = [self.store.actors.create(name, now_ns=NOW + n * 10**6) for n, name in enumerate("abc")]
        self.disabled: set[str] = set()
        self.pending: dict[str, tuple[str, int]] = {}
        self.settled: list[str] = []
        self.grants: dict[str, Grant] = {}
        self.ended: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    @rule(who=st.integers(0, 2), seconds=st.integers(1, 60), wait=st.integers(1, 30))
    def ask(self, who: int, seconds: int, wait: int) -> None:
        if self.people[who].id in self.disabled:
            with pytest.raises(Denied):
                self._ask(who, seconds, wait)
        else:
            self._ask(who, seconds, wait)

    @precondition(lambda self: not self.disabled)
    @rule(who=st.integers(0, 2), seconds=st.integers(5, 60))
    def grant(self, who: int, seconds: int) -> None:
        """The usual course, so that there are grants to revoke."""
        id = self._ask(who, seconds, 30)
        _, grant = self.store.requests.approve(id, self.people[who - 1], self.now)
        self._settled(id)
        self.grants[grant.id] = grant

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), who=st.integers(0, 2), step=st.sampled_from(["approve", "deny", "withdraw"]))
    def settle(self, data: st.DataObject, who: int, step: str) -> None:
        id = data.draw(st.sampled_from(sorted(self.pending)))
        person = self.store.actors.get(self.people[who].id)
        refusal = self._refusal(id, person.id, step)
        if refusal:
            with pytest.raises(refusal):
                getattr(self.store.requests, step)(id, person, self.now)
            return
        done = getattr(self.store.requests, step)(id, person, self.now)
        self._settled(id)
        if step == "approve":
            self.grants[done[1].id] = done[1]

    @precondition(lambda self: self.settled)
    @rule(data=st.data(), who=st.integers(0, 2), step=st.sampled_from(["approve", "deny", "withdraw"]))
    def settle_again(self, data: st.DataObject, who: int, step: str) -> None:
        id = data.draw(st.sampled_from(self.settled))
        before = self.store.requests.get(id)
        with pytest.raises(GlasshatchError):
            getattr(self.store.requests, step)(id, self.people[who], self.now)
        assert self.store.requests.get(id) == before

    @precondition(lambda self: self.grants)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        grant = self.grants[data.draw(st.sampled_from(sorted(self.grants)))]
        over = grant.id in self.ended or self.now >= grant.expires_ns
        try:
            self.store.grants.revoke(grant.id, "x", self.now)
        except Conflict:
            assert over
            return
        assert not over
        self.ended.add(grant.id)

    @rule(who=st.integers(0, 2), disabled=st.booleans())
    def disable(self, who: int, disabled: bool) -> None:
        self.store.actors.set_disabled(self.people[who].id, disabled, self.now)
        (self.disabled.add if disabled else self.disabled.discard)(self.people[who].id)

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule()
    def sweep(self) -> None:
        ended = {request.id for request in self.store.requests.expire(self.now)}
        assert ended == {id for id, (_, until) in self.pending.items() if self.now >= until}
        for id in ended:
            self._settled(id)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = ControlStore.open(self.path, tenant="default", mac_key=KEY, random=os.urandom)

    @invariant()
    def grants_in_force_are_the_models(self) -> None:
        if not hasattr(self, "store"):
            return
        for person in self.people:
            expected = {
                id for id, grant in self.grants.items()
                if grant.actor_id == person.id and id not in self.ended
                and person.id not in self.disabled and self.now < grant.expires_ns
            }  # fmt: skip
            assert {grant.id for grant in self.store.grants_of(person.id, self.now)} == expected

    @invariant()
    def everybody_in_force_was_approved_by_somebody_else(self) -> None:
        for grant in getattr(self, "grants", {}).values():
            assert grant.approvers
            assert grant.actor_id not in grant.approvers

    def _ask(self, who: int, seconds: int, wait: int) -> str:
        actor = self.store.actors.get(self.people[who].id)
        request = self.store.requests.create(
            actor, resource="postgres/orders", verbs=["write"], duration_ns=seconds * SECOND,
            reason="because it hangs", now_ns=self.now, limits=GrantLimits(max_wait_ns=wait * SECOND),
        )  # fmt: skip
        self.pending[request.id] = (actor.id, request.expires_ns)
        return request.id

    def _refusal(self, id: str, person: str, step: str) -> type[GlasshatchError] | None:
        asker, waits_until = self.pending[id]
        if step == "withdraw":
            return None if person == asker else Denied
        if person == asker or person in self.disabled or (step == "approve" and asker in self.disabled):
            return Denied
        return Conflict if self.now >= waits_until else None

    def _settled(self, id: str) -> None:
        del self.pending[id]
        self.settled.append(id)


def test_a_store_agrees_with_its_model(fresh_store: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Desk.source = fresh_store
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
