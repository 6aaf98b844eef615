"""One engine for all: loading it takes longer than most of these tests."""

from __future__ import annotations

import pytest

from glasshatch.masking import Engine, Redactor, Tokens


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.load()


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens({1: b"a" * 32, 2: b"b" * 32}, 2, "acme")


@pytest.fixture(scope="session")
def redactor(engine: Engine, tokens: Tokens) -> Redactor:
    return Redactor(engine, tokens)
