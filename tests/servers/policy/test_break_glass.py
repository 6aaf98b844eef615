"""Sheets that open a session when nobody can approve one: by day, and with ledger and control store gone."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fixtures.disk import bytes_under
from fixtures.servers import PostgresServer
from glasshatch.api.breakglass_values import PrintForm, SheetReview
from glasshatch.api.values import EventFilter
from glasshatch.errors import Conflict, Denied

from .conftest import PolicyServer, until

WHY = "the payment database is down and nobody answers"
TABLES = "CREATE TABLE orders (id int PRIMARY KEY, cents int); INSERT INTO orders VALUES (1, 1), (2, 2);"


@pytest.fixture(scope="module")
def glass(postgres: PostgresServer, open_directory: Path) -> Iterator[PolicyServer]:
    folder = open_directory / "glass"
    folder.mkdir()
    postgres.sql("CREATE DATABASE glassshop")
    postgres.sql(TABLES, database="glassshop")
    server = PolicyServer(folder, postgres)
    server.config.write_text(server.config.read_text().replace('"policyshop"', '"glassshop"'))
    try:
        server.start()
        for name, roles in {
            "alice": ("engineer",), "erna": ("engineer",), "bob": ("engineer", "approver"),
            "carol": ("auditor",), "boss": ("admin", "engineer"),
        }.items():  # fmt: skip
            server.add(name, *roles)
        yield server
    finally:
        server.stop()
        postgres.sql("DROP DATABASE glassshop WITH (FORCE)")


def sheets(
    server: PolicyServer, holder: str, count: int = 1, window_s: int = 3_600, **more: Any
) -> list[Any]:
    form = PrintForm(holder=holder, resources=("postgres/*",), count=count, window_s=window_s, **more)
    return server.client("admin").print_sheets(form)


def connect(
    server: PolicyServer, user: str, password: str, notices: list[str] | None = None
) -> psycopg.Connection[Any]:
    where = f"host=127.0.0.1 port={server.gateway_port} dbname=shop user={user} sslmode=require"
    said: list[str] = [] if notices is None else notices
    found = psycopg.connect(where, password=password, autocommit=True)
    found.add_notice_handler(lambda one: said.append(str(one.message_primary)))
    return found


def answer(server: PolicyServer, user: str, password: str) -> str:
    """What somebody at the door reads; nothing if they are let in."""
    try:
        connect(server, user, password).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


def refused(server: PolicyServer, user: str, password: str) -> str:
    said = answer(server, user, password)
    assert said, "it was let in"
    return said


def test_a_sheet_and_a_reason_open_what_a_grant_would_and_all_of_it_is_recorded(glass: PolicyServer) -> None:
    (sheet,) = sheets(glass, "alice")
    assert "too" not in refused(glass, "alice", sheet.text)
    assert "say why" in refused(glass, "alice", sheet.text)
    assert "not accepted" in refused(glass, "erna", f"{sheet.text} {WHY}")
    assert "not accepted" in refused(glass, "alice", f"{sheet.text[:-1]}x {WHY}")
    with connect(glass, "alice", f"{sheet.text} {WHY}") as alice:
        # No grant, nobody asked: and what no grant lifts, this does not lift either.
        assert alice.execute("UPDATE orders SET cents = 7 WHERE id = 1").rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="dropping, truncating"):
            alice.execute("DROP TABLE orders")
        # A pool or a second terminal: the same emergency, while its time lasts.
        with connect(glass, "alice", f"{sheet.text} {WHY}") as again:
            again.execute("SELECT 1")
    said = subprocess.run(
        ["/usr/bin/psql", "-XAtc", "SELECT 1",
         f"host=127.0.0.1 port={glass.gateway_port} dbname=shop user=alice sslmode=require"],
        env={"PATH": "/usr/bin:/bin", "PGPASSWORD": f"{sheet.text.upper()} {WHY}"}, capture_output=True,
        text=True, check=True,
    ).stderr  # fmt: skip
    assert "BREAK-GLASS" in said
    used = until(lambda: glass.events("breakglass.used"), "use on record")
    assert [one["access"]["reason"] for one in used[:1]] == [WHY]
    assert used[0]["severity"] == 6
    runs = until(lambda: [one for one in glass.events("statement.run") if "UPDATE" in json.dumps(one)], "run")
    assert runs[-1]["access"]["break_glass"] is True
    assert runs[-1]["access"]["grant_id"] == f"break-glass/{sheet.number}"
    alerts = until(
        lambda: [one for one in glass.client("carol").list_alerts("") if one.rule == "break-glass"], "alert"
    )
    assert alerts[0].severity == 6
    assert "alice" in alerts[0].reason
    glass.client("bob").review_sheet(sheet.number, SheetReview(verdict="justified", comment="seen"))
    assert "reviewed" in refused(glass, "alice", f"{sheet.text} {WHY}")
    # Nothing secret of a sheet lies anywhere on the disk.
    secret = sheet.text.split("-", 2)[2]
    for file, data in bytes_under(glass.home):
        assert secret.encode() not in data, file
        assert secret.replace("-", "").encode() not in data, file


def test_an_unreviewed_use_blocks_the_next_and_a_second_holder_may_override(glass: PolicyServer) -> None:
    first, second, third = sheets(glass, "alice", 3, window_s=1)
    (other,) = sheets(glass, "erna")
    (own,) = sheets(glass, "alice")
    connect(glass, "alice", f"{first.text} {WHY}").close()
    assert "nobody has reviewed" in refused(glass, "alice", f"{second.text} {WHY}")
    assert "one person's" in refused(glass, "alice", f"{second.text} {own.text} {WHY}")
    # Its time is over in a second: it opens nothing again, for anybody.
    until(lambda: "opens nothing again" in answer(glass, "alice", f"{first.text} {WHY}"), "end of its time")
    connect(glass, "alice", f"{second.text} {other.text} {WHY}").close()
    (override,) = until(
        lambda: [one for one in glass.events("breakglass.used") if "override_by" in one["attrs"]], "override"
    )
    assert (override["attrs"]["override_by"], override["attrs"]["override_sheet"]) == ("erna", other.number)
    # The second holder's sheet is used up, and unreviewed, too.
    states = {one.number: one.state for one in glass.client("bob").list_sheets()}
    assert states[other.number] == "unreviewed"
    (more,) = sheets(glass, "erna")
    assert "nobody has reviewed" in refused(glass, "erna", f"{more.text} {WHY}")
    bob = glass.client("bob")
    with pytest.raises(Denied, match="takes the role"):
        glass.client("alice").review_sheet(first.number, SheetReview(verdict="justified"))
    for number in (first.number, second.number, other.number):
        bob.review_sheet(number, SheetReview(verdict="justified"))
    with pytest.raises(Conflict, match="reviewed already"):
        bob.review_sheet(first.number, SheetReview(verdict="unjustified"))
    connect(glass, "alice", f"{third.text} {WHY}").close()
    bob.review_sheet(third.number, SheetReview(verdict="justified"))
    glass.client("alice").revoke_sheet(own.number)
    assert "was revoked" in refused(glass, "alice", f"{own.text} {WHY}")


def test_nobody_prints_for_themselves_or_reviews_their_own(glass: PolicyServer) -> None:
    form = PrintForm(holder="boss", resources=("postgres/*",))
    with pytest.raises(Denied, match="nobody prints a sheet for themselves"):
        glass.client("boss").print_sheets(form)
    (sheet,) = sheets(glass, "bob")
    connect(glass, "bob", f"{sheet.text} {WHY}").close()
    with pytest.raises(Denied, match="nobody reviews their own"):
        glass.client("bob").review_sheet(sheet.number, SheetReview(verdict="justified"))
    glass.client("carol").review_sheet(sheet.number, SheetReview(verdict="unjustified"))
    done = glass.command("break-glass", "list", "--state", "reviewed")
    assert "bob" in done.stdout
    assert sheet.text not in done.stdout


def test_a_leavers_sheets_open_nothing_and_their_session_behind_glass_is_cut(glass: PolicyServer) -> None:
    made = glass.command("actors", "add", "gone", "--role", "engineer")
    assert made.returncode == 0, made.stderr
    used, kept = sheets(glass, "gone", 2)
    with connect(glass, "gone", f"{used.text} {WHY}") as gone:
        gone.execute("SELECT 1")
        assert glass.command("actors", "disable", "gone").returncode == 0
        assert _error_of(gone, "SELECT 1"), "no statement of a leaver runs, the next one neither"
        # The gateway looks for whom it must cut several times a second.
        until(lambda: _ended(_error_of(gone, "SELECT 1")), "end of the session")
    for sheet in (used, kept):
        assert "revoked" in refused(glass, "gone", f"{sheet.text} {WHY}")
    states = {one.number: one.state for one in glass.client("bob").list_sheets()}
    assert states[kept.number] == "revoked"
    glass.client("bob").review_sheet(used.number, SheetReview(verdict="justified"))


def _ended(error: str) -> bool:
    return "session was ended" in error or "closed" in error


def _error_of(connection: psycopg.Connection[tuple[object, ...]], text: str) -> str:
    try:
        connection.execute(text)
    except psycopg.Error as error:
        return str(error)
    return ""


def test_it_works_with_control_store_and_ledger_gone_and_recovery_brings_everything_back(
    glass: PolicyServer,
) -> None:
    (sheet,) = sheets(glass, "alice")
    token = (glass.home.parent / "alice.token").read_text().strip()
    assert glass.stop() == 0
    ledger, control = glass.home / "ledgers" / "default", glass.home / "control.db"
    control.rename(glass.home / "away.db")
    segment = sorted((ledger / "wal").iterdir())[0]
    whole = segment.read_bytes()
    segment.write_bytes(b"\0" * 64 + whole[64:])
    glass.log.write_text("")
    glass.start(ready=False)
    try:
        glass.wait_for("BREAK-GLASS ONLY")
        assert "only break-glass opens" in refused(glass, "alice", token)
        with connect(glass, "alice", f"{sheet.text} {WHY}") as alice:
            assert alice.execute("UPDATE orders SET cents = 9 WHERE id = 2").rowcount == 1
        # The machine loses its power in the middle of it.
        with connect(glass, "alice", f"{sheet.text} {WHY}") as alice:
            alice.execute("UPDATE orders SET cents = 10 WHERE id = 2")
            glass.kill_part("front")
            with pytest.raises(psycopg.OperationalError):
                alice.execute("SELECT 1")
        glass.wait_for("BREAK-GLASS ONLY", 2)
    finally:
        assert glass.process is not None
        glass.process.send_signal(signal.SIGTERM)
        glass.process.wait(40)
        segment.write_bytes(whole)
        (glass.home / "away.db").rename(control)
    glass.log.write_text("")
    glass.start()
    recovered = until(lambda: glass.events("breakglass.recovered"), "recovery")[-1]
    assert recovered["attrs"]["events"] >= 6
    brought = [one for one in glass.events("statement.run") if one.get("labels", {}).get("recovered")]
    assert len(brought) == 2
    assert {one["access"]["grant_id"] for one in brought} == {f"break-glass/{sheet.number}"}
    # Nothing came before them: the server's own start is behind the recovery.
    listed = glass.client("carol").list_events(EventFilter(limit=100_000))
    events = [(int(one.index), json.loads(bytes(one.event))) for one in listed]
    order = {event["action"]: index for index, event in events if event["action"] in ("server.started",)}
    last = max(index for index, event in events if event.get("labels", {}).get("recovered"))
    assert order["server.started"] > last
    ids = [event["id"] for _, event in events]
    assert len(ids) == len(set(ids)), "something was brought twice"
    (mine,) = [one for one in glass.client("bob").list_sheets() if one.number == sheet.number]
    assert (mine.state, mine.reason) == ("open", WHY)
    verified = glass.command("verify", str(glass.home))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    glass.client("bob").review_sheet(sheet.number, SheetReview(verdict="justified"))


def test_a_book_that_was_cut_or_taken_away_is_found_and_its_sheets_are_dead(glass: PolicyServer) -> None:
    (sheet,) = sheets(glass, "erna")
    book, head = glass.home / "breakglass" / "book", glass.home / "keys" / "break-glass.head"
    whole, before = book.read_bytes(), len(glass.events("breakglass.damaged"))
    assert re.match(rb'\{"format":1', whole)
    assert glass.stop() == 0
    book.unlink()
    head.unlink()
    glass.log.write_text("")
    glass.start()
    (damaged, *_) = until(lambda: glass.events("breakglass.damaged")[before:], "damage on record")
    assert "gone" in damaged["outcome"]["reason"]
    assert "not accepted" in refused(glass, "erna", f"{sheet.text} {WHY}")
    assert until(
        lambda: [one for one in glass.client("carol").list_alerts("") if "damaged" in one.reason], "alert"
    )
