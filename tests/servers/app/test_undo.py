"""A reviewed change leaves a sealed image of its rows, and an undo puts that back where it still fits."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fixtures.servers import PostgresServer
from glasshatch.api.change_values import Ran, StatementForm, UndoForm
from glasshatch.api.values import EventFilter, RequestForm, RequestView
from glasshatch.api.vault_values import EraseForm, RevealForm
from glasshatch.app.authority import PolicyAuthority
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.app.standing import ControlStanding
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Conflict, Denied, GlasshatchError, Unavailable
from glasshatch.events import Event, decode
from glasshatch.identity import Identity
from glasshatch.policy import ResourceFacts
from glasshatch.statements import analyze_sql

CANARY = "undo.canary@example.com"
REASON = "the import of 3 May was wrong"
TABLES = f"""
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE people (id int PRIMARY KEY, email text, city text);
INSERT INTO people VALUES (1, '{CANARY}', 'Berlin'), (2, 'second.canary@example.org', 'Bonn');
CREATE TABLE odd (
  id bigint GENERATED ALWAYS AS IDENTITY, part text, note text, at timestamptz, day date, n numeric(12,4),
  f float8, ok bool, raw bytea, doc jsonb, tags text[], how mood, span interval, fixed char(6), plain json,
  twice numeric GENERATED ALWAYS AS (n * 2) STORED, "A ""q" int DEFAULT 7, PRIMARY KEY (id, part)
);
INSERT INTO odd (part, note, at, day, n, f, ok, raw, doc, tags, how, span, fixed, plain) VALUES
  ('a', 'it''s \\ "odd"', '2026-05-03 12:00:00.123456+02', '2026-05-03', 12.5, 0.1, true, '\\x00ff27',
   '{{"a": [1, null]}}', ARRAY['x', NULL, 'y,z'], 'calm', '1 day -02:03:04', 'ab', '{{"b":  1}}'),
  ('b', NULL, 'infinity', NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('c', E'line\\nbreak', '2026-01-01+00', '0044-03-15 BC', -0.0001, 1e300, false, '', '[]', '{{}}', 'cross',
   '-1 year', '', '[]');
CREATE TABLE stamped (id int PRIMARY KEY, n int, changed int DEFAULT 0);
INSERT INTO stamped SELECT i, i FROM generate_series(1, 6) i;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.n = 13 THEN RETURN NULL; END IF; NEW.changed := OLD.changed + 1; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TABLE parted (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i, i, 'v' || i FROM generate_series(1, 19) i;
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
CREATE TABLE heap (n int); INSERT INTO heap VALUES (1), (2);
CREATE TABLE owners (id int PRIMARY KEY); CREATE TABLE pets (id int PRIMARY KEY,
  owner int REFERENCES owners ON DELETE CASCADE);
INSERT INTO owners VALUES (1), (2); INSERT INTO pets VALUES (1, 1);
CREATE TABLE late (id int PRIMARY KEY, owner int REFERENCES owners DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION part() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER part AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.owner IS NULL) EXECUTE FUNCTION part();
CREATE TABLE many (id int PRIMARY KEY, note text);
INSERT INTO many SELECT i, 'n' || i FROM generate_series(1, 900) i;
"""
RESOURCE = """
[resources.{name}]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "undoshop"
user = "{user}"
password = "file:{secret}"
tls = "disable"
before_images = "{images}"
image_rows = {rows}

[[resources.{name}.columns]]
pattern = "*.people.email"
type = "EMAIL"
operator = "token"
subject = true
"""
PEOPLE = {
    "ann": ["engineer", "dba"], "app": ["approver", "auditor"], "pri": ["privacy"], "aud": ["auditor"],
}  # fmt: skip


class World(msgspec.Struct):
    """A house on a directory, its desk, and people, before a real database."""

    directory: Path
    house: House
    desk: FrontDesk
    people: dict[str, Identity]
    database: PostgresServer

    def sql(self, text: str) -> str:
        return self.database.sql(text, database="undoshop")

    def ask(self, statement: str, resource: str = "postgres/shop") -> RequestView:
        form = StatementForm(resource=resource, statement=statement, reason=REASON)
        return self.desk.request_statement(self.people["ann"], form)

    def approved(self, asked: RequestView) -> RequestView:
        return self.desk.approve(self.people["app"], asked.id, "")

    def run(self, asked: RequestView, person: str = "ann") -> Ran:
        return self.desk.run_statement(self.people[person], asked.id)

    def change(self, statement: str, resource: str = "postgres/shop") -> Ran:
        return self.run(self.approved(self.ask(statement, resource)))

    def undo(self, ran: Ran, event: str = "") -> RequestView:
        form = UndoForm(event=event or ran.image_event, reason=REASON)
        return self.desk.undo(self.people["ann"], form)

    def undone(self, ran: Ran) -> Ran:
        return self.run(self.approved(self.undo(ran)))

    def events(self, action: str, request: str = "") -> list[Event]:
        found = (decode(data) for _, data in self.house.ledger.scan())
        return [one for one in found if action in ("*", one.action) and request in ("", one.request_id)]

    def reopen(self) -> None:
        self.house.close()
        self.house = House(load_config(config_of(self.directory)), SystemClock())
        self.desk = FrontDesk(self.house)


@pytest.fixture(scope="module")
def world(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    postgres.sql("CREATE DATABASE undoshop")
    postgres.sql(TABLES, database="undoshop")
    directory = tmp_path_factory.mktemp("undo") / "home"
    create_home(directory)
    secret = directory.parent / "secret"
    secret.touch(mode=0o600)
    secret.write_text(postgres.password)
    config, where = config_of(directory), {"port": postgres.port, "user": postgres.user, "secret": secret}
    config.write_text(
        config.read_text()
        + RESOURCE.format(name="shop", images="when-possible", rows=500, **where)
        + RESOURCE.format(name="strict", images="required", rows=5, **where)
        + RESOURCE.format(name="plain", images="off", rows=5, **where)
    )
    house = House(load_config(config), SystemClock())
    people = {
        name: house.control.actors.create(name, roles=roles, now_ns=house.clock.now_ns() + at * 10**6)
        for at, (name, roles) in enumerate(PEOPLE.items())
    }
    made = World(directory, house, FrontDesk(house), people, postgres)
    yield made
    with contextlib.suppress(GlasshatchError):
        made.house.close()
    postgres.sql("DROP DATABASE undoshop WITH (FORCE)")


def test_an_approved_statement_runs_once_and_is_recorded_as_a_session_is(world: World) -> None:
    asked = world.ask("UPDATE people SET city = 'Jena' WHERE id = 2", "postgres/plain")
    with pytest.raises(Denied, match="waits for somebody else's approval"):
        world.run(asked)
    with pytest.raises(Denied):
        world.desk.approve(world.people["ann"], asked.id, "")
    world.approved(asked)
    with pytest.raises(Denied, match="only who asked"):
        world.run(asked, "app")
    ran = world.run(asked)
    assert (ran.outcome, ran.affected, ran.image) == ("success", 1, "off")
    with pytest.raises(Conflict, match="one run"):
        world.run(asked)
    (run,) = world.events("statement.run", asked.id)
    (end,) = world.events("statement.finished", asked.id)
    assert (run.decision.effect, run.access.approvers, run.session_id) == ("allow", ("app",), end.session_id)
    assert (end.outcome.status, end.attrs["affected"]) == ("success", 1)
    session = [one for one in world.events("*") if one.session_id == run.session_id]
    assert [one.action for one in session] == [
        "session.opened", "statement.run", "statement.finished", "session.closed",
    ]  # fmt: skip
    assert [one.attrs["seq"] for one in session] == [0, 1, 2, 3]
    assert world.sql("SELECT city FROM people WHERE id = 2") == "Jena"


def test_an_undo_puts_every_type_back_exactly(world: World) -> None:
    before = world.sql("SELECT * FROM odd ORDER BY id")
    ran = world.change(
        "UPDATE odd SET note = 'x', at = now(), day = '2020-01-01', n = 1, f = 2, ok = NOT ok, raw = 'q',"
        " doc = '{}', tags = '{new}', how = 'cross', span = '1s', fixed = 'z', plain = '1',"
        ' "A ""q" = 1'
        " WHERE part IN ('a', 'b', 'c')"
    )
    assert (ran.outcome, ran.affected, ran.image, ran.image_rows) == ("success", 3, "taken", 3), ran
    assert world.sql("SELECT * FROM odd ORDER BY id") != before
    asked = world.undo(ran)
    assert world.sql("SELECT count(*) FROM odd WHERE note = 'x'") == "3", "an undo never runs by itself"
    assert (asked.statement.preview.rows, asked.statement.preview.exact) == (3, True)
    assert asked.statement.undoes == ran.image_event
    undone = world.run(world.approved(asked))
    assert (undone.outcome, undone.affected) == ("success", 3), undone
    assert world.sql("SELECT * FROM odd ORDER BY id") == before
    (run,) = world.events("statement.run", asked.id)
    assert ("undoes", ran.image_event) in [(link.rel, link.id) for link in run.links]
    with pytest.raises(Conflict, match="undoes it already"):
        world.undo(ran)
    with pytest.raises(Conflict, match="an undo itself"):
        world.undo(undone, undone.run_event)


def test_deleted_rows_come_back_with_their_identity_and_order(world: World) -> None:
    before = world.sql("SELECT * FROM odd ORDER BY id")
    ran = world.change("DELETE FROM odd WHERE part IN ('a', 'c')")
    assert (ran.affected, ran.image) == (2, "taken"), ran
    assert world.undone(ran).affected == 2
    assert world.sql("SELECT * FROM odd ORDER BY id") == before
    ran = world.change("DELETE FROM tree WHERE id IN (1, 2, 3)")
    assert world.sql("SELECT count(*) FROM tree") == "0"
    assert world.undone(ran).outcome == "success", "rows may refer to rows behind them"
    assert world.sql("SELECT * FROM tree ORDER BY id") == "1|\n2|1\n3|2"


def test_what_triggers_and_partitions_do_is_in_the_image(world: World) -> None:
    ran = world.change("UPDATE stamped SET n = n + 100 WHERE id <= 3")
    assert world.sql("SELECT n, changed FROM stamped WHERE id = 1") == "101|1"
    assert world.undone(ran).affected == 3
    assert world.sql("SELECT n FROM stamped WHERE id = 1") == "1"
    suppressed = world.change("UPDATE stamped SET n = CASE id WHEN 4 THEN 13 ELSE 0 END WHERE id IN (4, 5)")
    assert (suppressed.outcome, suppressed.affected, suppressed.image) == ("success", 1, "none")
    assert "2 were imaged" in suppressed.image_why
    moved = world.change("UPDATE parted SET v = 'moved' WHERE id BETWEEN 8 AND 12")
    assert (moved.affected, moved.image) == (5, "taken")
    assert world.undone(moved).affected == 5
    assert world.sql("SELECT v FROM parted WHERE id = 11") == "v11"
    joined = world.change("UPDATE parted p SET v = 'j' FROM parted o WHERE o.id > 17 AND p.id < 3")
    assert (joined.affected, joined.image_rows) == (2, 2), "rows that a join meets often are imaged once"


def test_rows_that_were_changed_since_are_never_overwritten(world: World) -> None:
    ran = world.change("UPDATE many SET note = 'w' WHERE id <= 4")
    waiting = world.approved(world.undo(ran))
    world.sql("UPDATE many SET note = 'somebody else' WHERE id = 3")
    failed = world.run(waiting)
    assert (failed.outcome, failed.code) == ("failure", "changed_since")
    assert world.sql("SELECT note FROM many WHERE id <= 4 ORDER BY id") == "w\nw\nsomebody else\nw"
    again = world.change("UPDATE many SET note = 'y' WHERE id IN (10, 11)")
    world.sql("DELETE FROM many WHERE id = 10")
    with pytest.raises(Conflict, match="1 of 2 rows were changed since"):
        world.undo(again)
    gone = world.change("DELETE FROM many WHERE id = 20")
    world.sql("INSERT INTO many VALUES (20, 'another')")
    with pytest.raises(Conflict, match="1 of 1 rows"):
        world.undo(gone)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE heap SET n = 3 WHERE n = 1", "no primary key"),
        ("DELETE FROM owners WHERE id = 1", "carries the change on to pets"),
        ("UPDATE many SET id = id + 10000 WHERE id = 30", "other primary keys"),
        ("UPDATE many SET note = 'z' WHERE id > 300", "more than 500 rows"),
        ("UPDATE many SET note = 'v' WHERE id = 31 AND random() >= 0", "random"),
    ],
)
def test_where_no_image_can_be_taken_the_policy_of_the_resource_decides(
    world: World, statement: str, why: str
) -> None:
    before = world.sql("SELECT count(*), sum(id) FROM many"), world.sql("SELECT * FROM heap, owners")
    refused = world.change(statement, "postgres/strict")
    assert (refused.outcome, refused.code) == ("failure", "image"), refused
    assert why.replace("500", "5") in refused.reason
    assert (
        world.sql("SELECT count(*), sum(id) FROM many"),
        world.sql("SELECT * FROM heap, owners"),
    ) == before
    ran = world.change(statement)
    assert (ran.outcome, ran.image) == ("success", "none")
    assert why in ran.image_why
    with pytest.raises(Conflict, match="left no before-image"):
        world.undo(ran, ran.run_event)


def test_what_cannot_be_undone_says_so(world: World) -> None:
    insert = world.change("INSERT INTO heap VALUES (9)")
    with pytest.raises(Conflict, match="an INSERT leaves no before-image"):
        world.undo(insert, insert.request)
    with pytest.raises(ConfigError, match="no event"):
        world.undo(insert, "nothing")
    none = world.change("UPDATE many SET note = note WHERE id = 50")
    with pytest.raises(Conflict, match="nothing to undo"):
        world.undo(none)
    failed = world.change("UPDATE many SET note = (1 / 0)::text WHERE id = 51")
    assert (failed.outcome, failed.code) == ("failure", "22012")
    with pytest.raises(Conflict, match="failed"):
        world.undo(failed, failed.run_event)
    assert world.run(world.desk.show_request(world.people["ann"], failed.request)).code == "22012", (
        "what was rolled back may run again"
    )


def test_an_image_is_sealed_and_shown_under_two_names_only(world: World) -> None:
    ran = world.change(f"UPDATE people SET city = 'Mainz' WHERE email = '{CANARY}'")
    assert ran.image == "taken"
    for file in world.directory.rglob("*"):
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file
    shown = json.dumps(msgspec.to_builtins(world.undo(ran)))
    assert CANARY not in shown
    assert "Mainz" not in shown
    form = RevealForm(event=ran.image_event, field="native.rows[0]", reason=REASON)
    with pytest.raises(Denied, match="approval"):
        world.desk.reveal(world.people["aud"], form)
    for request in world.house.control.requests.list("pending"):
        if request.kind == "reveal":
            world.desk.approve(world.people["app"], request.id, "")
    value = json.loads(world.desk.reveal(world.people["aud"], form).value)
    assert value["before"] == {"id": "1", "email": CANARY, "city": "Berlin"}
    assert value["after"]["city"] == "Mainz"


def test_counts_over_masked_columns_are_in_the_record_and_not_for_who_asked(world: World) -> None:
    asked = world.ask(f"UPDATE people SET city = 'Ulm' WHERE email = '{CANARY}'")
    assert asked.statement.preview is None
    assert world.desk.show_request(world.people["app"], asked.id).statement.preview.rows == 1
    (event,) = world.events("statement.previewed", asked.id)
    assert event.attrs["rows"] == 1
    wanted = EventFilter(action="statement.previewed", limit=1000)
    seen = world.desk.list_events(world.people["ann"], wanted)
    assert seen
    assert event.id not in [json.loads(bytes(one.event))["id"] for one in seen]
    assert event.id in [
        json.loads(bytes(one.event))["id"] for one in world.desk.list_events(world.people["aud"], wanted)
    ]


def test_the_database_reads_a_text_as_it_was_judged(world: World) -> None:
    """A server that takes a backslash for an escape would see another statement behind this literal."""
    world.sql("ALTER DATABASE undoshop SET standard_conforming_strings = off")
    try:
        ran = world.change("UPDATE many SET note = '\\' WHERE id = 80 AND note <> ' OR true --'")
    finally:
        world.sql("ALTER DATABASE undoshop RESET standard_conforming_strings")
    assert (ran.outcome, ran.affected) == ("success", 1), ran
    assert world.sql("SELECT note FROM many WHERE id = 80") == "\\"


def test_an_erasure_takes_the_row_out_of_the_image(world: World) -> None:
    ran = world.change("UPDATE people SET city = 'Köln' WHERE id IN (1, 2)")
    waiting = world.approved(world.undo(ran))
    form = EraseForm(subject="EMAIL:second.canary@example.org", reason="request of 3 May")
    with pytest.raises(Denied):
        world.desk.erase(world.people["pri"], form)
    for request in world.house.control.requests.list("pending"):
        if request.kind == "erase":
            world.desk.approve(world.people["app"], request.id, "")
    assert world.desk.erase(world.people["pri"], form).sealed >= 1
    with pytest.raises(Conflict, match="erased or pruned"):
        world.run(waiting)
    with pytest.raises(Conflict, match="erased or pruned"):
        world.undo(ran)


def test_what_cannot_be_kept_is_rolled_back_and_may_run_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = world.approved(world.ask("UPDATE many SET note = 'kept' WHERE id = 70"))
    with monkeypatch.context() as patch:
        patch.setattr(world.house.vault, "keep", _full)
        with pytest.raises(Unavailable, match="full"):
            world.run(asked)
    assert world.sql("SELECT note FROM many WHERE id = 70") != "kept"
    (end,) = world.events("statement.finished", asked.id)
    assert (end.outcome.status, end.outcome.code) == ("failure", "unavailable")
    assert world.run(asked).image == "taken"


def _full(*_: object) -> None:
    raise Unavailable("the disk is full")


def test_a_failure_at_the_commit_is_one_and_a_lost_connection_there_is_unknown(world: World) -> None:
    late = world.change("INSERT INTO late VALUES (1, 99)")
    assert (late.outcome, late.code) == ("failure", "23503")
    lost = world.approved(world.ask("INSERT INTO late VALUES (2, NULL)"))
    ran = world.run(lost)
    assert (ran.outcome, ran.affected) == ("unknown", 1)
    with pytest.raises(Conflict, match="unknown"):
        world.run(lost)


def test_where_an_image_is_required_a_grant_of_verbs_changes_nothing_in_a_session(world: World) -> None:
    ann = world.people["ann"]
    form = RequestForm(resource="postgres/strict", verbs=("write",), duration_s=600, reason=REASON)
    world.desk.approve(world.people["app"], world.desk.create_request(ann, form).id, "")
    authority = PolicyAuthority(
        lambda: world.house.policy,
        ControlStanding(world.house.control),
        world.house.clock,
        ["postgres/strict"],
    )
    where = ResourceFacts(type="postgres", name="strict")
    update = authority.decide(ann, where, analyze_sql("UPDATE many SET note = 'x' WHERE id = 1"), ())
    assert (update.effect, update.rule) == ("review", "resource.before-images")
    assert "glasshatch run" in update.reason
    insert = authority.decide(ann, where, analyze_sql("INSERT INTO many VALUES (1, 'x')"), ())
    assert insert.effect == "allow"


def test_a_large_image_lies_in_several_events(world: World) -> None:
    before = world.sql("SELECT * FROM many ORDER BY id")
    ran = world.change("UPDATE many SET note = upper(note) || 'x' WHERE id BETWEEN 400 AND 850")
    assert (ran.image, ran.image_rows) == ("taken", 451), ran
    assert len(world.events("statement.imaged", ran.request)) == 3
    assert world.undone(ran).affected == 451
    assert world.sql("SELECT * FROM many ORDER BY id") == before


def test_a_run_that_a_crash_ended_is_unknown_after_the_start(world: World) -> None:
    asked = world.approved(world.ask("UPDATE many SET note = 'c' WHERE id = 60"))
    kept = world.house.control.statements.of_request(asked.id)
    world.house.control.statements.start(kept.id, "event", world.house.clock.now_ns())
    world.reopen()
    world.house.announce_start()
    assert world.desk.show_request(world.people["ann"], asked.id).statement.state == "unknown"
    assert [one.outcome.status for one in world.events("statement.finished", asked.id)] == ["unknown"]
    with pytest.raises(Conflict, match="unknown"):
        world.run(asked)


def test_the_text_goes_when_it_will_not_run_any_more(world: World) -> None:
    asked = world.ask("UPDATE many SET note = 'd' WHERE id = 61")
    assert asked.id in [kept.request_id for kept in world.house.control.statements.with_text()]
    world.desk.deny(world.people["app"], asked.id, "no")
    world.desk.settle_statements()
    assert asked.id not in [kept.request_id for kept in world.house.control.statements.with_text()]
