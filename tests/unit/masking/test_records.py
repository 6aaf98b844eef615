"""Values are found by names that stand elsewhere: lists of columns, header lines, parameters."""

from __future__ import annotations

from contextlib import suppress

import pytest

from glasshatch.masking import Engine

BORN, PASS = ("BIRTHDATE", "1980-02-03"), ("PASSPORT", "X1234567")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO p (id, dob, passport_no) VALUES (7, '1980-02-03', 'X1234567')", [BORN, PASS]),
        ("insert into p(name,dob) values('O''Neil, Bob','1980-02-03')", [BORN]),
        ("INSERT INTO p (name, dob) VALUES ('a', NULL), ('b', '1980-02-03');", [BORN]),
        ("MERGE INTO p USING (VALUES ('x', '1980-02-03')) v(name, dob) ON true", [BORN]),
        ("UPDATE p SET dob = $1, passport = $2 parameters: $1 = '1980-02-03', $2 = 'X1234567'", [BORN, PASS]),
        ("INSERT INTO p (dob) VALUES ($1) DETAIL: parameters: $1 = '1980-02-03'", [BORN]),
        ("id,name,dob,passport_number\n1,Bob,1980-02-03,X1234567\n", [BORN, PASS]),
        ('"name";"dob"\n"Li; Al";"1980-02-03"\n', [BORN]),
        (" id | dob        | passport\n----+------+---------\n  1 | 1980-02-03 | X1234567\n", [BORN, PASS]),
        ("COPY p (id, dob, passport) FROM stdin;\n1\t1980-02-03\tX1234567\n\\.", [BORN, PASS]),
        ("INSERT INTO p (created, dob) VALUES ('1980-02-03', NULL)", []),
        ("INSERT INTO p (dob) VALUES ('1980-02-03', 'too', 'many')", []),
        ("id,created,due\n1,1980-02-03,1981-02-03\n", []),
    ],
)  # fmt: skip
def test_a_value_is_found_by_its_column(engine: Engine, text: str, expected: list[tuple[str, str]]) -> None:
    found = [(one.type, text[one.start : one.end]) for one in engine.scan([text])[0]]
    assert [one for one in found if one[0] in ("BIRTHDATE", "PASSPORT")] == expected


@pytest.mark.parametrize(
    "storm",
    [
        "VALUES (",
        ",ssn,",
        "\nssn,",
        "$1 = '",
        "(a) VALUES (1),(",
        "a,ssn\n1,2\n",
        "COPY t (a) FROM stdin;\n1\n",
    ],
)
def test_a_storm_of_records_ends(engine: Engine, storm: str) -> None:
    with suppress(OverflowError):
        engine.scan([storm * 1_000])
