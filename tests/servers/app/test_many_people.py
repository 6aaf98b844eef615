"""Ten thousand people and a group of five thousand of them: the desk's lists, reviews and decisions."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from glasshatch.api.directory_values import GroupChange, GroupForm
from glasshatch.api.values import RequestForm
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.control import ProviderLink
from glasshatch.control.links import _row
from glasshatch.events import decode, uuid7
from glasshatch.identity import Identity
from glasshatch.policy import ResourceFacts

MANY, GROUP = 10_000, 5_000
CONFIG = """
[resources.shop]
type = "postgres"
host = "127.0.0.1"
port = 1
database = "shop"
user = "nobody"
password = "env:GLASSHATCH_TEST_NOTHING"
tls = "disable"

[identity.scim]
roles = { Engineers = ["engineer"], Guests = [] }
"""


class Crowd(msgspec.Struct):
    """A house with so many people, its desk, an administrator, and everybody's ids."""

    house: House
    desk: FrontDesk
    admin: Identity
    ids: list[str]

    def took(self, what: str, work: Callable[[], Any], most_s: float) -> Any:
        """What it gives, within so many seconds of the processor: the machine may be busy with others."""
        begun, spent = time.perf_counter(), time.process_time()
        found = work()
        spent_s = time.process_time() - spent
        print(f"{what}: {time.perf_counter() - begun:.2f} s, {spent_s:.2f} s of the processor")
        assert spent_s < most_s, what
        return found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    directory = tmp_path_factory.mktemp("crowd") / "home"
    create_home(directory)
    config = config_of(directory)
    config.write_text(config.read_text() + CONFIG)
    house = House(load_config(config), SystemClock())
    now_ns, ids = house.clock.now_ns(), []
    actors, links = [], []
    for number in range(MANY):
        ids.append(uuid7(now_ns + number * 10**6, os.urandom(10)))
        actors.append({
            "id": ids[-1], "type": "human", "name": f"person-{number:05}", "roles": "[]",
            "on_behalf_of": None, "disabled": 0, "created_ns": now_ns, "changed_ns": now_ns,
        })  # fmt: skip
        link = ProviderLink(id=ids[-1], provider="scim", created_ns=now_ns, changed_ns=now_ns)
        links.append(_row(link))
    tables = {sealed.table.name: sealed for sealed in house.control._tables}
    with house.control._database.write() as connection:
        tables["actors"].insert_all(connection, actors)
        tables["links"].insert_all(connection, links)
    admin = house.control.actors.create(
        "adm", roles=("admin", "auditor", "approver", "provisioner"), now_ns=now_ns
    )
    yield Crowd(house, FrontDesk(house), admin, ids)
    house.close()


def test_a_group_of_five_thousand_comes_goes_and_gives_its_role(crowd: Crowd) -> None:
    desk, admin, group = crowd.desk, crowd.admin, crowd.ids[:GROUP]
    made = crowd.took(
        "a group of 5,000 made",
        lambda: desk.create_group(admin, GroupForm(name="Engineers", members=tuple(group))), 20,
    )  # fmt: skip
    roles = {actor.id: actor.roles for actor in crowd.house.control.actors.list()}
    assert all(roles[id] == ("engineer",) for id in group)
    assert roles[crowd.ids[GROUP]] == ()
    one = crowd.ids[GROUP]
    for change, given in ((GroupChange(add=(one,)), ("engineer",)), (GroupChange(remove=(one,)), ())):
        crowd.took("one member of 5,000", lambda change=change: desk.change_group(admin, made.id, change), 3)
        assert crowd.house.control.actors.get(one).roles == given
    shown = crowd.took("its members shown", lambda: desk.show_group(admin, made.id, True), 3)
    assert sorted(shown.members) == sorted(group)
    same = GroupChange(members=tuple(group))
    crowd.took("the same 5,000 said again", lambda: desk.change_group(admin, made.id, same), 5)
    told = (decode(entry) for _, entry in crowd.house.ledger.scan())
    assert sum(event.action == "actor.changed" for event in told) == GROUP + 2


def test_lists_and_reviews_stay_quick(crowd: Crowd) -> None:
    desk, admin = crowd.desk, crowd.admin
    page = crowd.took("a page of 100 people", lambda: desk.list_users(admin, "", 5_000, 100), 1)
    assert (page.total, page.users[0].name) == (MANY, "person-05000")
    found = crowd.took("somebody by name", lambda: desk.list_users(admin, "person-07777", 0, 100), 1)
    assert found.total == 1
    assert len(crowd.took("everybody listed", lambda: desk.list_actors(admin), 10)) >= MANY
    state = crowd.took("the review of access", lambda: desk.access_state(admin), 30)
    engineers = [one for one in state.actors if one.roles == ("engineer",)]
    assert len(engineers) == GROUP
    assert {one.reaches[0].resource for one in engineers} == {"postgres/shop"}
    assert engineers[0].sees != engineers[1].sees, "what is their own is their own"
    someone = crowd.house.control.actors.named("person-00007")
    asked = RequestForm(resource="postgres/shop", verbs=("update",), reason="an order hangs", duration_s=600)
    request = crowd.took("a request", lambda: desk.create_request(someone, asked), 2)
    crowd.took("an approval", lambda: desk.approve(admin, request.id, ""), 2)
    crowd.took("requests listed", lambda: desk.list_requests(admin, ""), 2)


def test_decisions_about_any_of_them_are_quick(crowd: Crowd) -> None:
    place, policy = (
        ResourceFacts(type="postgres", name="shop", env="production", labels={}),
        crowd.house.policy,
    )
    people = [crowd.house.control.actors.current(id) for id in crowd.ids[:500]]
    taken = []
    for who in people:
        begun = time.process_time()
        assert policy.authorise(who, place).effect == "allow"
        taken.append(time.process_time() - begun)
    taken.sort()
    print(f"decisions: p50 {taken[250] * 1e6:.0f} µs, p99 {taken[495] * 1e6:.0f} µs")
    assert taken[495] < 0.001
