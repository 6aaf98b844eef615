"""Who saw whom: a canary whose data went through the hatch is found by token and by value, whoever asked."""

from __future__ import annotations

import json
import time

import pytest

from fixtures.disk import bytes_under
from fixtures.glasshatch import run
from glasshatch.api.exposure_values import Exposure, ExposureForm
from glasshatch.api.key_values import RotateForm
from glasshatch.errors import ConfigError

from .conftest import CANARY, PolicyServer, until

DAY = {
    "alice": f"""
SELECT email, city FROM customers WHERE city = 'Berlin';
SELECT name FROM customers WHERE email = '{CANARY}';
SELECT email FROM customers WHERE city = 'Hamburg';
SELECT count(*) FROM orders WHERE id < 10;
""",
    "bob": "SELECT id, name, email FROM customers WHERE id < 9;\nDROP TABLE customers;\n",
}


@pytest.fixture(scope="module")
def since(server: PolicyServer) -> str:
    """When people began to look at other people."""
    begun = str(time.time_ns())
    for person, text in DAY.items():
        server.psql(person, text)
    # The end of a statement is recorded behind it, and nobody waits for that.
    ends = f"statement.finished time>={begun}"
    until(lambda: len(server.events(ends)) == 5, "end of every statement")
    return begun


def ask(server: PolicyServer, person: str = "carol", **members: str) -> Exposure:
    return server.client(person).exposure(ExposureForm(**members))


def test_a_canary_is_found_by_its_value_with_who_saw_it_and_how(server: PolicyServer, since: str) -> None:
    found = ask(server, subject=CANARY, since=since)
    assert [(one.actor, one.how) for one in found.answers] == [
        ("alice", "shown"),
        ("alice", "named"),
        ("bob", "shown"),
    ]
    (token,) = found.subjects
    assert token.startswith("<EMAIL:")
    shown, named, all_three = found.answers
    assert (shown.rows, shown.masked, shown.clear) == (1, 1, 0)
    assert shown.columns == ("public.customers.email",)
    assert named.subjects == ()
    assert (all_three.rows, len(all_three.subjects), all_three.masked) == (3, 3, 6)
    assert {(one.actor, one.answers) for one in found.seen} == {("alice", 2), ("bob", 1)}


def test_spelling_and_kind_of_name_do_not_matter(server: PolicyServer, since: str) -> None:
    by_value = ask(server, subject=CANARY, since=since)
    for subject in (CANARY.upper(), f"EMAIL:{CANARY}", by_value.subjects[0], f"  {CANARY} "):
        again = ask(server, subject=subject, since=since)
        assert again.answers == by_value.answers, subject


def test_who_was_not_shown_is_not_found(server: PolicyServer, since: str) -> None:
    assert ask(server, subject="nobody.canary@example.com", since=since).count == 0
    assert ask(server, subject=CANARY, since=since, until=since).count == 0


def test_by_actor_resource_and_class(server: PolicyServer, since: str) -> None:
    mine = ask(server, actor="alice", since=since)
    assert (mine.count, {one.actor for one in mine.answers}) == (3, {"alice"})
    (sums,) = mine.seen
    assert (sums.subjects, sums.classes, sums.clear) == (2, ("EMAIL", "NAME"), 0)
    assert ask(server, resource="postgres/shop", since=since).count == 4
    assert ask(server, resource="postgres/elsewhere", since=since).count == 0
    assert ask(server, data_class="NAME", since=since).count == 2
    assert ask(server, subject=CANARY, data_class="EMAIL", since=since).count == 2


def test_everybody_sees_what_they_were_shown_and_no_more(server: PolicyServer, since: str) -> None:
    assert {one.actor for one in ask(server, "alice", since=since).answers} == {"alice"}
    assert ask(server, "alice", subject=CANARY, actor="bob", since=since).count == 0
    assert ask(server, "admin", since=since).count == 0
    server.add("pia", "privacy")
    assert ask(server, "pia", subject=CANARY, since=since).count == 3
    assert ask(server, "pia", since=since).count == 0


def test_a_subject_is_found_under_the_keys_of_all_times(server: PolicyServer, since: str) -> None:
    before = ask(server, subject=CANARY, since=since)
    server.client("admin").rotate_key(RotateForm(kind="token", reason="a new year"))
    server.psql("alice", "SELECT email FROM customers WHERE id = 1;")
    until(lambda: ask(server, subject=CANARY, since=since).count > before.count, "end of the statement")
    after = ask(server, subject=CANARY, since=since)
    assert len(after.subjects) == 2
    assert [one.how for one in after.answers] == ["shown", "named", "shown", "shown"]
    assert after.answers[:3] == before.answers


def test_an_answer_with_more_subjects_than_are_recorded_is_possible_for_everybody(
    server: PolicyServer,
) -> None:
    begun = str(time.time_ns())
    server.psql("bob", "SELECT email FROM crowd WHERE id < 1100;\nSELECT email FROM crowd WHERE id = 1200;")
    until(lambda: ask(server, actor="bob", since=begun).count == 2, "end of both statements")
    many, one = ask(server, actor="bob", since=begun).answers
    assert (many.rows, len(many.subjects), one.rows) == (1099, 1000, 1)
    unsure = ask(server, subject="nobody.canary@example.com", since=begun)
    assert [(answer.event, answer.how) for answer in unsure.answers] == [(many.event, "possible")]
    sure = ask(server, subject="person1200@example.com", since=begun)
    assert [(answer.event, answer.how) for answer in sure.answers] == [
        (many.event, "possible"), (one.event, "shown"),
    ]  # fmt: skip


def test_the_question_is_recorded_by_tokens_and_the_value_nowhere(server: PolicyServer, since: str) -> None:
    found = ask(server, subject=CANARY, since=since)
    read = server.events("record.read attrs.what:exposure")[-1]
    assert read["attrs"]["filter"] == {"subject": " ".join(found.subjects), "since": since}
    assert read["data"]["rows"] == found.count
    for path, data in bytes_under(server.home):
        assert b"anna.canary" not in data, path
    assert "canary" not in server.log.read_text()


@pytest.mark.parametrize("subject", ["<SECRET:abcdefghijkl>", "<EMAIL>", "SECRET:x", "just some words"])
def test_what_names_nobody_is_refused_without_repeating_it(server: PolicyServer, subject: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ask(server, subject=subject)
    assert subject not in str(caught.value)


def test_the_command_takes_the_value_on_standard_input_only(server: PolicyServer, since: str) -> None:
    where = ("--data", str(server.home), "--token-file", str(server.home.parent / "carol.token"))
    done = run("exposure", "--subject", "-", "--since", "1h", "--format", "json", *where, typed=CANARY + "\n")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {one["actor"] for one in found["seen"]} == {"alice", "bob"}
    assert "canary" not in done.stdout + done.stderr
    refused = run("exposure", "--subject", CANARY, *where)
    assert refused.returncode == 2
    assert "canary" not in refused.stderr
    table = run("exposure", "--actor", "bob", *where)
    assert table.stdout.split("\n")[0].split()[:3] == ["ACTOR", "RESOURCE", "ANSWERS"]
