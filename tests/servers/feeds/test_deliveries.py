"""Deliveries over HTTP against a real server: every form, every scope, and everything that can be wrong."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from fixtures.feeding import EVENTS, Feeder, issue

ONE = b'{"action":"order.paid","n":1}'


def fresh(count: int, **members: Any) -> bytes:
    """Events with ids that were never sent."""
    return b"\n".join(json.dumps({"id": str(uuid.uuid4()), **members}).encode() for _ in range(count))


@pytest.mark.parametrize("encoding", ["", "gzip", "zstd"])
@pytest.mark.parametrize("form", ["single", "array", "lines"])
def test_every_form_in_every_encoding_is_recorded(feeder: Feeder, form: str, encoding: str) -> None:
    mark = uuid.uuid4().hex
    lines = fresh(1 if form == "single" else 3, mark=mark)
    body = b"[" + lines.replace(b"\n", b",") + b"]" if form == "array" else lines
    sent = {"": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}[encoding](body)
    headers = {"Content_Encoding": encoding} if encoding else {}
    count = len(lines.splitlines())
    assert feeder.post(sent, **headers).counts == (count, 0, 0)
    assert feeder.post(sent, **headers).counts == (0, count, 0)
    assert feeder.count(f"attrs.mark:{mark}") == count


def test_curl_delivers_with_a_token_out_of_a_file(feeder: Feeder) -> None:
    header = f"Authorization: Bearer {feeder.token}\n"
    done = subprocess.run(
        ["curl", "-sS", "--fail", "-H", "@-", "-d", ONE.decode(), feeder.server.url + EVENTS],
        input=header, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("ingest:json/shop", "/v1/events?name=shop", 200),
        ("ingest:json/shop", "/v1/sources/json/shop", 200),
        ("ingest:json/shop", "/v1/events?name=other", 403),
        ("ingest:json/shop", "/v1/events", 403),
        ("ingest:json/shop", "/v1/events?name=shop&name=other", 403),
        ("ingest:json/shop", "/v1/events?name=other&name=shop", 403),
        ("ingest:json/shop", "/v1/sources/kubernetes/shop", 403),
        ("ingest:json", "/v1/events", 200),
        ("ingest:json", "/v1/sources/kubernetes/shop", 403),
        ("ingest:kubernetes/prod", "/v1/events", 403),
        ("read", "/v1/events", 403),
        ("connect", "/v1/events?name=shop", 403),
    ],
)
def test_a_token_opens_what_its_scope_says_and_nothing_else(
    feeder: Feeder, scope: str, path: str, status: int
) -> None:
    mark = uuid.uuid4().hex
    token = issue(feeder.server, "feeder", scope)
    assert feeder.post(fresh(2, mark=mark), path, token).status == status
    assert feeder.count(f"attrs.mark:{mark}") == (2 if status == 200 else 0)


def test_without_a_token_nothing_is_read(feeder: Feeder) -> None:
    assert feeder.post(ONE, Authorization="Basic eDp5").status == 401
    assert feeder.post(ONE, token="gh_" + "a" * 16 + "_" + "b" * 52).status == 401


def test_who_delivered_is_recorded(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    feeder.post(fresh(1, mark=mark))
    (actor,) = [one for one in feeder.server.jsonl("actors", "ls") if one["name"] == "feeder"]
    (found,) = feeder.server.jsonl("search", f"attrs.mark:{mark}", person="auditor")
    assert found["event"]["links"] == [{"rel": "delivered_by", "id": actor["id"]}]


def test_the_api_describes_its_deliveries(feeder: Feeder) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", feeder.server.api_port, timeout=60)
    connection.request("GET", "/openapi.json")
    paths = json.loads(connection.getresponse().read())["paths"]
    for path in ("/v1/events", "/v1/sources/{kind}/{name}"):
        described = paths[path]["post"]
        assert set(described["requestBody"]["content"]) == {"application/json", "application/x-ndjson"}
        assert "zstd" in described["requestBody"]["description"]
        assert {"400", "403", "413", "503"} < set(described["responses"])
        assert described["responses"]["200"]["content"]["application/json"]["schema"]


GOOD = 1
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
BAD = {
    "no JSON": (b"nonsense", (0, 0, 1)),
    "not UTF-8": (b'{"a":"\xff"}', (0, 0, 1)),
    "UTF-16": ('{"a":"x"}'.encode("utf-16"), (0, 0, 1)),
    "a bad line among good ones": (ONE + b"\n{bad\n" + ONE, (2, 0, 1)),
    "a bad item in an array": (b"[" + ONE + b",{bad}," + ONE + b"]", (2, 0, 1)),
    "an array of other things": (b'[5,null,"x",[],' + ONE + b"]", (1, 0, 4)),
    "unknown types": (b'{"actor":5}\n{"time":{}}\n{"labels":[1]}\n{"action":[]}', (0, 0, 4)),
    "nested deeply": (DEEP, (0, 0, 1)),
    "brackets without end": (b"[" * 100_000, (0, 0, 1)),
    "no numbers": (b'{"a":NaN}\n{"a":1e999}\n{"a":Infinity}', (0, 0, 3)),
    "large numbers": (b'{"a":123456789012345678901234567890,"b":1.5}', (1, 0, 0)),
    "a name twice": (b'{"a":1,"a":2}', (1, 0, 0)),
    "nothing": (b"", (0, 0, 0)),
    "empty lines": (b"\n" * 100_000 + ONE, (1, 0, 0)),
    "a byte order mark": (b"\xef\xbb\xbf" + ONE, (1, 0, 0)),
    "Windows line ends": (ONE + b"\r\n" + ONE + b"\r\n", (2, 0, 0)),
    "half a surrogate": (b'{"a":"\\ud800"}', (0, 0, 1)),
    "NUL in a text": (b'{"a":"\\u0000x"}', (1, 0, 0)),
    "NUL alone": (b"\0\0\0", (0, 0, 1)),
    "a line of 5 MB": (ONE + b'\n{"a":"' + b"x" * 5_000_000 + b'"}\n' + ONE, (2, 0, 1)),
    "an event too large for an entry": (b'{"a":"' + b"x " * 400_000 + b'"}', (1, 0, 0)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_counted_and_the_rest_goes_in(feeder: Feeder, name: str) -> None:
    body, counts = BAD[name]
    before = feeder.count("action:intake.quarantined")
    answer = feeder.post(body)
    assert answer.counts == counts
    assert len(answer.body["problems"]) == counts[2]
    assert feeder.count("action:intake.quarantined") == before + counts[2]


REFUSED = {
    "gzip that breaks off": (gzip.compress(ONE * 99)[:-5], {"Content_Encoding": "gzip"}, 400),
    "zstd that breaks off": (zstandard.compress(ONE * 99)[:-5], {"Content_Encoding": "zstd"}, 400),
    "no gzip": (ONE, {"Content_Encoding": "gzip"}, 400),
    "an unknown encoding": (ONE, {"Content_Encoding": "br"}, 400),
    "two encodings": (gzip.compress(gzip.compress(ONE)), {"Content_Encoding": "gzip, gzip"}, 400),
    "gzip that is not told": (gzip.compress(ONE), {}, 400),
    "gzip inside gzip": (gzip.compress(gzip.compress(ONE)), {"Content_Encoding": "gzip"}, 400),
    "a form with files": (ONE, {"Content_Type": "multipart/form-data; boundary=x"}, 400),
    "a gzip bomb": (gzip.compress(b"\0" * (1 << 28)), {"Content_Encoding": "gzip"}, 413),
    "a zstd bomb": (zstandard.compress(b"\0" * (1 << 30)), {"Content_Encoding": "zstd"}, 413),
    "a bomb of items": (gzip.compress(b"[" + b"1," * 30_000_000 + b"1]"), {"Content_Encoding": "gzip"}, 413),
    "a bomb of lines": (gzip.compress(b"[]\n" * 20_000_000), {"Content_Encoding": "gzip"}, 413),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_as_a_whole(feeder: Feeder, name: str) -> None:
    body, headers, status = REFUSED[name]
    answer = feeder.post(body, **headers)
    assert answer.status == status, answer.body
    assert answer.body["code"] in ("peer", "too_large")
    assert answer.body["hint"]
    assert feeder.post(fresh(1)).counts == (1, 0, 0)


def _pieces(count: int, size: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_100_mb_is_refused_and_takes_no_memory(feeder: Feeder, chunked: bool) -> None:
    before = {part: feeder.peak_mib(part) for part in ("front", "back")}
    answers: list[int] = []

    def deliver() -> None:
        body = _pieces(100, 1_000_000) if chunked else b"x" * 100_000_000
        answers.append(feeder.post(body).status)

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    # Others are served meanwhile.
    assert feeder.post(fresh(3)).counts == (3, 0, 0)
    for thread in threads:
        thread.join()
    # A third large body at the same time may find no room, which is said as well.
    assert set(answers) <= {413, 503}
    assert 413 in answers
    for part, peak in before.items():
        assert feeder.peak_mib(part) < peak + 200, part


def test_bombs_take_bounded_memory(feeder: Feeder) -> None:
    bombs = [
        gzip.compress(b"\0" * (1 << 28)), gzip.compress(b"[" + b"[]," * 20_000_000 + b"[]]"),
        gzip.compress(b'{"a":[' + b"[]," * 20_000_000 + b"[]]}"),
    ]  # fmt: skip
    statuses = [feeder.post(bomb, Content_Encoding="gzip").status for bomb in bombs]
    assert statuses == [413, 413, 200]
    assert feeder.peak_mib("front") < 600


def test_a_body_that_never_ends_is_cut_off_and_others_go_on(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    head = (
        f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {feeder.token}\r\n"
        "Content-Length: 100000\r\n\r\n"
    ).encode() + fresh(1, mark=mark)
    slow = [socket.create_connection(("127.0.0.1", feeder.server.api_port)) for _ in range(20)]
    try:
        for connection in slow:
            connection.sendall(head)
        deadline = time.monotonic() + 60
        begun = time.monotonic()
        for _ in range(10):
            assert feeder.post(fresh(1)).counts == (1, 0, 0)
        assert time.monotonic() - begun < 10
        for connection in slow:
            connection.settimeout(max(1.0, deadline - time.monotonic()))
            answer = b""
            while piece := connection.recv(4096):  # until the server closes: it does not wait for ever
                answer += piece
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"does not arrive" in answer
    finally:
        for connection in slow:
            connection.close()
    assert feeder.count(f"attrs.mark:{mark}") == 0


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    body = fresh(50, mark=mark)
    head = (
        f"POST {EVENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {feeder.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    for share in (0, 2, len(body) // 2, len(body) - 1):
        with socket.create_connection(("127.0.0.1", feeder.server.api_port)) as connection:
            connection.sendall(head + body[:share])
    assert feeder.post(fresh(1)).counts == (1, 0, 0)
    assert feeder.count(f"attrs.mark:{mark}") == 0
    assert "a bug" not in feeder.server.log.read_text()


def test_a_clock_a_year_off_is_recorded_marked_and_found(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    year_ns = 366 * 86_400 * 10**9
    times = [
        time.time_ns() - year_ns,
        time.time_ns() + year_ns,
        "9999-12-31T00:00:00Z",
        "1960-01-01T00:00:00Z",
    ]
    answer = feeder.post(b"\n".join(fresh(1, mark=mark, time=moment) for moment in times))
    assert (answer.counts, answer.body["skewed"]) == ((4, 0, 0), 4)
    assert feeder.count(f"attrs.mark:{mark}") == 4
    assert feeder.count(f"attrs.mark:{mark} labels.clock:ahead") == 2


def test_what_is_quarantined_is_redacted(feeder: Feeder) -> None:
    planted = ("planted.person@example.com", "4111111111111111", "hunter2planted", "Plantonia Canarywoman")
    mail, card, word, name = planted
    items = [
        f"login of {mail} with card {card}", f'{{"password":"{word}", "first_name":"{name}", broken',
        f'{{"actor":5,"password":"{word}","first_name":"{name}","mail":"{mail}"}}', f'"{mail}"',
        f'["{mail}"]', f'{{"token":"{word}', "x" * 2_030 + f" {mail}", "x" * 8_180 + f" {mail} {card}",
        f"\0{mail}\0", f'{{"a":"{"y" * 300_000} {mail}"',
    ]  # fmt: skip
    before = feeder.count("action:intake.quarantined")
    assert feeder.post("\n".join(items).encode()).counts == (0, 0, len(items))
    assert feeder.post(f'{{"password":"{word}"}}'.encode("utf-16")).counts == (0, 0, 1)
    assert feeder.count("action:intake.quarantined") == before + len(items) + 1
    found = feeder.server.command(
        "search", "action:intake.quarantined", "--limit", "1000", "--format", "jsonl", person="auditor"
    )
    assert not [value for value in (*planted, mail[:16], card[:12]) if value in found.stdout]


def test_an_actor_and_a_resource_of_an_application_are_redacted(feeder: Feeder) -> None:
    mark = uuid.uuid4().hex
    mail = "planted.customer@example.com"
    assert feeder.post(fresh(1, mark=mark, actor=mail, resource=f"customer/{mail}")).counts == (1, 0, 0)
    found = feeder.server.command("search", f"attrs.mark:{mark}", "--format", "jsonl", person="auditor")
    assert mark in found.stdout
    assert mail not in found.stdout


def test_many_deliveries_at_once_leave_the_rest_of_the_api_alone(feeder: Feeder) -> None:
    stop = threading.Event()
    counted: list[int] = []

    def deliver() -> None:
        while not stop.is_set():
            counted.append(feeder.post(fresh(500)).counts[0])

    threads = [threading.Thread(target=deliver) for _ in range(12)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            begun = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", feeder.server.api_port, timeout=120)
            connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {feeder.token}"})
            assert connection.getresponse().status == 200
            assert time.monotonic() - begun < 20
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert counted
    assert set(counted) == {500}
