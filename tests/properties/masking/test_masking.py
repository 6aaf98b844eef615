"""Masking holds for any text: values are found wherever they stand, and nothing is masked twice."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.rows import masked
from glasshatch.events import Event, Source, encode, foreign
from glasshatch.masking import TOKEN, ColumnFacts, Engine, Redactor, Tokens, plan_columns
from glasshatch.statements import analyze_sql

REDACTOR = Redactor(Engine.load(), Tokens({1: b"k" * 32}, 1, "acme"))
wild = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
word = st.text(string.ascii_lowercase + string.digits, min_size=3, max_size=12)
mail = st.builds("{}.{}@{}.example".format, word, word, word)
edge = st.sampled_from(["", *" \"'<>(),;=:\n\t|[{-./", "日", "–"])
planted = ["4111111111111111", "password=hunter22", "203.0.113.9", "+14155552671", "%40", "<SECRET>"]
pieces = st.lists(st.one_of(wild, mail, st.sampled_from(planted)), max_size=6)


@given(wild, edge, mail, edge, wild)
def test_a_value_is_found_between_any_neighbours(
    before: str, left: str, value: str, right: str, after: str
) -> None:
    text = f"{before} {left}{value}{right} {after}"
    clean, _ = REDACTOR.text(text)
    assert value not in clean


@given(pieces)
def test_redacting_twice_changes_nothing(parts: list[str]) -> None:
    once, counts = REDACTOR.text(" ".join(parts))
    again, counted = REDACTOR.text(once)
    # What the splice brings together may form a new value; then that is masked, never unmasked.
    if TOKEN.sub("", once) == TOKEN.sub("", again):
        assert (again, counted) == (once, counts)


@given(st.lists(wild, max_size=8))
def test_findings_lie_within_their_text_in_order(texts: list[str]) -> None:
    for text, found in zip(texts, REDACTOR.engine.scan(texts), strict=True):
        places = [place for one in found for place in (one.start, one.end)]
        assert places == sorted(places)
        assert all(0 <= place <= len(text) for place in places)
        assert [one for one in found if one.start == one.end] == []


@given(st.lists(st.one_of(mail, wild), max_size=8))
def test_a_batch_is_its_texts_one_by_one(texts: list[str]) -> None:
    assert REDACTOR.engine.scan(texts) == [REDACTOR.engine.scan([text])[0] for text in texts]


keys = st.text(string.ascii_letters + "_", max_size=8) | mail
tree = st.recursive(
    st.none() | st.booleans() | st.integers() | wild | mail,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(tree, mail)
def test_no_event_keeps_a_mail_anywhere(native: Any, value: str) -> None:
    event = Event(
        id="1",
        time="1",
        action="x.y",
        source=Source(kind="k"),
        native=foreign({"a": [native, f"to <{value}>"]}),
    )
    clean = REDACTOR.event(event)
    assert value.encode() not in encode(clean)
    assert clean.redaction is not None
    assert clean.redaction.counts.get("EMAIL", 0) >= 1
    assert REDACTOR.event(clean).native == clean.native


secret = st.text(string.ascii_letters, min_size=12, max_size=20)


@given(
    secret,
    secret,
    st.integers(10**7, 10**15),
    st.sampled_from(["'{}'", "E'{}'", "$a${}$a$", "$${}$$", "U&'{}'"]),
)
def test_no_literal_survives_in_a_statement(first: str, second: str, number: int, quote: str) -> None:
    sql = f"select * from t where a = {quote.format(first)} and b in ({number}, 1) /* {second} */ -- {second}"
    clean = REDACTOR.sql(sql, analyze_sql(sql).literals)
    assert first not in clean
    assert second not in clean
    assert str(number) not in clean
    assert clean.startswith("select * from t where a = '<")
    assert " 1)" in clean


@given(
    st.dictionaries(
        word,
        st.recursive(mail | st.integers() | st.none(), lambda x: st.lists(x, max_size=3), max_leaves=5),
        max_size=4,
    )
)
# The token that stands for this address ends with letters that also announce a licence.
@example({"000": None, "0000": ["5a77k.3po8q413@dghx35urzlkt.example", 10002]})
@pytest.mark.parametrize("oid", [114, 3802])
def test_masked_documents_stay_documents(oid: int, document: dict[str, Any]) -> None:
    facts = [ColumnFacts("profile", oid, 0, "public.t", "profile")]
    shown = masked(plan_columns(facts, (), REDACTOR, False), [[json.dumps(document).encode()]])[0][0]
    assert shown is not None
    assert set(json.loads(shown)) == set(document)
    assert b".example" not in shown
