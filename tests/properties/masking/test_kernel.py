"""The compiled row kernel and its twin in Python give the same bytes, counts and errors for any input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.kernel import KERNELS
from glasshatch.gateway.connectors.postgres.answers import write_row
from glasshatch.masking import Tokens, rowtwin
from glasshatch.masking.tokens import _COMPILED, _SPELLINGS

compiled = KERNELS.get("compiled")
values = st.none() | st.sampled_from([b"", b"a", b"alice@example.com", b"\x00\xff"]) | st.binary(max_size=40)
shown = st.none() | st.just(True) | st.binary(max_size=60)


@st.composite
def answers(draw: Any) -> tuple[int, list[list[bytes | None]], list[int], list[bool], list[int]]:
    width = draw(st.integers(min_value=0, max_value=7))
    rows = draw(st.lists(st.lists(values, min_size=width, max_size=width), max_size=8))
    columns = draw(st.permutations(range(width)))
    cut = draw(st.integers(min_value=0, max_value=width))
    always_null = draw(st.lists(st.booleans(), min_size=cut, max_size=cut))
    clear = draw(st.lists(st.sampled_from(columns[cut:]), unique=True)) if cut < width else []
    return width, rows, columns[:cut], always_null, clear


def run(kernel: Any, width: int, data: bytes, touched: Any, clear: Any, cuts: Any, verdicts: Any) -> Any:
    memos = [None if null else {} for _, null in touched]
    splicer = kernel.Splicer(width, [index for index, _ in touched], memos, clear)
    out: list[Any] = []
    try:
        for start, end in cuts:
            missing = splicer.unseen(data, start, end)
            out.append(missing)
            for slot, fresh in enumerate(missing):
                for value in fresh:
                    verdict = verdicts(slot, value)
                    if verdict is not False:
                        memos[slot][value] = verdict
            out.append(splicer.splice(data, start, end))
    except ValueError as error:
        out.append(str(error))
        return out
    return [*out, splicer.rows, splicer.clear, list(splicer.seen), list(splicer.changed)]


@pytest.mark.skipif(compiled is None, reason="the row kernel is not compiled")
@given(answers(), st.data())
def test_both_rewrite_rows_alike(answer: Any, data: st.DataObject) -> None:
    width, rows, columns, always_null, clear = answer
    frames = [write_row(row) for row in rows]
    half = sum(map(len, frames[: len(frames) // 2]))
    stream = b"".join(frames)
    table = data.draw(st.lists(st.just(False) | shown, min_size=5, max_size=5))

    def verdicts(slot: int, value: bytes) -> Any:
        return table[(slot + len(value)) % 5]

    cuts = [(0, half), (half, len(stream))]
    touched = list(zip(columns, always_null, strict=True))
    ours, twins = (
        run(kernel, width, stream, touched, clear, cuts, verdicts) for kernel in (compiled, rowtwin)
    )
    assert ours == twins


@pytest.mark.skipif(compiled is None, reason="the row kernel is not compiled")
@given(st.binary(max_size=60), answers(), st.integers(0, 80), st.integers(0, 255), st.data())
def test_both_refuse_damaged_rows_alike(noise: bytes, answer: Any, at: int, octet: int, data: Any) -> None:
    width, rows, columns, always_null, clear = answer
    stream = bytearray(b"".join(map(write_row, rows)) + data.draw(st.sampled_from([b"", noise])))
    if at < len(stream):
        stream[at] = octet
    touched = list(zip(columns, always_null, strict=True))
    cuts = [(0, data.draw(st.integers(0, len(stream) + 3)))]
    ours, twins = (
        run(kernel, width, bytes(stream), touched, clear, cuts, lambda _slot, value: value[::-1])
        for kernel in (compiled, rowtwin)
    )
    assert ours == twins


@pytest.mark.skipif(compiled is None, reason="the row kernel is not compiled")
@given(st.lists(st.tuples(st.sampled_from([0x44, 0x43]), st.binary(max_size=30))), st.binary(max_size=9))
def test_both_cut_runs_alike(parts: list[tuple[int, bytes]], rest: bytes) -> None:
    data = b"".join(bytes([tag]) + (len(body) + 4).to_bytes(4, "big") + body for tag, body in parts) + rest
    for position in range(len(data) + 1):
        for limit in (8, 1000):
            assert compiled.run_of(data, position, 0x44, limit) == rowtwin.run_of(data, position, 0x44, limit)


TYPES = ("EMAIL", "PHONE", "CARD", "SSN", "IBAN", "MAC", "IP", "NAME", "MASKED", "T" * 31)
long = st.integers(0, 1100).map(lambda size: "ab Cd" * (size // 5) + "x" * (size % 5))
spelt = st.text(st.sampled_from(" \t\x0b\x1c\x1f()+-0123456789aAbBzZ@._|'")) | st.text(max_size=200)


@pytest.mark.skipif(compiled is None, reason="the row kernel is not compiled")
@given(st.binary(min_size=16, max_size=80), st.text("ab", max_size=90), st.lists(spelt | long, max_size=5))
def test_both_make_the_same_tokens(key: bytes, tenant: str, values: list[str]) -> None:
    tokens = Tokens({1: key}, 1, tenant)
    raw = [value.encode("utf-8", "replace") for value in values]
    inner, prefix, outer = tokens._epochs[0]._blocks
    for type in TYPES:
        maker, stamp = tokens.maker(type), tokens.stamp(type)
        expected = [maker(value.decode()).encode() for value in raw]
        assert stamp is not None
        made = stamp(raw)
        for value, token, right in zip(raw, made, expected, strict=True):
            assert token in (None, right)
            assert token is not None or not value.isascii() or len(value) > 1024 or type == "PHONE"
        # Without the processor's own instructions too.
        before, head = prefix + type.encode() + b"\0", f"<{type}:".encode()
        spelling = _COMPILED[_SPELLINGS.get(type, str.strip)]
        assert compiled.Stamp(inner, before, outer, head, spelling, True).tokens(raw) == made


@pytest.mark.parametrize("name", ["compiled", "python"])
def test_a_value_that_nothing_was_said_of_is_null(name: str) -> None:
    if name not in KERNELS:
        pytest.skip("the row kernel is not compiled")
    memo: dict[bytes, Any] = {}
    splicer = KERNELS[name].Splicer(2, [0], [memo])
    data = write_row([b"secret", b"x"])
    with pytest.raises(ValueError, match="not looked at"):
        splicer.splice(data, 0, len(data))
    assert splicer.unseen(data, 0, len(data)) == [[b"secret"]]
    assert splicer.splice(data, 0, len(data)) == write_row([None, b"x"])
    memo.clear()
    splicer.unseen(data, 0, len(data))
    memo.clear()
    assert splicer.splice(data, 0, len(data)) == write_row([None, b"x"])
