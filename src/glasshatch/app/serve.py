"""`glasshatch serve`: everything up in order, down in reverse; a signal drains, a second one hurries."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from ..api.server import ApiServer
from ..clock import SystemClock
from ..events import Outcome
from ..gateway import GatewayServer, GuardedResource, Limits, Listen, PostgresTarget
from ..policy import ResourceFacts
from .authority import PolicyAuthority, TokenAuthenticator
from .config import LoadedConfig, ResourceSection, load_config, read_secret, split_address
from .desk import ServerDesk
from .house import House

Announce = Callable[[str], None]
_SWEEP_SECONDS = 0.5
# One busy Python thread must not hold the loop for the default 5 ms (measured: 10 ms against 18 µs).
_SWITCH_SECONDS = 0.0001


def serve_forever(config: Path, announce: Announce) -> None:
    """Run the server of a configuration until SIGTERM or SIGINT.

    Raises:
        ConfigError: A setting cannot be used, or a port is taken.
        Conflict: The data directory is open elsewhere.
        VerificationError: The ledger, keys or control store are damaged; nothing was started.
    """
    loaded = load_config(config)
    os.umask(0o077)
    sys.setswitchinterval(_SWITCH_SECONDS)
    uvloop.run(_serve(loaded, announce))


async def _serve(loaded: LoadedConfig, announce: Announce) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    house = await asyncio.to_thread(House, loaded, SystemClock())
    try:
        await _run(house, stop, announce)
    finally:
        await asyncio.to_thread(house.close)


async def _run(house: House, stop: asyncio.Event, announce: Announce) -> None:
    config = house.loaded.config
    gateway = _gateway(house)
    authenticator = TokenAuthenticator(house.control, house.clock)
    desk = ServerDesk(house, listening=config.gateway.postgres)
    # The record says that we are here before anybody can connect.
    await asyncio.to_thread(house.announce_start)
    async with asyncio.TaskGroup() as tasks:
        background = [tasks.create_task(_sweep(desk))]
        api = ApiServer(desk, authenticator, house.home.socket, config.server.api)
        try:
            await api.start()
            await gateway.start()
            announce(f"ready: PostgreSQL on {config.gateway.postgres}, API on unix:{house.home.socket}")
            await stop.wait()
            announce("stopping: running statements may finish")
        finally:
            await gateway.stop(config.server.drain_seconds)
            await api.stop()
            for task in background:
                task.cancel()
            await asyncio.to_thread(house.note, "server.stopped", outcome=Outcome(status="success"))


async def _sweep(desk: ServerDesk) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        await asyncio.to_thread(desk.sweep)


def _gateway(house: House) -> GatewayServer:
    loaded, section = house.loaded, house.loaded.config.gateway
    host, port = split_address(section.postgres, key="gateway.postgres", file=str(loaded.file))
    listen = Listen(
        host=host,
        port=port,
        tls_certificate=str(loaded.path(section.tls_certificate)) if section.tls_certificate else "",
        tls_key=str(loaded.path(section.tls_key)) if section.tls_key else "",
    )
    return GatewayServer(
        listen,
        [_guarded(loaded, name, resource) for name, resource in loaded.config.resources.items()],
        authenticator=TokenAuthenticator(house.control, house.clock),
        authority=PolicyAuthority(house.policy, house.control, house.clock),
        sink=house.recorder,
        redactor=house.redactor,
        clock=house.clock,
        random_bytes=os.urandom,
        tenant=house.tenant,
        instance=str(os.getpid()),
        limits=Limits(record_ns=section.record_timeout_seconds * 10**9),
    )


def _guarded(loaded: LoadedConfig, name: str, resource: ResourceSection) -> GuardedResource:
    key, reference = f"resources.{name}.password", loaded.reference(resource.password)
    # Read once now, so that a missing secret stops the start and not the first session at 3 a.m.
    read_secret(reference, key=key, file=str(loaded.file))
    target = PostgresTarget(
        host=resource.host,
        port=resource.port,
        user=resource.user,
        password=lambda: read_secret(reference, key=key, file=str(loaded.file)),
        database=resource.database,
        tls=resource.tls,
        tls_ca=str(loaded.path(resource.tls_ca)) if resource.tls_ca else "",
    )
    facts = ResourceFacts(type=resource.type, name=name, env=resource.env, labels=resource.labels)
    return GuardedResource(facts, target, resource.columns)
