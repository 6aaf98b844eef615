"""The stored bytes of an event: golden form, limits, and what is refused."""

from __future__ import annotations

import json

import msgspec
import pytest

from glasshatch.errors import ConfigError, PeerError, TooLarge
from glasshatch.events import (
    ACTIONS,
    MAX_ENTRY_BYTES,
    SCHEMA_VERSION,
    Actor,
    Event,
    Redaction,
    Source,
    StatementText,
    decode,
    encode,
    foreign,
)


def make_event(**members: object) -> Event:
    return Event(
        id="01890a5d-ac96-774b-bcce-b302099a8057",
        time="1700000000000000001",
        action="statement.run",
        source=Source(kind="gateway"),
        **members,
    )


def test_the_bytes_of_a_small_event_never_change() -> None:
    event = make_event(
        actor=Actor(id="alice", type="human", roles=("support",)),
        statement=StatementText(text="SELECT 1", shape="SELECT ?", hash="00ff"),
        redaction=Redaction(counts={"EMAIL": 2, "CARD": 1}, pack_hash="ab"),
    )
    # A ledger leaf: changing this line breaks every proof that was ever handed out.
    assert encode(event) == (
        b'{"action":"statement.run","actor":{"id":"alice","roles":["support"],"type":"human"},'
        b'"id":"01890a5d-ac96-774b-bcce-b302099a8057",'
        b'"redaction":{"counts":{"CARD":1,"EMAIL":2},"pack_hash":"ab"},"schema":1,'
        b'"source":{"kind":"gateway"},"statement":{"hash":"00ff","shape":"SELECT ?","text":"SELECT 1"},'
        b'"tenant":"default","time":"1700000000000000001"}'
    )


def test_tenant_and_schema_are_always_written() -> None:
    assert json.loads(encode(make_event())) | {"tenant": "default", "schema": 1} == json.loads(
        encode(make_event())
    )


def test_an_event_over_the_leaf_limit_is_refused_and_names_its_id_only() -> None:
    event = make_event(attrs={"text": "x" * MAX_ENTRY_BYTES})
    with pytest.raises(TooLarge, match=event.id) as caught:
        encode(event)
    assert "xxx" not in str(caught.value)


def test_the_largest_leaf_fits() -> None:
    room = MAX_ENTRY_BYTES - len(encode(make_event(attrs={"text": "x"})))
    event = make_event(attrs={"text": "x" * (room + 1)})
    assert len(encode(event)) == MAX_ENTRY_BYTES
    assert decode(encode(event)) == event


def test_a_newer_schema_is_refused_with_the_cure() -> None:
    newer = msgspec.structs.replace(make_event(), schema=SCHEMA_VERSION + 1)
    with pytest.raises(ConfigError, match="upgrade glasshatch"):
        decode(encode(newer))


def test_members_of_a_later_minor_form_are_ignored() -> None:
    stored = encode(make_event())[:-1] + b',"zeta":{"new":1}}'
    assert decode(stored) == make_event()


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"\xff", b'{"id":1}', b"[" * 100_000])
def test_bytes_that_are_no_event_are_a_peer_error(data: bytes) -> None:
    with pytest.raises(PeerError, match="not a canonical event"):
        decode(data)


def test_an_error_names_no_value_of_the_input() -> None:
    broken = encode(make_event()).replace(b'"time":"1700000000000000001"', b'"time":4111111111111111')
    with pytest.raises(PeerError) as caught:
        decode(broken)
    assert "4111" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (2**53, "9007199254740992"),
        (2**53 - 1, 2**53 - 1),
        (True, True),
        (b"\xffok", "\ufffdok"),
        ("\ud800", "?"),
        ({"é": 1}, {"\\xe9": 1}),
        ({1: (1, 2)}, {"1": [1, 2]}),
    ],
)
def test_foreign_values_become_canonical(given: object, canonical: object) -> None:
    assert foreign(given) == canonical


def test_foreign_cuts_what_is_too_deep() -> None:
    value: object = "bottom"
    for _ in range(10_000):
        value = [value]
    text = json.dumps(foreign(value))
    assert "[TOO DEEP]" in text
    assert "bottom" not in text


def test_foreign_loses_no_member_when_names_become_the_same() -> None:
    assert foreign({"\xe9": "accent", "\\xe9": "text"}) == {"\\xe9": "accent", "\\xe9'": "text"}
    assert foreign({1: "number", "1": "text"}) == {"1": "number", "1'": "text"}


def test_every_action_is_noun_dot_verb_with_a_meaning() -> None:
    for name, action in ACTIONS.items():
        noun, _, verb = name.partition(".")
        assert noun.islower()
        assert verb.islower()
        assert action.name == name
        assert len(action.meaning) > 10
        assert 0 <= action.severity <= 6


def test_bytes_that_are_no_text_are_no_event() -> None:
    with pytest.raises(PeerError, match="not UTF-8"):
        decode(b'{"action":"a.b","id":"\xff","source":{"kind":"json"},"time":"1"}')
