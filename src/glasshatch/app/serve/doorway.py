"""The gateway of a server: its listener, resources and limits as the configuration says them."""

from __future__ import annotations

import os
import socket

import msgspec

from ...clock import Clock
from ...errors import ConfigError
from ...events import EventSink
from ...gateway import (
    Authenticator,
    Authority,
    EndingSource,
    GatewayServer,
    Limiter,
    Limits,
    Listen,
    Reviewing,
    Siblings,
)
from ...masking import MaskingPolicy, Redactor
from ..config import LoadedConfig, split_address
from ..guarded import guarded_resource
from ..home import Home


class Ground(msgspec.Struct, frozen=True):
    """What a gateway stands on: the front has it all, a worker asks for some of it."""

    loaded: LoadedConfig
    clock: Clock
    redactor: Redactor
    masking: MaskingPolicy
    sink: EventSink
    authenticator: Authenticator
    authority: Authority
    usage: Limiter
    siblings: Siblings | None = None
    endings: EndingSource | None = None
    reviewing: Reviewing | None = None


def make_gateway(ground: Ground) -> GatewayServer:
    """The gateway of a configuration.

    Raises:
        ConfigError: An address or a secret cannot be used.
    """
    loaded, section = ground.loaded, ground.loaded.config.gateway
    host, port = split_address(section.postgres, key="gateway.postgres", file=str(loaded.file))
    listen = Listen(
        host=host,
        port=port,
        tls_certificate=str(loaded.path(section.tls_certificate)) if section.tls_certificate else "",
        tls_key=str(loaded.path(section.tls_key)) if section.tls_key else "",
        clients_authority=str(Home(loaded.data).clients_authority),
    )
    return GatewayServer(
        listen,
        [guarded_resource(loaded, name, ground.masking) for name in loaded.config.resources],
        authenticator=ground.authenticator,
        authority=ground.authority,
        sink=ground.sink,
        redactor=ground.redactor,
        clock=ground.clock,
        random_bytes=os.urandom,
        tenant=loaded.config.tenant,
        instance=str(os.getpid()),
        limits=Limits(
            record_ns=section.record_timeout_seconds * 10**9,
            heartbeat_ns=section.heartbeat_seconds * 10**9,
            sessions=section.sessions,
        ),
        usage=ground.usage,
        siblings=ground.siblings,
        endings=ground.endings,
        reviewing=ground.reviewing,
    )


def imaged(loaded: LoadedConfig) -> list[str]:
    """The resources where what is approved must leave a before-image, by id."""
    sections = loaded.config.resources.items()
    return [f"{one.type}/{name}" for name, one in sections if one.before_images == "required"]


def demand_free(host: str, port: int) -> None:
    """See that nobody listens there: processes that share a port are not told that somebody else has it.

    Raises:
        ConfigError: The address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {host}:{port}: {error.strerror or type(error).__name__}",
                key="gateway.postgres",
                hint="choose a free port of this machine, or stop what uses it",
            ) from None
