"""A draft filled in is, byte for byte, its event redacted and encoded the long way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.events import (
    Actor,
    Client,
    Data,
    DecisionMade,
    Draft,
    Event,
    Form,
    Link,
    Outcome,
    Resource,
    Source,
    StatementText,
    encode_whole,
)
from glasshatch.masking import Engine, MaskingPolicy, Redactor, Stencils, StoredRule, Tokens

HOLES = (
    "id", "time", "session_id", "client", "attrs.seq", "request_id",
    "attrs.decision_id", "statement.text", "attrs.bind",
)  # fmt: skip
DONE_HOLES = (
    "id", "time", "session_id", "client", "attrs.seq", "request_id",
    "attrs.duration_us", "attrs.affected", "data",
)  # fmt: skip
CLIENT = Client(ip="10.0.0.1", port=5000)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    cache: Path = tmp_path_factory.mktemp("cache")
    return Engine.load(packs=("core", "secrets"), cache_dir=cache)


@pytest.fixture
def redactor(engine: Engine) -> Redactor:
    return Redactor(engine, Tokens({1: bytes(32)}, 1, "default"))


def form(**members: Any) -> Form:
    event = Event(
        id="0", time="1", action="statement.run", source=Source(kind="gateway", name="postgres"),
        severity=1, actor=Actor(id="a1", name="ada"), session_id="s", request_id="r", client=CLIENT,
        resource=Resource(type="postgres", id="postgres/shop"),
        resources=(Resource(type="table", id="postgres/shop/customers", name="customers"),),
        statement=StatementText(text="select 1", shape="select ?", hash="abcd"),
        decision=DecisionMade(effect="allow", rule="everyday", reason="ask ada.lovelace@example.com, 50% %s"),
        attrs={"seq": 3, "decision_id": "d", "verbs": ["select"], "bind": ["1"], "protocol": "simple"},
    )  # fmt: skip
    return Form(msgspec.structs.replace(event, **members), HOLES)


def values(text: str, bind: Sequence[str] = ("7",), client: Client = CLIENT, seq: int = 4) -> tuple[Any, ...]:
    return (
        "01a2-id", "1700000000000000000", "01a2-session", client, seq, "01a2-run", "01a2-decision",
        text, list(bind),
    )  # fmt: skip


def long_way(redactor: Redactor, draft: Draft) -> bytes:
    return encode_whole(redactor.event(draft.event()))


TEXTS = (
    "select 1",
    "select 'grüße \\ \"quoted\"\n'",
    "select <TEXT:abcdefghijkl>, <EMAIL:abcdefghijkl> from t",
    "select mail('ada.lovelace@example.com') -- 4111 1111 1111 1111",
    "select 4111-1111-1111-1111, 5555555555554444",
    "~hole-7~",
    "select 100 % 7, '%s %d %(x)s' like '100%'",
    '[UNSCANNED] and {"email": "a.b@example.com"}',
    '{"password": "hunter22", "mail": "ada.lovelace@example.com"}',
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_filled_draft_equals_its_event_redacted(redactor: Redactor, text: str) -> None:
    stencils = Stencils(redactor)
    shared = form()
    client = Client(ip="10.0.0.9", port=1, user_agent="psql for bob.smith@example.org")
    for bind in (("7",), ("<NUMBER:abcdefghijkl>", "NULL"), ("ada.lovelace@example.com", "+4915112345678")):
        draft = Draft(shared, values(text, bind, client))
        assert stencils.entries([draft, draft]) == [long_way(redactor, draft)] * 2


def test_what_was_exposed_is_filled_in(redactor: Redactor) -> None:
    shared = form(
        action="statement.finished", decision=None, outcome=Outcome(status="success"),
        attrs={"seq": 0, "duration_us": 1, "affected": 1, "commands": ["SELECT"]},
        statement=StatementText(hash="abcd"), data=Data(rows=1),
    )  # fmt: skip
    shared = Form(shared.event, DONE_HOLES)
    data = Data(rows=21, bytes=400, classes=("EMAIL",), columns=("public.people.email",), masked=21,
                subjects=("<EMAIL:abcdefghijkl>",))  # fmt: skip
    own = ("01a2-id", "17", "01a2-session", CLIENT, 9, "01a2-run")
    draft = Draft(shared, (*own, 1234, 21, data))
    assert Stencils(redactor).entries([draft]) == [long_way(redactor, draft)]
    purposeful = Draft(shared, (*own, 1234, 21, msgspec.structs.replace(data, purpose="support")))
    assert Stencils(redactor).entries([purposeful]) == [None], "a text that nobody looked at"


def test_what_cannot_be_filled_in_goes_the_long_way(redactor: Redactor, engine: Engine) -> None:
    stencils = Stencils(redactor)
    assert stencils.entries([Draft(form(), values("select 1", seq=10**6))]) == [None], "scanned as a text"
    assert stencils.entries([Draft(form(), values("x" * 70_000))]) == [None], "too large for an entry"
    assert stencils.entries([Draft(form(), values(""))]) == [None], "left out when it is encoded"
    assert stencils.entries([Draft(form(links=(Link(rel="x", id="y"),)), values("select 1"))]) == [None]
    marked = form(decision=DecisionMade(effect="allow", reason="~hole-7~"))
    assert stencils.entries([Draft(marked, values("select 1"))]) == [None], "its holes cannot be told apart"
    placed = MaskingPolicy(stored=(StoredRule(operator="keep", path="attrs.bind[*]", type="TEXT"),))
    ruled = Redactor(engine, Tokens({1: bytes(32)}, 1, "default"), policy=placed)
    assert Stencils(ruled).entries([Draft(form(), values("select 1"))]) == [None], "a rule names its places"


def test_a_new_token_key_makes_other_bytes_at_once(redactor: Redactor) -> None:
    stencils, shared = Stencils(redactor), form()
    draft = Draft(shared, values("select mail('ada.lovelace@example.com')"))
    (before,) = stencils.entries([draft])
    redactor.renew(Tokens({1: bytes(32), 2: bytes([7]) * 32}, 2, "default"))
    (after,) = stencils.entries([draft])
    assert before != after
    assert after == long_way(redactor, draft)


def test_what_is_remembered_is_bounded(redactor: Redactor) -> None:
    stencils, shared = Stencils(redactor), form()
    for first in range(0, 20_000, 500):
        stencils.entries([Draft(shared, values(f"select {n}")) for n in range(first, first + 500)])
        assert len(stencils._texts) <= 8_192 + 501
    long = "select '" + "x " * 5_000 + "'"
    before = len(stencils._texts)
    assert stencils.entries([Draft(shared, values(long))]) == [None]
    assert len(stencils._texts) <= before
