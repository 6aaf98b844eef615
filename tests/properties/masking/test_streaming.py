"""A stream gives what the whole text gives, wherever it is cut, and holds no more than it says."""

from __future__ import annotations

import base64
import gzip
import os
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.masking import TOKEN, UNSCANNED, ByteStream, Engine, Redactor, Stream, Tokens, streaming

REDACTOR = Redactor(Engine.load(), Tokens({1: b"k" * 32}, 1, "acme"))
MAIL = "alice.smith@example.com"
VALUES = [
    MAIL, "4111 1111 1111 1111", "+1 415 555 2671", "password=hunter22", "203.0.113.97", "536-22-8726",
    base64.b64encode(f"user {MAIL}".encode()).decode(), MAIL.encode().hex(), "alice%2Esmith%40example.com",
    base64.b64encode(gzip.compress(MAIL.encode())).decode(), "\\u0061lice@example.com",
    "AKIAQYLPMN5HFIQR7XYA", "alice\x1b[31m.smith@exa\x1b[0mmple.com", "DE89 3704 0044 0532 0130 00",
]  # fmt: skip
WORDS = ["request", "done", "in 12 ms", "{", "}", '"k":', "=", "\n", "GET /a/b", "Ünï", "日本", "🙂", "=3"]

filler = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join)
texts = st.lists(st.one_of(filler, st.sampled_from(VALUES)), max_size=40).map(" ".join)


def in_pieces(text: str, sizes: random.Random, most: int, hold: int = 900) -> str:
    stream, out, at = Stream(REDACTOR, hold=hold), [], 0
    while at < len(text):
        size = sizes.randint(1, most)
        out.append(stream.feed(text[at : at + size]))
        at += size
    shown = "".join(out) + stream.close()
    assert stream.start == len(text)
    return shown


@given(texts, st.integers(0, 2**32), st.sampled_from([1, 7, 100, 3_000]))
def test_a_stream_is_its_text(text: str, seed: int, most: int) -> None:
    assert in_pieces(text, random.Random(seed), most) == REDACTOR.text(text)[0]


@given(texts, st.integers(0, 2**32))
def test_bytes_may_be_split_in_a_character(text: str, seed: int) -> None:
    data, sizes = text.encode() + b"\xff\xfe\xc3", random.Random(seed)
    stream, out, at = ByteStream(Stream(REDACTOR, hold=900)), b"", 0
    while at < len(data):
        size = sizes.randint(1, 50)
        out += stream.feed(data[at : at + size])
        at += size
    whole = REDACTOR.text(data.decode("utf-8", "surrogateescape"))[0]
    assert out + stream.close() == whole.encode("utf-8", "surrogateescape")


@given(st.sampled_from(VALUES), st.integers(0, 100), st.integers(0, 2**32))
def test_who_waits_sees_no_value_whole(value: str, cut: int, seed: int) -> None:
    """After a pause inside a value the rest of it is masked, whatever was shown of it."""
    cut = min(cut, len(value))
    stream = Stream(REDACTOR)
    first = stream.feed(f"to {value[:cut]}") + stream.pause()
    rest = stream.feed(f"{value[cut:]} and more") + stream.close()
    assert value not in first + rest
    assert first.startswith("to ")
    assert rest.endswith(" and more")


def test_what_was_masked_before_a_pause_is_not_begun_again() -> None:
    stream = Stream(REDACTOR)
    shown = stream.feed(f"to {MAIL[:-1]}") + stream.pause()
    shown += stream.feed(f"{MAIL[-1]}, and") + stream.pause()
    shown += stream.feed(" more") + stream.close()
    assert len(TOKEN.findall(shown)) == 1
    assert TOKEN.sub("X", shown) == "to X, and more"


def test_nothing_waits_longer_than_a_pause() -> None:
    stream = Stream(REDACTOR)
    assert stream.feed("$ ls\n") + stream.pause() == "$ ls\n"
    assert stream.pause() == ""
    assert 0 < streaming.LONGEST_WAIT_SECONDS <= 0.05


@pytest.mark.parametrize("run", ["x" * 70, "word " * 14, base64.b64encode(os.urandom(51)).decode()])
def test_memory_is_bounded(run: str) -> None:
    stream, shown = Stream(REDACTOR), 0
    for _ in range(5_000):
        shown += len(stream.feed(run))
        assert len(stream._held) + len(stream._context) < 2 * streaming.MOST_HELD
    assert shown + len(stream.close()) == 5_000 * len(run)


def test_a_value_too_long_to_hold_is_closed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "MOST_HELD", 3_000)
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=60_000))
    packed = base64.b64encode(gzip.compress(f"{MAIL} {noise}".encode())).decode()
    shown = in_pieces(f"body {packed} to {MAIL}.", random.Random(2), 500, hold=400)
    assert UNSCANNED in shown
    assert packed[200:300] not in shown
    assert TOKEN.sub("X", shown).endswith(" to X.")


def test_what_the_engine_gives_up_on_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor(REDACTOR.engine, REDACTOR.tokens)
    monkeypatch.setattr(redactor, "findings", lambda texts: [None for _ in texts])
    stream = Stream(redactor)
    assert stream.feed(f"to {MAIL}") + stream.pause() == UNSCANNED
    assert stream.close() == ""
