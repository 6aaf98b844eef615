"""Two engines find the same: Hyperscan, and google-re2 where Hyperscan cannot run."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.depth import rounds
from glasshatch.errors import ConfigError
from glasshatch.masking import Engine, Finding, shipped_packs
from glasshatch.masking.triggers import NAMES, automata, open_triggers, vector

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def engine_on(name: str) -> Engine:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSHATCH_TRIGGERS", name)
        return Engine.load(shipped_packs())


ENGINES = [engine_on(name) for name in NAMES]
EXAMPLES = [
    text for detector in ENGINES[0].detectors for text in (*detector.examples, *detector.counter_examples)
]
RULES = [trigger for detector in ENGINES[0].detectors for trigger in detector.triggers]


def both(texts: Sequence[str]) -> tuple[list[list[Finding]], list[list[Finding]]]:
    first, second = (engine.scan(texts) for engine in ENGINES)
    return first, second


def test_they_are_two() -> None:
    assert isinstance(ENGINES[0].triggers, vector.Database | vector.Split)
    assert isinstance(ENGINES[1].triggers, automata.Automata)
    assert ENGINES[0].pack_hash == ENGINES[1].pack_hash


def test_every_example_is_judged_alike() -> None:
    first, second = both(EXAMPLES)
    assert first == second
    assert sum(map(len, first)) > 60


def test_encoded_examples_too() -> None:
    ways = (
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
        lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    )
    for way in ways:
        first, second = both([way(text) for text in EXAMPLES])
        assert first == second


def test_real_records_too() -> None:
    lines = gzip.decompress((ASSETS / "kubernetes-audit.jsonl.gz").read_bytes()).decode().splitlines()
    sql = [json.loads(line)["statement"] for line in (ASSETS / "sql-cases.jsonl").read_text().splitlines()]
    first, second = both([*lines[: rounds(300, 5_000)], *sql])
    assert first == second


letters = st.sampled_from([*"aZ09 .-_:/@+()=\"'%\\\n", "é", "٣", "\xa0", "日", "\x1b[1m", "\u200b"])
pieces = st.lists(
    st.one_of(st.sampled_from(EXAMPLES), st.lists(letters, max_size=12).map("".join)), max_size=6
)


@given(st.lists(pieces.map("".join), max_size=4))
def test_whatever_stands_together(texts: list[str]) -> None:
    first, second = both(texts)
    assert first == second


@given(st.sampled_from(RULES), st.lists(st.sampled_from(EXAMPLES), max_size=3).map(" ".join))
def test_every_hit_of_every_trigger_is_the_same(rule: str, text: str) -> None:
    data = f"\0{text}\0".encode("latin-1", "replace")
    hits = [
        sorted(set(module.open_triggers([rule], 1, None, keep=False).hits(data, 10_000)))
        for module in (vector, automata)
    ]
    assert hits[0] == hits[1]


def test_a_set_that_runs_out_of_memory_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automata, "_MEMORY", 1 << 14)
    starved = automata.Automata(["alice@[a-z]{1,30}", "4111[0-9]{4}"], 2)
    data = bytes(range(256)) * 40 + b"\0alice@example 41112222\0"
    assert {number for number, _ in starved.hits(data, 1_000)} == {0, 1}


def test_too_many_hits_are_refused_by_both() -> None:
    for module in (vector, automata):
        with pytest.raises(OverflowError):
            module.open_triggers(["ab"], 1, None, keep=False).hits(b"ab" * 100, 50)


def test_an_engine_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_TRIGGERS", "pcre")
    with pytest.raises(ConfigError, match="no trigger engine 'pcre'"):
        open_triggers(["ab"], 1, None, keep=False)
