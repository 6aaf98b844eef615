"""Guessing at an opened house: it is slowed, a restart does not forget it, and one code opens once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pyotp
import pytest

from glasshatch.api.signin_values import FactorForm, PasswordChange, PasswordForm
from glasshatch.api.values import ActorForm, TokenForm
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.app.signin.knocking import Knocking
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, Conflict, Denied, NotAuthenticated
from glasshatch.events import decode
from glasshatch.identity import Identity

PASSWORD, SECOND = "violet harbour unfolds", 10**9
ADDRESS, OTHER = "203.0.113.7", "198.51.100.9"


class World(msgspec.Struct):
    """A house on a directory with a clock that stands still, its desk, and who is there."""

    directory: Path
    clock: ManualClock
    house: House
    desk: FrontDesk

    def reopen(self, **identity: Any) -> None:
        """Close and open it again, as a restart does."""
        self.house.close()
        loaded = load_config(config_of(self.directory))
        if identity:
            section = msgspec.structs.replace(loaded.config.identity, **identity)
            config = msgspec.structs.replace(loaded.config, identity=section)
            loaded = msgspec.structs.replace(loaded, config=config)
        self.house = House(loaded, self.clock)
        self.desk = FrontDesk(self.house)

    def who(self, name: str) -> Identity:
        return self.house.control.actors.named(name)

    def attempt(self, name: str, password: str, address: str = ADDRESS, code: str = "") -> Any:
        return self.desk.sign_in_password(PasswordForm(name=name, password=password, code=code), address)

    def events(self, action: str) -> list[Any]:
        found = (decode(data) for _, data in self.house.ledger.scan(0))
        return [event for event in found if event.action == action]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    directory, clock = tmp_path / "home", ManualClock(1_800_000_000 * SECOND)
    create_home(directory, admin="admin", clock=clock)
    house = House(load_config(config_of(directory)), clock)
    made = World(directory, clock, house, FrontDesk(house))
    admin = made.who("admin")
    for name in ("dora", "emil"):
        made.desk.create_actor(admin, ActorForm(name=name, roles=("engineer",)))
        made.desk.set_password(admin, name, PasswordChange(password=PASSWORD), "")
    yield made
    made.house.close()


def fail(world: World, name: str, times: int, address: str = ADDRESS) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated, match="not accepted"):
            world.attempt(name, "wrong", address)


def test_an_account_is_slowed_for_every_address_also_after_a_restart(world: World) -> None:
    fail(world, "dora", 5)
    for address in (ADDRESS, OTHER):
        with pytest.raises(NotAuthenticated, match="nothing is looked at for 1 s"):
            world.attempt("dora", PASSWORD, address)
    world.reopen()
    with pytest.raises(NotAuthenticated, match="nothing is looked at for 1 s"):
        world.attempt("dora", PASSWORD, OTHER)
    # Others from elsewhere do not notice; and when the time is over, the right one comes in and starts anew.
    assert world.attempt("emil", PASSWORD, OTHER).actor == "emil"
    world.clock.advance(SECOND)
    assert world.attempt("dora", PASSWORD, OTHER).actor == "dora"
    fail(world, "dora", 5, "192.0.2.1")


def test_an_address_is_slowed_for_every_name(world: World) -> None:
    for number in range(5):
        fail(world, f"somebody-{number}", 1, f"2001:db8:1:2::{number}")
    with pytest.raises(NotAuthenticated, match="nothing is looked at"):
        world.attempt("dora", PASSWORD, "2001:db8:1:2::ffff")
    assert world.attempt("dora", PASSWORD, "2001:db8:1:3::1").actor == "dora"
    # An own account does not make an address innocent again: success takes back its own attempt alone.
    world.clock.advance(SECOND)
    assert world.attempt("emil", PASSWORD, "2001:db8:1:2::1").actor == "emil"
    fail(world, "dora", 1, "2001:db8:1:2::1")
    with pytest.raises(NotAuthenticated, match="for 2 s"):
        world.attempt("emil", PASSWORD, "2001:db8:1:2::1")


def test_it_is_recorded_and_loud_when_it_lasts(world: World) -> None:
    for _ in range(12):
        with pytest.raises(NotAuthenticated):
            world.attempt("dora", "not it at all")
        world.clock.advance(400 * SECOND)
    refused, slowed = world.events("signin.refused"), world.events("signin.slowed")
    assert {event.actor.name for event in refused} == {"dora"}
    assert {event.client.ip for event in refused} == {ADDRESS}
    assert slowed[-1].severity == 4
    assert slowed[-1].attrs["wait_s"] >= 60
    fail(world, "my-password-by-mistake", 1, OTHER)
    assert world.events("signin.refused")[-1].actor is None
    for event in (*refused, *slowed, world.events("signin.refused")[-1]):
        text = msgspec.json.encode(event).decode()
        assert "not it at all" not in text
        assert "my-password-by-mistake" not in text


def test_a_recovery_code_opens_once_also_for_two_at_the_same_moment(world: World) -> None:
    admin = world.who("admin")
    begun = world.desk.begin_factor(admin, "dora")
    now_s = world.clock.now_ns() // SECOND
    codes = world.desk.confirm_factor(
        admin, "dora", FactorForm(code=pyotp.TOTP(begun.secret).at(now_s))
    ).codes

    def use(number: int) -> bool:
        try:
            return bool(world.attempt("dora", PASSWORD, f"192.0.2.{number}", codes[0]))
        except NotAuthenticated:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(use, range(4))) == 1
    world.clock.advance(3_600 * SECOND)
    later = pyotp.TOTP(begun.secret).at(world.clock.now_ns() // SECOND)
    assert world.attempt("dora", PASSWORD, OTHER, later).actor == "dora"
    assert not use(9)


def test_a_second_factor_can_be_required(world: World) -> None:
    world.reopen(second_factor="required")
    with pytest.raises(Denied, match="second factor is required"):
        world.attempt("dora", PASSWORD)


def test_who_changes_what(world: World) -> None:
    desk, dora, admin = world.desk, world.who("dora"), world.who("admin")
    fresh = "seven quiet lanterns"
    with pytest.raises(NotAuthenticated):
        desk.set_password(dora, "dora", PasswordChange(password=fresh, current="wrong"), ADDRESS)
    with pytest.raises(Denied):
        desk.set_password(dora, "emil", PasswordChange(password=fresh), ADDRESS)
    desk.set_password(dora, "dora", PasswordChange(password=fresh, current=PASSWORD), ADDRESS)
    assert world.attempt("dora", fresh).actor == "dora"
    with pytest.raises(ConfigError, match="12 to 256"):
        desk.set_password(admin, "dora", PasswordChange(password="short"), "")
    with pytest.raises(Denied):
        desk.drop_factor(dora, "dora")
    with pytest.raises(Conflict):
        desk.drop_factor(admin, "admin")
    desk.create_actor(admin, ActorForm(name="etl", type="service", roles=("engineer",)))
    for call in (
        lambda: desk.set_password(admin, "etl", PasswordChange(password=fresh), ""),
        lambda: desk.begin_factor(admin, "etl"),
    ):
        with pytest.raises(ConfigError, match="no human"):
            call()
    kinds = [(event.attrs["what"], event.attrs["own"]) for event in world.events("credential.changed")]
    assert kinds[-1] == ("password", True)


def test_secrets_lie_in_no_file(world: World) -> None:
    begun = world.desk.begin_factor(world.who("admin"), "dora")
    code = pyotp.TOTP(begun.secret).at(world.clock.now_ns() // SECOND)
    codes = world.desk.confirm_factor(world.who("admin"), "dora", FactorForm(code=code)).codes
    token = world.attempt("dora", PASSWORD, code=codes[0]).token
    world.house.close()
    needles = [PASSWORD, begun.secret, *codes, *(one.replace("-", "") for one in codes), token.split("_")[2]]
    for file in world.directory.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [needle for needle in needles if needle.encode() in data], file
    world.house = House(load_config(config_of(world.directory)), world.clock)


def test_who_tries_a_token_that_is_over_is_recorded_once_an_hour(world: World) -> None:
    desk, knocking, admin = world.desk, Knocking(world.house), world.who("admin")
    issued = desk.issue_token(admin, TokenForm(actor="dora", lifetime_s=3_600))
    assert knocking.identify(issued.text, "").name == "dora"
    desk.revoke_token(admin, issued.id)
    for wait, told in ((0, 1), (1, 1), (3_600, 2)):
        world.clock.advance(wait * SECOND)
        for text in (issued.text, f"{issued.text[:-1]}{'a' if issued.text[-1] != 'a' else 'b'}", "gh_none"):
            with pytest.raises(NotAuthenticated):
                knocking.identify(text, "")
        assert len(world.events("signin.refused")) == told
    last = world.events("signin.refused")[-1]
    assert (last.actor.name, last.outcome.code) == ("dora", "revoked")
    assert last.attrs["way"] == "token"


def test_what_ended_a_month_ago_leaves_the_store_and_its_events_stay(world: World) -> None:
    admin, days = world.who("admin"), 86_400 * SECOND
    short = world.desk.issue_token(admin, TokenForm(actor="dora", lifetime_s=3_600))
    long = world.desk.issue_token(admin, TokenForm(actor="dora", lifetime_s=90 * 86_400))
    world.desk.sweep()
    for wait, kept in ((days, 2), (29 * days, 2), (3_700 * SECOND, 1)):
        world.clock.advance(wait)
        world.desk.sweep()
        assert len(world.house.control.tokens.list(world.who("dora").id)) == kept
    (pruned,) = world.events("token.pruned")
    assert (pruned.attrs["what"], pruned.attrs["count"]) == ("tokens", 1)
    assert {short.id, long.id} <= {one.attrs.get("token_id") for one in world.events("token.issued")}
    world.reopen()
    now_ns, control = world.clock.now_ns(), world.house.control
    with pytest.raises(NotAuthenticated, match="not accepted"):
        control.authenticate(short.text, now_ns)
    assert control.authenticate(long.text, now_ns)[0].name == "dora"
