"""Operators hold for any value: its form stays, equal values stay equal, and nothing is masked twice."""

from __future__ import annotations

import base64
import datetime
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.events import Event, Source
from glasshatch.masking import (
    OPERATORS,
    Chosen,
    Engine,
    MaskingPolicy,
    Redactor,
    StoredRule,
    Tokens,
    masked,
)
from glasshatch.masking.dates import read_date, shifted
from glasshatch.masking.formats import look_alike, luhn_digit, permuted
from glasshatch.masking.validators import card, digits, iban, luhn

TOKENS = Tokens({1: b"k" * 32}, 1, "acme")
REDACTOR = Redactor(Engine.load(), TOKENS)
wild = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
types = st.sampled_from(
    ["EMAIL", "CARD", "IBAN", "PHONE", "SSN", "MAC", "IP", "NAME", "TEXT", "NUMBER", "BIRTHDATE", "SECRET"]
)
numbers = st.text("0123456789", min_size=11, max_size=18)
kinds = st.sampled_from(["text", "integer", "number", "date", "timestamp", "other"])
word = st.text(string.ascii_lowercase, min_size=3, max_size=10)
mail = st.builds("{}.{}@{}.example".format, word, word, word)


@given(st.sampled_from(OPERATORS), types, wild, kinds)
def test_no_value_makes_an_operator_fail_and_none_shows_a_secret(
    operator: str, type: str, value: str, kind: str
) -> None:
    made = masked(Chosen(operator), type, value, TOKENS, kind=kind)  # type: ignore[arg-type]
    if type == "SECRET":
        assert made in ("<SECRET>", None)
    elif kind == "integer" and made is not None and operator not in ("keep", "redact", "null", "token"):
        assert str(int(made)) == made


@given(types, wild)
def test_a_lookalike_is_of_the_same_classes(type: str, value: str) -> None:
    made = look_alike(type, value, TOKENS)
    if type not in ("EMAIL", "IP", "MAC"):
        assert len(made) == len(value)
        for old, new in zip(value, made, strict=True):
            assert old.isalnum() == new.isalnum() or not old.isascii()
            assert old == new or old.isalnum()


@given(st.lists(numbers, min_size=2, max_size=2, unique=True))
def test_cards_pass_luhn_and_stay_apart(bodies: list[str]) -> None:
    cards = ["4111" + body[:11] for body in bodies]
    made = [look_alike("CARD", one + luhn_digit(one), TOKENS) for one in cards]
    assert all(map(luhn, made))
    assert all(one.startswith("4111") and card(one) for one in made)
    assert (made[0] == made[1]) == (cards[0] == cards[1])


@given(st.text("0123456789", min_size=18, max_size=18))
def test_ibans_stay_ibans(account: str) -> None:
    check = 98 - int(account + "131400") % 97  # DE is 13 14
    value = f"DE{check:02d}{account}"
    assert iban(value)
    made = look_alike("IBAN", value, TOKENS)
    assert iban(made)
    assert made[:2] == "DE"
    assert digits(
        look_alike("IBAN", " ".join(value[at : at + 4] for at in range(0, 22, 4)), TOKENS)
    ) == digits(made)


@given(st.integers(2, 12), st.integers(2, 40), st.randoms(use_true_random=False))
def test_a_permutation_loses_nothing(length: int, radix: int, random: object) -> None:
    keyed = TOKENS.digest("test")
    seen = {
        tuple(permuted([(at * step + 1) % radix for step in range(length)], radix, keyed, b"t"))
        for at in range(radix)
    }
    given_ = {tuple((at * step + 1) % radix for step in range(length)) for at in range(radix)}
    assert len(seen) == len(given_)
    assert all(0 <= symbol < radix for one in seen for symbol in one)


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), st.integers(-3650, 3650))
@pytest.mark.parametrize("spelling", ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y%m%d", "%d %B %Y", "%b %d, %Y"])
def test_a_date_moves_and_comes_back(spelling: str, day: datetime.date, days: int) -> None:
    moved = shifted(day.strftime(spelling), days)
    assert moved is not None
    back = shifted(moved, -days)
    assert back is not None
    read = read_date(back)
    assert read is not None
    assert read[0] == day
    if "%b" not in spelling.lower():
        assert back == day.strftime(spelling)


ENCODINGS = [
    lambda value: value, str.upper, lambda value: quote(value, safe=""),
    lambda value: value.replace("@", "\\u0040"),
    lambda value: base64.b64encode(f"<{value}>".encode()).decode(), lambda value: value.encode().hex(),
    lambda value: value.replace("@", "&#64;"),
]  # fmt: skip


@given(mail)
def test_one_value_has_one_token_in_every_encoding_and_place(value: str) -> None:
    token = TOKENS.token("EMAIL", value)
    assert REDACTOR.sql(f"select '{value}'", [_span(value)]) == f"select '{token}'"
    assert masked(Chosen("token"), "EMAIL", value, TOKENS) == token
    assert REDACTOR.bind([value.encode()], [0], [25]) == [token]
    for encode in ENCODINGS:
        event = Event(id="1", time="1", action="x.y", source=Source(kind="json"), native={"a": encode(value)})
        clean = REDACTOR.event(event)
        assert token in json.dumps(clean.native)
        assert REDACTOR.event(clean) == clean


def _span(value: str) -> object:
    from glasshatch.statements import analyze_sql

    return analyze_sql(f"select '{value}'").literals[0]


STORING = {
    operator: Redactor(
        REDACTOR.engine, TOKENS, frozenset(), MaskingPolicy((), [StoredRule(operator=operator, type="EMAIL")])
    )
    for operator in ("token", "redact", "null", "partial", "bucket")
}


@given(mail, st.sampled_from(sorted(STORING)))
def test_what_was_stored_by_any_rule_is_not_masked_twice(value: str, operator: str) -> None:
    redactor = STORING[operator]
    event = Event(
        id="1", time="1", action="x.y", source=Source(kind="json"), native={"a": f"to {value} today"}
    )
    once = redactor.event(event)
    assert value not in json.dumps(once.native)
    assert once.redaction is not None
    assert once.redaction.counts == {"EMAIL": 1}
    assert redactor.event(once).native == once.native
