"""A receiver that cannot be meant stops the start and says why; its door lets in who may, tells the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.feeds.door import Doorkeeper
from glasshatch.app.feeds.planning import Networks, Planned, plan_receivers
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.app.tls import create_gateway_certificate
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError, Denied
from glasshatch.events import Event, decode
from glasshatch.sources import SOURCES, Counts, Door, Item, Listening, Receive, Receiver, SourceKind, Way

HOUR_NS = 3_600 * 10**9


class Deaf:
    """A receiver that opens nothing."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def counts(self) -> Counts:
        return Counts()


def _open(listening: Listening, door: Door) -> Receiver:
    return Deaf()


WAYS = {"udp": Way("datagrams"), "tls": Way("a connection with TLS", tls=True)}
RADIO = msgspec.structs.replace(SOURCES["json"], name="radio", receive=Receive(WAYS, _open))
GUARDED = msgspec.structs.replace(RADIO, name="guarded", receive=Receive(WAYS, _open, tokens=True))
KINDS: dict[str, SourceKind] = {**SOURCES, "radio": RADIO, "guarded": GUARDED}


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    return msgspec.json.encode(value).decode()


def plan(folder: Path, source: str = "radio/one", **keys: object) -> Planned:
    """The receiver of a section with these keys."""
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items())
    file = folder / "glasshatch.toml"
    file.write_text(f'version = 1\n[[receivers]]\nsource = "{source}"\n{lines}')
    (found,) = plan_receivers(load_config(file), KINDS)
    return found


NEAR, FAR = "127.0.0.1:5514", "0.0.0.0:5514"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"source": "smoke/one"}, "smoke receives nothing by itself.*radio"),
        ({"source": "pgaudit/one"}, "pgaudit receives nothing by itself"),
        ({"source": "radio/*"}, "is a pattern"),
        ({"protocol": "tcp"}, "no protocol of this name.*udp, tls"),
        ({"listen": "5514"}, "is not an address"),
        ({"options": {"zone": "UTC"}}, "no option 'zone'"),
        ({"protocol": "tls"}, "needs tls_certificate and tls_key"),
        ({"protocol": "tls", "tls_certificate": "no.crt", "tls_key": "no.key"}, r"no\.crt.*cannot be used"),
        ({"tls_certificate": "a.crt", "tls_key": "a.key"}, "is not encrypted"),
        ({"listen": FAR}, "open to other machines.*allow"),
        ({"listen": "[::]:5514"}, "open to other machines"),
        ({"allow": ["10.0.0.0/33"]}, "no address or network"),
        ({"source": "guarded/one", "listen": FAR, "allow": ["10.0.0.0/8"]}, "tokens travel in clear"),
    ],
)
def test_a_receiver_that_cannot_be_meant_names_its_key(
    tmp_path: Path, keys: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        plan(tmp_path, **({"protocol": "udp", "listen": NEAR} | keys))  # type: ignore[arg-type]
    assert refused.value.hint


def test_two_receivers_have_two_places(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    one, other = (
        f'[[receivers]]\nsource = "radio/{name}"\nprotocol = "udp"\nlisten = "{NEAR}"\n' for name in "ab"
    )
    file.write_text(f"version = 1\n{one}{other}")
    with pytest.raises(ConfigError, match=r"radio/a on udp .* and radio/b on udp .* at the same place"):
        plan_receivers(load_config(file), KINDS)


def test_a_sender_is_from_here_unless_networks_certificates_or_tokens_say_more(tmp_path: Path) -> None:
    create_gateway_certificate(tmp_path, SystemClock())
    tls = {"protocol": "tls", "tls_certificate": "gateway.crt", "tls_key": "gateway.key"}
    near = plan(tmp_path, protocol="udp", listen=NEAR).networks
    assert near.hold("127.0.0.1")
    assert near.hold("::1")
    assert not near.hold("10.0.0.1")
    proven = plan(tmp_path, listen=FAR, tls_client_ca="gateway.crt", **tls).networks
    assert proven.hold("203.0.113.9")
    named = plan(tmp_path, listen=FAR, allow=["10.0.0.0/8", "2001:db8::/32"], **tls).networks
    assert not named.hold("127.0.0.1")
    assert named.hold("::ffff:10.1.2.3")
    assert named.hold("2001:db8::5%eth0")
    assert not named.hold("nonsense")
    assert plan(tmp_path, source="guarded/one", listen=FAR, **tls).networks.hold("203.0.113.9")


class LaterClock(SystemClock):
    """The real clock, which a test sets ahead."""

    ahead_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def house(tmp_path: Path, clock: LaterClock) -> Iterator[House]:
    create_home(tmp_path / "home")
    house = House(load_config(config_of(tmp_path / "home")), clock)
    house.sources["radio"] = RADIO
    yield house
    house.close()


def told(house: House, action: str) -> list[Event]:
    """What was recorded, oldest first."""
    events = [decode(data) for _, data in house.ledger.scan()]
    return [one for one in events if one.action == action]


def door_of(house: House) -> Doorkeeper:
    return Doorkeeper(house, Listening("json", "one", "udp", "127.0.0.1", 5514), Networks(["127.0.0.1"]))


def test_who_is_refused_is_told_once_an_hour(house: House, clock: LaterClock) -> None:
    door = door_of(house)
    for _ in range(3):
        door.refuse("10.0.0.9", "is in none of the networks")
        door.tell()
    (first,) = told(house, "source.refused")
    assert first.client is not None
    assert first.resource is not None
    assert (first.client.ip, first.resource.id, door.refused) == ("10.0.0.9", "json/one", 3)
    clock.ahead_ns = HOUR_NS
    door.refuse("10.0.0.9", "is in none of the networks")
    door.tell()
    assert len(told(house, "source.refused")) == 2


def test_a_flood_of_addresses_fills_no_record(house: House, clock: LaterClock) -> None:
    door = door_of(house)
    for number in range(1_000):
        door.refuse(f"10.0.{number >> 8}.{number & 255}", "is in none of the networks")
        if number % 100 == 0:
            door.tell()
    door.tell()
    assert len(told(house, "source.refused")) == 100
    clock.ahead_ns = HOUR_NS
    door.tell()
    last = told(house, "source.refused")[100:]
    assert [one.outcome.reason for one in last if one.outcome] == [
        "900 more times addresses that may not send came"
    ]
    assert door.refused == 1_000


def test_a_token_that_opens_nothing_is_refused_and_told(house: House) -> None:
    door = door_of(house)
    with pytest.raises(Denied):
        door.identify("gh_" + "a" * 16 + "_" + "b" * 52, "10.0.0.9")
    door.tell()
    assert len(told(house, "source.refused")) == 1


def test_a_loss_is_told_at_once_and_what_follows_within_a_minute(house: House, clock: LaterClock) -> None:
    door = door_of(house)
    door.lost(3, "datagrams", "the buffer was full")
    door.tell()
    door.lost(4, "datagrams", "the buffer was full")
    door.lost(5, "datagrams", "the buffer was full")
    door.tell()
    assert [one.attrs["count"] for one in told(house, "recording.gap")] == [3]
    clock.ahead_ns = HOUR_NS // 60
    door.tell()
    gaps = told(house, "recording.gap")
    assert [one.attrs["count"] for one in gaps] == [3, 9]
    assert gaps[1].source.kind == "json"
    with house.intake.feeds() as feeds:
        (standing,) = feeds.standings()
    assert (standing.gaps, door.lost_count) == (2, 12)


def test_items_of_a_receiver_are_recorded_and_a_bad_one_is_quarantined(house: House) -> None:
    door = door_of(house)
    items = [
        Item(1, {"id": "a", "action": "order.paid"}, b"{}"),
        Item(2, None, b"junk", "is not JSON", "boot 2", "10.0.0.9"),
    ]
    first, again = door.take(items), door.take(items)
    assert (first.accepted, first.quarantined) == (1, 1)
    assert (again.accepted, again.quarantined, again.duplicates) == (0, 0, 2)
    (junk,) = told(house, "intake.quarantined")
    (link,) = junk.links
    assert link.rel == "sent_by"
    assert link.id.startswith("<IP:")  # of an application's feed an address may be a customer's
    assert len(told(house, "order.paid")) == 1
