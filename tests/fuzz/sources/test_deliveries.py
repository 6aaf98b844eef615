"""Whatever bytes are delivered, each item of them is recorded or quarantined, and nothing else happens."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from fixtures.audit import event as audit_event
from fixtures.otlp import as_json, record, request
from glasshatch.clock import SystemClock
from glasshatch.errors import GlasshatchError, PeerError, TooLarge
from glasshatch.events import Event, Receipt, decode, encode, event_of
from glasshatch.masking import Engine, Redactor, Tokens
from glasshatch.sources import SOURCES, Intake, Seen, decode_body, read_lines
from glasshatch.sources.items import read_item, split

GOOD = json.dumps(audit_event(number=1)).encode()
REQUEST = request(record("x", attributes={"a": 1}), record("y")).SerializeToString()
PARTS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            GOOD,
            b'{"id":"a","action":"x.y"}',
            b"[",
            b"]",
            b"{",
            b"}",
            b",",
            b"\n",
            b'"',
            b"\\",
            b"\xef\xbb\xbf",
            b"\0",
            b"\r\n",
            b'{"items":[',
            b'"kind":"List"',
            b"1e999",
            b"null",
            b'{"Records":[',
            b"2026-11-22 22:12:17.892 UTC [13675] ada@app psql LOG:  AUDIT: SESSION,1,1,READ,S,,,x,<none>",
            b"\n2026-11-22 22:12:17.892 UTC [13675] LOG:  ",
            b'\n2026-11-22 22:12:17.892 UTC,"u","d",7,"[local]",6.1,4,"S",2026-11-22 22:12:17 UTC,3/2,7,',
            b'LOG,00000,"AUDIT: SESSION,1,1,DDL,X,,,""a',
            b"\n\t",
            b"STATEMENT:  ",
            REQUEST,
            REQUEST[:-9],
            as_json(request(record("x", attributes={"a": 1}))),
            b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":',
        ]
    ),
)
BODIES = st.lists(PARTS, max_size=25).map(b"".join)


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(Engine.load(), Tokens({1: b"k" * 32}, 1, "default"), frozenset({"kubernetes"}))


class Record:
    """A record in memory, redacted and written like the real one."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.entries: list[bytes] = []

    def submit_all(self, events: list[Event], done: Any, feed: str = "") -> None:
        for place, event in enumerate(self.redactor.events([*map(event_of, events)])):
            try:
                self.entries.append(encode(event))
            except TooLarge as error:
                done(place, error)
            else:
                done(place, Receipt(len(self.entries) - 1, b""))


@pytest.mark.parametrize("kind", SOURCES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_every_item_is_accounted_for(
    kind: str, body: bytes, redactor: Redactor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    record = Record(redactor)
    directory = tmp_path_factory.mktemp("seen")
    intake = Intake(
        record,
        lambda: Seen(directory, {"default": 0}),
        SOURCES,
        SystemClock(),
        os.urandom,
        "default",
        redactor.texts,
        b"a key",
    )
    result = intake.take(kind, "one", body)
    intake.close()
    assert result.accepted + result.quarantined + result.duplicates == len(
        SOURCES[kind].form({}).split(body, 1)
    )
    events = [decode(entry) for entry in record.entries]
    assert len(events) == result.accepted + result.quarantined
    assert sum(event.action == "intake.quarantined" for event in events) == result.quarantined


@given(body=BODIES)
def test_items_hold_every_byte_that_means_something(body: bytes) -> None:
    for piece in split(body):
        item = read_item(piece)
        assert item.data in body
        assert item.data.strip()


@given(body=BODIES, encoding=st.sampled_from(["", "gzip", "zstd"]))
def test_a_body_is_decoded_or_refused(body: bytes, encoding: str) -> None:
    with contextlib.suppress(PeerError):
        decode_body(body, encoding)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, compressed=st.booleans(), cut=st.integers(0, 30))
def test_a_file_is_read_or_refused(body: bytes, compressed: bool, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = gzip.compress(body) if compressed else body
    path.write_bytes(data[: len(data) - cut])
    try:
        for part in read_lines(path):
            for piece in split(part.body, part.first):
                read_item(piece)
    except GlasshatchError:
        looks_compressed = compressed or body.startswith((b"\x1f\x8b", b"\x28\xb5"))
    else:
        looks_compressed = True
    assert looks_compressed, "a plain file is always read"
