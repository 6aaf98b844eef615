"""Syslog: the examples of the RFCs, what senders make of them, and what well-known programs tell."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from glasshatch.errors import ConfigError
from glasshatch.events import Event
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected
from glasshatch.sources.syslog.forms import message_item
from glasshatch.sources.syslog.times import iso_time_ns, old_time_ns

KIND = SOURCES["syslog"]
ASSETS = Path(__file__).resolve().parents[2] / "assets" / "syslog-real"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9


def parsed(line: str | bytes, **beside: str) -> Parsed | Rejected:
    """What a message is that came over the network, or that has no `peer` and stood in a file."""
    data = line if isinstance(line, bytes) else line.encode()
    item = message_item(1, data, {"peer": "192.0.2.9", "received": "boot 1"} | beside)
    if item.problem:
        return Rejected(item.problem)
    return KIND.parse(item.value, item.data, Arrival(NOW_NS, "office", "default", lambda: "id"))


def event(line: str | bytes, **beside: str) -> Event:
    found = parsed(line, **beside)
    assert isinstance(found, Parsed), found
    return found.event


def facts(line: str | bytes, **beside: str) -> dict[str, Any]:
    """What an example says: time, host and what stands under `attrs`."""
    one = event(line, **beside)
    moment = datetime.fromtimestamp(one.time_ns / 1e9, UTC).isoformat().replace("+00:00", "Z")
    return {"time": moment, "host": one.source.instance, **one.attrs}


EXAMPLE_1 = (
    "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick"
)
EXAMPLE_3 = (
    "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47"
    ' [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \ufeffAn application event'
)


def test_rfc_5424_6_5_example_1() -> None:
    assert facts(EXAMPLE_1) == {
        "time": "2003-10-11T22:14:15.003000Z", "host": "mymachine.example.com", "facility": "auth",
        "level": "crit", "app": "su", "msgid": "ID47", "message": "'su root' failed for lonvick",
    }  # fmt: skip


def test_rfc_5424_6_5_example_2() -> None:
    line = (
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts."
    )
    assert facts(line) == {
        "time": "2003-08-24T12:14:15.000003Z", "host": "192.0.2.1", "facility": "local4", "level": "notice",
        "app": "myproc", "pid": "8710", "message": "%% It's time to make the do-nuts.",
    }  # fmt: skip


def test_rfc_5424_6_5_examples_3_and_4() -> None:
    element = {"iut": "3", "eventSource": "Application", "eventID": "1011"}
    assert facts(EXAMPLE_3)["data"] == {"exampleSDID@32473": element}
    assert facts(EXAMPLE_3)["message"] == "An application event"
    only = EXAMPLE_3.partition("] ")[0] + '][examplePriority@32473 class="high"]'
    assert facts(only)["data"] == {"exampleSDID@32473": element, "examplePriority@32473": {"class": "high"}}
    assert facts(only)["message"] == ""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\"b", 'a"b'),
        (r"a\\b", "a\\b"),
        (r"a\]b", "a]b"),
        (r"a\nb", r"a\nb"),  # §6.3.3: a backslash before anything else is one
        ("a]b", "a]b"),  # not allowed, and told apart all the same
        ("ü \ufeff", "ü \ufeff"),
        ("", ""),
    ],
)
def test_rfc_5424_6_3_3_escapes_in_parameters(written: str, read: str) -> None:
    found = facts(f'<13>1 - - - - - [a@1 x="{written}" y="2"] text')
    assert found["data"] == {"a@1": {"x": read, "y": "2"}}
    assert found["message"] == "text"


def test_rfc_5424_6_3_3_a_parameter_may_come_again() -> None:
    line = '<13>1 - - - - - [origin ip="192.0.2.1" ip="192.0.2.129" ip="192.0.2.3"]'
    assert facts(line)["data"] == {"origin": {"ip": ["192.0.2.1", "192.0.2.129", "192.0.2.3"]}}


def test_nothing_is_said_and_the_time_is_that_of_arrival() -> None:
    assert facts("<0>1 - - - - - -") == {
        "time": "2026-11-26T12:00:00Z", "host": "192.0.2.9", "facility": "kern", "level": "emerg",
        "message": "", "time_of": "arrival",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("<34>1 2003-10-11T22:14:15.003Z host", "header ends too early"),
        ("<34>2 2003-10-11T22:14:15.003Z host app - - - x", "version"),
        ("<34>1 2003-13-11T22:14:15.003Z host app - - - x", "time"),
        ("<34>1 2003-10-11T24:14:15.003Z host app - - - x", "time"),
        ("<34>1 2003-10-11t22:14:15z host app - - - x", "time"),
        ("<34>1 - host app - - [a x=1] x", "structured data"),
        ('<34>1 - host app - - [a x="1"]x', "structured data"),
        ('<34>1 - host app - - [a x="1] x', "structured data"),
        ("<34>1 - host app - - nothing", "structured data"),
        (f"<34>1 - {'h' * 300} app - - - x", "more than 255"),
        ("\x16\x03\x01\x02\x00", "no text"),
        (b"\xff\xfe\xfd", "no text"),
        ("", "is empty"),
        ("\0\r\n", "is empty"),
    ],
)
def test_what_is_none_is_refused_with_its_reason(line: str | bytes, reason: str) -> None:
    found = parsed(line)
    assert isinstance(found, Rejected)
    assert reason in found.reason


def test_rfc_3164_5_4_example_1() -> None:
    assert facts("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8") == {
        "time": "2026-10-11T22:14:15Z", "host": "mymachine", "facility": "auth", "level": "crit", "app": "su",
        "message": "'su root' failed for lonvick on /dev/pts/8",
    }  # fmt: skip


def test_rfc_3164_5_4_example_2() -> None:
    """A packet without priority is all text (§4.3.3); with its relay's header its host is an address."""
    assert facts("Use the BFG!") == {
        "time": "2026-11-26T12:00:00Z", "host": "192.0.2.9", "message": "Use the BFG!", "time_of": "arrival",
    }  # fmt: skip
    relayed = facts("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!")
    assert (relayed["host"], relayed["message"]) == ("10.0.0.99", "Use the BFG!")


def test_rfc_3164_5_4_example_3() -> None:
    line = "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts."
    found = facts(line)
    assert found["time"] == "1987-08-24T11:34:00Z"
    assert (found["host"], found["app"], found["pid"]) == ("mymachine", "myproc", "10")


def test_rfc_3164_5_4_example_4() -> None:
    """A time that is none is text, and the message has the time of its arrival (§4.3.2)."""
    line = "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!"
    found = facts(line)
    assert (found["time_of"], found["message"]) == ("arrival", line.removeprefix("<0>"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<13>Nov 26 11:00:00 root: hi", {"host": "192.0.2.9", "app": "root", "message": "hi"}),
        ("<13>Nov 26 11:00:00 vm app[7]: hi", {"host": "vm", "app": "app", "pid": "7"}),
        ("<13>Nov 26 11:00:00 vm app[7] hi", {"host": "vm", "app": "app", "pid": "7", "message": "hi"}),
        ("<13>Nov 26 11:00:00.25 vm app:", {"time": "2026-11-26T11:00:00.250000Z", "message": ""}),
        ("<13>2026-11-26T11:00:00.000001+01:00 vm app: hi", {"time": "2026-11-26T10:00:00.000001Z"}),
        ("<30>Nov 26 11:00:00 fe80::1 app: hi", {"host": "fe80::1", "app": "app"}),
        ("<189>Oct 11 2003 22:14:15: %ASA-6-302013: Built", {"time": "2003-10-11T22:14:15Z"}),
        ("<189>*Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: x", {"time": "2026-03-01T18:48:50.483000Z"}),
        ("<13>1 apple fell", {"message": "1 apple fell", "time_of": "arrival"}),
        ("<192>Nov 26 11:00:00 vm app: hi", {"message": "<192>Nov 26 11:00:00 vm app: hi"}),
        ("<013>Nov 26 11:00:00 vm app: hi", {"message": "<013>Nov 26 11:00:00 vm app: hi"}),
        ("<13>Nov 31 11:00:00 vm app: hi", {"time_of": "arrival"}),
    ],
)
def test_what_senders_make_of_rfc_3164(line: str, said: dict[str, str]) -> None:
    found = facts(line)
    assert {name: found.get(name) for name in said} == said


@pytest.mark.parametrize(
    "line",
    [
        "<13>Nov 26 11:00:00 4111111111111111 was charged",
        "<13>Nov 26 11:00:00 ada@example.com logged in",
        "<13>Nov 26 11:00:00 DE89370400440532013000 was charged",
        "<13>1 - 4111111111111111 app - - - was charged",
        "<13>1 - ada@example.com app - - - logged in",
    ],
)
def test_what_is_no_machine_does_not_stand_where_machines_do_in_clear(line: str) -> None:
    found = event(line)
    assert found.source.instance == "192.0.2.9"
    assert found.resource is not None
    assert found.resource.id == "host/192.0.2.9"


@pytest.mark.parametrize(
    ("now", "time", "year"),
    [
        (datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC), ("Dec", "31", "23:59:58"), 2025),
        (datetime(2025, 12, 31, 23, 59, 58, tzinfo=UTC), ("Jan", "1", "00:00:03"), 2026),
        (datetime(2026, 6, 1, tzinfo=UTC), ("Jun", "1", "00:00:00"), 2026),
        (datetime(2026, 6, 1, tzinfo=UTC), ("Jul", "1", "00:00:00"), 2025),
        (datetime(2026, 6, 1, tzinfo=UTC), ("Feb", "29", "00:00:00"), 2024),
    ],
)
def test_a_year_that_is_not_said_is_the_one_before_arrival(
    now: datetime, time: tuple[str, str, str], year: int
) -> None:
    found = old_time_ns(*time, "", "", "", "", int(now.timestamp()) * 10**9)
    assert found is not None
    assert datetime.fromtimestamp(found / 1e9, UTC).year == year


def test_a_zone_is_said_by_the_option() -> None:
    assert facts("<13>Jul  1 11:00:00 vm a: x", timezone="Europe/Berlin")["time"] == "2026-07-01T09:00:00Z"
    assert facts("<13>Jan  1 11:00:00 vm a: x", timezone="Europe/Berlin")["time"] == "2026-01-01T10:00:00Z"
    # What the time itself says counts.
    assert facts("<13>2026-07-01T11:00:00Z vm a: x", timezone="Europe/Berlin")["time"].startswith(
        "2026-07-01T11"
    )
    with pytest.raises(ConfigError, match="is no time zone"):
        KIND.form({"timezone": "Europe/Nowhere"})


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1985-04-12T23:20:50.52Z", True),
        ("1985-04-12T19:20:50.52-04:00", True),
        ("2003-10-11T22:14:15.003Z", True),
        ("2003-08-24T05:14:15.000003-07:00", True),
        ("2003-08-24T05:14:15.000000003-07:00", True),  # nine digits: one too many for the RFC, read here
        ("2003-08-24T05:14:60Z", False),
        ("2003-08-24T05:14:15", False),
        ("2003-08-24T05:14:15+24:00", False),
        ("2003-8-24T05:14:15Z", False),
    ],
)
def test_rfc_5424_6_2_3_1_times(text: str, valid: bool) -> None:
    assert (iso_time_ns(text) is not None) == valid


def test_severities_are_those_of_events() -> None:
    assert [event(f"<{level}>1 - - - - - -").severity for level in range(8)] == [6, 5, 5, 4, 3, 2, 1, 1]


def test_a_message_id_may_be_an_action_but_none_of_ours() -> None:
    line = "<13>1 - vm app - {} - text"
    assert event(line.format("order.paid")).action == "order.paid"
    assert event(line.format("ID47")).action == "log.recorded"
    forged = event(line.format("session.opened"))
    assert (forged.action, forged.attrs["msgid"]) == ("log.recorded", "session.opened")


def test_what_is_not_utf_8_loses_no_byte_and_says_so() -> None:
    found = event(b"<13>Nov 26 11:00:00 vm app: caf\xe9")
    assert (found.attrs["message"], found.attrs["charset"]) == ("café", "latin-1")


def test_from_where_it_came_stands_beside_what_it_claims() -> None:
    found = event("<13>Nov 26 11:00:00 vm app: x", peer_name="vm.example.com")
    assert [(link.rel, link.id) for link in found.links] == [("sent_by", "192.0.2.9")]
    assert found.attrs["peer_name"] == "vm.example.com"


def test_lines_that_are_the_same_are_two_facts() -> None:
    line = "<13>Nov 26 11:00:00 vm app: x"
    one, two = parsed(line, received="boot 1"), parsed(line, received="boot 2")
    assert isinstance(one, Parsed)
    assert isinstance(two, Parsed)
    assert one.key
    assert one.key != two.key


def in_file(body: bytes) -> list[Parsed | Rejected]:
    form = KIND.form({})
    found: list[Parsed | Rejected] = []
    for item in map(form.read, form.split(body, 1)):
        arrival = Arrival(NOW_NS, "office", "default", lambda: "id", "syslog", item.place)
        found.append(Rejected(item.problem) if item.problem else KIND.parse(item.value, item.data, arrival))
    return found


def test_a_file_has_a_message_a_line_and_each_once() -> None:
    line = b"Nov 26 11:00:00 vm app: x\n"
    found = in_file(
        b"\xef\xbb\xbf" + line + b"\r\n\n" + line + b"   at nowhere\n<13>1 - - - - - -\n" + line[:-1]
    )
    keys = [one.key for one in found if isinstance(one, Parsed)]
    assert len(set(keys)) == len(keys) == 4
    assert keys[0].startswith("line syslog 1 ")
    (refused,) = [one for one in found if isinstance(one, Rejected)]
    assert "neither priority nor time" in refused.reason


HERE = "192.0.2.7"
PAM_FAILURE = "authentication failure; logname= uid=0 euid=0 tty=ssh ruser="
TOLD = [
    (f"sshd: Accepted publickey for ada from {HERE} port 51234 ssh2: ED25519 SHA256:abc",
     ("login.accepted", "ada", HERE, "success")),
    ("sshd: Accepted password for ada from 2001:db8::7 port 51234 ssh2",
     ("login.accepted", "ada", "2001:db8::7", "success")),
    (f"sshd-session: Failed password for root from {HERE} port 22 ssh2",
     ("login.refused", "root", HERE, "failure")),
    (f"sshd: Failed password for invalid user hunter2 from {HERE} port 22 ssh2",
     ("login.refused", "", HERE, "failure")),
    (f"sshd: Invalid user hunter2 from {HERE} port 22", ("login.refused", "", HERE, "failure")),
    (f"sshd: Invalid user  from {HERE} port 22", ("login.refused", "", HERE, "failure")),
    (f"sshd: Connection closed by authenticating user root {HERE} port 22 [preauth]",
     ("login.refused", "root", HERE, "failure")),
    (f"sshd: Connection closed by invalid user hunter2 {HERE} port 22 [preauth]",
     ("login.refused", "", HERE, "failure")),
    (f"sshd: Disconnected from user ada {HERE} port 51234", ("login.ended", "ada", HERE, "")),
    ("sudo:      ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/usr/bin/apt update",
     ("command.run", "ada", "", "success")),
    ("sudo: ada : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
     ("command.refused", "ada", "", "failure")),
    ("sudo: ada : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
     ("command.refused", "ada", "", "failure")),
    ("su: (to root) ada on pts/1", ("account.switched", "ada", "", "success")),
    ("su: FAILED SU (to root) ada on pts/1", ("account.refused", "ada", "", "failure")),
    ("CRON: (root) CMD (cd / && run-parts --report /etc/cron.hourly)", ("job.started", "root", "", "")),
    ("sshd: pam_unix(sshd:session): session opened for user ada(uid=1000) by (uid=0)",
     ("login.opened", "ada", "", "")),
    ("sshd: pam_unix(sshd:session): session closed for user ada", ("login.closed", "ada", "", "")),
    ("sudo: pam_unix(sudo:session): session opened for user root(uid=0) by ada(uid=1000)",
     ("account.opened", "ada", "", "")),
    (f"sshd: pam_unix(sshd:auth): {PAM_FAILURE} rhost={HERE}  user=ada",
     ("login.refused", "ada", HERE, "failure")),
    (f"su: pam_unix(su-l:auth): {PAM_FAILURE}ada rhost=  user=root",
     ("account.refused", "ada", "", "failure")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), TOLD)
def test_what_well_known_programs_tell(text: str, told: tuple[str, str, str, str]) -> None:
    one = event(f"<38>Nov 26 11:00:00 vm {text}")
    actor, ip = one.actor.id if one.actor else "", one.client.ip if one.client else ""
    assert (one.action, actor, ip, one.outcome.status if one.outcome else "") == told


@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("sshd", "Accepted publickey for ada from 192.0.2.7 port 51234 ssh2 and more"),
        ("sshd", "Received disconnect from 192.0.2.7 port 22:11: disconnected by user"),
        ("sshd", "Server listening on 0.0.0.0 port 22."),
        ("nginx", "Accepted publickey for ada from 192.0.2.7 port 51234 ssh2: ED25519 SHA256:abc"),
        ("sudo", "ada wrote COMMAND=/bin/sh"),
        ("CRON", "pam_unix(cron:session): session"),
        ("sshd", "Failed password for " + "invalid user x from " * 400),
    ],
)
def test_anything_else_stays_a_log_line(app: str, text: str) -> None:
    found = event(f"<38>Nov 26 11:00:00 vm {app}: {text}")
    assert (found.action, found.actor, found.client) == ("log.recorded", None, None)


def real(name: str) -> list[Event]:
    found = in_file((ASSETS / name).read_bytes())
    refused = [one.reason for one in found if isinstance(one, Rejected)]
    assert not refused
    return [one.event for one in found if isinstance(one, Parsed)]


def test_a_real_machine_s_log_tells_the_same_in_each_of_rsyslog_s_forms() -> None:
    """Written by rsyslog of Debian 12 in its three forms: who logged in, who could not, sudo, su, a job."""
    old, iso, new = (real(name) for name in ("auth.log", "iso.log", "new.log"))
    assert len(old) == len(iso) == len(new) == 59
    for one, other, third in zip(old, iso, new, strict=True):
        assert other.time_ns // 10**9 * 10**9 == one.time_ns
        assert other.time_ns == third.time_ns
        for same in ("action", "actor", "client", "outcome", "resource"):
            assert getattr(one, same) == getattr(other, same) == getattr(third, same)
        assert one.attrs["message"] == other.attrs["message"] == third.attrs["message"]
    actions = Counter(one.action for one in new)
    assert {name: actions[name] for name in actions if name != "log.recorded"} == {
        "login.accepted": 1, "login.opened": 1, "login.closed": 1, "login.ended": 1, "login.refused": 11,
        "command.run": 1, "account.opened": 4, "account.closed": 4, "account.switched": 2,
        "account.refused": 2, "job.started": 1,
    }  # fmt: skip
    assert {one.severity for one in new if one.action == "login.accepted"} == {1}
    assert "hunter2" not in repr(old + iso + new)


def test_a_name_that_holds_an_address_does_not_become_the_address() -> None:
    text = "Failed password for invalid user x from 203.0.113.1 port 1 ssh2 from 192.0.2.7 port 22 ssh2"
    found = event(f"<38>Nov 26 11:00:00 vm sshd: {text}")
    assert found.client is not None
    assert found.client.ip == "192.0.2.7"


@pytest.mark.parametrize(
    "text",
    [
        "Failed password for invalid user hunter2 from 192.0.2.7 port 22 ssh2",
        "Invalid user hunter2 from 192.0.2.7 port 22",
        "Connection reset by invalid user hunter2 192.0.2.7 port 22 [preauth]",
        "input_userauth_request: invalid user hunter2 [preauth]",
        "error: maximum authentication attempts exceeded for invalid user hunter2 from 192.0.2.7",
        "Failed password for invalid user hunter2 from 192.0.2.7 port 22 ssh2" + " and no end" * 500,
    ],
)
def test_a_password_that_was_typed_as_a_name_is_not_kept(text: str) -> None:
    found = event(f"<38>Nov 26 11:00:00 vm sshd: {text}")
    assert "hunter2" not in repr(found)
