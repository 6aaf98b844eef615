"""How a kind of source receives by another way than HTTP or files: what it is given, and what it must be.

Only values and promises: what opens sockets is a `receive.py` in the source's folder, imported when a
receiver of the configuration needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from ..errors import ConfigError
from ..events import Actor

if TYPE_CHECKING:
    import ssl

    from .forms import Options
    from .items import Item
    from .result import IntakeResult


class Way(msgspec.Struct, frozen=True):
    """A protocol by which a kind receives: what it is, and whether it is encrypted."""

    says: str
    tls: bool = False


class Listening(msgspec.Struct, frozen=True):
    """Where and how one receiver listens, as the configuration says it; the server has checked it.

    kind, name: of which feed. protocol: one of the kind's ways. certificate, key: PEM files, for a way with
    TLS. client_ca: PEM file of those whose certificates senders must show; empty for anybody. options: as a
    delivery has them.
    """

    kind: str
    name: str
    protocol: str
    host: str
    port: int
    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    options: Mapping[str, str] = {}

    def __str__(self) -> str:
        return f"{self.kind}/{self.name} on {self.protocol} {self.address}"

    @property
    def address(self) -> str:
        """The address as it is written."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Door(Protocol):
    """What the server gives a receiver. Every method may wait, and is safe from any thread: an event loop
    calls them in another one, but for `allows`, which only computes."""

    def allows(self, address: str) -> bool:
        """Whether who comes from this IP address may deliver here."""

    def refuse(self, address: str, reason: str) -> None:
        """Count that somebody was turned away; recorded once an hour for each address. Never raises."""

    def identify(self, token: str, address: str) -> Actor:
        """Who holds this token, which must have the scope `ingest:KIND/NAME`.

        Raises:
            Denied: It does not open this feed; that was counted as `refuse` counts.
        """

    def take(self, items: Sequence[Item], by: Actor | None = None) -> IntakeResult:
        """Record whole items; durable when this returns, as in `Intake.take_items`, which it raises like."""

    def deliver(self, body: bytes, by: Actor | None = None, options: Options | None = None) -> IntakeResult:
        """Record the items of a body; as `Intake.take`, which it raises like."""

    def lost(self, count: int, of: str, reason: str) -> None:
        """So many of something (`datagrams`) came and could not be taken: counted, and recorded as
        `recording.gap` within a minute. Never raises."""


class Counts(msgspec.Struct, frozen=True):
    """What a receiver has met since it started: connections that are open, whole items that came, and what
    is wrong at this moment, in words without values; empty if nothing is."""

    connections: int = 0
    received: int = 0
    problem: str = ""


class Receiver(Protocol):
    """One receiver at work, on the server's event loop."""

    async def start(self) -> None:
        """Listen; raises `ConfigError` if the address is taken or not ours."""

    async def stop(self) -> None:
        """Listen no more, and hand over what came; returns within some seconds whatever happens."""

    def counts(self) -> Counts:
        """How it is doing."""


class Receive(msgspec.Struct, frozen=True):
    """That a kind of source receives by itself.

    ways: its protocols by name. open: a receiver, not yet listening; imports what it needs. tokens: whether
    senders prove who they are with a token; where not, only their networks and certificates tell them.
    """

    ways: dict[str, Way]
    open: Callable[[Listening, Door], Receiver]
    tokens: bool = False


def cannot_listen(listening: Listening, error: OSError) -> ConfigError:
    """What a receiver raises whose address is taken or not ours."""
    return ConfigError(
        f"{listening.kind}/{listening.name} cannot listen on {listening.protocol} {listening.address}: "
        f"{error.strerror or type(error).__name__}",
        key="receivers.listen", hint="choose a free port of this machine, or stop what uses it",
    )  # fmt: skip


def server_context(listening: Listening) -> ssl.SSLContext:
    """TLS from 1.2 on, with the receiver's certificate; senders must show one of theirs if it names a
    `client_ca`.

    Raises:
        ConfigError: A file cannot be used; says which.
    """
    import ssl  # costs time and is rarely needed

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listening.certificate, listening.key)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the certificate or its key cannot be used: {type(error).__name__}", file=listening.certificate,
            key="receivers.tls_certificate", hint="PEM files, the key without a passphrase",
        ) from None  # fmt: skip
    if listening.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(listening.client_ca)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"no authority can be read: {type(error).__name__}", file=listening.client_ca,
                key="receivers.tls_client_ca", hint="a PEM file with their authority's certificate",
            ) from None  # fmt: skip
    return context
