"""What is remembered of texts: the same as understanding them anew, bounded, and gone with the token key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from glasshatch.gateway.connectors.postgres.knowing import Known
from glasshatch.gateway.connectors.postgres.questions import Question, question_of
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.statements import analyze_sql

SHOP = "postgres/shop"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    cache: Path = tmp_path_factory.mktemp("cache")
    return Engine.load(packs=("core", "secrets"), cache_dir=cache)


@pytest.fixture
def redactor(engine: Engine) -> Redactor:
    return Redactor(engine, Tokens({1: bytes(32)}, 1, "default"))


def told(question: Question) -> tuple[object, ...]:
    """All that events and decisions see of a question."""
    statement = msgspec.structs.replace(question.statement, literals=())
    return (
        statement, question.recorded.text, question.recorded.parts(), question.resources,
        question.plain_text, question.trace,
    )  # fmt: skip


TEXTS = (
    "select city from customers where id = 1",
    "select city from customers where id = 123456",
    "select city from customers where id = 12345678901",
    "select id from customers where city = 'Berlin'",
    "select id from customers where city = 'ada.lovelace@example.com'",
    "select id from customers where city = 'ber\\lin'",
    "select id /* ask ada.lovelace@example.com */ from customers where city = 'Köln'",
    "select id  /* */ from customers where city = 'Köln'",
    "select 1 /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/",
    'select "ada.lovelace@example.com" from t where id = 5',
    "create user bob password 'hunter22'",
    "selec nothing from 'ada.lovelace@example.com'",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_known_text_says_what_an_unknown_one_does(redactor: Redactor, text: str) -> None:
    known = Known()
    for other in TEXTS:
        known.question(redactor, SHOP, other)
    fresh = told(question_of(redactor, SHOP, text, analyze_sql(text)))
    assert told(known.question(redactor, SHOP, text)) == fresh
    relative = text.replace("1", "2").replace("Berlin", "Bremen").replace("Köln", "Ulm")
    fresh = told(question_of(redactor, SHOP, relative, analyze_sql(relative)))
    assert told(known.question(redactor, SHOP, relative)) == fresh


def test_texts_of_one_code_are_kin(redactor: Redactor) -> None:
    known = Known()
    one = known.question(redactor, SHOP, "select city from customers where id = 1")
    two = known.question(redactor, SHOP, "select city from customers where id = 22")
    other = known.question(redactor, SHOP, "select name from customers where id = 1")
    assert one.kin is two.kin is not None
    assert other.kin is not one.kin
    assert known.question(redactor, SHOP, "select city from customers where id = 1") is one


@pytest.mark.parametrize(
    "text", ["set names 'utf8'", "prepare p as select 1", "fetch 5 from c", "selec 1", "copy t to stdout"]
)
def test_what_says_more_than_its_code_has_no_kin(redactor: Redactor, text: str) -> None:
    assert Known().question(redactor, SHOP, text).kin is None


def test_all_is_forgotten_with_the_token_key(redactor: Redactor) -> None:
    known, text = Known(), "select id from customers where city = 'Berlin'"
    before = known.question(redactor, SHOP, text)
    redactor.renew(Tokens({1: bytes(32), 2: bytes([9]) * 32}, 2, "default"))
    after = known.question(redactor, SHOP, text)
    assert after.recorded.text != before.recorded.text
    assert after.kin is not before.kin


def test_what_is_remembered_is_bounded(redactor: Redactor) -> None:
    known = Known()
    for number in range(3_000):
        known.question(redactor, SHOP, f"select a{number} from t where b = 'x{number}'")
    assert len(known._questions) <= 2_048
    assert len(known._kins) <= 1_024
    for number in range(20):
        known.question(redactor, SHOP, f"select '{'x' * 5_000}{number}'")
    assert not any(len(text) > 4_096 for text in known._questions)
    kin = known.question(redactor, SHOP, "select 1").kin
    assert kin is not None
    for number in range(100):
        kin.keep(("run", number), None)  # type: ignore[arg-type]
    assert len(kin.forms) <= 32
