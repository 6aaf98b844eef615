"""A masked value in clear: one row, approved by somebody else, recorded first, shown once, kept nowhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import glasshatch.policy as policy
from fixtures.servers import PostgresServer
from glasshatch.api.reveal_values import ClearForm, ClearShown
from glasshatch.api.values import RequestView
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.app.reviews.telling import Telling
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable
from glasshatch.events import Event, decode
from glasshatch.identity import Identity

CANARY = "reveal.canary@example.com"
NOTE = "rings at +49 30 9018273 about reveal.note@example.org"
REASON = "she asks which address we have of her"
SELECT = "SELECT email FROM people WHERE id = 1"
TABLES = f"""
CREATE TABLE people (id int PRIMARY KEY, email text, phone text, age int, note text, pin text, city text);
INSERT INTO people VALUES
  (1, '{CANARY}', '+49 30 9018273', 41, '{NOTE}', '4711', 'Berlin'),
  (2, 'second.canary@example.org', NULL, NULL, 'nothing', '0815', 'Bonn');
CREATE VIEW everybody AS SELECT string_agg(email, ', ') AS email FROM people;
CREATE TABLE touched (n int);
CREATE FUNCTION touch() RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO touched VALUES (1); RETURN 1; END $$;
"""
RESOURCE = """
[resources.shop]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "revealshop"
user = "{user}"
password = "file:{secret}"
tls = "disable"

[[resources.shop.columns]]
pattern = "*.people.email"
type = "EMAIL"
operator = "token"
subject = true

[[resources.shop.columns]]
pattern = "*.people.phone"
type = "PHONE"
operator = "redact"

[[resources.shop.columns]]
pattern = "*.people.age"
type = "AGE"
operator = "null"

[[resources.shop.columns]]
pattern = "*.people.pin"
type = "SECRET"
operator = "redact"

[[masking.rules]]
operator = "keep"
type = "EMAIL"
role = "privacy"

[[reviews]]
resource = "postgres/shop"
kind = "reveal"
ticket = "(T-[0-9]+)?"
longest = "1h"
"""
PEOPLE = {
    "ann": ["engineer"], "app": ["approver", "auditor"], "adm": ["admin", "approver", "engineer"],
    "pri": ["privacy", "engineer"], "out": ["auditor"],
}  # fmt: skip


class World(msgspec.Struct):
    """A house on a directory, its desk, and people, before a real database."""

    directory: Path
    house: House
    desk: FrontDesk
    people: dict[str, Identity]
    database: PostgresServer
    read: list[Event] = []

    def sql(self, text: str) -> str:
        return self.database.sql(text, database="revealshop")

    def ask(self, statement: str = SELECT, *columns: str, who: str = "ann", **more: Any) -> RequestView:
        form = ClearForm(
            **{"resource": "postgres/shop", "statement": statement, "columns": columns, "reason": REASON}
            | more
        )
        return self.desk.ask_reveal(self.people[who], form)

    def approved(self, statement: str = SELECT, *columns: str, who: str = "ann", **more: Any) -> RequestView:
        return self.desk.approve(
            self.people["app"], self.ask(statement, *columns, who=who, **more).id, "it is hers"
        )

    def show(self, asked: RequestView, who: str = "ann") -> ClearShown:
        return self.desk.show_reveal(self.people[who], asked.id)

    def state(self, asked: RequestView) -> str:
        view = self.desk.show_request(self.people["ann"], asked.id)
        assert view.reveal is not None
        return view.reveal.state

    def events(self, action: str, request: str = "") -> list[Event]:
        self.read += [decode(data) for _, data in self.house.ledger.scan(len(self.read))]
        return [one for one in self.read if action in ("*", one.action) and request in ("", one.request_id)]

    def reopen(self) -> None:
        self.house.close()
        self.house = House(load_config(config_of(self.directory)), SystemClock())
        self.desk = FrontDesk(self.house)


@pytest.fixture(scope="module")
def world(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    postgres.sql("CREATE DATABASE revealshop")
    postgres.sql(TABLES, database="revealshop")
    directory = tmp_path_factory.mktemp("reveal") / "home"
    create_home(directory)
    secret = directory.parent / "secret"
    secret.touch(mode=0o600)
    secret.write_text(postgres.password)
    config, where = config_of(directory), {"port": postgres.port, "user": postgres.user, "secret": secret}
    config.write_text(config.read_text() + RESOURCE.format(**where))
    house = House(load_config(config), SystemClock())
    actors, now_ns = house.control.actors, house.clock.now_ns()
    people = {name: actors.create(name, roles=roles, now_ns=now_ns) for name, roles in PEOPLE.items()}
    people["bot"] = actors.create(
        "bot", roles=["engineer"], type="agent", on_behalf_of=people["ann"].id, now_ns=now_ns
    )
    world = World(directory, house, FrontDesk(house), people, postgres)
    try:
        yield world
    finally:
        world.house.close()
        postgres.sql("DROP DATABASE revealshop WITH (FORCE)")


def test_it_is_asked_for_approved_recorded_and_shown_once(world: World) -> None:
    asked = world.ask(ticket="T-17")
    assert (asked.kind, asked.state, asked.resource) == ("reveal", "pending", "postgres/shop")
    seen = world.desk.show_request(world.people["app"], asked.id)
    assert seen.judge
    assert seen.reveal is not None
    assert not seen.reveal.redeemable
    (column,) = seen.reveal.columns
    assert (column.name, column.column, column.type) == ("email", "public.people.email", "EMAIL")
    assert column.token.startswith("<EMAIL:")
    assert seen.reveal.subjects == (column.token,)
    assert seen.reveal.text == SELECT
    assert (seen.reason, seen.ticket) == (REASON, "T-17")
    with pytest.raises(Denied, match="waits for somebody else's approval"):
        world.show(asked)
    assert world.ask(ticket="T-17").id == asked.id, "the same call finds the request that waits"
    world.desk.approve(world.people["app"], asked.id, "it is hers")
    mine = world.desk.show_request(world.people["ann"], asked.id)
    assert mine.reveal is not None
    assert mine.reveal.redeemable
    shown = world.show(asked)
    assert [(one.name, one.value) for one in shown.values] == [("email", CANARY)]
    assert CANARY not in repr(shown)
    (told,) = world.events("value.revealed", asked.id)
    assert told.id == shown.event
    assert told.outcome is not None
    assert told.outcome.status == "success"
    assert told.actor is not None
    assert told.actor.name == "ann"
    assert told.access is not None
    assert (told.access.reason, told.access.approvers) == (REASON, ("app",))
    assert told.data is not None
    assert (told.data.rows, told.data.clear, told.data.masked) == (1, 1, 0)
    assert (told.data.columns, told.data.classes) == (("public.people.email",), ("EMAIL",))
    assert told.data.subjects == (column.token,)
    order = [one.action for one in world.events("*") if one.session_id == told.session_id]
    assert order == [
        "session.opened", "statement.run", "value.revealed", "statement.finished", "session.closed",
    ]  # fmt: skip
    with pytest.raises(Conflict, match="shown already"):
        world.show(asked)
    assert world.ask().id != asked.id, "to see it again takes another approval"


def test_a_row_is_every_masked_column_and_no_secret(world: World) -> None:
    shown = world.show(world.approved("SELECT id, email, phone, age, note, city FROM people WHERE id = 1"))
    assert {one.name: one.value for one in shown.values} == {
        "email": CANARY, "phone": "+49 30 9018273", "age": "41", "note": NOTE,
    }  # fmt: skip
    assert {one.name: one.type for one in shown.values}["note"] == "TEXT"
    with pytest.raises(ConfigError, match="secret"):
        world.ask("SELECT pin FROM people WHERE id = 1", "pin")
    null = world.show(world.approved("SELECT age FROM people WHERE id = 2", "age"))
    assert null.values[0].value is None, "that it is empty is told by approval too"


def test_a_secret_in_a_text_stays_hidden(world: World) -> None:
    world.sql(
        "INSERT INTO people (id, note) VALUES (9, 'mail x.canary@example.org, password: hunter2canary')"
    )
    shown = world.show(world.approved("SELECT note FROM people WHERE id = 9", "note"))
    assert "x.canary@example.org" in (shown.values[0].value or "")
    assert "hunter2canary" not in (shown.values[0].value or "")


@pytest.mark.parametrize(
    ("statement", "columns", "why"),
    [
        ("SELECT email FROM people WHERE id < 9", (), "more than one row"),
        ("SELECT email FROM people WHERE id = 77", (), "no row"),
        ("SELECT string_agg(email, ',') AS email FROM people WHERE id < 9", ("email",), "no plain column"),
        ("SELECT upper(email) AS email FROM people WHERE id = 1", ("email",), "no plain column"),
        ("SELECT email FROM everybody", ("email",), "no plain column"),
        ("SELECT email, email FROM people WHERE id = 1", ("email",), "more than one column"),
        ("SELECT email FROM people WHERE id = 1", ("phone",), "no column"),
        ("SELECT city FROM people WHERE id = 1", ("city",), "not masked for you"),
        ("SELECT city FROM people WHERE id = 1", (), "nothing in this row is masked"),
        ("SELECT email FROM people WHERE id = $1", (), "places for values"),
        ("SELECT 1; SELECT email FROM people WHERE id = 1", (), "one SELECT"),
        ("DELETE FROM people WHERE id = 1 RETURNING email", (), "one SELECT"),
        ("WITH x AS (DELETE FROM people RETURNING email) SELECT email FROM x", (), "one SELECT"),
        ("SELECT email FROM people WHERE id = 1 FOR UPDATE", (), "refuse"),
        ("SELECT email FROM people WHERE id = touch()", (), "SQLSTATE 25006"),
        ("SELECT email FROM missing WHERE id = 1", (), "SQLSTATE 42P01"),
        ("SELECT email FRM people", (), "not understood"),
    ],
)
def test_what_cannot_be_asked_for(world: World, statement: str, columns: tuple[str, ...], why: str) -> None:
    with pytest.raises((ConfigError, Conflict, Denied), match=why):
        world.ask(statement, *columns)
    assert world.sql("SELECT count(*) FROM touched") == "0"
    assert world.sql("SELECT count(*) FROM people WHERE id < 3") == "2"


def test_who_may_not(world: World) -> None:
    with pytest.raises(Denied, match="may not ask"):
        world.ask(who="bot")
    with pytest.raises(Denied):
        world.ask(who="out")
    with pytest.raises(ConfigError, match="not masked for you"):
        world.ask("SELECT email FROM people WHERE id = 1", "email", who="pri")
    with pytest.raises(ConfigError, match="ticket"):
        world.ask("SELECT phone FROM people WHERE id = 2", ticket="none")
    own = world.ask(who="adm")
    with pytest.raises(Denied, match="own request"):
        world.desk.approve(world.people["adm"], own.id, "")
    asked = world.approved()
    with pytest.raises((Denied, ConfigError)):
        world.show(asked, "pri")
    with pytest.raises(Denied, match="only who asked"):
        world.show(asked, "app")
    assert world.state(asked) == "waiting"
    assert world.show(asked).values[0].value == CANARY


def test_what_is_over_shows_nothing(world: World) -> None:
    denied = world.ask()
    world.desk.deny(world.people["app"], denied.id, "no")
    withdrawn = world.ask()
    world.desk.withdraw(world.people["ann"], withdrawn.id)
    revoked = world.approved()
    world.desk.revoke(world.people["app"], world.desk.show_request(world.people["ann"], revoked.id).grant_id)
    late = world.approved(duration_s=1)
    time.sleep(1.1)
    for asked in (denied, withdrawn, revoked, late):
        with pytest.raises(Denied, match="no grant"):
            world.show(asked)
        assert not world.events("value.revealed", asked.id)
    with pytest.raises(ConfigError):
        world.desk.show_reveal(world.people["ann"], "01900000-0000-7000-8000-000000000000")
    world.desk.settle_reveals()
    assert world.state(late) == "refused"
    assert not [one for one in world.house.control.reveals.sealed() if one.request_id == late.id]


def test_another_row_than_the_approved_one_is_not_shown(world: World) -> None:
    asked = world.approved("SELECT email FROM people WHERE id = 2", "email")
    world.sql("UPDATE people SET email = 'third.canary@example.org' WHERE id = 2")
    with pytest.raises(Conflict, match="not as it was"):
        world.show(asked)
    (told,) = world.events("value.revealed", asked.id)
    assert told.outcome is not None
    assert told.outcome.status == "failure"
    assert told.data is None
    with pytest.raises(Conflict, match="shown once"):
        world.show(asked)
    many = world.approved("SELECT email FROM people WHERE city = 'Bonn'", "email")
    world.sql("INSERT INTO people (id, email, city) VALUES (3, 'fourth.canary@example.org', 'Bonn')")
    with pytest.raises(Conflict, match="more than one row"):
        world.show(many)


def test_whose_row_it_is_stands_in_the_record_though_nobody_selected_it(world: World) -> None:
    seen = world.desk.show_request(world.people["app"], world.ask().id).reveal
    assert seen is not None
    token = seen.subjects[0]
    for statement in (
        "SELECT phone FROM people WHERE id = 1", "SELECT p.phone FROM public.people AS p WHERE p.id = 1;",
        "SELECT city, phone FROM people WHERE id = 1 ORDER BY id LIMIT 1",
    ):  # fmt: skip
        shown = world.show(world.approved(statement, "phone"))
        assert [one.name for one in shown.values] == ["phone"]
        data = of(world, shown).data
        assert data is not None
        assert (data.subjects, data.columns) == ((token,), ("public.people.phone",))
    joined = world.show(
        world.approved("SELECT a.phone FROM people a JOIN people b USING (id) WHERE a.id = 1", "phone")
    )
    data = of(world, joined).data
    assert data is not None
    assert data.subjects[0].startswith("<PHONE:"), "else each value names its own"


def test_who_asks_learns_no_token_that_the_masks_hide(world: World) -> None:
    asked = world.ask("SELECT age, phone FROM people WHERE id = 1")
    assert asked.reveal is not None
    assert ([one.token for one in asked.reveal.columns], asked.reveal.subjects) == (["<AGE>", "<PHONE>"], ())
    own = world.events("request.created", asked.id)[0].data
    assert own is not None
    assert (own.classes, own.subjects) == (("AGE", "PHONE"), ())
    seen = world.desk.show_request(world.people["app"], asked.id).reveal
    assert seen is not None
    assert all(":" in one.token for one in seen.columns)
    mine = world.ask("SELECT age FROM people WHERE id = 1", who="adm").reveal
    assert mine is not None
    assert mine.columns[0].token == "<AGE>", "an approver's own request is one of who asks"


def test_what_is_read_to_ask_is_recorded_too(world: World) -> None:
    with pytest.raises(Conflict, match="more than one row"):
        world.ask("SELECT email FROM people WHERE id < 99", "email")
    run, ended = world.events("statement.run")[-1], world.events("statement.finished")[-1]
    assert run.session_id == ended.session_id
    assert run.statement is not None
    assert run.statement.text == "SELECT email FROM people WHERE id < 99"
    assert run.access is not None
    assert run.access.reason == REASON
    assert ended.outcome is not None
    assert ended.outcome.status == "failure"
    assert ended.data is None
    with pytest.raises(Denied):
        world.ask("SELECT * FROM people", "email")
    assert world.events("statement.denied")[-1].time_ns > ended.time_ns


def test_a_notice_says_what_is_asked_for_and_no_value(world: World) -> None:
    asked = world.house.control.requests.get(world.ask().id)
    notice = Telling(world.house)._asked(asked, world.people["ann"], [], "")
    assert notice.resource == "postgres/shop"
    assert notice.what.startswith("public.people.email (EMAIL) of one row in clear, once: SELECT email")
    assert "canary" not in str(notice)


def test_of_two_who_race_one_is_shown(world: World) -> None:
    asked = world.approved()
    found: list[object] = []

    def attempt() -> None:
        try:
            found.append(world.show(asked).values[0].value)
        except GlasshatchError as error:
            found.append(type(error))

    threads = [threading.Thread(target=attempt) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == sorted([CANARY, *[str(Conflict)] * 5])
    assert len(world.events("value.revealed", asked.id)) == 1


def test_a_grant_that_is_taken_back_while_the_database_answers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = world.approved()
    grant = world.desk.show_request(world.people["ann"], asked.id).grant_id
    when(monkeypatch, "read_clear", lambda: world.desk.revoke(world.people["app"], grant))
    with pytest.raises(Denied, match="no grant"):
        world.show(asked)
    assert world.state(asked) == "refused"


def when(monkeypatch: pytest.MonkeyPatch, name: str, then: Callable[[], object]) -> None:
    from glasshatch.app.reveals import reading

    real = getattr(reading, name)

    def changed(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        then()
        return found

    monkeypatch.setattr(reading, name, changed)


def test_a_database_that_is_away_spends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = world.approved()

    def away() -> None:
        raise Unavailable("the database does not answer in time")

    when(monkeypatch, "read_clear", away)
    with pytest.raises(Unavailable):
        world.show(asked)
    monkeypatch.undo()
    assert world.state(asked) == "waiting"
    assert world.show(asked).values[0].value == CANARY


def test_nothing_is_shown_that_cannot_be_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, record = world.approved(), world.house.recorder.record

    def stalled(event: Event, **more: Any) -> Any:
        if event.action == "value.revealed":
            raise Unavailable("the ledger does not acknowledge")
        return record(event, **more)

    monkeypatch.setattr(world.house.recorder, "record", stalled)
    with pytest.raises(Unavailable):
        world.show(asked)
    monkeypatch.undo()
    assert world.state(asked) == "unknown"
    with pytest.raises(Conflict, match="spent"):
        world.show(asked)


def test_an_event_of_the_record_says_which_answer(world: World) -> None:
    shown = world.show(world.approved())
    (run,) = [one for one in world.events("statement.run") if one.session_id == of(world, shown).session_id]
    asked = world.ask("", event=run.id, resource="")
    assert asked.reveal is not None
    assert asked.reveal.origin == run.id
    world.desk.approve(world.people["app"], asked.id, "")
    assert world.show(asked).values[0].value == CANARY
    with pytest.raises(ConfigError, match="not the statement of that event"):
        world.ask("SELECT phone FROM people WHERE id = 1", event=run.id, resource="")
    with pytest.raises(ConfigError, match="is no statement"):
        world.ask("", event=shown.event, resource="")
    by_name = world.show(world.approved(f"SELECT phone FROM people WHERE email = '{CANARY}'", "phone"))
    (run,) = [one for one in world.events("statement.run") if one.session_id == of(world, by_name).session_id]
    with pytest.raises(ConfigError, match="without its values"):
        world.ask("", event=run.id, resource="")


def of(world: World, shown: ClearShown) -> Event:
    return next(one for one in world.events("value.revealed") if one.id == shown.event)


def test_no_value_lies_anywhere(world: World) -> None:
    world.show(world.approved("SELECT * FROM people WHERE id = 1"))
    for event in world.events("*"):
        assert b"canary" not in msgspec.json.encode(event).replace(b"canary.db", b"")
    needles = (CANARY.encode(), b"9018273", b"reveal.note")
    for file in world.directory.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [needle for needle in needles if needle in data], file


def test_an_agent_asks_where_a_rule_says_so_and_its_human_does_not_judge(world: World) -> None:
    roles = (Path(policy.__file__).parent / "access" / "roles.cedar").read_text()
    rule = (
        '@id("own.agents") @reason("agents may") '
        'permit(principal, action == Action::"value.reveal", resource) when { principal.kind == "agent" };'
    )
    (world.directory / "own.cedar").write_text(roles + rule)
    config = config_of(world.directory)
    config.write_text(config.read_text().replace("[policy]", '[policy]\naccess = "own.cedar"', 1))
    world.reopen()
    asked = world.ask(who="bot")
    actors, now_ns = world.house.control.actors, world.house.clock.now_ns()
    both = actors.create("both", roles=["approver", "engineer"], now_ns=now_ns)
    world.people["hers"] = actors.create(
        "hers", roles=["engineer"], type="agent", on_behalf_of=both.id, now_ns=now_ns
    )
    with pytest.raises(Denied, match="own request"):
        world.desk.approve(both, world.ask(who="hers").id, "")
    with pytest.raises(Denied):
        world.desk.approve(world.people["ann"], asked.id, "")
    world.desk.approve(world.people["app"], asked.id, "")
    with pytest.raises((Denied, ConfigError)):
        world.show(asked, "ann")
    shown = world.show(asked, "bot")
    told = of(world, shown)
    assert told.actor is not None
    assert (told.actor.type, told.actor.on_behalf_of) == ("agent", world.people["ann"].id)


def test_what_waits_survives_a_restart(world: World) -> None:
    asked = world.approved()
    world.reopen()
    assert world.show(asked).values[0].value == CANARY
