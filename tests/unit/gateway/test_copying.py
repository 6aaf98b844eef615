"""COPY to the client: its form is understood or refused, and its rows are masked however they are cut."""

from __future__ import annotations

import csv
import io

import pytest

from glasshatch.errors import PeerError
from glasshatch.gateway.connectors.postgres.answers import write_row
from glasshatch.gateway.connectors.postgres.copyform import CopyForm, copy_form
from glasshatch.gateway.connectors.postgres.copying import CopyRows
from glasshatch.masking import ColumnFacts, ColumnRule, Engine, Redactor, Tokens, plan_columns
from glasshatch.statements import analyze_sql

RULES = (ColumnRule("*.mail", "EMAIL"), ColumnRule("*.gone", "NAME", "null"))
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


@pytest.fixture(scope="module")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    engine = Engine.load(packs=("core",), cache_dir=tmp_path_factory.mktemp("engine"))
    return Redactor(engine, Tokens({1: b"k" * 32}, 1, "acme"))


def form(text: str) -> CopyForm | None:
    return copy_form(text, analyze_sql(text))


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("", CopyForm(whole_table=True)),
        (" with (format csv)", CopyForm("csv", b",", b"", whole_table=True)),
        (" csv", CopyForm("csv", b",", b"", whole_table=True)),
        (" with csv header", CopyForm("csv", b",", b"", header=True, whole_table=True)),
        (" (format csv, header false)", CopyForm("csv", b",", b"", whole_table=True)),
        (" (format 'csv', header)", CopyForm("csv", b",", b"", header=True, whole_table=True)),
        (" with delimiter as '|' null as 'none'", CopyForm("text", b"|", b"none", whole_table=True)),
        (" (delimiter E'\\t', null '')", CopyForm("text", b"\t", b"", whole_table=True)),
        (" (format csv, quote '$', force_quote *)", CopyForm("csv", b",", b"", b"$", whole_table=True)),
        (" csv force quote a, b", CopyForm("csv", b",", b"", whole_table=True)),
        (" (format csv, force_quote (a, b), delimiter ';')", CopyForm("csv", b";", b"", whole_table=True)),
        (" (format binary)", CopyForm("binary", whole_table=True)),
        (" binary", CopyForm("binary", whole_table=True)),
        (" (encoding 'UTF8')", CopyForm(whole_table=True)),
        (" (encoding 'latin1')", None),
        (" (format csv, escape '\\')", None),
        (" (something new)", None),
    ],
)
def test_the_form_of_a_copy(tail: str, expected: CopyForm | None) -> None:
    assert form(f"copy t (a, b) to stdout{tail}") == expected


def test_what_is_no_copy_to_the_client_has_no_form() -> None:
    assert form("copy t from stdin") is None
    assert form("copy t to '/tmp/file'") is None
    assert form("copy t to stdout; select 1") is None
    query = form("copy (select a from t where b = 'x' and c = 7) to stdout (delimiter ',')")
    assert query == CopyForm("text", b",")


VALUES = [
    [b"1", b"a@example.com", b'say "hi", x', None],
    [b"2", None, b"tab\there\nand \\ there", b"x"],
    [b"3", b"", b"to b@example.com, yes", b"y"],
    [b"4", b"c@example.com\r", b"\\.", b"\\N"],
]
FACTS = [
    ColumnFacts("id", 23, 0, "public.t", "id"),
    ColumnFacts("mail", 25, 0, "public.t", "mail"),
    ColumnFacts("note", 25, 0, "public.t", "note"),
    ColumnFacts("gone", 25, 0, "public.t", "gone"),
]


def as_text(rows: list[list[bytes | None]]) -> bytes:
    def field(value: bytes | None) -> bytes:
        if value is None:
            return b"\\N"
        for plain, escaped in ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r")):
            value = value.replace(plain, escaped)
        return value

    return b"".join(b"\t".join(map(field, row)) + b"\n" for row in rows)


def as_csv(rows: list[list[bytes | None]]) -> bytes:
    def field(value: bytes | None) -> bytes:
        if value is None:
            return b""
        needs = not value or any(letter in value for letter in b'",\n\r') or value == b"\\."
        return b'"' + value.replace(b'"', b'""') + b'"' if needs else value

    return b"".join(b",".join(map(field, row)) + b"\n" for row in rows)


def payloads(messages: bytes) -> list[bytes]:
    found = []
    while messages:
        size = 1 + int.from_bytes(messages[1:5], "big")
        assert messages[:1] == b"d"
        found.append(messages[5:size])
        messages = messages[size:]
    return found


def run(redactor: Redactor, kind: CopyForm, stream: bytes, step: int) -> list[bytes]:
    copy = CopyRows(kind, plan_columns(FACTS, RULES, redactor, False), 10_000)
    out = b"".join(copy.take(stream[at : at + step]) for at in range(0, len(stream), step))
    copy.finish()
    return payloads(out)


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_text_and_csv_are_masked_by_column(redactor: Redactor, step: int) -> None:
    text = run(redactor, CopyForm(), as_text(VALUES), step)
    assert len(text) == len(VALUES)
    lines = b"".join(text).decode()
    assert "example.com" not in lines
    rows = [line.split("\t") for line in lines.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert rows[0][1].startswith("<EMAIL:")
    assert rows[0][2] == 'say "hi", x'
    assert rows[1][1:] == ["\\N", "tab\\there\\nand \\\\ there", "\\N"]
    assert rows[2][2].startswith("to <EMAIL:")
    assert {row[3] for row in rows} == {"\\N"}

    header = b"id,mail,note,gone\n"
    written = run(redactor, CopyForm("csv", b",", b"", header=True), header + as_csv(VALUES), step)
    assert written[0] == header
    parsed = list(csv.reader(io.StringIO(b"".join(written[1:]).decode(), newline="")))
    assert "example.com" not in str(parsed)
    assert [row[2] for row in parsed[:2]] == ['say "hi", x', "tab\there\nand \\ there"]
    assert [row[3] for row in parsed] == [""] * 4


@pytest.mark.parametrize("step", [1, 9, 10_000])
def test_binary_is_masked_by_column(redactor: Redactor, step: int) -> None:
    rows = [[b"\0\0\0\1", *row[1:]] for row in VALUES]
    stream = HEADER + b"".join(write_row(list(row))[5:] for row in rows) + b"\xff\xff"
    out = run(redactor, CopyForm("binary"), stream, step)
    assert (out[0][: len(HEADER)], out[-1], len(out)) == (HEADER, b"\xff\xff", len(rows) + 1)
    assert b"example.com" not in b"".join(out)
    assert b"<EMAIL:" in out[0]
    assert out[1].endswith(b"\xff\xff\xff\xff")


def test_what_is_no_row_ends_the_copy(redactor: Redactor) -> None:
    plan = plan_columns(FACTS, RULES, redactor, False)
    for kind, data in (
        (CopyForm(), b"1\t2\n"),
        (CopyForm("csv", b",", b""), b'1,2,3,"4"x\n'),
        (CopyForm("binary"), b"x" * 19),
        (CopyForm("binary"), HEADER + b"\0\x05"),
        (CopyForm(), b"x" * 11_000),
    ):
        with pytest.raises(PeerError):
            CopyRows(kind, plan, 10_000).take(data)
    copy = CopyRows(CopyForm(), plan, 10_000)
    copy.take(b"1\ta")
    with pytest.raises(PeerError):
        copy.finish()
