"""Identity under kill -9: what was acknowledged holds, and what is in force the record knows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.counts import tell
from fixtures.depth import rounds
from fixtures.killing import open_house, until_killed
from glasshatch.api.signin_values import PasswordForm
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.errors import NotAuthenticated
from glasshatch.events import Event, decode
from glasshatch.identity import recovery_hash

WORKER = Path(__file__).with_name("identity_worker.py")
KILLS = rounds(3, 120)
STEPS = 18
"""So many things one person's life says."""

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
roles = { Engineers = ["engineer"] }
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    directory = tmp_path / "home"
    create_home(directory)
    config = config_of(directory)
    config.write_text(config.read_text() + CONFIG)
    house = open_house(directory)
    house.control.actors.create("other", roles=("approver",), now_ns=house.clock.now_ns())
    house.close()
    return directory


def test_what_was_acknowledged_about_identity_survives_a_kill_at_any_moment(home: Path) -> None:
    chance, said, cut = random.Random(11), 0, set[str]()
    for number in range(KILLS):
        # A life takes STEPS lines; so each part of it is met, and with more rounds each moment of each part.
        lines = until_killed(
            WORKER, (home, number * 1_000), 4 + (number * 7) % STEPS, chance.uniform(0, 0.03),
            GLASSHATCH_TEST_NOTHING="x",
        )  # fmt: skip
        cut.add(lines[-1]["what"])
        said += len(lines)
        house = open_house(home)
        try:
            _check(house, lines)
        finally:
            house.close()
    tell(f"identity: {KILLS} kills, {said} steps said, none lost; cut behind {', '.join(sorted(cut))}")


def _check(house: House, lines: list[dict[str, Any]]) -> None:
    control, now_ns = house.control, house.clock.now_ns()
    over = {text for one in lines if one["what"] == "leaving" for text in one["texts"]}
    over |= {one["text"] for one in lines if one["what"] == "revoking"}
    # Of the last line it is not known whether what comes behind it was done: it was not said.
    group, leaving = lines[0]["group"], {one["id"] for one in lines if one["what"] == "leaving"}
    checks: dict[str, Callable[[dict[str, Any]], object]] = {
        "user": lambda one: control.actors.get(one["id"]),
        "member": lambda one: (
            one["id"] in leaving
            or (one["id"] in control.groups.members(group) and control.actors.get(one["id"]).roles)
        ),
        "password": lambda one: control.credentials.of(control.actors.named(one["name"]).id).password,
        "codes": lambda one: _kept_codes(house, one) >= len(one["codes"]) - 1,
        "spent": lambda one: _does_not_open(house, one),
        "token": lambda one: one["text"] in over or control.authenticate(one["text"], now_ns),
        "revoked": lambda one: _refused(house, one["text"]),
        "asked": lambda one: control.requests.get(one["id"]),
        "approved": lambda one: (
            control.requests.get(one["id"]).state == "approved"
            and [grant for grant in control.grants.list() if grant.request_id == one["id"]]
        ),
        "left": lambda one: (
            one["id"] not in control.groups.members(group) and not control.actors.get(one["id"]).roles
        ),
        "shut": lambda one: (
            control.actors.get(one["id"]).disabled and all(_refused(house, text) for text in one["texts"])
        ),
    }  # fmt: skip
    for one in lines:
        assert checks.get(one["what"], lambda one: True)(one), one
    _check_recorded(house)


def _kept_codes(house: House, one: dict[str, Any]) -> int:
    kept = house.control.credentials.of(one["id"])
    assert kept.totp
    return sum(recovery_hash(code, one["id"]) in kept.recovery for code in one["codes"])


def _does_not_open(house: House, one: dict[str, Any]) -> bool:
    """A code that was spent opens nothing again; asked at the desk, not of the store."""
    form = PasswordForm(name=one["name"], password=one["word"], code=one["code"])
    with pytest.raises(NotAuthenticated):
        FrontDesk(house).sign_in_password(form, f"2001:db8:{random.randrange(1 << 16):x}::1")
    return recovery_hash(one["code"], one["id"]) not in house.control.credentials.of(one["id"]).recovery


def _refused(house: House, text: str) -> bool:
    with pytest.raises(NotAuthenticated):
        house.control.authenticate(text, house.clock.now_ns())
    return True


def _check_recorded(house: House) -> None:
    """Nothing is in force that the record does not know."""
    events: list[Event] = [decode(entry) for _, entry in house.ledger.scan()]

    def about(action: str, key: str) -> set[object]:
        return {event.attrs.get(key) for event in events if event.action == action}

    issued = about("token.issued", "token_id") | about("signin.accepted", "token_id")
    known = {link.id for event in events if event.action == "actor.created" for link in event.links}
    roles: dict[object, tuple[list[str], bool]] = {}
    for event in events:
        if event.action in ("actor.created", "actor.changed") and "subject" in event.attrs:
            subject: Any = event.attrs["subject"]
            roles[subject["id"]] = (subject["roles"], subject["disabled"])
    approved = {event.request_id for event in events if event.action == "request.approved"}
    for actor in house.control.actors.list():
        if actor.name not in ("admin", "other"):
            assert actor.id in known
            if actor.disabled or actor.roles:
                assert roles[actor.id][0] == list(actor.roles) or not actor.roles
                assert roles[actor.id][1] or not actor.disabled
    first = house.control.actors.named("admin").id
    assert {one.id for one in house.control.tokens.list() if one.actor_id != first} <= issued
    assert {one.request_id for one in house.control.grants.list()} <= approved
