"""Review rules and on-call schedules: what fits, who may judge, and what is refused at the start."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from glasshatch.app.config import load_config
from glasshatch.app.reviews import ReviewRules
from glasshatch.app.reviews.oncall import Oncall, Place
from glasshatch.app.reviews.schedule import read_schedule
from glasshatch.errors import ConfigError, Denied
from glasshatch.identity import Identity

DAY_NS = 86_400 * 10**9
BEGUN = datetime.datetime(2026, 5, 4, 9, tzinfo=datetime.UTC)


class Hands:
    """A clock that a test sets."""

    def __init__(self, moment: datetime.datetime = BEGUN) -> None:
        self.ns = int(moment.timestamp()) * 10**9

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


def rules(tmp_path: Path, text: str, clock: Hands | None = None) -> ReviewRules:
    file = tmp_path / "glasshatch.toml"
    file.write_text("version = 1\n" + text)
    return ReviewRules(load_config(file), clock or Hands())


def person(name: str, *roles: str) -> Identity:
    return Identity(id=f"id-{name}", tenant="default", type="human", name=name, roles=roles)


RULES = """
[[reviews]]
resource = "postgres/pay*"
verbs = ["delete", "update"]
approvers = ["role:dba", "oncall:pay"]
approvals = 2
ticket = "OPS-[0-9]+"
wait = "1h"

[[reviews]]
kind = "statement"
hold = "10m"

[oncall.pay]
schedule = "pay.json"
"""


def test_the_first_rule_that_fits_holds(tmp_path: Path) -> None:
    made = rules(tmp_path, RULES)
    assert made.of("session", "postgres/payments/public.x", ["delete", "select"]).approvals == 2
    assert made.of("session", "postgres/payments", ["select"]).approvals == 1
    assert made.of("session", "postgres/orders", ["delete"]).ticket == ""
    # A request about one statement lies inside its resource.
    assert made.of("statement", "statement/postgres/payments/0199", ["update"]).wait == "1h"
    assert made.of("statement", "postgres/orders", ["select"]).hold == "10m"
    assert made.holds("postgres/orders")
    assert not rules(tmp_path, "").holds("postgres/orders")
    assert made.limits(made.of("session", "postgres/pay", ["update"])).max_wait_ns == 3_600 * 10**9


def test_who_may_judge_is_a_role_a_name_or_whoever_is_on_call(tmp_path: Path) -> None:
    (tmp_path / "pay.json").write_text(
        '{"shifts": [{"who": "olga", "from": "2026-05-04T08:00:00+00:00", "until": "2026-05-04T20:00:00Z"}]}'
    )
    clock = Hands()
    made = rules(tmp_path, RULES, clock)
    pay = made.of("session", "postgres/pay", ["delete"])
    assert made.may_judge(person("dora", "dba"), pay)
    assert made.may_judge(person("olga"), pay)
    assert not made.may_judge(person("bob", "approver", "admin"), pay)
    with pytest.raises(Denied, match="bob may not judge"):
        made.require_judge(person("bob", "approver"), pay)
    clock.ns += DAY_NS
    assert not made.may_judge(person("olga"), pay)
    own = person("dora", "dba")
    assert made.judges(pay, [own, person("erna", "dba")], own) == [person("erna", "dba")]


def test_a_calendar_names_who_is_on_call_as_the_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "pay.ics").write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Payments\r\nDTSTART:20260504T080000Z\r\n"
        "DURATION:PT12H\r\nATTENDEE:mailto:Olga@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    text = RULES.replace('"pay.json"', '"pay.ics"\npeople = { "olga@example.com" = "olga" }')
    clock = Hands()
    made = rules(tmp_path, text, clock)
    pay = made.of("session", "postgres/pay", ["update"])
    assert made.may_judge(person("olga"), pay), made.oncall.problems
    clock.ns += DAY_NS
    assert not made.may_judge(person("olga"), pay)


def test_a_rotation_takes_turns_and_a_shift_goes_before_it() -> None:
    text = b"""{"rotation": {"people": ["a", "b"], "start": "2026-05-04T00:00:00Z", "every": "7d"},
      "shifts": [{"who": "c", "from": "2026-05-12T00:00:00Z", "until": "2026-05-13T00:00:00Z"}]}"""
    found = read_schedule(text, "x.json")
    start = int(datetime.datetime(2026, 5, 4, tzinfo=datetime.UTC).timestamp()) * 10**9
    days = {0: "a", 6: "a", 7: "b", 8: "c", 9: "b", 14: "a"}
    assert {day: "".join(found.on_duty(start + day * DAY_NS)) for day in days} == days
    assert found.on_duty(start - 1) == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "Expected"),
        ('{"shift": []}', "unknown field"),
        (
            '{"shifts": [{"who": "a", "from": "2026-05-04T08:00:00", "until": "2026-05-04T20:00:00"}]}',
            "no zone",
        ),
        ('{"rotation": {"people": [], "start": "2026-05-04T00:00:00Z", "every": "7d"}}', "needs people"),
        ('{"rotation": {"people": ["a"], "start": "2026-05-04T00:00:00Z", "every": "0d"}}', "needs people"),
        ('{"rotation": {"people": ["a"], "start": "2026-05-04T00:00:00Z", "every": "x"}}', "not a schedule"),
    ],
)
def test_a_broken_schedule_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_schedule(text.encode(), "/etc/pay.json")
    assert "/etc/pay.json" in caught.value.message


def test_a_schedule_that_is_broken_missing_or_stale_names_nobody(tmp_path: Path) -> None:
    file, clock = tmp_path / "s.json", Hands()
    oncall = Oncall({"s": Place(str(file), 60, 3_600)}, clock)
    assert oncall.on_duty("s") == frozenset()
    whole = '{"rotation": {"people": ["a"], "start": "2020-01-01T00:00:00Z", "every": "1d"}}'
    file.write_text(whole)
    assert oncall.on_duty("s") == {"a"}
    file.write_text("{")
    assert oncall.on_duty("s") == frozenset()
    assert "not a schedule" in oncall.problems["s"]
    file.write_text(whole)
    assert oncall.on_duty("s") == {"a"}
    file.unlink()
    # A file that is away for a moment takes nobody off duty, one that stays away does.
    assert oncall.on_duty("s") == {"a"}
    clock.ns += 3_601 * 10**9
    assert oncall.on_duty("s") == frozenset()
    assert oncall.on_duty("nobody's") == frozenset()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[reviews]]\nticket = "("\n', "no regular expression"),
        ('[[reviews]]\napprovers = ["oncall:x"]\n', "no schedule x"),
        ('[[reviews]]\napprovers = ["actor:a"]\napprovals = 2\n', "only 1 who could"),
        ('[[reviews]]\nhold = "1m"\nticket = "X"\n', "no ticket"),
        ('[[reviews]]\napprovers = ["bob"]\n', "matching regex"),
        ('[[reviews]]\nhold = "soon"\n', "matching regex"),
        ('[oncall.x]\nschedule = "http://duty.example.com/x"\n', "plain HTTP"),
    ],
)
def test_a_rule_that_could_never_be_met_stops_the_start(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        rules(tmp_path, text)
