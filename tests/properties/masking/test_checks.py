"""The kernel's validators say what those in Python say, or leave it to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.kernel import SCAN_KERNELS
from glasshatch.masking.formats import luhn_digit
from glasshatch.masking.validators import VALIDATORS, secrets

compiled = SCAN_KERNELS.get("compiled")
pytestmark = pytest.mark.skipif(compiled is None, reason="the scan kernel is not compiled")
NAMES = sorted(compiled.CHECKS) if compiled else ["none"]

digits = st.text("0123456789", min_size=1, max_size=20)
joints = st.sampled_from(["", "", " ", "-", ".", "(", ")", "/", "(0)", "+", ":"])
numbers = st.lists(st.tuples(digits, joints).map("".join), min_size=1, max_size=5).map("".join)
starts = st.sampled_from(
    [
        "",
        "+1 415 ",
        "+49",
        "0049",
        "(+44) ",
        "+",
        "4",
        "5500",
        "34",
        "6011",
        "19",
        "20",
        "1",
        "3",
        "BE",
        "DE89",
    ]
)
octet = st.integers(0, 300).map(str) | st.sampled_from(["00", "01", "255", "127", ""])
addresses = st.lists(octet, min_size=3, max_size=5).map(".".join)
dates = st.tuples(
    st.sampled_from(["1987", "2020", "07"]), joints, st.sampled_from(["04", "12", "31"]), joints,
    st.sampled_from(["05", "1987", "31"]),
).map("".join)  # fmt: skip
luhns = st.text("0123456789", min_size=10, max_size=18).map(lambda number: number + luhn_digit(number))
ibans = st.sampled_from(
    [
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "be68-5390-0754-7034",
        "NO9386011117947",
        "FR14",
    ]
)
wallets = st.sampled_from(
    [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "1" * 25,
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    ]
)
pieces = st.sampled_from(
    [
        "pass",
        "Hunter2",
        "'",
        '"',
        "x",
        "xxxx",
        "....",
        "____",
        "##",
        "your-key",
        "your",
        "redacted",
        "vault:",
        "${X}",
        "/etc/ab",
        "$1",
        "<a>",
        "***",
        "f(x)",
        "Null",
        "!ref",
        "data.",
        "env",
        "é",
        "pw123",
        "=",
        ".",
        "!",
        "token:",
        "n/a",
        "-",
        "_",
        " ",
        "A",
        "9",
        "(none)",
        "missing",
    ]
)
words = st.lists(pieces, max_size=4).map("".join)
changed = st.tuples(st.one_of(luhns, ibans, wallets), st.integers(0, 40), st.sampled_from("019aZ -")).map(
    lambda one: one[0][: one[1]] + one[2] + one[0][one[1] + 1 :]
)
values = st.one_of(
    numbers, st.tuples(starts, numbers).map("".join), addresses, dates, luhns, ibans, wallets, changed, words,
    st.text(max_size=24), st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=30),
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@given(values)
def test_both_say_the_same(name: str, value: str) -> None:
    assert compiled is not None
    said = compiled.verdict(name, value.encode("latin-1", "replace").replace(b"?", b"\xff"))
    assert said is None or said == VALIDATORS[name](value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("card", "4111111111111111"), ("luhn", "18"), ("us_ssn", "123-22-4567"), ("ipv4", "203.0.113.7"),
        ("personnummer", "811218-9876"), ("nanp_phone", "415 555 2671"), ("national_phone", "030 123456"),
        ("international_phone", "+14155552671"), ("phone_in_context", "+49 30 1234567"),
        ("secret_value", "pw12"),
        ("no_reference", "pw12"), ("spoken_secret", "pw12"), ("iban", "DE89370400440532013000"),
        ("crypto_wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ],
)  # fmt: skip
def test_it_tells_without_asking(name: str, value: str) -> None:
    assert compiled is not None
    assert compiled.verdict(name, value.encode()) is True
    assert VALIDATORS[name](value)


def test_every_reference_and_placeholder_is_left_to_python_or_refused() -> None:
    assert compiled is not None
    for word in (*secrets.REFERENCES, *secrets.PLACEHOLDERS, *secrets.NOTHING):
        for value in (word, word.upper(), f"'{word}'", f"{word}!", f"({word})", f"{word}1x"):
            for name in ("secret_value", "no_reference", "spoken_secret"):
                said = compiled.verdict(name, value.encode())
                assert said is None or said == VALIDATORS[name](value), (name, value)
