"""Masked values that are asked for: filed with their request or not at all, and shown to one caller once."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.errors import ConfigError, Conflict

from .conftest import NOW, WISH, kept_reveal


def filed(office: Any, id: str = "v1") -> str:
    request = office.store.requests.create(
        office.alice, **WISH, kind="reveal",
        beside=lambda connection, made: office.store.reveals.insert(connection, kept_reveal(id, made.id)),
    )  # fmt: skip
    return str(request.id)


def test_it_is_filed_with_its_request_or_not_at_all(office: Any) -> None:
    def fail(_: Any) -> None:
        raise Conflict("the record is full")

    with pytest.raises(Conflict):
        office.store.requests.create(
            office.alice, **WISH, kind="reveal", record=fail,
            beside=lambda connection, made: office.store.reveals.insert(
                connection, kept_reveal("v0", made.id)
            ),
        )  # fmt: skip
    assert office.store.reveals.sealed() == []
    kept = office.store.reveals.of_request(filed(office))
    assert (kept.state, kept.columns[0].type, kept.subjects) == ("waiting", "EMAIL", ("<EMAIL:abc>",))
    assert office.reopen().reveals.of_request(kept.request_id) == kept
    with pytest.raises(ConfigError, match="not about a masked value"):
        office.store.reveals.of_request("another")


@pytest.mark.parametrize("state", ["shown", "refused", "unknown"])
def test_it_is_shown_once(office: Any, state: str) -> None:
    reveals, request = office.store.reveals, filed(office)
    reveals.start("v1", "event-1", NOW + 1)
    with pytest.raises(Conflict, match="being shown"):
        reveals.start("v1", "event-2", NOW + 2)
    reveals.end("v1", state, NOW + 3, "why")
    kept = reveals.of_request(request)
    assert (kept.state, kept.sealed, kept.event) == (state, "", "event-1")
    with pytest.raises(Conflict, match="shown once"):
        reveals.start("v1", "event-3", NOW + 4)


def test_what_did_not_begin_waits_again(office: Any) -> None:
    reveals, request = office.store.reveals, filed(office)
    reveals.start("v1", "event-1", NOW + 1)
    reveals.end("v1", "waiting", NOW + 2)
    assert (reveals.of_request(request).event, len(reveals.sealed())) == ("", 1)
    reveals.start("v1", "event-2", NOW + 3)


def test_what_a_crash_ended_is_spent(office: Any) -> None:
    request = filed(office)
    office.store.reveals.start("v1", "event-1", NOW + 1)
    reveals = office.reopen().reveals
    (ended,) = reveals.settle(NOW + 2)
    assert ended.event == "event-1"
    assert reveals.of_request(request).state == "unknown"
    assert reveals.settle(NOW + 3) == []
    with pytest.raises(Conflict, match="spent by a crash"):
        reveals.start("v1", "event-2", NOW + 4)
