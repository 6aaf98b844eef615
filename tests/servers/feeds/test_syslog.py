"""Syslog from the real `logger` and the real rsyslog into a running server, over UDP, TCP and TLS."""

from __future__ import annotations

import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from fixtures.feeding import Feeder
from fixtures.glasshatch import RunningServer, free_port
from fixtures.rsyslog import Rsyslog
from fixtures.servers import Certificates

pytestmark = pytest.mark.needs("syslog")

TLS = 'tls_certificate = "syslog.crt"\ntls_key = "syslog.key"\ntls_client_ca = "senders.crt"\n'


class Office(msgspec.Struct):
    """A server that listens for syslog, and its ports."""

    server: RunningServer
    udp: int
    tcp: int
    tls: int

    def count(self, query: str) -> int:
        return Feeder(self.server, "").count(query)

    def receivers(self, feed: str) -> list[dict[str, object]]:
        """What `glasshatch sources --json` says of a feed's receivers."""
        (found,) = [one for one in self.server.jsonl("sources") if f"{one['source']}/{one['name']}" == feed]
        receivers: list[dict[str, object]] = found["receivers"]
        return receivers


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Office]:
    ports = {"udp": free_port(), "tcp": free_port(), "tls": free_port()}
    sections = "".join(
        f'[[receivers]]\nsource = "syslog/{way}"\nprotocol = "{way}"\nlisten = "127.0.0.1:{port}"\n'
        + (TLS if way == "tls" else "")
        for way, port in ports.items()
    )
    closed = (
        f'[[receivers]]\nsource = "syslog/closed"\nprotocol = "udp"\nlisten = "127.0.0.1:{free_port()}"\n'
    )
    server = RunningServer(
        tmp_path_factory.mktemp("syslog"), sections + closed + 'allow = ["192.0.2.0/24"]\n'
    )
    (server.home / "syslog.crt").write_bytes(certificates.certificate)
    (server.home / "syslog.key").write_bytes(certificates.key)
    (server.home / "senders.crt").write_bytes(certificates.ca)
    server.start()
    try:
        server.invite("auditor", "auditor")
        yield Office(server, **ports)
    finally:
        server.stop()


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    sender = Rsyslog(tmp_path / "r")
    yield sender
    sender.stop()


def wait(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.1)


LOGGER = [
    ("udp", ["--udp", "--rfc3164"]),
    ("udp", ["--udp", "--rfc5424"]),
    ("tcp", ["--tcp", "--rfc3164"]),
    ("tcp", ["--tcp", "--rfc5424"]),
    ("tcp", ["--tcp", "--rfc3164", "--octet-count"]),
    ("tcp", ["--tcp", "--rfc5424", "--octet-count"]),
]


def test_logger_in_every_form(office: Office) -> None:
    for way, options in LOGGER:
        done = subprocess.run(
            ["/usr/bin/logger", "--server", "127.0.0.1", "--port", str(getattr(office, way)), *options,
             "--tag", "backup", "--id=4711", "--priority", "daemon.warning", "nightly backup: Käse"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    wait(lambda: office.count("attrs.app:backup") == len(LOGGER))
    found = [one["event"] for one in office.server.jsonl("search", "attrs.app:backup", person="auditor")]
    assert Counter(one["source"]["name"] for one in found) == {"udp": 2, "tcp": 4}
    for one in found:
        attrs = one["attrs"]
        assert (attrs["facility"], attrs["level"], attrs["pid"]) == ("daemon", "warning", "4711")
        assert (attrs["message"], one["severity"]) == ("nightly backup: Käse", 3)
        assert one["resource"]["type"] == "host"
        assert one["links"] == [{"rel": "sent_by", "id": "127.0.0.1"}]
        assert abs(int(one["time"]) - int(one["observed_time"])) < 60 * 10**9


LINES = [f"<14>Nov 26 11:00:00 app[7]: line {number} of many" for number in range(200)]
NEW_FORM = {"template": "RSYSLOG_SyslogProtocol23Format"}


def test_rsyslog_over_udp_tcp_and_tls(
    office: Office, rsyslog: Rsyslog, certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "client.crt", tmp_path / "client.key"
    certificate.write_bytes(certificates.certificate)
    key.write_bytes(certificates.key)
    rsyslog.trust(certificates.ca_file, certificate, key)
    rsyslog.forward(office.udp, protocol="udp")
    rsyslog.forward(office.tcp, protocol="tcp")
    rsyslog.forward(
        office.tls, protocol="tcp", TCP_Framing="octet-counted", StreamDriver="ossl", StreamDriverMode="1",
        StreamDriverAuthMode="x509/name", StreamDriverPermittedPeers="localhost", **NEW_FORM,
    )  # fmt: skip
    rsyslog.start()
    rsyslog.log(*LINES, "<38>Nov 26 11:00:00 sshd[9]: Invalid user hunter2 from 192.0.2.7 port 22")
    for way in ("udp", "tcp", "tls"):
        wait(lambda way=way: office.count(f"attrs.app:app source.name:{way}") == len(LINES))  # type: ignore[misc]
        wait(lambda way=way: office.count(f"action:login.refused source.name:{way}") == 1)  # type: ignore[misc]
        found = office.server.jsonl(
            "search", f"attrs.app:app source.name:{way}", "--limit", "500", person="auditor"
        )
        assert {one["event"]["attrs"]["message"] for one in found} == {
            line.partition(": ")[2] for line in LINES
        }
        (receiver,) = office.receivers(f"syslog/{way}")
        assert (receiver["lost"], receiver["refused"], receiver["problem"]) == (0, 0, "")
    assert {one["event"]["attrs"]["peer_name"] for one in found} == {"localhost"}


def test_a_receiver_that_nobody_may_use_waits_and_tells_who_came(office: Office) -> None:
    closed = [one for one in office.server.jsonl("sources") if one["name"] == "closed"]
    assert [one["state"] for one in closed] == ["listening"]
    port = str(closed[0]["receivers"][0]["address"]).rpartition(":")[2]
    for _ in range(3):
        subprocess.run(
            ["/usr/bin/logger", "--server", "127.0.0.1", "--port", port, "--udp", "may I?"],
            check=True,
            timeout=60,
        )
    wait(lambda: office.receivers("syslog/closed")[0]["refused"] == 3)
    wait(lambda: office.count("action:source.refused resource.id:syslog/closed") == 1)
    assert office.count("source.kind:syslog source.name:closed") == 0


def test_a_crash_doubles_nothing_and_what_rsyslog_keeps_meanwhile_comes_whole(
    office: Office, rsyslog: Rsyslog
) -> None:
    """What was received and not yet recorded may be lost, as the page says."""
    queue = {
        "queue.type": "LinkedList", "queue.filename": "glasshatch", "queue.maxDiskSpace": "100m",
        "queue.saveOnShutdown": "on", "action.resumeRetryCount": "-1", "action.resumeInterval": "1",
    }  # fmt: skip
    rsyslog.forward(office.tcp, protocol="tcp", TCP_Framing="octet-counted", **NEW_FORM, **queue)
    rsyslog.start()

    def send(program: str, count: int) -> None:
        with socket.create_connection(("127.0.0.1", office.tcp), timeout=60) as out:
            for number in range(count):
                out.sendall(f"<14>Nov 26 11:00:00 vm {program}: line {number}\n".encode())

    send("before", 300)
    rsyslog.log("<14>Nov 26 11:00:00 queue: before")
    wait(lambda: (office.count("attrs.app:before"), office.count("attrs.app:queue")) == (300, 1))
    send("during", 50)
    office.server.kill_part("front")
    wait(lambda: not _listens(office.tcp))
    rsyslog.log("<14>Nov 26 11:00:00 probe: is it away?")  # this one finds out that nobody is there
    time.sleep(1)
    rsyslog.log(*[f"<14>Nov 26 11:00:00 queue: while away {number}" for number in range(200)])
    wait(lambda: _listens(office.tcp))
    send("after", 200)
    wait(lambda: (office.count("attrs.app:after"), office.count("attrs.app:queue")) == (200, 201))
    assert office.count("attrs.app:before") == 300
    found = office.server.jsonl("search", "attrs.app:during", person="auditor")
    lines = [one["event"]["attrs"]["message"] for one in found]
    assert len(set(lines)) == len(lines) <= 50


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
