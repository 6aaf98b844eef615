"""The compiled loops of a scan and their twin in Python give the same findings, in the same order."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.kernel import SCAN_KERNELS
from glasshatch.masking import Engine, Finding, shipped_packs
from glasshatch.masking.candidates import Candidates
from glasshatch.masking.decoding import TRIGGERS
from glasshatch.masking.engine import joined
from glasshatch.masking.folding import octets
from glasshatch.masking.kernel import SCAN_KERNEL
from glasshatch.masking.scantwin import Rules
from glasshatch.masking.triggers import vector

ENGINE = Engine.load(shipped_packs())
EXAMPLES = [text for one in ENGINE.detectors for text in (*one.examples, *one.counter_examples)]
compiled = SCAN_KERNELS.get("compiled")
needs_both = pytest.mark.skipif(compiled is None, reason="the scan kernel is not compiled")

pieces = st.lists(st.one_of(st.sampled_from(EXAMPLES), st.text(max_size=6)), max_size=6).map(" ".join)


class Weighed(msgspec.Struct, frozen=True):
    """What a finding's detector has that matters to a verdict."""

    confidence: float
    type: str = "X"
    name: str = "x"


spans = st.tuples(
    st.integers(0, 60),
    st.integers(1, 30),
    st.sampled_from([0.5, 0.7, 0.9]),
    st.text("ab", max_size=2),
    st.sampled_from(["X", "SECRET"]),
)


def found(parts: Any) -> list[Any]:
    return [(start, start + size, Weighed(trust, type), value) for start, size, trust, value, type in parts]


def rules_of(kernel: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("glasshatch.masking.candidates.Rules", kernel.Rules)
        return Candidates(ENGINE.detectors)


CHECKS = {name: rules_of(kernel) for name, kernel in SCAN_KERNELS.items()}


@pytest.fixture(scope="module", autouse=True)
def looked_into() -> None:
    """After some hits the compiled one asks `re` only where a match may begin: here from the start."""
    for number in range(len(RULES) if compiled else 0):
        CHECKS["compiled"].check("\0" * 9, b"\0" * 9, [(number, 2)] * 40, [1, 9], [])


@needs_both
def test_the_compiled_one_is_at_work() -> None:
    assert SCAN_KERNEL == "compiled"
    assert not isinstance(CHECKS["compiled"]._rules, Rules)


@needs_both
@given(st.lists(pieces, max_size=5))
def test_both_check_alike(texts: list[str]) -> None:
    text = joined(texts)
    starts = [1]
    for one in texts:
        starts.append(starts[-1] + len(one) + 1)
    data = octets(text)
    hits = sorted(ENGINE.triggers.hits(data, 100_000), key=lambda hit: hit[1])
    results = []
    for check in CHECKS.values():
        others: list[Any] = []
        results.append((check.check(text, data, list(hits), starts, others), others))
    assert results[0] == results[1]


@needs_both
def test_both_give_up_alike() -> None:
    text = "\0" + "a@" * 60_000 + "\0"
    hits = sorted(ENGINE.triggers.hits(text.encode(), 10**7), key=lambda hit: hit[1]) * 4
    for check in CHECKS.values():
        with pytest.raises(OverflowError, match="more candidates"):
            check.check(text, octets(text), hits, [1, len(text)], [])


@needs_both
def test_octets_of_another_text_are_refused() -> None:
    with pytest.raises(ValueError, match="one for each character"):
        CHECKS["compiled"].check("\0abc\0", b"\0ab\0", [], [1, 4], [])


@given(st.lists(spans, max_size=40))
def test_a_verdict_has_no_overlap_and_both_agree(parts: Any) -> None:
    verdicts = [kernel.resolve(found(parts)) for kernel in SCAN_KERNELS.values()]
    assert all(verdict == verdicts[0] for verdict in verdicts)
    for before, after in zip(verdicts[0], verdicts[0][1:], strict=False):
        assert before[1] <= after[0]
    assert bool(verdicts[0]) == bool(parts)


@given(st.text(max_size=120), st.lists(spans, max_size=6))
def test_both_write_alike(text: str, parts: Any) -> None:
    shown = []
    for kernel in SCAN_KERNELS.values():
        settled, ways = kernel.resolve(found(parts)), {"x": lambda value: f"<{value}>"}
        findings = kernel.made(Finding, settled, 0)
        shown.append((findings, kernel.splice(text, findings, ways)))
        if all(one[0] <= len(text) for one in settled):
            assert kernel.rewritten(text, settled, 0, ways) == shown[-1][1]
    assert all(one == shown[0] for one in shown)


@pytest.mark.parametrize("name", SCAN_KERNELS)
@pytest.mark.parametrize("places", [[(0, 3), (2, 4)], [(9, 12)], [(-1, 2)]])
def test_what_cannot_be_written_is_refused(name: str, places: list[tuple[int, int]]) -> None:
    some = [(start, end, Weighed(0.5), "v") for start, end in places]
    with pytest.raises(ValueError, match="overlap"):
        SCAN_KERNELS[name].rewritten("abcdef", some, 0, {"x": str.upper})


@pytest.mark.parametrize("name", SCAN_KERNELS)
def test_a_collector_stops_beyond_its_limit(name: str) -> None:
    collector = SCAN_KERNELS[name].Collector(2)
    answers = [collector.take(number, 0, number + 5, 0, None) for number in range(3)]
    assert collector.hits == [(0, 5), (1, 6), (2, 7)]
    assert [bool(answer) for answer in answers] == [False, False, True]


ends = st.lists(st.integers(2, 40), max_size=12)


@given(ends, ends)
def test_both_keep_hits_alike(whole: list[int], parts: list[int]) -> None:
    """By their ends; those of parts are told where they lie in the text."""
    kept = []
    for kernel in SCAN_KERNELS.values():
        collectors = kernel.Collector(99), kernel.Collector(99)
        for collector, some in zip(collectors, (whole, parts), strict=True):
            for number, end in enumerate(some):
                collector.take(number, 0, end, 0, None)
        collectors[0].gather(collectors[1], [0, 9, 21, 60], [5, 70, 30, 90])
        kept.append((len(collectors[0]), collectors[0].hits, collectors[1].hits))
    assert all(one == kept[0] for one in kept)
    assert [end for _, end in kept[0][1]] == sorted(end for _, end in kept[0][1])


@pytest.mark.parametrize("end", [0, 1, 10, 1 << 40])
@needs_both
def test_a_hit_beyond_the_text_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="beyond the text"):
        CHECKS["compiled"].check("\0" * 9, b"\0" * 9, [(0, end)], [1, 9], [])


digits = st.lists(
    st.sampled_from([*"0123456789", " ", "-", ".", "/", "+", "(", "a", "Z", "\xe9", "\0", "  ", "--"])
)
lengths = st.sampled_from([0, 1, 8, 9, 10, 11, 15, 16, 17, 40, 63, 64, 65, 128, 200])
stretches = st.lists(
    st.tuples(
        st.sampled_from(
            ["a", "Z", "7", "a7", "+", "/", "_", " ", "-", "\xe9", "\0", "{", "[", "@", "/", ":"]
        ),
        lengths,
    ).map(lambda one: (one[0] * one[1])[: one[1]])
).map("".join)


encoded = (
    st.tuples(
        st.sampled_from([base64.b64encode, base64.b32encode, bytes.hex, base64.urlsafe_b64encode]),
        st.sampled_from(EXAMPLES),
    )
    .map(lambda one: one[0](one[1].encode()))
    .map(lambda one: one if isinstance(one, str) else one.decode())
)


@pytest.mark.parametrize("way", ["dense", "runs", "codes"])
@given(st.one_of(digits.map("".join), stretches).map(lambda text: text.encode("latin-1")))
def test_both_cut_out_the_same_parts(way: str, data: bytes) -> None:
    cut = [getattr(kernel, way)(data) for kernel in SCAN_KERNELS.values()]
    assert all(one == cut[0] for one in cut)
    parts, begins, sources = cut[0]
    ends = [*(begin - 1 for begin in begins[1:]), len(parts)][: len(begins)]
    for begin, source, end in zip(begins, sources, ends, strict=True):
        assert data[source : source + end - begin] == parts[begin:end]


@needs_both
@given(st.lists(st.one_of(st.sampled_from(EXAMPLES), digits.map("".join), encoded), max_size=6).map(" ".join))
def test_no_hit_is_lost_outside_the_parts(text: str) -> None:
    data = joined([text]).encode("latin-1", "replace")
    split = vector.open_triggers([*RULES, *TRIGGERS], len(RULES), None) if not WHOLE else WHOLE[1]
    if not WHOLE:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vector, "SCAN_KERNEL", "python")
            WHOLE.extend((vector.open_triggers([*RULES, *TRIGGERS], len(RULES), None), split))
    assert isinstance(split, vector.Split)
    whole, found = (set(database.hits(data, 100_000)) for database in (WHOLE[0], split))
    assert whole <= found
    # What is seen besides stands at the end of a dense part, and is looked at in vain.
    assert len(found - whole) <= len(found) // 2 + 4


WHOLE: list[Any] = []
RULES = [trigger for one in ENGINE.detectors for trigger in one.triggers]
