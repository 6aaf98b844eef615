"""The front: gateway, policy, masking, ledger and control. A signal drains it; its crash loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import uvloop

from ...api.server import ApiServer
from ...clock import SystemClock
from ...errors import GlasshatchError
from ...events import Outcome
from ...gateway import GatewayServer, Limits, Listen
from ..authority import PolicyAuthority, TokenAuthenticator
from ..config import Config, LoadedConfig, load_config, split_address
from ..desk import FrontDesk
from ..gaps import GapKeeper
from ..guarded import guarded_resource
from ..house import House
from ..limiting import make_usage
from .files import allow_files
from .gapwatch import open_gaps, watch_gaps
from .lifeline import Lifeline
from .link import LinkServer
from .policing import keep_policy
from .retaining import retain
from .supervisor import Part

_SWEEP_SECONDS = 0.5


def run_front(config: Path) -> None:
    """Run the front of a configuration until SIGTERM.

    Raises:
        ConfigError: A setting cannot be used, or a port is taken.
        Conflict: The data directory is open elsewhere.
        VerificationError: The ledger, keys or control store are damaged; nothing was started.
        Unavailable: The ledger halted, as on a full disk; what was acknowledged is durable.
    """
    lifeline = Lifeline()
    lifeline.wait()
    try:
        uvloop.run(_serve(load_config(config), lifeline))
    except BaseExceptionGroup as group:
        expected = group.subgroup(GlasshatchError)
        if expected is None:
            raise
        raise _first(expected) from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _serve(loaded: LoadedConfig, lifeline: Lifeline) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    house = await asyncio.to_thread(House, loaded, SystemClock())
    try:
        await _run(house, stop, lifeline)
    finally:
        await asyncio.to_thread(house.close)


async def _run(house: House, stop: asyncio.Event, lifeline: Lifeline) -> None:
    config = house.loaded.config
    gateway = _gateway(house)
    desk = FrontDesk(house, listening=config.gateway.postgres)
    api = ApiServer(desk, TokenAuthenticator(house.control, house.clock), house.home.front_socket)
    link = LinkServer(house.home.link_socket, house.ledgers.items, house.recorder)
    # The record says that we are here before anybody can connect.
    gaps = await asyncio.to_thread(_announce, house, lifeline.restarted)
    house.ledgers.recheck()
    async with asyncio.TaskGroup() as tasks:
        sweeping = tasks.create_task(_sweep(desk, stop))
        retaining = tasks.create_task(retain(house))
        policing = tasks.create_task(keep_policy(house))
        watching = tasks.create_task(watch_gaps(gaps, gateway))
        try:
            link.start()
            await api.start()
            await gateway.start()
            _warn(config)
            lifeline.ready(f"PostgreSQL on {config.gateway.postgres}")
            await stop.wait()
        finally:
            sweeping.cancel()
            retaining.cancel()
            policing.cancel()
            watching.cancel()
            halted = house.ledgers.error
            await gateway.stop(0 if halted else config.server.drain_seconds)
            await api.stop()
            if not halted:
                await asyncio.to_thread(house.note, "server.stopped", outcome=Outcome(status="success"))
            link.stop()
    if halted := house.ledgers.error:
        raise halted


def _warn(config: Config) -> None:
    if complaint := allow_files(config.gateway.sessions):
        sys.stderr.write(f"glasshatch: {complaint}\n")
    for name, resource in config.resources.items():
        if resource.mode == "dry-run":
            sys.stderr.write(
                f"glasshatch: DRY RUN: answers of {name} pass IN CLEAR, only secrets are masked\n"
            )


def _announce(house: House, restarted: str) -> GapKeeper:
    """Record the start, and the ends of the sessions that an earlier front left open."""
    if restarted:
        house.note("process.restarted", attrs={"part": Part.front.value, "ended": restarted})
    house.announce_start()
    gaps = open_gaps(house)
    gaps.settle()
    return gaps


async def _sweep(desk: FrontDesk, stop: asyncio.Event) -> None:
    """Let requests and grants run out, and end the server when a ledger has halted."""
    while not desk.halted:
        await asyncio.sleep(_SWEEP_SECONDS)
        try:
            await asyncio.to_thread(desk.sweep)
        except GlasshatchError:
            if not desk.halted:
                raise
    # Nothing can be recorded any more, so nothing may pass: stop, and say why in the exit.
    stop.set()


def _imaged(loaded: LoadedConfig) -> list[str]:
    sections = loaded.config.resources.items()
    return [f"{one.type}/{name}" for name, one in sections if one.before_images == "required"]


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
        [guarded_resource(loaded, name, house.masking) for name in loaded.config.resources],
        authenticator=TokenAuthenticator(house.control, house.clock),
        authority=PolicyAuthority(lambda: house.policy, house.control, house.clock, _imaged(loaded)),
        sink=house.recorder,
        redactor=house.redactor,
        clock=house.clock,
        random_bytes=os.urandom,
        tenant=house.tenant,
        instance=str(os.getpid()),
        limits=Limits(
            record_ns=section.record_timeout_seconds * 10**9,
            heartbeat_ns=section.heartbeat_seconds * 10**9,
            sessions=section.sessions,
        ),
        usage=make_usage(loaded),
    )
