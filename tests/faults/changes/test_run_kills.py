"""A reviewed run killed with -9 at every step: its change is there or not, and the record tells what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.killing import events_of, kill_each, open_house
from fixtures.servers import Database
from glasshatch.api.change_values import StatementForm, UndoForm
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.opening import config_of
from glasshatch.errors import Conflict
from glasshatch.events import decode

WORKER = Path(__file__).with_name("running_worker.py")
STEPS = ("started", "recorded", "changed", "imaged", "committed")
RESOURCE = """
[resources.shop]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "{name}"
user = "{user}"
password = "file:{secret}"
tls = "disable"
before_images = "required"
"""


def test_a_run_killed_at_any_step_is_whole_or_not_there(fresh_database: Database, tmp_path: Path) -> None:
    server = fresh_database.server
    fresh_database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, note text);"
        "INSERT INTO t SELECT n, 'old' FROM generate_series(0, 4) n"
    )
    directory, secret = tmp_path / "home", tmp_path / "secret"
    create_home(directory)
    secret.touch(mode=0o600)
    secret.write_text(server.password)
    where = {"port": server.port, "user": server.user, "secret": secret, "name": fresh_database.name}
    config_of(directory).write_text(config_of(directory).read_text() + RESOURCE.format(**where))
    house = open_house(directory)
    desk, clock = FrontDesk(house), house.clock
    ann = house.control.actors.create("ann", roles=["engineer"], now_ns=clock.now_ns())
    app = house.control.actors.create("app", roles=["approver"], now_ns=clock.now_ns())
    asked = [desk.request_statement(ann, form(row)).id for row in range(len(STEPS))]
    for request in asked:
        desk.approve(app, request, "")
    house.close()
    kill_each(WORKER, directory, asked, STEPS)

    house = open_house(directory)
    try:
        house.announce_start()
        desk = FrontDesk(house)
        events = [decode(data) for _, data in house.ledger.scan()]
        for step, request in zip(STEPS, asked, strict=True):
            assert desk.show_request(ann, request).statement.state == "unknown", step
            assert [one.outcome.status for one in events_of(events, "statement.finished", request)] == [
                "unknown"
            ]
            assert len(events_of(events, "statement.run", request)) == (step != "started"), step
            assert len(events_of(events, "statement.imaged", request)) == (step in ("imaged", "committed")), (
                step
            )
            with pytest.raises(Conflict, match="unknown"):
                desk.run_statement(ann, request)
        assert fresh_database.sql("SELECT string_agg(note, ' ' ORDER BY id) FROM t") == "old old old old new"
        images = {one.request_id: one.id for one in events if one.action == "statement.imaged"}
        with pytest.raises(Conflict, match="1 of 1 rows were changed"):
            desk.undo(ann, undo(images[asked[3]]))
        waits = desk.undo(ann, undo(images[asked[4]]))
        desk.approve(app, waits.id, "")
        assert desk.run_statement(ann, waits.id).affected == 1
        assert fresh_database.sql("SELECT DISTINCT note FROM t") == "old"
    finally:
        house.close()


def form(row: int) -> StatementForm:
    statement = f"UPDATE t SET note = 'new' WHERE id = {row}"
    return StatementForm(resource="postgres/shop", statement=statement, reason="a test of kills")


def undo(image: str) -> UndoForm:
    return UndoForm(event=image, reason="a test of kills")
