"""Clients that speak the protocol by hand: fragments, garbage, early data, stalls, and sinks that fail."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from pathlib import Path

import psycopg
import pytest

from glasshatch.gateway import Limits, PostgresTarget


class Raw:
    """A client that sends exactly what it is told."""

    def __init__(self, gateway, *, chunk: int = 0) -> None:
        self.socket = socket.create_connection((gateway.host, gateway.port), timeout=15)
        self.chunk = chunk

    def send(self, data: bytes) -> None:
        if not self.chunk:
            self.socket.sendall(data)
            return
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), self.chunk):
            self.socket.sendall(data[start : start + self.chunk])

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError(data)
            data += part
        return data

    def message(self) -> tuple[bytes, bytes]:
        head = self.exactly(5)
        return head[:1], self.exactly(struct.unpack(">I", head[1:])[0] - 4)

    def until(self, *tags: bytes) -> list[tuple[bytes, bytes]]:
        found = []
        while True:
            found.append(self.message())
            if found[-1][0] in tags:
                return found

    def startup(self, version: int = 196608, **parameters: str) -> None:
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
        self.send(struct.pack(">II", len(body) + 8, version) + body)

    def login(self, token: str = "gh_alice_secret", **more: str) -> None:
        self.startup(user="alice", database="shop", **more)
        assert self.until(b"R", b"E")[-1] == (b"R", struct.pack(">I", 3))
        self.send(msg(b"p", token.encode() + b"\0"))
        assert self.until(b"Z", b"E")[-1][0] == b"Z"

    def closed(self) -> bool:
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


def msg(tag: bytes, body: bytes = b"") -> bytes:
    return tag + struct.pack(">I", len(body) + 4) + body


def fields(body: bytes) -> dict[str, str]:
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def test_one_byte_at_a_time(gateway) -> None:
    raw = Raw(gateway, chunk=1)
    raw.login()
    raw.send(msg(b"Q", b"select label from numbers where n = 3\0"))
    answers = raw.until(b"Z")
    assert [tag for tag, _ in answers] == [b"T", b"D", b"C", b"Z"]
    raw.send(
        msg(b"P", b"\0select n from numbers where n = $1\0" + struct.pack(">H", 0))
        + msg(b"B", b"\0\0" + struct.pack(">HHI", 0, 1, 1) + b"4" + struct.pack(">H", 0))
        + msg(b"E", b"\0" + struct.pack(">I", 0))
        + msg(b"S")
    )
    answers = raw.until(b"Z")
    # The gateway described the portal for itself; the client, which did not ask, sees nothing of that.
    assert [tag for tag, _ in answers] == [b"1", b"2", b"D", b"C", b"Z"]


def test_an_execution_that_nobody_described_is_masked(permissive) -> None:
    raw = Raw(permissive)
    raw.login()
    raw.send(
        msg(b"P", b"s\0select name from customers where id = 1\0" + struct.pack(">H", 0))
        + msg(b"B", b"\0s\0" + struct.pack(">HHH", 0, 0, 0))
        + msg(b"E", b"\0" + struct.pack(">I", 0))
        + msg(b"S")
    )
    answers = raw.until(b"Z")
    assert b"Canary" not in b"".join(body for _, body in answers)
    assert any(tag == b"D" for tag, _ in answers)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\0\0\0\0",
        b"\0\0\0\x08\0\0\0\0",
        b"\xff" * 64,
        struct.pack(">II", 9, 196608) + b"x",
        struct.pack(">II", 16, 80877102) + b"\0" * 8,
    ],
)
def test_garbage_gets_an_error_or_a_close_and_the_server_stays(gateway, garbage: bytes) -> None:
    raw = Raw(gateway)
    raw.send(garbage)
    raw.socket.settimeout(5)
    assert raw.closed()
    assert gateway.ask("select 1") == "1"


def test_garbage_after_login_ends_the_session_and_is_recorded(gateway) -> None:
    for garbage in (
        b"\xffgarbage",
        msg(b"Q", b"no end"),
        msg(b"B", b"\0"),
        msg(b"p", b"x\0"),
        b"Q\x7f\xff\xff\xff",
    ):
        raw = Raw(gateway)
        raw.login()
        raw.send(garbage)
        assert raw.until(b"E")[-1][0] == b"E"
        assert raw.closed()
    gateway.wait_for(lambda: len(gateway.sink.of("session.aborted")) == 5)
    assert gateway.ask("select 1") == "1"


def test_function_call_and_replication_are_refused(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    raw.send(msg(b"F", struct.pack(">IHHH", 1598, 0, 0, 0)))
    answers = raw.until(b"Z")
    assert fields(answers[0][1])["C"] == "0A000"
    raw.send(msg(b"Q", b"select 1\0"))
    assert raw.until(b"Z")[-1] == (b"Z", b"I")
    raw = Raw(gateway)
    raw.startup(user="alice", database="shop", replication="database")
    assert "replication" in fields(raw.until(b"E")[-1][1])["M"]


def test_startup_settings_are_limited(gateway) -> None:
    raw = Raw(gateway)
    raw.startup(user="alice", database="shop", options="-c role=postgres")
    assert "role" in fields(raw.until(b"E")[-1][1])["M"]
    raw = Raw(gateway)
    raw.login(options="-c statement_timeout=12345")
    raw.send(msg(b"Q", b"show statement_timeout\0"))
    assert any(b"12345ms" in body for tag, body in raw.until(b"Z") if tag == b"D")


def test_a_newer_protocol_is_negotiated_down(gateway) -> None:
    raw = Raw(gateway)
    raw.startup(version=196610, user="alice", database="shop", **{"_pq_.something": "1"})
    tag, body = raw.message()
    assert tag == b"v"
    assert struct.unpack(">II", body[:8]) == (196608, 1)
    assert raw.message()[0] == b"R"


def test_upstream_sees_the_session_id(gateway) -> None:
    name = gateway.ask("select application_name from pg_stat_activity where pid = pg_backend_pid()")
    assert name == f"glasshatch {gateway.sink.of('session.opened')[0].session_id}"


def test_a_foreign_cancel_key_does_nothing(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    raw.send(msg(b"Q", b"select pg_sleep(0.7)\0"))
    other = Raw(gateway)
    other.send(struct.pack(">IIII", 16, 80877102, 12345, 67890))
    assert other.closed()
    assert [tag for tag, _ in raw.until(b"Z")] == [b"T", b"D", b"C", b"Z"]
    assert not gateway.sink.of("statement.cancelled")


def test_a_stalled_record_holds_the_statement_and_then_refuses_it(start) -> None:
    gateway = start(limits=Limits(record_ns=700_000_000))
    raw = Raw(gateway)
    raw.login()
    gateway.sink.mode = "stall"
    raw.send(msg(b"Q", b"insert into notes (body) values ('unrecorded')\0"))
    begun = time.monotonic()
    answers = raw.until(b"Z")
    assert time.monotonic() - begun > 0.5
    assert fields(answers[0][1])["C"] == "57P03"
    assert gateway.database.sql("select count(*) from notes where body = 'unrecorded'") == "0"
    # A late acknowledgement must not wake it up again.
    gateway.sink.mode = "ok"
    from glasshatch.events import Receipt

    for done in gateway.sink.held:
        done(Receipt(1, b"\0" * 32))
    raw.send(msg(b"Q", b"select 1\0"))
    assert raw.until(b"Z")[-1] == (b"Z", b"I")
    assert gateway.database.sql("select count(*) from notes where body = 'unrecorded'") == "0"


def test_nothing_goes_up_before_the_record(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    gateway.sink.mode = "stall"
    raw.send(msg(b"Q", b"insert into notes (body) values ('waits')\0"))
    gateway.wait_for(lambda: gateway.sink.held)
    time.sleep(0.3)
    assert gateway.database.sql("select count(*) from notes where body = 'waits'") == "0"
    from glasshatch.events import Receipt

    gateway.sink.mode = "ok"
    gateway.sink.held[0](Receipt(1, b"\0" * 32))
    assert raw.until(b"Z")[-1] == (b"Z", b"I")
    assert gateway.database.sql("select count(*) from notes where body = 'waits'") == "1"


def test_a_failing_sink_refuses_statements_and_sessions(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    gateway.sink.mode = "fail"
    raw.send(msg(b"Q", b"select 1\0"))
    assert fields(raw.until(b"Z")[0][1])["C"] == "57P03"
    done = gateway.psql("select 1")
    assert "recording is unavailable" in done.stderr
    gateway.sink.mode = "ok"
    assert gateway.ask("select 1") == "1"


def test_a_crash_in_policy_ends_the_session_closed(gateway, caplog) -> None:
    raw = Raw(gateway)
    raw.login()
    gateway.law.crash = True
    raw.send(msg(b"Q", b"insert into notes (body) values ('alice.canary@example.com')\0"))
    assert raw.until(b"E")[-1][0] == b"E"
    assert raw.closed()
    assert gateway.sink.of("session.aborted")
    assert "canary" not in caplog.text
    assert "secret" not in caplog.text
    gateway.law.crash = False
    assert gateway.ask("select count(*) from notes where body like '%canary%'") == "1"


def test_upstream_down_and_wrong_password_name_the_resource_only(start, shop) -> None:
    down = PostgresTarget(
        host="127.0.0.1", port=1, user="app", password=lambda: "s3cret-up", database="x", tls="disable"
    )
    done = start(target=down).psql("select 1")
    assert "postgres/shop" in done.stderr
    server = shop.server
    wrong = PostgresTarget(
        host=server.host,
        port=server.port,
        user=server.user,
        password=lambda: "s3cret-up",
        database=shop.name,
        tls="disable",
    )
    gateway = start(target=wrong)
    done = gateway.psql("select 1")
    assert "refused the gateway's own credentials" in done.stderr
    assert "s3cret-up" not in done.stderr + gateway.sink.everything()
    refuses_plain = PostgresTarget(
        host=server.host,
        port=server.port,
        user=server.user,
        password=lambda: "s3cret-up",
        database=shop.name,
        tls="require",
    )
    assert "offers no TLS" in start(target=refuses_plain).psql("select 1").stderr


def test_upstream_that_dies_in_the_middle(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    raw.send(msg(b"Q", b"select pg_sleep(30)\0"))
    gateway.wait_for(lambda: gateway.sink.of("statement.run"))
    time.sleep(0.2)
    gateway.database.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'glasshatch %'"
    )
    assert fields(raw.until(b"E")[-1][1])["C"] == "57P01"
    assert raw.closed()
    gateway.wait_for(lambda: gateway.sink.of("session.aborted"))
    assert gateway.sink.of("statement.finished")[0].outcome.status in ("failure", "unknown")
    assert gateway.ask("select 1") == "1"


def test_stop_drains_running_statements(start) -> None:
    gateway = start()
    busy, idle = Raw(gateway), Raw(gateway)
    busy.login()
    idle.login()
    busy.send(msg(b"Q", b"select 'finished', pg_sleep(1)\0"))
    gateway.wait_for(lambda: gateway.sink.of("statement.run"))
    gateway.stop(10, wait=False)
    assert fields(idle.until(b"E")[-1][1])["C"] == "57P01"
    answers = busy.until(b"E")
    assert any(b"finished" in body for tag, body in answers if tag == b"D")
    assert fields(answers[-1][1])["C"] == "57P01"
    gateway.stop(10)
    assert len(gateway.sink.of("session.closed")) == 2


def test_stop_cuts_what_outlasts_the_grace(start) -> None:
    gateway = start()
    busy = Raw(gateway)
    busy.login()
    busy.send(msg(b"Q", b"select pg_sleep(60)\0"))
    gateway.wait_for(lambda: gateway.sink.of("statement.run"))
    begun = time.monotonic()
    gateway.stop(0.5)
    assert time.monotonic() - begun < 8
    assert fields(busy.until(b"E")[-1][1])["C"] == "57P01"
    assert gateway.sink.of("statement.finished")[0].outcome.status == "unknown"
    assert gateway.sink.of("session.aborted")


def test_a_stalled_reader_holds_bounded_memory(gateway) -> None:
    import psutil

    before = psutil.Process().memory_info().rss
    raw = Raw(gateway)
    raw.login()
    raw.send(msg(b"Q", b"select repeat('x', 1000000) from numbers where n <= 300\0"))
    time.sleep(3)
    grown = psutil.Process().memory_info().rss - before
    assert grown < 60 << 20, f"{grown >> 20} MiB held for one stalled reader"
    assert sum(tag == b"D" for tag, _ in raw.until(b"Z")) == 300


def test_many_statements_sent_ahead_are_all_answered(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    count = 3000

    def send() -> None:
        raw.send(msg(b"Q", b"select 1 as x /* " + b"y" * 300 + b" */\0") * count)

    thread = threading.Thread(target=send)
    thread.start()
    for _ in range(count):
        assert raw.until(b"Z")[0][0] == b"T"
    thread.join()


def test_simple_query_behind_an_unsynced_batch(gateway) -> None:
    raw = Raw(gateway)
    raw.login()
    batch = (
        msg(b"P", b"\0insert into notes (body) values ('batch')\0" + struct.pack(">H", 0))
        + msg(b"B", b"\0\0" + struct.pack(">HHH", 0, 0, 0))
        + msg(b"E", b"\0" + struct.pack(">I", 0))
    )
    # What PostgreSQL 18 itself answers: both are one transaction, still open after the first query.
    raw.send(batch + msg(b"Q", b"select 5\0"))
    answers = raw.until(b"Z")
    assert [tag for tag, _ in answers] == [b"1", b"2", b"C", b"T", b"D", b"C", b"Z"]
    assert answers[-1][1] == b"T"
    raw.send(batch + msg(b"Q", b"drop table notes\0"))
    answers = raw.until(b"Z")
    assert [tag for tag, _ in answers] == [b"1", b"2", b"C", b"E", b"Z"]
    assert answers[-1][1] == b"I"
    assert gateway.database.sql("select count(*) from notes where body = 'batch'") == "0"


def test_sessions_are_limited(start) -> None:
    gateway = start(limits=Limits(sessions=1))
    raw = Raw(gateway)
    raw.login()
    assert "too many sessions" in gateway.psql("select 1").stderr


class TestTls:
    @pytest.mark.needs("postgres-tls")
    def test_tls_with_real_psql(self, start, certificate_files) -> None:
        certificate, key, ca = certificate_files
        gateway = start(tls=(certificate, key))
        # The shipped psql is built without TLS; Debian's is not.
        gateway.client = Path("/usr/bin/psql")
        done = gateway.psql(
            "select city from customers where id = 1", PGSSLMODE="verify-full", PGSSLROOTCERT=str(ca)
        )
        assert done.stdout.strip() == "Berlin", done.stderr
        assert gateway.sink.of("session.opened")[0].attrs["tls"] is True

    def test_plaintext_behind_the_tls_request_is_refused(self, start, certificate_files) -> None:
        gateway = start(tls=certificate_files[:2])
        raw = Raw(gateway)
        raw.send(struct.pack(">II", 8, 80877103) + struct.pack(">II", 9, 196608) + b"\0")
        assert raw.until(b"E")[-1][0] == b"E"
        assert raw.closed()

    def test_gssenc_is_answered_n_then_tls(self, start, certificate_files) -> None:
        gateway = start(tls=certificate_files[:2])
        raw = Raw(gateway)
        raw.send(struct.pack(">II", 8, 80877104))
        assert raw.exactly(1) == b"N"
        raw.send(struct.pack(">II", 8, 80877103))
        assert raw.exactly(1) == b"S"
        context = ssl.create_default_context(cafile=str(certificate_files[2]))
        raw.socket = context.wrap_socket(raw.socket, server_hostname="127.0.0.1")
        raw.login()
        raw.send(msg(b"Q", b"select 1\0"))
        assert raw.until(b"Z")[-1][0] == b"Z"

    def test_asyncpg_over_tls_closes(self, start, certificate_files) -> None:
        import asyncio

        import asyncpg

        gateway = start(tls=certificate_files[:2])
        context = ssl.create_default_context(cafile=str(certificate_files[2]))

        async def run() -> None:
            connection = await asyncpg.connect(
                host=gateway.host,
                port=gateway.port,
                user="alice",
                password="gh_alice_secret",
                database="shop",
                ssl=context,
            )
            assert await connection.fetchval("select 1") == 1
            await asyncio.wait_for(connection.close(), 5)

        asyncio.run(run())

    def test_cancel_over_tls(self, start, certificate_files) -> None:
        gateway = start(tls=certificate_files[:2])
        with psycopg.connect(gateway.dsn(sslmode="require"), autocommit=True) as connection:
            timer = threading.Timer(0.5, connection.cancel_safe)
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("select pg_sleep(20)")


def test_tls_to_the_upstream(fresh_tls_database, engine) -> None:
    from fixtures.gateway import SHOP, RunningGateway

    fresh_tls_database.sql(SHOP)
    gateway = RunningGateway(fresh_tls_database, engine)
    try:
        assert gateway.ask("select city from customers where id = 1") == "Berlin"
        assert "canary" not in gateway.ask("select email from customers where id = 1")
    finally:
        gateway.stop(0.1)


def test_an_untrusted_upstream_certificate_is_refused(fresh_tls_database, engine, tmp_path) -> None:
    from fixtures.servers import make_certificates

    from .conftest import RunningGateway

    other = make_certificates(tmp_path).ca_file
    server = fresh_tls_database.server
    target = PostgresTarget(
        host=server.host,
        port=server.port,
        user=server.user,
        password=lambda: server.password,
        database=fresh_tls_database.name,
        tls="verify-full",
        tls_ca=str(other),
    )
    gateway = RunningGateway(fresh_tls_database, engine, target=target)
    try:
        assert "certificate" in gateway.psql("select 1").stderr
    finally:
        gateway.stop(0.1)
