"""The back: index, detection, the public API and the page, all behind the ledgers. It keeps no truth."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from ...api.page import PageSettings, page_router
from ...api.ports import TlogSettings
from ...api.server import ApiServer
from ...clock import Clock, SystemClock
from ...detect import Alerts
from ...errors import GlasshatchError, place_of_bug
from ...index import Index
from ...investigate import Investigator
from ..config import LoadedConfig, load_config
from ..desk import FrontAuthenticator
from ..desk.back import BackDesk
from ..detection import make_alerts, make_delivery, open_detector
from ..exports.running import RunningExports
from ..home import Home
from ..indexing import index_place
from ..livekeys import LiveKeyring
from ..opening import load_engine
from ..published import PublishedLogs
from ..recorder import EventMaker
from ..rulewatch import RuleWatch
from ..witnessing import make_witnessing
from .behind import FollowedIndex, has_read_all
from .hub import Hub
from .lifeline import Lifeline
from .link import Follower, RemoteRecorder, ask_view
from .supervisor import Part

_SAME_SECONDS = 60.0


def run_back(config: Path) -> None:
    """Run the back of a configuration until SIGTERM; the front of the same directory is up.

    Raises:
        ConfigError: A setting cannot be used, a rule is bad, or the API's port is taken.
    """
    lifeline = Lifeline()
    lifeline.wait()
    uvloop.run(_serve(load_config(config), lifeline))


async def _serve(loaded: LoadedConfig, lifeline: Lifeline) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with ExitStack() as stack:
        back = await asyncio.to_thread(_Back, loaded, stack)
        if lifeline.restarted:
            back.note("process.restarted", attrs={"part": Part.back.value, "ended": lifeline.restarted})
        try:
            await back.api.start()
            lifeline.ready(back.where())
            await stop.wait()
        finally:
            back.hub.close()
            await back.api.stop()


class _Back:
    """Everything the back holds, opened in order; the stack closes it in reverse."""

    def __init__(self, loaded: LoadedConfig, stack: ExitStack) -> None:
        config, clock, home = loaded.config, SystemClock(), Home(loaded.data)
        self._loaded = loaded
        self._home = home
        self._recorder = RemoteRecorder(home.link_socket)
        stack.callback(self._recorder.close)
        self._maker = EventMaker(clock, tenant=config.tenant, instance=str(os.getpid()))
        self.hub = Hub()

        index = Index.open(home.derived / "index", config.tenant, index_place(loaded))
        # A rebuild that was interrupted at rest is gone on with here, like any backlog.
        (home.derived / "index" / "rebuilding").unlink(missing_ok=True)
        stack.callback(index.close)
        followed = FollowedIndex(index, self._recorder, self.hub)
        self._follow(stack, followed.watermarks, followed.apply, followed.prune)

        alerts = self._detect(stack, clock)

        keys = LiveKeyring(loaded, load_engine(loaded), complain)
        investigator = Investigator(index, keys.redact, clock, keys.older)
        witnessing = make_witnessing(loaded, self.note, clock, complain)
        logs = PublishedLogs(home)
        exports = RunningExports(
            loaded,
            investigator,
            self._recorder,
            self.note,
            partial(ask_view, home.link_socket),
            clock,
            complain,
        )
        desk = BackDesk(
            home.front_socket,
            investigator,
            followed,
            alerts,
            self.note,
            witnessing,
            logs,
            keys.subjects,
            exports,
        )
        stack.callback(desk.reads.flush)
        authenticator = FrontAuthenticator(home.front_socket)
        page = page_router(PageSettings(keys.page_key, config.server.hosts))
        tlog = TlogSettings(logs.find, config.tlog.access == "public")
        self.api = ApiServer(
            desk, authenticator, home.socket, config.server.api, complain, page, use=True, tlog=tlog
        )
        witnessing.start()
        stack.callback(witnessing.stop)
        exports.start()
        stack.callback(exports.stop)

    def _detect(self, stack: ExitStack, clock: Clock) -> Alerts:
        """Begin to detect; what people do with alerts."""
        loaded, record = self._loaded, self._recorder.record
        detector = open_detector(loaded, clock)
        stack.callback(detector.close)
        read_all = has_read_all(lambda: detector.watermarks, self._recorder)
        delivery = make_delivery(loaded, detector, record, clock, read_all, complain)
        self._follow(stack, lambda: detector.watermarks, detector.apply_all, detector.prune)
        watch = RuleWatch(loaded, detector, self.note, complain)
        for part in (delivery, watch):
            part.start()
            stack.callback(part.stop)
        return make_alerts(detector, record, clock)

    def note(self, action: str, **members: Any) -> None:
        """Record something through the front; durable when this returns."""
        self._recorder.record(self._maker.make(action, **members))

    def where(self) -> str:
        """Where people and programs come in."""
        page = f", page on http://{self._loaded.config.server.api}/" if self._loaded.config.server.api else ""
        return f"API on unix:{self._home.socket}{page}"

    def _follow(
        self,
        stack: ExitStack,
        watermarks: Callable[[], Mapping[str, int]],
        apply: Callable[..., object],
        prune: Callable[[Mapping[str, int]], object],
    ) -> None:
        follower = Follower(self._home.link_socket, watermarks, apply, Calm(complain), prune)
        follower.start()
        stack.callback(follower.stop)


class Calm:
    """Tells of the same trouble once a minute: what is tried again ten times a second may fail as often."""

    def __init__(self, complain: Callable[[BaseException], None]) -> None:
        self._complain = complain
        self._last = ("", 0.0)

    def __call__(self, error: BaseException) -> None:
        now_s, (text, told_s) = time.monotonic(), self._last
        if str(error) != text or now_s - told_s >= _SAME_SECONDS:
            self._last = (str(error), now_s)
            self._complain(error)


def complain(error: BaseException) -> None:
    """Trouble that the back lives with, in words that hold no event."""
    if isinstance(error, GlasshatchError):
        sys.stderr.write(f"glasshatch: {error}\n")
        return
    sys.stderr.write(f"glasshatch: a bug in the back: {place_of_bug(error)}\n")
