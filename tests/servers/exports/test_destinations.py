"""Destinations against what they meet: broken connections, slowness, other people's programs."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cef import read_cef
from fixtures.exporting import SECRET, HttpReceiver, SyslogReceiver, until
from glasshatch.app.ports import free_port
from glasshatch.app.tls import create_gateway_certificate
from glasshatch.clock import SystemClock
from glasshatch.detect import Webhook
from glasshatch.errors import Unavailable
from glasshatch.events import Event, Source, StatementText, encode
from glasshatch.exports import FORMS, Item, Parcel, S3Store, Syslog, SyslogTarget, WebhookDestination


def parcel(first: int = 0, count: int = 5, text: str = "select 1") -> Parcel:
    events = [
        Event(
            id=f"id-{number}", time="1700000000000000000", action="statement.run",
            source=Source(kind="gateway"), statement=StatementText(text=text),
        )
        for number in range(first, first + count)
    ]  # fmt: skip
    items = tuple(Item("default", first + n, encode(event), event) for n, event in enumerate(events))
    return Parcel("siem", "default", first, first + count, items)


def syslog(port: int, transport: str = "tcp", tls: ssl.SSLContext | None = None) -> Syslog:
    target = SyslogTarget(transport, "127.0.0.1", port, "here")  # type: ignore[arg-type]
    return Syslog(target, FORMS["cef"], (lambda: tls) if tls else None)


@pytest.fixture
def receiver() -> Iterator[SyslogReceiver]:
    receiver = SyslogReceiver()
    yield receiver
    receiver.close()


def ids(messages: list[bytes]) -> list[str]:
    return [re.findall(rb"externalId=(\S+)", one)[0].decode() for one in messages]


def test_a_connection_that_broke_is_opened_anew(receiver: SyslogReceiver) -> None:
    out = syslog(receiver.port)
    out.deliver(parcel(0))
    until(lambda: len(receiver.messages) == 5)
    receiver.drop()
    until(lambda: _delivered(out, parcel(5)))
    until(lambda: ids(receiver.messages)[-5:] == [f"id-{number}" for number in range(5, 10)])
    out.close()


def _delivered(out: Syslog, one: Parcel) -> bool:
    try:
        out.deliver(one)
    except Unavailable:
        return False
    return True


def test_a_receiver_that_reads_nothing_is_not_taken_for_one_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel takes what fits; what the other side has not confirmed is not delivered."""
    monkeypatch.setattr("glasshatch.exports.destinations.syslog._STALLED_S", 1.0)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        out = syslog(listener.getsockname()[1])
        begun_s = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            out.deliver(parcel(0, 2_000, "x" * 1_000))
        assert time.monotonic() - begun_s < 60
        out.close()


def test_nobody_there_is_said_in_words() -> None:
    with pytest.raises(Unavailable, match="connection refused"):
        syslog(free_port()).deliver(parcel())
    with pytest.raises(Unavailable, match="its name is not known"):
        Syslog(SyslogTarget("tcp", "nowhere.invalid", 1, "here"), FORMS["cef"]).deliver(parcel())


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path) -> None:
    create_gateway_certificate(tmp_path, SystemClock())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "gateway.crt", tmp_path / "gateway.key")
    receiver = SyslogReceiver(context)
    try:
        with pytest.raises(Unavailable, match="TLS failed"):
            syslog(receiver.port, "tls", ssl.create_default_context()).deliver(parcel())
        assert not receiver.messages
        trusting = syslog(receiver.port, "tls", ssl.create_default_context(cafile=tmp_path / "gateway.crt"))
        trusting.deliver(parcel())
        until(lambda: len(receiver.messages) == 5)
        trusting.close()
    finally:
        receiver.close()


def test_a_datagram_is_an_event() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", free_port()))
        listener.settimeout(20)
        out = syslog(listener.getsockname()[1], "udp")
        out.deliver(parcel(0, 3))
        out.deliver(parcel(3, 1, "y" * 60_000))
        got = [listener.recv(70_000) for _ in range(4)]
        assert ids(got) == ["id-0", "id-1", "id-2", "id-3"]
        out.close()


@pytest.mark.needs("syslog")
def test_rsyslog_takes_it_over_tcp_and_udp_byte_for_byte(tmp_path: Path) -> None:
    tcp, udp, got = free_port(), free_port(), tmp_path / "got.log"
    (tmp_path / "rsyslog.conf").write_text(f"""
global(workDirectory="{tmp_path}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="on")
module(load="imtcp") module(load="imudp")
input(type="imtcp" port="{tcp}" address="127.0.0.1") input(type="imudp" port="{udp}" address="127.0.0.1")
template(name="whole" type="string" string="%app-name%;%msgid%;%timereported:::date-rfc3339%;%msg%\\n")
action(type="omfile" file="{got}" template="whole")
""")
    command = ["/usr/sbin/rsyslogd", "-n", "-f", tmp_path / "rsyslog.conf", "-i", tmp_path / "pid"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as rsyslogd:
        try:
            until(lambda: _connects(tcp))
            text = "a|b=c\\d\nend"
            out, datagrams = syslog(tcp), syslog(udp, "udp")
            out.deliver(parcel(0, 300, text))
            datagrams.deliver(parcel(300, 1, text))
            until(lambda: got.exists() and got.read_bytes().count(b"\n") >= 301)
            out.close()
        finally:
            rsyslogd.terminate()
    lines = [line.split(";", 3) for line in got.read_text().splitlines() if line.startswith("glasshatch;")]
    assert {tuple(line[:3]) for line in lines} == {
        ("glasshatch", "statement.run", "2023-11-14T22:13:20.000000Z")
    }
    read = [read_cef(line[3].strip())[1] for line in lines]
    assert sorted(one["externalId"] for one in read) == sorted(f"id-{number}" for number in range(301))
    assert {one["msg"] for one in read} == {text}


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_a_webhook_that_is_busy_says_for_how_long() -> None:
    receiver = HttpReceiver()
    receiver.plan = [
        (429, {"Retry-After": "7"}),
        (503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}),
        (500, {}),
    ]
    hook = Webhook(
        "siem", f"http://127.0.0.1:{receiver.port}/", lambda: SECRET, SystemClock(), section="exports"
    )
    out = WebhookDestination("there", hook.send, FORMS["ocsf"])
    try:
        waits = []
        for status in (429, 503, 500):
            with pytest.raises(Unavailable, match=f"answered {status}") as refused:
                out.deliver(parcel())
            waits.append(refused.value.retry_after_s)
        assert waits == [7.0, 0.0, 0.0]
        out.deliver(parcel())
        assert receiver.deliveries == ["siem/default/0-5"]
    finally:
        receiver.close()


def test_an_s3_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasshatch.exports.destinations.s3._STALLED_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        store = S3Store("audit", "x", lambda: ("a", "b"), endpoint=endpoint)
        begun_s = time.monotonic()
        with pytest.raises(Unavailable):
            store.put("y", b"z")
        assert time.monotonic() - begun_s < 90
