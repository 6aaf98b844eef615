"""The receivers of a configuration, looked at key by key before anything listens."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from ...errors import ConfigError
from ...sources import Listening, Receive, SourceKind, Way, server_context
from ..config import LoadedConfig, split_address
from .sections import ReceiverSection

_LOOPBACK = ("127.0.0.0/8", "::1")
_EVERYBODY = ("0.0.0.0/0", "::/0")
_KNOWN_ADDRESSES = 10_000


class Networks:
    """Addresses and networks; asking whether an address is in them costs little the second time."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises `ValueError` for what is neither."""
        self._texts = tuple(texts)
        self._all = [ipaddress.ip_network(text, strict=False) for text in texts]
        self.hold = lru_cache(_KNOWN_ADDRESSES)(self._hold)

    def __str__(self) -> str:
        return "anywhere" if self._texts == _EVERYBODY else ", ".join(self._texts)

    def _hold(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        # A socket for both families tells IPv4 senders in IPv6's words.
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._all)


class Planned(msgspec.Struct, frozen=True):
    """A receiver that was checked: where it listens, and who may come."""

    listening: Listening
    receive: Receive
    networks: Networks


class ReceiverStanding(msgspec.Struct, frozen=True):
    """How a receiver is doing since the server started."""

    listening: Listening
    connections: int
    received: int
    refused: int
    lost: int
    problem: str


def plan_receivers(loaded: LoadedConfig, kinds: Mapping[str, SourceKind]) -> list[Planned]:
    """The receivers of a configuration, in its order.

    Raises:
        ConfigError: Names the receiver, what is wrong with it, and the cure.
    """
    planned = [_Checked(loaded, section, kinds).planned() for section in loaded.config.receivers]
    taken: dict[tuple[bool, str], Listening] = {}
    for one in planned:
        place = (one.listening.protocol == "udp", one.listening.address)
        if place in taken:
            raise ConfigError(
                f"{taken[place]} and {one.listening} would listen at the same place", file=str(loaded.file),
                key="receivers.listen", hint="give each a port of its own",
            )  # fmt: skip
        taken[place] = one.listening
    return planned


class _Checked:
    """One section, looked at key by key."""

    def __init__(
        self, loaded: LoadedConfig, section: ReceiverSection, kinds: Mapping[str, SourceKind]
    ) -> None:
        self._loaded = loaded
        self._section = section
        self._kinds = kinds
        self._kind, _, self._name = section.source.partition("/")

    def planned(self) -> Planned:
        receive = self._receive()
        way = self._way(receive)
        host, port = split_address(self._section.listen, key="receivers.listen", file=str(self._loaded.file))
        self._check_options()
        self._check_tls(way)
        paths = {
            name: str(self._loaded.path(value)) if value else ""
            for name, value in (
                ("certificate", self._section.tls_certificate),
                ("key", self._section.tls_key),
                ("client_ca", self._section.tls_client_ca),
            )
        }
        listening = Listening(
            self._kind, self._name, self._section.protocol, host, port, options=self._section.options, **paths
        )
        networks = self._networks(receive, way, listening)
        if way.tls:
            server_context(listening)  # a bad file stops the start, and not the first sender
        return Planned(listening, receive, networks)

    def _receive(self) -> Receive:
        kind = self._kinds.get(self._kind)
        if kind is None or kind.receive is None:
            able = ", ".join(sorted(name for name, one in self._kinds.items() if one.receive is not None))
            raise self._wrong("source", f"{self._kind} receives nothing by itself", f"these do: {able}")
        if any(letter in self._name for letter in "*?"):
            raise self._wrong("source", "is a pattern", "write one name, as in syslog/office")
        return kind.receive

    def _way(self, receive: Receive) -> Way:
        way = receive.ways.get(self._section.protocol)
        if way is None:
            known = ", ".join(receive.ways)
            raise self._wrong(
                "protocol", f"{self._kind} has no protocol of this name", f"write one of {known}"
            )
        return way

    def _check_options(self) -> None:
        known = self._kinds[self._kind].options
        if unknown := sorted(set(self._section.options) - set(known)):
            hint = f"there are: {', '.join(known) or 'none'}"
            raise self._wrong("options", f"{self._kind} has no option {unknown[0][:40]!r}", hint)
        self._kinds[self._kind].form(self._section.options)

    def _check_tls(self, way: Way) -> None:
        section = self._section
        if way.tls and not (section.tls_certificate and section.tls_key):
            raise self._wrong(
                "tls_certificate",
                f"{section.protocol} needs tls_certificate and tls_key",
                "name two PEM files",
            )
        if not way.tls and (section.tls_certificate or section.tls_key or section.tls_client_ca):
            raise self._wrong(
                "protocol", f"{section.protocol} is not encrypted, and certificates are named",
                "take a protocol with TLS, or leave them out",
            )  # fmt: skip

    def _networks(self, receive: Receive, way: Way, listening: Listening) -> Networks:
        """Who may come. Whom nothing tells comes from this machine, unless networks are named."""
        section, near = self._section, _is_loopback(listening.host)
        proven = receive.tokens or bool(section.tls_client_ca)
        if receive.tokens and not way.tls and not near:
            raise self._wrong(
                "protocol",
                "would let tokens travel in clear",
                "take a protocol with TLS, or listen on 127.0.0.1",
            )
        if not near and not proven and not section.allow:
            raise self._wrong(
                "allow", f"{section.listen} is open to other machines, and nothing says which may send",
                'name their networks, as in allow = ["10.1.0.0/16"], or name a tls_client_ca',
            )  # fmt: skip
        try:
            return Networks(section.allow or (_EVERYBODY if proven else _LOOPBACK))
        except ValueError:
            raise self._wrong(
                "allow", "holds something that is no address or network", 'as in ["10.1.0.0/16", "192.0.2.7"]'
            ) from None

    def _wrong(self, key: str, message: str, hint: str) -> ConfigError:
        file, key = str(self._loaded.file), f"receivers.{self._section.source}.{key}"
        return ConfigError(message, file=file, key=key, hint=hint)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def say_receivers(loaded: LoadedConfig, kinds: Mapping[str, SourceKind]) -> str:
    """What the receivers will do, for people; raises like `plan_receivers`."""
    said = []
    for one in plan_receivers(loaded, kinds):
        said.append(f"{one.listening} from {one.networks}{_state(one.listening)}")
    return "; ".join(said)


def _state(listening: Listening) -> str:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    kind = socket.SOCK_DGRAM if listening.protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:  # for datagrams it would let two have one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listening.host, listening.port))
        except OSError as error:
            return f" (not free now: {error.strerror})"
    return " (free now)"
