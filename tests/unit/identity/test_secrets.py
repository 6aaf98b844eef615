"""Passwords, second factors, recovery codes, and how guessing is slowed."""

from __future__ import annotations

import base64
import os

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.errors import ConfigError
from glasshatch.identity import (
    FailureBook,
    Failures,
    PasswordHasher,
    accepted_step,
    check_password,
    enrolment_uri,
    new_recovery_codes,
    new_secret,
    penalty_seconds,
    recovery_hash,
    spend_recovery_code,
)

SECOND = 10**9
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, the rows for SHA-1; a code here has six digits, which are the last of the eight there.
VECTORS = [
    (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
]  # fmt: skip


@pytest.mark.parametrize(("second", "digits"), VECTORS)
def test_codes_are_those_of_rfc_6238(second: int, digits: str) -> None:
    assert accepted_step(RFC_SECRET, digits[-6:], second * SECOND, -1) == second // 30


def test_a_code_works_once_and_only_around_its_time() -> None:
    now, code = 1_800_000_000, pyotp.TOTP(RFC_SECRET).at(1_800_000_000)
    step = accepted_step(RFC_SECRET, code, now * SECOND, -1)
    assert step == now // 30
    assert accepted_step(RFC_SECRET, code, now * SECOND, step) is None
    # The code of the step before is no way around that either.
    before = pyotp.TOTP(RFC_SECRET).at(now - 30)
    assert accepted_step(RFC_SECRET, before, now * SECOND, step) is None
    for later, taken in ((30, True), (-30, True), (90, False), (-90, False)):
        assert (accepted_step(RFC_SECRET, code, (now + later) * SECOND, -1) is not None) == taken


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "１２３４５６", "12 345", "-12345", "9" * 10_000]
)
def test_what_is_no_code_is_none(code: str) -> None:
    assert accepted_step(RFC_SECRET, code, 0, -1) is None


def test_an_authenticator_reads_the_secret() -> None:
    secret = new_secret(os.urandom)
    read = pyotp.parse_uri(enrolment_uri(secret, "dora", "Glasshatch hatch/prod"))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (secret, "dora", "Glasshatch hatch/prod")
    assert len(base64.b32decode(secret)) == 20


def test_a_recovery_code_is_spent() -> None:
    codes = new_recovery_codes(os.urandom)
    assert len(set(codes)) == 10
    kept = tuple(recovery_hash(code, "dora-id") for code in codes)
    left = spend_recovery_code(f" {codes[3].upper()} ", "dora-id", kept)
    assert left is not None
    assert len(left) == 9
    assert spend_recovery_code(codes[3], "dora-id", left) is None
    assert spend_recovery_code(codes[4], "another-id", left) is None
    assert spend_recovery_code("", "dora-id", left) is None
    assert not any(code.replace("-", "") in "".join(kept) for code in codes)


def test_a_password_is_kept_as_argon2id_and_costs_the_same_where_there_is_none() -> None:
    hasher = PasswordHasher(os.urandom, memory_kib=64, passes=1)
    kept = hasher.hash("violet harbour unfolds")
    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert hasher.matches(kept, "violet harbour unfolds")
    assert not hasher.matches(kept, "violet harbour folds")
    assert not hasher.matches("", "violet harbour unfolds")
    assert not hasher.matches(kept, "x" * 257)
    assert hasher.outdated(PasswordHasher(os.urandom, memory_kib=128, passes=1).hash("another of them all"))
    # However a keyboard composes a letter, it is the same one.
    assert hasher.matches(hasher.hash("grün wie gras am see"), "gru\u0308n wie gras am see")
    strong = PasswordHasher(os.urandom).hash("violet harbour unfolds")
    assert "m=32768,t=3,p=1" in strong


@pytest.mark.parametrize(
    "bad",
    ["", "short", "dora-is-my-name", "aaaaaaaaaaaaaaa", "ababababababab", "PasswordPassword", "x" * 257],
)
def test_what_is_guessed_first_is_no_password(bad: str) -> None:
    with pytest.raises(ConfigError) as found:
        check_password(bad, "dora")
    assert not bad or bad not in str(found.value)


def test_a_good_password_is_taken() -> None:
    check_password("violet harbour unfolds", "dora")


def test_the_wait_doubles_behind_the_fifth_failure_and_ends() -> None:
    assert [penalty_seconds(count) for count in range(8)] == [0, 0, 0, 0, 0, 1, 2, 4]
    assert penalty_seconds(1_000_000) == 900
    failures, now = Failures(), 0
    for _ in range(7):
        failures = failures.one_more(now)
    assert failures.wait_ns(now) == 4 * SECOND
    assert failures.wait_ns(now + 3 * SECOND) == SECOND
    assert failures.wait_ns(now + 4 * SECOND) == 0
    assert failures.wait_ns(now - 3_600 * SECOND) == 4 * SECOND
    assert failures.one_more(now + 25 * 3_600 * SECOND).count == 1


@given(st.lists(st.integers(0, 60), min_size=6, max_size=60))
def test_a_guesser_gets_few_attempts_whatever_the_rhythm(pauses: list[int]) -> None:
    """At most the free ones, and one for each doubling of the time that has passed."""
    failures, now, tried = Failures(), 0, 0
    for pause in pauses:
        now += pause * SECOND
        if failures.wait_ns(now) == 0:
            failures, tried = failures.one_more(now), tried + 1
    passed = sum(pauses)
    assert tried <= 6 + max(passed, 1).bit_length()


def test_failures_of_many_take_bounded_memory() -> None:
    book = FailureBook(most=100)
    for number in range(1_000):
        book.fail(f"address {number}", number)
    assert len(book) == 100
    assert book.of("address 0") == Failures()
    assert book.of("address 999").count == 1
    before = book.of("address 998")
    book.fail("address 998", 1_001)
    book.restore("address 998", before)
    assert book.of("address 998") == before
    book.restore("address 998", Failures())
    assert len(book) == 99
