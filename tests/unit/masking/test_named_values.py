"""Values that share a name, or have it behind them, are found as if it stood before each."""

from __future__ import annotations

import pytest

from glasshatch.masking import Engine


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.load()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("WHERE nhs_number IN ('401 216 3833', '4738614770')", ["401 216 3833", "4738614770"]),
        ("phone = ANY(ARRAY['0171 5584622', '0171 5584623'])", ["0171 5584622", "0171 5584623"]),
        ('{"phones":["0171 5584622","0171 5584623"],"n":3}', ["0171 5584622", "0171 5584623"]),
        ("SELECT '1956-09-04' AS dob, 12 AS n", ["1956-09-04"]),
        (
            '{"field":"telefon","old":"0171 - 5010241","new":"089/547247-0"}',
            ["0171 - 5010241", "089/547247-0"],
        ),
        ('{"key":"date_of_birth","from":"1956-09-04","to":"1957-09-04"}', ["1956-09-04", "1957-09-04"]),
        ("Name;Passnummer;Geburtstag\nA;C01X0CT40;05.07.1954", ["C01X0CT40", "05.07.1954"]),
        (" id |     handynummer     \n----+---------------------\n  7 | 0151 26237132", ["0151 26237132"]),
    ],
)
def test_each_value_is_found(engine: Engine, text: str, values: list[str]) -> None:
    found = [text[one.start : one.end] for one in engine.scan([text])[0]]
    assert found == values


@pytest.mark.parametrize(
    "text",
    [
        "WHERE status IN ('4738614770', '4738614771')",
        '{"phones":[{"order":"5584622"}],"orders":["0401216383","0401216384"]}',
        '{"field":"status","old":"5010241","new":"5472470"}',
        "SELECT '1956-09-04' AS due, 12 AS n",
        "card IN (",
        '"phones":[',
        "AS dob",
    ],
)
def test_names_that_tell_nothing_wake_nothing(engine: Engine, text: str) -> None:
    assert engine.scan([text])[0] == []
