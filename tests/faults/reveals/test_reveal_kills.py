"""A masked value that is shown, killed with -9 at every step: it is spent, and the record says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.depth import rounds
from fixtures.killing import events_of, kill_each, open_house
from fixtures.servers import Database
from glasshatch.api.reveal_values import ClearForm
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.opening import config_of
from glasshatch.errors import Conflict
from glasshatch.events import decode

WORKER = Path(__file__).with_name("showing_worker.py")
STEPS = ("recorded", "started", "unrecorded", "ended", "asked")[: rounds(3, 5)]
RESOURCE = """
[resources.shop]
type = "postgres"
host = "127.0.0.1"
port = {port}
database = "{name}"
user = "{user}"
password = "file:{secret}"
tls = "disable"
"""


def test_what_is_killed_at_any_step_is_never_shown_twice(fresh_database: Database, tmp_path: Path) -> None:
    server = fresh_database.server
    fresh_database.sql(
        "CREATE TABLE t (id int PRIMARY KEY, email text);"
        "INSERT INTO t SELECT n, 'kill.canary' || n || '@example.com' FROM generate_series(0, 6) n"
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
    asked = [desk.ask_reveal(ann, form(row)).id for row in range(len(STEPS))]
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
            told = [one.outcome.status for one in events_of(events, "value.revealed", request) if one.outcome]
            assert told == {
                "asked": [], "recorded": ["success", "unknown"], "ended": ["success"],
            }.get(step, ["unknown"]), step  # fmt: skip
            if step == "asked":
                assert desk.show_reveal(ann, request).values[0].value == "kill.canary4@example.com"
            with pytest.raises(Conflict, match="shown once"):
                desk.show_reveal(ann, request)
            (opened,) = [one for one in house.control.reveals.sealed() if one.request_id == request] or (
                None,
            )
            assert opened is None, step
    finally:
        house.close()
    for file in directory.rglob("*"):
        assert not file.is_file() or b"kill.canary" not in file.read_bytes(), file


def form(row: int) -> ClearForm:
    statement = f"SELECT email FROM t WHERE id = {row}"
    return ClearForm(resource="postgres/shop", statement=statement, reason="a test of kills")
