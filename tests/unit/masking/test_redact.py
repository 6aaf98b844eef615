"""Nothing personal in what is recorded: events, statements, bind values; and closed when it fails."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from glasshatch.events import (
    Access,
    Actor,
    Client,
    Event,
    Outcome,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
    encode,
)
from glasshatch.masking import UNSCANNED, Engine, Redactor, Tokens
from glasshatch.masking.candidates import Found
from glasshatch.statements import Span, analyze_sql

MAIL, CARD = "alice@example.com", "4111111111111111"


def event(**members: Any) -> Event:
    return Event(
        id="01890000-0000-7000-8000-000000000001",
        time="1",
        action="statement.run",
        source=Source(kind="gateway", name="bob@corp.example"),
        actor=Actor(
            id="bob@corp.example",
            name="Bob",
            raw=RawPrincipal(namespace="oidc", principal="bob@corp.example"),
        ),
        **members,
    )


def test_everything_foreign_is_redacted_in_one_event(redactor: Redactor) -> None:
    dirty = event(
        statement=StatementText(text=f"x {MAIL}", shape=f'select "{MAIL}"', hash="ab" * 8),
        outcome=Outcome(status="failure", code="22P02", reason=f'invalid input syntax: "{MAIL}"'),
        access=Access(reason=f"look at {MAIL}", ticket=f"T {MAIL}", approvers=("carol@corp.example",)),
        client=Client(ip="198.51.100.7", user_agent=f"psql {MAIL}"),
        resource=Resource(type="postgres", id="postgres/orders", labels={"owner": MAIL}),
        resources=(Resource(type="table", name="t", labels={MAIL: "key"}),),
        labels={"note": MAIL},
        attrs={"list": [{"deep": [MAIL, 7]}], "card": int(CARD), "n": 42, MAIL: True, "flag": None},
        native={"requestObject": {"data": f"<{MAIL}>"}},
    )
    clean = redactor.event(dirty)
    stored = encode(clean)
    assert MAIL.encode() not in stored
    assert CARD.encode() not in stored
    assert clean.redaction is not None
    assert clean.redaction.counts == {"CARD": 1, "EMAIL": 12}
    assert clean.redaction.pack_hash == redactor.engine.pack_hash
    # Identity and structure stay, they are the point of an audit log.
    assert (clean.actor, clean.source, clean.id, clean.action) == (
        dirty.actor,
        dirty.source,
        dirty.id,
        dirty.action,
    )
    assert clean.client is not None
    assert clean.client.ip == "198.51.100.7"
    assert clean.access is not None
    assert clean.access.approvers == ("carol@corp.example",)
    assert clean.attrs["n"] == 42
    assert clean.attrs["flag"] is None


def test_a_clean_event_only_gains_the_pack_hash(redactor: Redactor) -> None:
    before = event(statement=StatementText(text="select 1", shape="select ?"), attrs={"rows": 3})
    after = redactor.event(before)
    assert after.redaction is not None
    assert after.redaction.counts == {}
    assert msgspec.structs.replace(after, redaction=None) == before


def test_redacting_twice_changes_nothing(redactor: Redactor) -> None:
    once = redactor.event(event(attrs={"a": MAIL, "password": "pässwort", "b": f"card {CARD}"}))
    assert redactor.event(once) == once
    assert once.redaction is not None
    assert once.redaction.counts == {"CARD": 1, "EMAIL": 1, "SECRET": 1}


def test_telling_keys_are_believed(redactor: Redactor, tokens: Tokens) -> None:
    native = {
        "password": "hunter2",
        "db": {"clientSecret": ["s1", 12]},
        "first_name": "Alice",
        "token_id": "k3",
        "pod": "a",
        "db_password": "<HUNTER2>",
    }
    clean = redactor.event(event(native=native)).native
    assert clean == {
        "password": "<SECRET>",
        "db": {"clientSecret": ["<SECRET>", "<SECRET>"]},
        "first_name": tokens.token("NAME", "alice"),
        "token_id": "k3",
        "pod": "a",
        "db_password": "<SECRET>",
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 where email = 'Alice@Example.com'", "select 1 where email = '{EMAIL:alice@example.com}'"),
        ("select E'alice\\x40example.com'", "select '{EMAIL:alice@example.com}'"),
        ("select $x$alice@example.com$x$", "select '{EMAIL:alice@example.com}'"),
        ("select U&'alice\\0040example.com'", "select '{EMAIL:alice@example.com}'"),
        ("select 'o''neil'", "select '{TEXT:o'neil}'"),
        ("select '%alice@example.com%' -- bob@example.com", "select '{EMAIL:alice@example.com}'  "),
        ("select 42, 123456, 1234567", "select 42, 123456, '{NUMBER:1234567}'"),
        ("select 4111111111111111", "select '{CARD:4111111111111111}'"),
        ("select 0x1F2E3D4C, 1e5, 12.50", "select '{NUMBER:0x1F2E3D4C}', 1e5, 12.50"),
        ("alter role app password 'hunter2'", "alter role app password '<SECRET>'"),
        ("select ''", "select ''"),
        ('select "alice@example.com" from t', 'select "{EMAIL:alice@example.com}" from t'),
    ],
)  # fmt: skip
def test_statements_lose_their_values_and_keep_their_form(
    redactor: Redactor, tokens: Tokens, sql: str, expected: str
) -> None:
    expected = re.sub(r"\{(\w+):([^}]*)\}", lambda match: tokens.token(match[1], match[2]), expected)
    assert redactor.sql(sql, analyze_sql(sql).literals).rstrip() == expected.rstrip()


def test_a_text_that_is_no_sql_leaves_nothing(redactor: Redactor) -> None:
    text = "selec 'alice@example.com' hunter2hunter2"
    clean = redactor.sql(text, [Span(0, len(text), "other")])
    assert "alice" not in clean
    assert "hunter2" not in clean


def test_literals_and_bind_values_have_the_token_of_the_answer(redactor: Redactor, tokens: Tokens) -> None:
    token = tokens.token("EMAIL", MAIL)
    assert token in redactor.sql(f"select '{MAIL}'", analyze_sql(f"select '{MAIL}'").literals)
    assert redactor.bind([MAIL.encode()], [], []) == [token]
    assert redactor.text(f"mail {MAIL}") == (f"mail {token}", {"EMAIL": 1})


def test_spans_that_do_not_fit_close_the_statement(redactor: Redactor) -> None:
    assert redactor.sql("select 1", [Span(3, 99, "string")]) == UNSCANNED
    assert redactor.sql("select 1", [Span(0, 5, "string"), Span(3, 6, "string")]) == UNSCANNED


def test_bind_values_are_read_in_both_formats(redactor: Redactor, tokens: Tokens) -> None:
    values = [
        b"42",
        struct.pack("!q", 14155552671),
        None,
        b"\x01",
        b"hello",
        b"",
        struct.pack("!i", 0),
        b"\xff\xfe",
    ]
    oids = [23, 20, 25, 16, 0, 25, 1082, 17]
    assert redactor.bind(values, [0, 1, 0, 1, 0, 0, 1, 1], oids) == [
        "42",
        tokens.token("NUMBER", "14155552671"),
        "NULL",
        "true",
        tokens.token("TEXT", "hello"),
        "''",
        tokens.token("TEXT", "2000-01-01"),
        tokens.token("TEXT", "ÿþ"),
    ]
    assert redactor.bind([b"1", b"2"], [1], [25, 25]) == [
        tokens.token("TEXT", "1"),
        tokens.token("TEXT", "2"),
    ]


class Broken(Engine):
    """An engine that cannot scan texts with a certain word in them."""

    def _groups(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Found], int]]:
        if any("poison" in text for text in texts):
            raise RuntimeError("boom")
        return super()._groups(texts)


@pytest.fixture(scope="module")
def broken(engine: Engine, tokens: Tokens) -> Redactor:
    return Redactor(Broken(engine.packs), tokens)


def test_a_text_that_cannot_be_scanned_is_closed_and_its_neighbours_are_not(broken: Redactor) -> None:
    assert broken.texts(["fine", "poison pill"]) == ["fine", UNSCANNED]
    assert broken.text("poison") == (UNSCANNED, {"UNSCANNED": 1})
    clean = broken.event(event(attrs={"a": "poison", "b": "fine"}, outcome=Outcome(reason="poison")))
    assert clean.attrs == {"a": UNSCANNED, "b": "fine"}
    assert clean.redaction is not None
    assert clean.redaction.counts == {"UNSCANNED": 2}
    assert broken.bind([b"poison"], [0], [25]) == [UNSCANNED]
    assert "poison" not in broken.sql("select 'poison', 1", analyze_sql("select 'poison', 1").literals)


def test_an_event_of_no_known_shape_is_closed(redactor: Redactor) -> None:
    class Strange:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    clean = redactor.event(event(attrs={"x": Strange(), "mail": MAIL}, statement=StatementText(text=MAIL)))
    assert MAIL.encode() not in encode(clean)
    assert clean.redaction is not None
    assert clean.redaction.counts == {"UNSCANNED": 1}
