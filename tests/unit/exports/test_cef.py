"""CEF: a fixed header, escapes as the specification has them, and lengths of its dictionary."""

from __future__ import annotations

import msgspec
import pytest

from fixtures.cef import read_cef
from glasshatch import __version__
from glasshatch.events import (
    ACTIONS,
    Actor,
    Client,
    DecisionMade,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
)
from glasshatch.exports import FORMS, Item

CEF = FORMS["cef"]


def event(action: str = "statement.run", **members: object) -> Event:
    made = Event(id="0197", time="1700000000123456789", action=action, source=Source(kind="gateway"))
    return msgspec.structs.replace(made, **members)


def line(one: Event, ledger: str = "default") -> str:
    return CEF.line(Item(ledger, 7, b"", one)).decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_its_header(action: str) -> None:
    header, members = read_cef(line(event(action, severity=3)))
    assert header == ["Glasshatch", "glasshatch", __version__, action, ACTIONS[action].meaning, "5"]
    assert members["externalId"] == "0197"
    assert members["rt"] == "1700000000123"


def test_what_would_end_a_field_is_escaped() -> None:
    wild = r"a|b\c=d" + "\n\r\n=|\\"
    header, members = read_cef(
        line(event("json|a\\b\nc", statement=StatementText(text=wild), actor=Actor(id="x", name="k=v cs1=1")))
    )
    assert header[3] == "json|a\\b c"
    assert members["msg"] == wild
    assert members["suser"] == "k=v cs1=1", "no member can be smuggled in"
    assert "cs1" not in members


def test_the_bytes_are_as_the_specification_shows_them() -> None:
    text = line(event("a|b", statement=StatementText(text="x=1\\2\ny")))
    assert r"|a\|b|" in text
    assert r"msg=x\=1\\2\ny" in text


def test_a_line_is_one_line() -> None:
    for separator in ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0"):
        found = line(event(f"a{separator}b", outcome=Outcome(reason=f"a{separator}b", status="failure")))
        assert len(found.splitlines()) == 1
        assert "\0" not in found


def test_people_places_and_verdicts_have_their_keys() -> None:
    found = line(event(
        actor=Actor(id="u1", name="dana", roles=("dba", "admin")), client=Client(ip="192.0.2.7", port=5432),
        outcome=Outcome(status="failure", code="42501"), decision=DecisionMade(effect="deny"),
        resource=Resource(type="postgres", id="postgres/orders"), session_id="s1", trace_id="t1",
    ), "hr")  # fmt: skip
    _, members = read_cef(found)
    assert (members["suser"], members["suid"], members["spriv"]) == ("dana", "u1", "dba,admin")
    assert (members["src"], members["spt"]) == ("192.0.2.7", "5432")
    assert (members["outcome"], members["reason"], members["act"]) == ("failure", "42501", "deny")
    assert members["destinationServiceName"] == "postgres/orders"
    labels = {
        members[f"{key}Label"]: members[key] for key in members if key.startswith("cs") and key[2:].isdigit()
    }
    assert labels == {"session": "s1", "trace": "t1", "place": "hr/7", "tenant": "default"}


def test_an_address_of_version_6_has_its_own_key() -> None:
    _, members = read_cef(line(event(client=Client(ip="2001:db8::1"))))
    assert members["c6a2"] == "2001:db8::1"
    assert members["c6a2Label"] == "Source IPv6 Address"
    assert "src" not in members


def test_a_long_text_is_cut_between_escapes() -> None:
    _, members = read_cef(line(event(statement=StatementText(text="=" * 5_000))))
    assert members["msg"] == "=" * 1_023
