"""The front: gateway, policy, masking, ledger and control. A signal drains it; its crash loses nothing."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from ...api.server import ApiServer
from ...clock import SystemClock
from ...errors import GlasshatchError, Unavailable
from ...events import Outcome
from ...gateway import GatewayServer
from ..authority import PolicyAuthority, TokenAuthenticator
from ..breakglass.entering import GlassAuthenticator
from ..breakglass.spooling import SpoolingSink
from ..config import Config, LoadedConfig, load_config, split_address
from ..desk.main import FrontDesk
from ..feeds.receivers import Receivers
from ..feeds.watching import watch_feeds
from ..gaps import GapKeeper
from ..house import House
from ..limiting import make_usage
from ..reviews.holding import SessionReviews
from ..reviews.keeping import keep_schedules
from ..reviews.telling import Telling
from ..signin.knocking import Knocking
from ..standing import ControlEndings, ControlStanding
from ..workers import Keeper, Page
from .doorway import Ground, demand_free, imaged, make_gateway
from .emergency import may_help, serve_emergency, sheets_may_open
from .files import allow_files
from .gapwatch import open_gaps, watch_gaps
from .lifeline import Lifeline
from .link import LinkServer
from .policing import keep_policy
from .retaining import retain
from .supervisor import START_AGAIN_CODE, Part

_SWEEP_SECONDS = 0.5


def run_front(config: Path, workers: int = 0) -> None:
    """Run the front of a configuration until SIGTERM.

    Args:
        workers: So many other processes serve sessions, and this one serves none; 0 if it serves them itself.

    Raises:
        ConfigError: A setting cannot be used, or a port is taken.
        Conflict: The data directory is open elsewhere.
        VerificationError: The ledger, keys or control store are damaged; nothing was started.
        Unavailable: The ledger halted, as on a full disk; what was acknowledged is durable.
    """
    lifeline = Lifeline()
    lifeline.wait()
    loaded = load_config(config)
    if workers and _begins_anew(loaded, lifeline):
        return
    try:
        uvloop.run(_serve(loaded, lifeline, workers))
    except BaseExceptionGroup as group:
        expected = group.subgroup(GlasshatchError)
        if expected is None:
            raise
        _go_on_or_raise(loaded, _first(expected), lifeline, workers)
    except GlasshatchError as error:
        _go_on_or_raise(loaded, error, lifeline, workers)


def _begins_anew(loaded: LoadedConfig, lifeline: Lifeline) -> bool:
    """Whether the front before this one failed while workers served, and sheets were served in its stead."""
    if lifeline.restarted != f"exit {START_AGAIN_CODE}":
        return False
    why = Unavailable("the front failed while it served; what failed stands above")
    return uvloop.run(serve_emergency(loaded, why))


def _go_on_or_raise(loaded: LoadedConfig, error: BaseException, lifeline: Lifeline, workers: int) -> None:
    """Serve who breaks the glass, if that can help and somebody has a sheet; else end as it would have."""
    if isinstance(error, GlasshatchError) and may_help(error, loaded):
        try:
            if workers and lifeline.served and uvloop.run(sheets_may_open(loaded)):
                # Workers still hold the port. They end with this process, and wait for a front that is ready:
                # the next one serves the sheets alone.
                sys.stderr.write(f"glasshatch: the front begins anew for break-glass: {error}\n")
                raise SystemExit(START_AGAIN_CODE)
            if uvloop.run(serve_emergency(loaded, error)):
                return
        except GlasshatchError as other:
            sys.stderr.write(f"glasshatch: break-glass is not possible either: {other}\n")
    raise error from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _serve(loaded: LoadedConfig, lifeline: Lifeline, workers: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    house = await asyncio.to_thread(House, loaded, SystemClock())
    try:
        await _run(house, stop, lifeline, workers)
    finally:
        await asyncio.to_thread(house.close)


async def _run(house: House, stop: asyncio.Event, lifeline: Lifeline, workers: int) -> None:
    config = house.loaded.config
    desk = FrontDesk(house, listening=config.gateway.postgres)
    telling = Telling.of(house)
    reviewing = SessionReviews(house, house.reviews, desk.asking)
    gateway = None if workers else _gateway(house, reviewing)
    api = ApiServer(desk, Knocking(house), house.home.front_socket)
    receivers = Receivers(house)
    link = LinkServer(house.home.link_socket, house.ledgers.items, house.recorder, house.entitlements.view)
    # The record says that we are here before anybody can connect.
    gaps = await asyncio.to_thread(_announce, house, lifeline.restarted)
    keeper = _keeper(house, workers, gaps, reviewing) if workers else None
    house.ledgers.recheck()
    async with asyncio.TaskGroup() as tasks:
        behind = [
            tasks.create_task(_sweep(desk, stop)),
            tasks.create_task(retain(house)),
            tasks.create_task(keep_policy(house)),
            tasks.create_task(keep_schedules(house.reviews)),
            tasks.create_task(watch_gaps(gaps, gateway)),
            tasks.create_task(watch_feeds(house)),
            tasks.create_task(receivers.watch()),
        ]
        try:
            link.start()
            desk.signin.start()
            await api.start()
            if gateway is not None:
                await gateway.start()
            if keeper is not None:
                keeper.start()
            await receivers.start()
            _warn(config)
            await asyncio.to_thread(telling.of_waiting)
            by = f", served by {workers} process{'es' * (workers > 1)}" if workers else ""
            lifeline.ready(
                ", ".join(filter(None, (f"PostgreSQL on {config.gateway.postgres}{by}", str(receivers))))
            )
            await stop.wait()
        finally:
            for task in behind:
                task.cancel()
            await receivers.stop()
            halted = house.ledgers.error
            if gateway is not None:
                await gateway.stop(0 if halted else config.server.drain_seconds)
            if keeper is not None:
                keeper.stop()
            await api.stop()
            await asyncio.to_thread(telling.close)
            if not halted:
                await asyncio.to_thread(house.note, "server.stopped", outcome=Outcome(status="success"))
            await asyncio.to_thread(desk.signin.stop)
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


def _gateway(house: House, reviewing: SessionReviews) -> GatewayServer:
    standing = ControlStanding(house.control)
    return make_gateway(
        Ground(
            loaded=house.loaded,
            clock=house.clock,
            redactor=house.redactor,
            masking=house.masking,
            sink=SpoolingSink(house.recorder, house.glass, house.clock),
            authenticator=GlassAuthenticator(TokenAuthenticator(house.control, house.clock), house.glass),
            authority=PolicyAuthority(lambda: house.policy, standing, house.clock, imaged(house.loaded)),
            usage=make_usage(house.loaded),
            endings=ControlEndings(house.control),
            reviewing=reviewing,
        )
    )


def _keeper(house: House, workers: int, gaps: GapKeeper, reviewing: SessionReviews) -> Keeper:
    """What the workers ask and record with. They share the port, so that it is free is found out here.

    Raises:
        ConfigError: The port is taken.
    """
    section, file = house.loaded.config.gateway, str(house.loaded.file)
    host, port = split_address(section.postgres, key="gateway.postgres", file=file)
    demand_free(host, port)
    page = Page(house.home.workers_page, workers, create=True)
    return Keeper(house, make_usage(house.loaded), page, gaps.settle_instance, reviewing)
