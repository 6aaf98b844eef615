"""Column plans: rules, names, lineage and types decide; a masked value keeps its type or is NULL."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from fixtures.kernel import KERNELS
from fixtures.rows import masked
from glasshatch.errors import ConfigError
from glasshatch.masking import (
    MAX_SUBJECTS,
    ColumnFacts,
    ColumnRule,
    Engine,
    Redactor,
    RowPlan,
    Tokens,
    masked_columns,
    plan_columns,
)

TEXT, VARCHAR, INT4, INT8, BOOL, DATE, UUID, NUMERIC, JSON, JSONB, BYTEA, TEXT_ARRAY, INET = (
    25, 1043, 23, 20, 16, 1082, 2950, 1700, 114, 3802, 17, 1009, 869,
)  # fmt: skip
CUSTOM = 99_999
MAIL = b"alice@example.com"
RULES = (ColumnRule("*.email", "EMAIL", subject=True),)


@pytest.fixture(autouse=True, params=["python", "compiled"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here holds with both row kernels."""
    if request.param not in KERNELS:
        pytest.skip("the row kernel is not compiled")
    monkeypatch.setattr("glasshatch.masking.rows.Splicer", KERNELS[request.param].Splicer)
    return str(request.param)


def base(column: str, oid: int = TEXT, format: int = 0, table: str = "public.customers") -> ColumnFacts:
    return ColumnFacts(column, oid, format, table, column)


def derived(
    name: str, oid: int = TEXT, format: int = 0, sources: tuple[str, ...] | None = None
) -> ColumnFacts:
    return ColumnFacts(name, oid, format, sources=sources)


def one(
    redactor: Redactor, facts: ColumnFacts, value: bytes, may_touch: bool = True, rules: Any = RULES
) -> Any:
    plan = plan_columns([facts], rules, redactor, may_touch)
    return masked(plan, [[value]])[0][0]


def test_a_rule_holds_whatever_the_answer_calls_the_column(redactor: Redactor, tokens: Tokens) -> None:
    aliased = ColumnFacts("e", TEXT, 0, "public.customers", "email")
    assert one(redactor, aliased, b"Alice@Example.com") == tokens.token("EMAIL", MAIL.decode()).encode()
    assert one(redactor, ColumnFacts("e", TEXT, 1, "public.customers", "email"), MAIL).startswith(b"<EMAIL:")


@pytest.mark.parametrize(
    ("pattern", "table", "column", "fits"),
    [
        ("public.customers.email", "public.customers", "email", True),
        ("public.customers.email", "public.orders", "email", False),
        ("public.customers.email", "customers", "email", True),
        ("*.email", "public.orders", "email", True),
        ("*.*email*", "public.orders", "backup_email_2", True),
        ("*.EMAIL", "public.orders", "email", True),
        ("crm.*.name", "crm.people", "name", True),
        ("crm.*.name", "public.people", "name", False),
        ("*.email", "public.orders", "emails", False),
    ],
)
def test_rules_are_globs_over_schema_table_column(pattern: str, table: str, column: str, fits: bool) -> None:
    assert ColumnRule(pattern, "EMAIL").fits(table, column) is fits


def test_bad_rules_are_refused() -> None:
    with pytest.raises(ConfigError, match="no operator 'hide'"):
        ColumnRule("*.email", "EMAIL", "hide")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'mail' is no type"):
        ColumnRule("*.email", "mail")
    with pytest.raises(ConfigError, match="no data subject"):
        ColumnRule("*.password", "SECRET", "redact", subject=True)


@pytest.mark.parametrize(
    ("column", "type"),
    [
        ("email", "EMAIL"), ("customerEmail", "EMAIL"), ("email_address", "EMAIL"), ("email2", "EMAIL"),
        ("first_name", "NAME"), ("lastName", "NAME"), ("phone", "PHONE"), ("mobile_number", "PHONE"),
        ("ssn", "SSN"), ("card_number", "CARD"), ("pan", "CARD"), ("iban", "IBAN"),
        ("date_of_birth", "BIRTHDATE"),
        ("shipping_address", "ADDRESS"), ("password_hash", "SECRET"), ("api_key", "SECRET"),
        ("client_ip", "IP"),
    ],
)  # fmt: skip
def test_a_columns_name_tells_its_class(redactor: Redactor, column: str, type: str) -> None:
    masked = one(redactor, base(column), b"some value 1", rules=())
    assert masked.startswith(f"<{type}".encode())
    assert (masked == b"<SECRET>") == (type == "SECRET")


@pytest.mark.parametrize(
    ("column", "oid"),
    [
        ("email_verified", TEXT), ("card_brand", TEXT), ("address_id", INT4), ("company", TEXT),
        ("pancake", TEXT),
        ("email", BOOL), ("phone", INT4), ("birth_date", BOOL), ("token_count", INT8), ("status", TEXT),
    ],
)  # fmt: skip
def test_names_and_types_that_cannot_hold_it_stay(redactor: Redactor, column: str, oid: int) -> None:
    assert one(redactor, base(column, oid), b"7", rules=()) == b"7"


@pytest.mark.parametrize("oid", [INT4, INT8, NUMERIC, DATE, UUID, BOOL, INET, CUSTOM])
@pytest.mark.parametrize("format", [0, 1])
def test_a_type_that_cannot_hold_a_token_becomes_null(redactor: Redactor, oid: int, format: int) -> None:
    assert one(redactor, base("email", oid, format), b"\x00\x00\x00\x07") is None
    assert one(redactor, derived("x", oid, format), b"\x00\x00\x00\x07") is None


def test_json_columns_stay_json(redactor: Redactor, tokens: Tokens) -> None:
    token = tokens.token("EMAIL", '"alice@example.com"')
    assert one(redactor, base("email", JSON), b'"alice@example.com"') == json.dumps(token).encode()
    binary = one(redactor, base("email", JSONB, 1), b'\x01"alice@example.com"')
    assert binary[:1] == b"\x01"
    assert json.loads(binary[1:]) == token


def test_a_derived_column_follows_its_lineage(redactor: Redactor, tokens: Tokens) -> None:
    token = tokens.token("EMAIL", MAIL.decode())
    assert one(redactor, derived("e", sources=("customers.email",)), MAIL.upper()) == token.encode()
    both = one(redactor, derived("e", sources=("customers.email", "customers.phone")), MAIL)
    assert both.startswith(b"<MASKED:")
    assert one(redactor, derived("email", INT8, sources=("customers.email",)), b"17") is None
    # Lineage proves that nothing masked flows in: a count stays, text is scanned still.
    assert one(redactor, derived("n", INT8, sources=()), b"17") == b"17"
    assert one(redactor, derived("n", INT8, sources=("orders.quantity",)), b"17") == b"17"
    assert one(redactor, derived("s", sources=()), b"status") == b"status"
    assert one(redactor, derived("s", sources=()), b"to " + MAIL) == b"to " + token.encode()


def test_a_derived_column_of_unknown_lineage_is_masked_whole(redactor: Redactor) -> None:
    for value in (b"616c69", b"anything", MAIL):
        assert one(redactor, derived("x"), value).startswith(b"<MASKED:")
    assert one(redactor, derived("x", JSON), b'{"email": 1}').startswith(b'"<MASKED:')
    assert one(redactor, derived("x"), b"anything", may_touch=False) == b"anything"
    assert one(redactor, derived("x"), MAIL, may_touch=False).startswith(b"<EMAIL:")


def test_undecided_text_is_scanned_in_every_type_that_carries_it(redactor: Redactor) -> None:
    assert one(redactor, base("note"), b"mail " + MAIL).startswith(b"mail <EMAIL:")
    assert one(redactor, base("note", VARCHAR, 1), b"mail " + MAIL).startswith(b"mail <EMAIL:")
    assert one(redactor, base("note"), b"nothing here") == b"nothing here"
    shown = one(redactor, base("note", BYTEA), b"\\x" + MAIL.hex().encode())
    assert bytes.fromhex(shown[2:].decode()).startswith(b"<EMAIL:")
    assert one(redactor, base("note", BYTEA, 1), b"\xff\xfe\x00" + MAIL) is None
    assert one(redactor, base("note", BYTEA, 1), b"\xff\xfe\x00") == b"\xff\xfe\x00"
    assert one(redactor, base("tags", TEXT_ARRAY), b"{a,alice@example.com") is None
    assert one(redactor, base("tags", TEXT_ARRAY, 1), b"\0\0\0\1\0\0\0\x11" + MAIL) is None
    assert one(redactor, base("row", CUSTOM), b"(1,alice@example.com)") is None
    assert one(redactor, base("row", CUSTOM), b"(1,open)") == b"(1,open)"


def test_documents_are_cleaned_by_member_and_keys_are_believed(redactor: Redactor, tokens: Tokens) -> None:
    document = {
        "first_name": "Alice",
        "n": 4111111111111111,
        "notes": ["x " + MAIL.decode()],
        "ok": 1.5,
        "phone": None,
    }
    for oid, format, prefix in ((JSON, 0, b""), (JSONB, 0, b""), (JSONB, 1, b"\x01")):
        masked = one(redactor, base("profile", oid, format), prefix + json.dumps(document).encode())
        assert masked[: len(prefix)] == prefix
        assert json.loads(masked[len(prefix) :]) == {
            "first_name": tokens.token("NAME", "Alice"),
            "n": tokens.token("CARD", "4111111111111111"),
            "notes": ["x " + tokens.token("EMAIL", MAIL.decode())],
            "ok": 1.5,
            "phone": None,
        }
    untouched = b'{"a":  [1, "two"]}'
    assert one(redactor, base("profile", JSON), untouched) == untouched


def test_operators(redactor: Redactor) -> None:
    def by(operator: Any, type: str, value: bytes) -> Any:
        return one(redactor, base("c"), value, rules=[ColumnRule("*.c", type, operator)])

    assert by("partial", "CARD", b"4111 1111 1111 1111") == b"************1111"
    assert by("partial", "EMAIL", MAIL) == b"a***@example.com"
    assert by("partial", "NAME", b"Alice") == b"<NAME>"
    assert by("redact", "NAME", b"Alice") == b"<NAME>"
    assert by("null", "NAME", b"Alice") is None
    assert by("keep", "EMAIL", MAIL) == MAIL
    assert by("token", "SECRET", b"hunter2") == b"<SECRET>"
    assert by("token", "SECRET", b"12345678901234") == b"<SECRET>"


def test_the_first_rule_that_fits_decides_and_overrules_the_name(redactor: Redactor) -> None:
    rules = [ColumnRule("public.customers.*", "EMAIL", "keep"), ColumnRule("*.email", "EMAIL")]
    assert one(redactor, base("email"), MAIL, rules=rules) == MAIL
    assert one(redactor, base("email", table="public.orders"), MAIL, rules=rules) != MAIL


def test_exposure_counts_what_was_shown_masked_and_clear(redactor: Redactor, tokens: Tokens) -> None:
    rules = [ColumnRule("*.email", "EMAIL", subject=True), ColumnRule("*.city", "ADDRESS", "keep")]
    facts = [base("id", INT4), base("email"), base("city"), base("note"), base("phone", INT8)]
    plan = plan_columns(facts, rules, redactor, False)
    assert not plan.untouched
    rows: list[list[bytes | None]] = [
        [b"1", b"a@x.com", b"Rome", b"call +14155552671", b"14155552671"],
        [b"2", b"A@x.com", None, b"plain", None],
        [b"3", None, b"Oslo", None, None],
    ]
    shown = masked(plan, rows) + masked(plan, [[b"4", b"b@x.com", b"Bonn", b"", None]])
    assert [row[0] for row in shown] == [b"1", b"2", b"3", b"4"]
    assert shown[2] == [b"3", None, b"Oslo", None, None]
    seen = plan.exposure()
    assert (seen.rows, seen.masked, seen.clear) == (4, 5, 3)
    assert seen.classes == ("ADDRESS", "EMAIL", "PHONE")
    assert seen.columns == tuple(f"public.customers.{name}" for name in ("city", "email", "note", "phone"))
    assert seen.subjects == tuple(sorted(tokens.token("EMAIL", mail) for mail in ("a@x.com", "b@x.com")))


def test_subjects_are_counted_also_in_clear_or_null_and_bounded(redactor: Redactor, tokens: Tokens) -> None:
    rules = [
        ColumnRule("*.person", "NUMBER", "keep", subject=True),
        ColumnRule("*.ref", "NUMBER", "null", subject=True),
    ]
    binary = struct.pack("!i", 77)
    plan = plan_columns([base("person", INT4, 1), base("ref", INT4, 0)], rules, redactor, False)
    assert masked(plan, [[binary, b"88"]]) == [[binary, None]]
    assert plan.exposure().subjects == tuple(
        sorted((tokens.token("NUMBER", "77"), tokens.token("NUMBER", "88")))
    )
    many = plan_columns([base("email")], RULES, redactor, False)
    masked(many, [[b"u%d@x.com" % n] for n in range(MAX_SUBJECTS + 5)])
    assert (len(many.exposure().subjects), many.subjects_dropped) == (MAX_SUBJECTS, 5)


def test_an_answer_without_text_is_untouched(redactor: Redactor) -> None:
    plan = plan_columns([base("id", INT4), derived("n", INT8, sources=())], RULES, redactor, True)
    assert plan.untouched
    plan.passed(12, 340)
    assert (plan.exposure().rows, plan.exposure().bytes) == (12, 340)


def test_a_cell_that_cannot_be_scanned_or_masked_never_passes(engine: Engine, tokens: Tokens) -> None:
    class Deaf(Engine):
        def _groups(self, texts: Any) -> Any:
            raise RuntimeError("boom")

    class Mute(Tokens):
        def maker(self, type: str) -> Any:
            return lambda value: 1 / 0

        def stamp(self, type: str) -> Any:
            return lambda values: [None] * len(values)

    deaf = Redactor(Deaf(engine.packs), tokens)
    assert one(deaf, base("note"), b"secret") == b"[UNSCANNED]"
    assert one(deaf, base("note", JSON), b'"secret"') is None
    assert one(deaf, base("note", CUSTOM), b"secret") is None
    mute = Redactor(engine, Mute({1: b"k" * 32}, 1, "acme"))
    assert one(mute, base("email"), b"secret") is None


def test_which_columns_of_a_statement_are_masked() -> None:
    rules = [ColumnRule("public.staff.email", "EMAIL", "keep"), ColumnRule("*.nick", "NAME")]
    mentioned = ["customers.email", "public.staff.email", "orders.id", "customers.*", "nick", "u.nick", "ssn"]
    assert masked_columns(mentioned, rules) == ("customers.email", "customers.*", "nick", "u.nick", "ssn")


def test_plans_say_why(redactor: Redactor) -> None:
    plan: RowPlan = plan_columns(
        [base("email"), base("phone"), derived("x"), base("n", INT4)], RULES, redactor, True
    )
    assert [column.because for column in plan.columns] == [
        "rule *.email",
        "the column's name",
        "may hold a masked column",
        "its type carries no text",
    ]


def test_a_chunk_whose_first_rows_are_of_one_type_is_planned_as_that(redactor: Redactor) -> None:
    mails = [b"user%d@example.com" % number for number in range(20)]
    odd = [b"no address", b"", b"   "]
    plan = plan_columns([base("contact")], (), redactor, False)
    shown = [row[0] for row in masked(plan, [[value] for value in (*mails, *odd)])]
    assert all(value.startswith(b"<EMAIL:") for value in shown[:21])
    assert shown[21:] == [b"", b"   "]
    assert plan.exposure().classes == ("EMAIL",)
    # The next chunk is sampled again, and what was masked for its company is harmless elsewhere.
    words = [b"word %d" % number for number in range(20)]
    assert [row[0] for row in masked(plan, [[value] for value in words])] == words
    other = plan_columns([base("remark")], (), redactor, False)
    assert masked(other, [[b"no address"]]) == [[b"no address"]]
    # A few rows are no sample.
    few = plan_columns([base("contact")], (), redactor, False)
    assert masked(few, [[mails[0]], [b"no address"]])[1] == [b"no address"]
