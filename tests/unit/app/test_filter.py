"""The filter writes each line redacted, or what is in it and where, and nothing of what it cannot read."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glasshatch.app.filter import LineFilter, read_choices, read_lines
from glasshatch.app.filter import lines as reading
from glasshatch.errors import ConfigError
from glasshatch.masking import Engine, Redactor, Tokens

ENGINE = Engine.load()
REDACTOR = Redactor(ENGINE, Tokens({1: b"k" * 32}, 1, "acme"))
TYPES = frozenset(detector.type for detector in ENGINE.detectors)
MAIL = "alice@example.com"
TOKEN = REDACTOR.tokens.token("EMAIL", MAIL)

Make = Callable[..., LineFilter]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(policy: str = "", **options: bool) -> LineFilter:
        file = tmp_path / "policy.toml"
        file.write_text(policy)
        return LineFilter(REDACTOR, read_choices(file, TYPES), **options)

    return made


def test_lines_come_out_redacted_byte_for_byte_otherwise(make: Make) -> None:
    lines: list[bytes | None] = [
        b"to alice@example.com\r",
        b"",
        b"\xff\xfe caf\xe9 \xf0\x9f\x99\x82",
        b"\xe9 4111111111111111",
    ]
    out = make().feed(lines).split(b"\n")
    assert out[0] == f"to {TOKEN}\r".encode()
    assert out[1:3] == lines[1:3]
    assert out[3].startswith(b"\xe9 <CARD:")


def test_an_address_in_latin_1_leaves_whole(make: Make) -> None:
    assert make().feed([b"to jos\xe9@example.com"]).startswith(b"to <EMAIL:")


def test_findings_have_character_offsets_and_lines_count_from_0(make: Make) -> None:
    line_filter = make(findings=True)
    lines = [f"日本 {MAIL}", "x", "q=" + base64.b64encode(MAIL.encode()).decode()]
    first = line_filter.feed([lines[0].encode()])
    rest = line_filter.feed([line.encode() for line in lines[1:]])
    found = [json.loads(line) for line in b"\n".join((first, rest)).split(b"\n")]
    assert [one["line"] for one in found] == [0, 1, 2]
    assert found[0]["findings"] == [
        {"start": 3, "end": 20, "type": "EMAIL", "confidence": 0.95, "detector": "email"}
    ]
    assert found[1]["findings"] == []
    (encoded,) = found[2]["findings"]
    assert lines[2][encoded["start"] : encoded["end"]] == lines[2][2:]


def test_json_lines_keep_their_other_members_as_written(make: Make) -> None:
    line = '{"n": 1.50, "text": "a\\nto alice@example.com \\ud83d", "big": 12345678901234567890, "o": [1]}'
    out = make(json=True).feed([line.encode()])
    shown = json.loads(out)
    assert shown["text"] == f"a\nto {TOKEN} \ud83d"
    assert shown["big"] == 12345678901234567890
    assert b"1.50" in make(json=True).feed([line.replace("\\ud83d", "").encode()])


def test_offsets_of_json_are_into_the_text(make: Make) -> None:
    text = f'x\n"quoted"\t\N{SLIGHTLY SMILING FACE} {MAIL}'
    out = json.loads(make(json=True, findings=True).feed([json.dumps({"text": text}).encode()]))
    (found,) = out["findings"]
    assert text[found["start"] : found["end"]] == MAIL


@pytest.mark.parametrize(
    "line",
    [
        b"alice@example.com",
        b'{"text": "alice@example.com"',
        b'{"text": ["alice@example.com"]}',
        b'{"texts": "alice@example.com"}',
        b'["alice@example.com"]',
        b"",
        b"\xff\xff alice@example.com",
        b"[" * 100_000 + b"alice@example.com",
        None,
    ],
)
def test_nothing_of_a_line_that_cannot_be_read_comes_out(make: Make, line: bytes | None) -> None:
    good = b'{"text":"ok"}'
    line_filter = make(json=True)
    out = line_filter.feed([good, line, good]).split(b"\n")
    assert out == [good, b'{"text":"[UNSCANNED]"}', good]
    (problem,) = line_filter.problems
    assert problem.line == 1
    assert "alice" not in problem.reason
    told = json.loads(make(json=True, findings=True).feed([line]))
    assert [one["type"] for one in told["findings"]] == ["UNSCANNED"]


def test_what_the_engine_gives_up_on_is_closed(make: Make) -> None:
    slow = b"%40a@" * 60_000 + b" alice@example.com"
    line_filter = make()
    good, closed, last = line_filter.feed([b"ok", slow, b"to alice@example.com"]).split(b"\n")
    assert (good, last) == (b"ok", f"to {TOKEN}".encode())
    assert closed == b"[UNSCANNED]" or b"alice" not in closed


def test_the_policy_chooses_operators_by_type(make: Make) -> None:
    text = b"alice@example.com 4111111111111111 203.0.113.9 password=hunter22 +14155552671"
    policy = '[operators]\nEMAIL = "partial"\nIP = "keep"\nCARD = "redact"\n"*" = "null"\n'
    assert make(policy).feed([text]) == b"a***@example.com <CARD> 203.0.113.9 password=<SECRET> NULL"
    shown = json.loads(make(policy, findings=True).feed([text]))
    assert "IP" not in {one["type"] for one in shown["findings"]}


def test_the_rules_of_a_server_choose_too(make: Make) -> None:
    rules = """format = 1
[[rules]]
operator = "keep"
type = "EMAIL"
role = "privacy"
[[rules]]
operator = "partial"
type = ["EMAIL", "CARD"]
"""
    line = make(rules).feed([b"alice@example.com 4111111111111111 203.0.113.9"])
    assert line.startswith(b"a***@example.com ************1111 <IP:")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('[operators]\nEMIAL = "redact"\n', "no loaded detector finds EMIAL"),
        ('[operators]\nEMAIL = "hide"\n', "no operator 'hide'"),
        ('[operators]\nSECRET = "keep"\n', "may only be redacted"),
        ('[operator]\nEMAIL = "keep"\n', "unknown table"),
        ("[operators]\nEMAIL = 3\n", "Expected `str`"),
        ("nonsense", "not a TOML file"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_place(make: Make, policy: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        make(policy)
    assert "policy.toml" in refused.value.message


def lines_of(data: bytes, monkeypatch: pytest.MonkeyPatch, piece: int) -> tuple[list[Any], bool]:
    monkeypatch.setattr(reading, "PIECE_BYTES", piece)
    out, into = os.pipe()
    os.write(into, data)
    os.close(into)
    batches = list(read_lines(out))
    os.close(out)
    return [line for batch in batches for line in batch.lines], batches[-1].ended if batches else True


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1 << 20])
def test_lines_are_whole_however_they_arrive(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    assert lines_of(b"one\n\ntwo\r\n", monkeypatch, piece) == ([b"one", b"", b"two\r"], True)
    assert lines_of(b"\nlast", monkeypatch, piece) == ([b"", b"last"], False)
    assert lines_of(b"", monkeypatch, piece) == ([], True)


@pytest.mark.parametrize("piece", [4, 9, 64])
def test_of_a_line_too_long_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(reading, "LONGEST_LINE_BYTES", 16)
    data = b"ok\n" + b"x" * 200 + b"\nafter\n" + b"y" * 99
    found, ended = lines_of(data, monkeypatch, piece)
    if piece < 64:
        assert found == [b"ok", None, b"after", None]
    assert found[0] == b"ok"
    assert b"after" in found
    assert ended is False


def test_a_private_key_over_many_lines_leaves_whole(make: Make) -> None:
    body = [base64.b64encode(os.urandom(48)) for _ in range(5)]
    begin, end = (b"-----%s RSA PRIVATE KEY-----" % word for word in (b"BEGIN", b"END"))
    lines: list[bytes | None] = [b"before", begin, b"Proc-Type: 4,ENCRYPTED", b"", *body, end, b"after it"]
    for size in (1, 3, 100):
        line_filter, out = make(), []
        for at in range(0, len(lines), size):
            out += line_filter.feed(lines[at : at + size]).split(b"\n")
        assert out[0] == b"before"
        assert out[-1] == b"after it"
        assert {one for one in out[1:-1] if one} == {b"<SECRET>"}
    cut = make().feed([begin, *body[:2], b"a line of words", body[3]]).split(b"\n")
    assert cut[1:3] == [b"<SECRET>"] * 2
    assert cut[3] == b"a line of words"
