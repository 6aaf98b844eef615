"""Every operator: what it leaves of a value, that it keeps its form, and that no secret is ever shown."""

from __future__ import annotations

import datetime

import pytest

from glasshatch.errors import ConfigError
from glasshatch.masking import OPERATORS, Chosen, ColumnRule, Tokens, masked
from glasshatch.masking.dates import shift_days, shifted
from glasshatch.masking.formats import look_alike
from glasshatch.masking.validators import card, iban, ipv4, us_ssn

VALUES = {
    "CARD": "4111 1111-1111 1111", "IBAN": "GB29 NWBK 6016 1331 9268 19", "PHONE": "+49 (0) 30 901820",
    "SSN": "219-09-9998", "MAC": "00:1A:2b:3c:4d:5e", "IP": "203.0.113.9", "EMAIL": "Alice.B+x@Example.co.uk",
    "NAME": "Zoë O'Neil-Smith", "TEXT": "AB-123/xyz 7", "NUMBER": "1234567890",
}  # fmt: skip


@pytest.mark.parametrize(("type", "value"), VALUES.items())
def test_a_lookalike_has_the_form_and_is_another(tokens: Tokens, type: str, value: str) -> None:
    made = look_alike(type, value, tokens)
    assert made != value
    assert made == look_alike(type, value, tokens)
    if type not in ("IP", "EMAIL"):
        assert len(made) == len(value)
        for old, new in zip(value, made, strict=True):
            assert (old.isdigit(), old.isalpha()) == (new.isdigit(), new.isalpha()) or type == "MAC"
            assert old.isalnum() or old == new


def test_a_lookalike_passes_the_checks_of_its_type(tokens: Tokens) -> None:
    assert card(look_alike("CARD", VALUES["CARD"], tokens))
    assert look_alike("CARD", VALUES["CARD"], tokens).startswith("4111 ")
    assert iban(look_alike("IBAN", VALUES["IBAN"], tokens))
    assert look_alike("IBAN", VALUES["IBAN"], tokens).startswith("GB")
    assert us_ssn(look_alike("SSN", VALUES["SSN"], tokens))
    assert ipv4(look_alike("IP", VALUES["IP"], tokens))
    assert look_alike("PHONE", VALUES["PHONE"], tokens).startswith("+49 (0) ")
    assert look_alike("EMAIL", VALUES["EMAIL"], tokens).endswith(".invalid")


@pytest.mark.parametrize(
    ("type", "one", "other"),
    [
        ("CARD", "4111111111111111", "4111-1111-1111-1111"),
        ("PHONE", "+1 415 555 2671", "(415) 555-2671"),
        ("EMAIL", "a@example.com", "A@EXAMPLE.com"),
        ("SSN", "219099998", "219-09-9998"),
    ],
)
def test_spellings_of_one_value_look_alike(tokens: Tokens, type: str, one: str, other: str) -> None:
    first, second = (
        "".join(char for char in look_alike(type, value, tokens).lower() if char.isalnum())
        for value in (one, other)
    )
    assert first.endswith(second) or second.endswith(first)


def test_lookalikes_do_not_collide(tokens: Tokens) -> None:
    cards = {look_alike("CARD", f"411111{number:09d}5", tokens)[:15] for number in range(500)}
    assert len(cards) == 500
    assert len({look_alike("NUMBER", f"{number:04d}", tokens) for number in range(2_000)}) == 2_000


@pytest.mark.parametrize(
    "value",
    [
        "1980-03-12",
        "1980-03-12T10:00:00Z",
        "12.03.1980",
        "3/4/1980",
        "12th March 1980",
        "Mar 3, 1980",
        "19800312",
    ],
)
def test_a_moved_date_keeps_its_spelling_and_its_distance(value: str) -> None:
    there = shifted(value, 40)
    assert there is not None
    assert there != value
    assert shifted(there, -40) == value
    assert len(there) - len(value) in (-1, 0, 1)


def test_dates_of_a_subject_move_together(tokens: Tokens) -> None:
    first, second = (
        masked(Chosen("date-shift"), "DATE", day, tokens, kind="date", subject="<EMAIL:x>")
        for day in ("1980-03-12", "1981-03-12")
    )
    assert first is not None
    assert second is not None
    apart = datetime.date.fromisoformat(second) - datetime.date.fromisoformat(first)
    assert apart == datetime.timedelta(days=365)
    distances = {shift_days(tokens, str(number), 365) for number in range(300)}
    assert len(distances) > 150
    assert 0 not in distances
    assert max(map(abs, distances)) <= 365


@pytest.mark.parametrize("value", ["hello", "31.02.1980", "", "9999-99-99", "12/1980"])
def test_what_is_no_date_does_not_pass(tokens: Tokens, value: str) -> None:
    for operator in (Chosen("date-shift"), Chosen("bucket")):
        assert masked(operator, "BIRTHDATE", value, tokens) == "<BIRTHDATE>"
        assert masked(operator, "BIRTHDATE", value, tokens, kind="date") is None


@pytest.mark.parametrize(
    ("chosen", "type", "value", "kind", "shown"),
    [
        (Chosen("bucket"), "AGE", "42", "text", "40-49"),
        (Chosen("bucket"), "AGE", "42", "integer", "40"),
        (Chosen("bucket", bucket=1000), "SALARY", "-1.5", "number", "-1000"),
        (Chosen("bucket"), "BIRTHDATE", "1980-08-12", "text", "1980"),
        (Chosen("bucket", every="quarter"), "BIRTHDATE", "12 Aug 1980", "text", "1980-Q3"),
        (Chosen("bucket", every="month"), "BIRTHDATE", "1980-08-12", "date", "1980-08-01"),
        (Chosen("bucket", every="decade"), "DATE", "1985-08-12 10:00:00", "timestamp", "1980-01-01 00:00:00"),
        (Chosen("partial"), "EMAIL", "alice@example.com", "text", "a***@example.com"),
        (Chosen("partial"), "CARD", "4111 1111 1111 1111", "text", "************1111"),
        (Chosen("partial"), "NAME", "Alice Smith", "text", "<NAME>"),
        (Chosen("partial"), "BIRTHDATE", "1980-08-12", "text", "1980-**-**"),
        (Chosen("partial"), "IP", "203.0.113.9", "text", "203.0.113.x"),
        (Chosen("partial"), "MAC", "00:1b:44:11:3a:b7", "text", "00:1b:44:xx:xx:xx"),
        (Chosen("partial"), "MAC", "001B44113AB7", "text", "001B44xxxxxx"),
        (Chosen("partial"), "MAC", "001b.4411.3ab7", "text", "<MAC>"),
        # A narrow range of a long number is the number.
        (Chosen("bucket"), "CARD", "4111111111111111", "text", "<CARD>"),
        (Chosen("bucket"), "CARD", "4111111111111111", "integer", None),
        (Chosen("bucket"), "NUMBER", "-100000", "text", "<NUMBER>"),
        (Chosen("bucket"), "SALARY", "99999", "text", "99990-99999"),
        (Chosen("bucket", bucket=10_000), "SALARY", "4000123", "integer", "4000000"),
        (Chosen("null"), "EMAIL", "alice@example.com", "text", None),
        (Chosen("keep"), "EMAIL", "alice@example.com", "text", "alice@example.com"),
        (Chosen("redact"), "EMAIL", "alice@example.com", "text", "<EMAIL>"),
        (Chosen("token"), "CARD", "4111111111111111", "integer", None),
    ],
)  # fmt: skip
def test_what_an_operator_leaves(
    tokens: Tokens, chosen: Chosen, type: str, value: str, kind: str, shown: str | None
) -> None:
    assert masked(chosen, type, value, tokens, kind=kind) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_operator_shows_a_secret(tokens: Tokens, operator: str) -> None:
    made = masked(Chosen(operator), "SECRET", "hunter2", tokens)  # type: ignore[arg-type]
    assert made in ("<SECRET>", None)


@pytest.mark.parametrize("operator", ["keep", "partial", "format-preserving", "seal", "bucket", "date-shift"])
def test_a_column_rule_that_would_show_a_secret_is_refused(operator: str) -> None:
    with pytest.raises(ConfigError, match="never revealed"):
        ColumnRule("*.pin", "SECRET", operator)  # type: ignore[arg-type]
