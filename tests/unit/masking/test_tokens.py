"""Tokens: fixed grammar, equal for equal values, different for everything else."""

from __future__ import annotations

import base64
import hmac

import pytest

from glasshatch.errors import ConfigError
from glasshatch.masking import TOKEN, Tokens


def test_a_token_is_the_hmac_of_tenant_type_and_canonical_value(tokens: Tokens) -> None:
    digest = hmac.digest(b"b" * 32, b"acme\0EMAIL\0alice@example.com", "sha256")
    expected = base64.b32encode(digest[:10])[:12].decode().lower()
    assert tokens.token("EMAIL", " Alice@Example.COM ") == f"<EMAIL:{expected}>"
    assert TOKEN.fullmatch(tokens.token("EMAIL", "x"))


@pytest.mark.parametrize(
    ("type", "spellings"),
    [
        ("EMAIL", ["a@b.com", "A@B.COM "]),
        ("CARD", ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"]),
        ("PHONE", ["+1 (415) 555-2671", "+14155552671", "(415) 555-2671", "415.555.2671", "0014155552671"]),
        ("PHONE", ["+49 (0) 30 901820", "+4930901820"]),
        ("SSN", ["536-22-8726", "536 22 8726", "536228726"]),
        ("IBAN", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"]),
        ("MAC", ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"]),
        ("NAME", ["Alice  Smith", "alice smith"]),
        ("NUMBER", ["0012345678", "12345678"]),
    ],
)
def test_spellings_of_one_value_have_one_token(tokens: Tokens, type: str, spellings: list[str]) -> None:
    assert len({tokens.token(type, value) for value in spellings}) == 1


def test_type_value_tenant_and_epoch_each_change_the_token(tokens: Tokens) -> None:
    keys = {1: b"a" * 32, 2: b"b" * 32}
    made = {
        tokens.token("EMAIL", "a@b.com"),
        tokens.token("TEXT", "a@b.com"),
        tokens.token("EMAIL", "b@b.com"),
        Tokens(keys, 2, "other").token("EMAIL", "a@b.com"),
        Tokens(keys, 1, "acme").token("EMAIL", "a@b.com"),
    }
    assert len(made) == 5


def test_a_lookup_spans_the_epochs_current_first(tokens: Tokens) -> None:
    old = Tokens({1: b"a" * 32}, 1, "acme").token("EMAIL", "a@b.com")
    assert tokens.lookup("EMAIL", "A@b.com") == (tokens.token("EMAIL", "a@b.com"), old)


def test_a_missing_or_weak_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="epoch 3"):
        Tokens({1: b"a" * 32}, 3, "acme")
    with pytest.raises(ConfigError, match="fewer than 16"):
        Tokens({1: b"a"}, 1, "acme")


def test_a_token_never_fails_for_its_value(tokens: Tokens) -> None:
    for value in ("", "\ud800", "+", "0" * 5000, "٣" * 10):
        for type in ("EMAIL", "PHONE", "CARD", "NAME", "NUMBER", "TEXT"):
            assert TOKEN.fullmatch(tokens.token(type, value))
