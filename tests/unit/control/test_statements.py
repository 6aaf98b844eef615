"""Statements under review: filed with their request or not at all, run once, their text dropped in time."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.errors import ConfigError, Conflict

from .conftest import NOW, WISH, kept_statement


def filed(office: Any, id: str = "s1") -> str:
    request = office.store.requests.create(
        office.alice, **WISH, kind="statement",
        beside=lambda connection, made: office.store.statements.insert(
            connection, kept_statement(id, made.id)
        ),
    )  # fmt: skip
    return str(request.id)


def test_it_is_filed_with_its_request_or_not_at_all(office: Any) -> None:
    def fail(_: Any) -> None:
        raise Conflict("the record is full")

    with pytest.raises(Conflict):
        office.store.requests.create(
            office.alice, **WISH, kind="statement", record=fail,
            beside=lambda connection, made: office.store.statements.insert(
                connection, kept_statement("s0", made.id)
            ),
        )  # fmt: skip
    assert office.store.statements.with_text() == []
    kept = office.store.statements.of_request(filed(office))
    assert (kept.state, kept.verbs, kept.near_masked) == ("waiting", ("delete",), False)
    assert office.reopen().statements.of_request(kept.request_id) == kept


def test_it_runs_once(office: Any) -> None:
    statements = office.store.statements
    request = filed(office)
    assert statements.start("s1", "event-1", NOW + 1).state == "started"
    with pytest.raises(Conflict, match="started"):
        statements.start("s1", "event-2", NOW + 2)
    statements.end("s1", "done", NOW + 3, "image-1")
    kept = statements.of_request(request)
    assert (kept.state, kept.text, kept.image_event, kept.run_event) == ("done", "", "image-1", "event-1")
    with pytest.raises(Conflict, match="done"):
        statements.start("s1", "event-3", NOW + 4)


def test_what_was_rolled_back_may_run_again(office: Any) -> None:
    statements = office.store.statements
    filed(office)
    statements.start("s1", "event-1", NOW + 1)
    statements.end("s1", "failed", NOW + 2)
    assert statements.with_text()[0].state == "failed"
    assert statements.start("s1", "event-2", NOW + 3).run_event == "event-2"


def test_a_crash_in_a_run_leaves_it_unknown_and_without_its_text(office: Any) -> None:
    request = filed(office)
    office.store.statements.start("s1", "event-1", NOW + 1)
    (settled,) = office.reopen().statements.settle(NOW + 9)
    assert settled.id == "s1"
    kept = office.store.statements.of_request(request)
    assert (kept.state, kept.text) == ("unknown", "")
    assert office.store.statements.settle(NOW + 10) == []


def test_the_text_can_be_forgotten(office: Any) -> None:
    filed(office)
    office.store.statements.forget_text("s1", NOW + 1)
    assert office.store.statements.with_text() == []


def test_what_there_is_not(office: Any) -> None:
    with pytest.raises(ConfigError, match="not about one statement"):
        office.store.statements.of_request("none")
    with pytest.raises(ConfigError, match="no such statement"):
        office.store.statements.start("none", "event", NOW)
