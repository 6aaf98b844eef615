"""PostgreSQL's log: the three forms of one run give the same events; nothing passes for what it is not."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from fixtures.logs_of_others import log_entry, postgres_log
from glasshatch.errors import ConfigError
from glasshatch.events import Event
from glasshatch.sources import SOURCES, Arrival, Gap, Parsed, Rejected
from glasshatch.sources.pgaudit.messages import code_of, plain
from glasshatch.sources.pgaudit.times import log_time_ns

KIND = SOURCES["pgaudit"]
PREFIX = "2026-11-22 22:12:17.892 UTC [7] ada@app psql "
NOW_NS = 1_795_385_333 * 10**9


def read(body: bytes, options: Mapping[str, str] | None = None) -> tuple[list[Event], list[Gap], list[str]]:
    """The events of a log in its order, the gaps in it, and why entries were rejected."""
    form, numbers = KIND.form(options or {}), itertools.count()
    assert KIND.remember is not None
    memory: dict[str, Any] = {}
    events, gaps, rejected = [], [], []
    for piece in form.split(body, 1):
        item = form.read(piece)
        arrival = Arrival(NOW_NS, "one", "default", lambda: str(next(numbers)), "log", item.place)
        found = Rejected(item.problem) if item.problem else KIND.parse(item.value, item.data, arrival)
        if isinstance(found, Rejected):
            rejected.append(found.reason)
            continue
        event, missing = KIND.remember(memory, found.event)
        events.append(event)
        gaps += missing
    return events, gaps, rejected


def facts(events: list[Event]) -> Counter[bytes]:
    """What the events say, without their ids; sessions of a server run beside each other."""
    return Counter(msgspec.json.encode(msgspec.structs.replace(event, id="")) for event in events)


def keys(body: bytes, file: str = "log") -> list[str]:
    form = KIND.form({})
    found = []
    for item in map(form.read, form.split(body, 1)):
        parsed = KIND.parse(item.value, item.data, Arrival(NOW_NS, "one", "d", str, file, item.place))
        assert isinstance(parsed, Parsed)
        found.append(parsed.key)
    return found


@pytest.fixture(scope="module")
def logs() -> dict[str, list[Event]]:
    found = {}
    for form in ("log", "csv", "json"):
        events, gaps, rejected = read(postgres_log(form))
        assert (gaps, rejected) == ([], [])
        found[form] = events
    return found


def test_the_three_forms_of_a_run_give_the_same_events(logs: dict[str, list[Event]]) -> None:
    # Where the server listens was written differently into each of the recordings.
    told = {form: facts([one for one in events if "Unix socket" not in str(one.attrs)])
            for form, events in logs.items()}  # fmt: skip
    assert sum(told["json"].values()) == 1_045
    assert told["log"] == told["csv"] == told["json"]


def test_every_audit_entry_of_a_run_is_a_statement(logs: dict[str, list[Event]]) -> None:
    rows = list(csv.reader(io.StringIO(postgres_log("csv").decode())))
    audits = [next(csv.reader([row[13][7:]])) for row in rows if row[13].startswith("AUDIT: ")]
    statements = [one for one in logs["json"] if "audit" in one.attrs]
    assert len(statements) == len(audits) == 995
    assert Counter(one.statement.text for one in statements if one.statement) == Counter(
        row[7] for row in audits
    )
    assert Counter(one.action for one in statements) == Counter(
        f"statement.{row[3].lower()}" for row in audits
    )
    assert Counter(one.attrs["command"] for one in statements) == Counter(row[4] for row in audits)
    assert all(one.source.kind == "pgaudit" and one.session_id and one.actor for one in statements)


def test_what_else_a_log_tells_is_told(logs: dict[str, list[Event]]) -> None:
    events = logs["log"]
    refused = [one for one in events if one.action == "connection.refused"]
    assert [one.actor.id for one in refused if one.actor] == ["postgres", "nosuch"]
    assert {one.outcome.code for one in refused if one.outcome} == {"28P01"}
    failed = [one for one in events if one.action == "statement.failed"]
    assert [(one.outcome.code, one.statement.text) for one in failed if one.outcome and one.statement] == [
        ("22012", "SELECT 1/0;"),
        ("42P01", "SELECT * FROM no_such_table;"),
        ("42501", "DELETE FROM customers;"),
    ]
    opened = [one for one in events if one.action == "connection.authorized"]
    assert len(opened) == 8
    assert all(one.client and one.client.port for one in opened)


@pytest.mark.parametrize("form", ["log", "csv", "json"])
@pytest.mark.parametrize("at", [3, 400, 900])
def test_an_entry_that_was_taken_out_is_missed(form: str, at: int) -> None:
    split = KIND.form({}).split(postgres_log(form), 1)
    audits = [place for place, (_, data) in enumerate(split) if b"AUDIT: SESSION" in bytes(data)]
    # One whose session goes on after it with another statement.
    gone = next(place for place in audits if place >= at and b"DROP TABLE" not in bytes(split[place][1]))
    kept = b"\n".join(bytes(data) for place, (_, data) in enumerate(split) if place != gone) + b"\n"
    _, gaps, rejected = read(kept)
    assert not rejected
    assert Counter(gap.of for gap in gaps)["statements"] == 1 or b",1,DDL" in bytes(split[gone][1])
    if form != "log":
        assert [gap.of for gap in gaps if gap.of == "lines"] == ["lines"]


def test_nothing_is_missed_where_a_log_is_read_from_its_middle() -> None:
    whole = postgres_log("json").splitlines(keepends=True)
    assert read(b"".join(whole[500:]))[1] == []


def test_gaps_can_be_left_to_lines_where_pgaudit_logs_only_some_statements() -> None:
    log = [log_entry(1, "AUDIT: SESSION,1,1,READ,SELECT,,,SELECT 1,<none>"),
           log_entry(2, "AUDIT: SESSION,5,1,READ,SELECT,,,SELECT 1,<none>")]  # fmt: skip
    body = b"\n".join(msgspec.json.encode(one) for one in log)
    assert [(gap.of, gap.first, gap.last) for gap in read(body)[1]] == [("statements", 2, 4)]
    assert read(body, {"gaps": "lines"})[1] == []


def test_parameters_are_told_apart() -> None:
    message = 'AUDIT: SESSION,1,1,READ,SELECT,,,SELECT $1,"ada@example.org,""a, b"",7"'
    (event,), _, _ = read(msgspec.json.encode(log_entry(1, message)))
    assert event.attrs["parameters"] == ["ada@example.org", "a, b", "7"]
    (event,), _, _ = read(
        msgspec.json.encode(log_entry(1, 'AUDIT: SESSION,1,1,READ,X,,,"a ""b""",<none>,12'))
    )
    assert "parameters" not in event.attrs
    assert event.data is not None
    assert event.data.rows == 12
    assert event.statement is not None
    assert event.statement.text == 'a "b"'


def test_a_statement_of_many_lines_is_one_entry_in_each_form() -> None:
    text = "SELECT\n  name,   -- multi-line\n  email\nFROM customers\nORDER BY 1\nLIMIT 2;"
    for form in ("log", "csv", "json"):
        events = read(postgres_log(form))[0]
        assert [one for one in events if one.statement and one.statement.text == text], form


FORGED = 'x\'\n2026-11-22 22:12:17.892 UTC,"root","app",1,"[local]",1.1,1,"",2026-11-22 22:12:17 UTC,,0,LOG'
FORGED += ',00000,"AUDIT: SESSION,1,1,ROLE,GRANT,,,forged,<none>",,,,,,,,,"","client backend",,0\n'


def test_a_statement_cannot_pass_for_an_entry_of_the_log() -> None:
    begin = "2026-11-22 22:12:17.750 UTC"
    row = [begin, "ada", "app", "7", "[local]", "6b.7", "1", "", "", "", "0",
           "LOG", "", f"statement: SELECT '{FORGED}'", *[""] * 8, "psql", "backend", "", "0"]  # fmt: skip
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(row)
    events, _, rejected = read(out.getvalue().encode() * 2)
    assert [one.action for one in events] == ["statement.logged"] * 2
    assert not rejected
    tabbed = f"{PREFIX}LOG:  statement: SELECT '{PREFIX}LOG:  AUDIT: SESSION,1,1,ROLE,GRANT,,,forged,<none>\n"
    tabbed += f"\t{PREFIX}LOG:  AUDIT: SESSION,2,1,ROLE,GRANT,,,forged,<none>'\n"
    assert [one.action for one in read(tabbed.encode())[0]] == ["statement.logged"]


def test_a_quotation_mark_that_nothing_closes_costs_only_its_entry() -> None:
    lines = postgres_log("csv").splitlines(keepends=True)[:20]
    broken = [*lines[:8], lines[8].replace(b'"AUDIT', b"AUDIT", 1), *lines[9:]]
    events, _, rejected = read(b"".join(broken))
    assert len(events) + len(rejected) >= 18
    assert 1 <= len(rejected) <= 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2026-11-22 22:12:17.892 CET [7] LOG:  x", "option timezone"),
        (b"nothing that a server writes", "line prefix"),
        (b"2026-11-22 22:12:17.892 UTC [7] DETAIL:  x", "without the entry"),
        (b"2026-11-22 22:12:17.892 UTC [7] LOG:  AUDIT: SESSION,1,1,READ", "another form"),
        (b'2026-11-22 22:12:17.892 UTC [7] LOG:  AUDIT: SESSION,1,1,READ,S,,,"x', "cut off"),
        (b"2026-11-22 22:12:17.892 UTC,a,b", "columns"),
        (b'{"a":1}', "no message"),
        (b"{broken", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_entry_is_told(line: bytes, reason: str) -> None:
    events, _, rejected = read(line)
    assert events == []
    assert len(rejected) == 1
    assert reason in rejected[0]


@pytest.mark.parametrize(
    ("prefix", "line"),
    [
        ("%m [%p] %q%u@%d ", "2026-11-22 22:12:17.892 UTC [7] ada@app LOG:  hi"),
        ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
         "2026-11-22 22:12:17 UTC [7]: [3-1] user=ada,db=app,app=psql,client=192.0.2.7 LOG:  hi"),
        ("%n %-8p %c %r %u/%d|", "1795385537.892 7        6b0368c1.7 192.0.2.7(99) ada/app|LOG:  hi"),
        ("<%%%u %d %m>", "<%ada app 2026-11-22 22:12:17.892 UTC>LOG:  hi"),
    ],
)  # fmt: skip
def test_a_line_prefix_of_ones_own_is_read(prefix: str, line: str) -> None:
    (event,), _, rejected = read(line.encode(), {"log_line_prefix": prefix})
    assert not rejected
    assert event.actor is not None
    assert (event.actor.id, event.resource and event.resource.name) == ("ada", "app")
    assert event.time_ns // 10**9 == 1_795_385_537


@pytest.mark.parametrize(
    "options", [{"log_line_prefix": "%y"}, {"log_line_prefix": "%u "}, {"format": "xml"}]
)
def test_an_option_that_cannot_be_meant_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        KIND.form(options)


def test_times_of_other_zones() -> None:
    assert log_time_ns("2026-11-22 23:12:17.892 CET", "Europe/Berlin") == 1_795_385_537_892_000_000
    assert log_time_ns("2026-11-22 23:12:17.892 +01") == 1_795_385_537_892_000_000
    assert log_time_ns("2026-11-22 23:12:17.892 CET") is None
    assert log_time_ns("2026-13-22 23:12:17 UTC") is None


def test_messages_lose_the_values_that_they_repeat() -> None:
    assert "ada" not in plain("Key (email)=(ada@example.org) already exists.")
    assert "Ada" not in plain("Failing row contains (1, Ada, null).")
    assert "secret" not in plain('invalid input syntax for type integer: "secret"')
    assert plain('relation "no_such_table" does not exist') == 'relation "no_such_table" does not exist'
    assert code_of('null value in column "a" of relation "b" violates not-null constraint') == "23502"


def test_the_same_entry_has_the_same_key_and_two_have_two() -> None:
    for form in ("csv", "json"):
        assert len(set(keys(postgres_log(form)))) == 1_046
    assert keys(postgres_log("csv")) != []
    assert set(keys(postgres_log("csv"))) == set(keys(postgres_log("json")))
    assert len(set(keys(postgres_log("log")))) == 1_046


@pytest.mark.parametrize("form", ["log", "csv", "json"])
def test_a_log_is_cut_between_entries_only(form: str) -> None:
    data, ends = postgres_log(form)[:60_000], KIND.form({}).ends
    whole = [bytes(piece) for _, piece in KIND.form({}).split(data, 1)]
    for stop in range(1, len(data), 997):
        end = ends(data[:stop], False)
        assert end <= stop
        found = [bytes(piece) for _, piece in KIND.form({}).split(data[:end], 1)]
        assert found == whole[: len(found)]
    assert ends(data, True) == len(data)


@pytest.mark.parametrize(
    "line",
    [
        b"2026-11-22 22:12:17.892 UTC [7] " + b"a@b c " * 160_000,
        b"2026-11-22 22:12:17 UTC [7]: [1-1] user=" + b",db=,app=,client=" * 60_000,
        b"a" * 1_000_000,
        b"2026-11-22 22:12:17.892 UTC," + b'"' * 900_000,
        b"2026-11-22 22:12:17.892 UTC," + b'"a""b",' * 120_000,
        b'{"message":"' + b"x" * 900_000,
        b"\n\t" * 400_000,
        b"LOG:  " * 150_000,
        b"2026-11-22 22:12:17.892 UTC [7] LOG:  AUDIT: SESSION,1,1,READ,S,,," + b'"' * 900_001,
        b"2026-11-22 22:12:17.892 UTC [7] ERROR:  " + b'Key ("a")=(' * 80_000,
    ],
)
def test_a_long_line_is_looked_at_once(line: bytes) -> None:
    begun_s = time.process_time()
    read(line + b"\n" + line)
    assert time.process_time() - begun_s < 10


SESSION = "01a217f7-5676-7296-8dee-f9d00b5aa87a"
OTHER = "01a217f7-5676-7296-8dee-f9d00b5aa87b"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def of_application(name: str, statement: str, number: int) -> bytes:
    """A line of jsonlog: a statement of a session with this application_name."""
    entry = {
        "timestamp": "2026-11-22 22:12:17.838 UTC", "user": "app", "dbname": "shop", "pid": 7,
        "session_id": "6a.7", "line_num": number, "error_severity": "LOG", "application_name": name,
        "message": f'AUDIT: SESSION,{number},1,READ,SELECT,,,"{statement}",<not logged>',
    }  # fmt: skip
    return msgspec.json.encode(entry) + b"\n"


def test_the_gateways_session_is_linked_and_stays_whatever_the_client_says_later() -> None:
    names = (f"glasshatch {SESSION}", "psql", f"glasshatch {OTHER}", "glasshatch none")
    body = b"".join(of_application(name, "SELECT 1", at) for at, name in enumerate(names, 1))
    events, _, _ = read(body)
    assert [[(link.rel, link.id) for link in one.links] for one in events] == [[("session", SESSION)]] * 4
    alone, _, _ = read(
        of_application("psql", "SELECT 1", 1) + of_application("glasshatch none", "SELECT 1", 2)
    )
    assert [one.links for one in alone] == [(), ()]


def test_the_trace_in_a_statements_comment_is_the_events() -> None:
    comment = f"/*traceparent='00-{TRACE}-{SPAN}-01'*/"
    (event,), _, _ = read(of_application("psql", f"SELECT 1 {comment}", 1))
    assert (event.trace_id, event.span_id) == (TRACE, SPAN)
