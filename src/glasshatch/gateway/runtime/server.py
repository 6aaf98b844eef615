"""The listening gateway: accepts clients, keeps their sessions, drains them on the way out."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from ...clock import Clock
from ...errors import ConfigError
from ...events import Client, EventSink
from ...identity import Identity
from ...masking import Redactor
from ...policy import Usage
from ..connectors.postgres import CONNECTOR
from ..core import (
    Abort,
    Alone,
    Authenticator,
    Authority,
    Conversation,
    Drain,
    EndingSource,
    GuardedResource,
    House,
    Limiter,
    Limits,
    NothingEnds,
    Reviewing,
    Siblings,
    Unreviewed,
    process_of,
)
from .clientcerts import ClientTls
from .driver import SessionDriver
from .mailbox import Mailbox, Outgoing
from .timekeeper import keep_grants, keep_time
from .watching import EndingWatch

_BACKLOG = 512
_CUT_SECONDS = 2.0


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Where clients connect. tls_certificate, tls_key: PEM files, both or neither. clients_authority: a
    file with the certificate of an authority for clients, that may come and change later.

    plaintext_anywhere: accept a token without TLS from other hosts too; off unless somebody asks for it.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls_certificate: str = ""
    tls_key: str = ""
    clients_authority: str = ""
    plaintext_anywhere: bool = False


class GatewayServer:
    """One PostgreSQL listener in front of any number of resources (a client's database names one).

    Owns its sessions from accept to close. It belongs to the event loop in which `start` was awaited;
    only `sink` may call back from other threads.

    Args:
        resources: Told apart by their names.
        random_bytes: A source fit for keys, as `os.urandom`.
        tenant, instance: As they stand in every event.
    """

    def __init__(
        self,
        listen: Listen,
        resources: Sequence[GuardedResource],
        *,
        authenticator: Authenticator,
        authority: Authority,
        sink: EventSink,
        redactor: Redactor,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        tenant: str = "default",
        instance: str = "",
        limits: Limits | None = None,
        usage: Limiter | None = None,
        siblings: Siblings | None = None,
        endings: EndingSource | None = None,
        reviewing: Reviewing | None = None,
    ) -> None:
        self._listen = listen
        self._limits = limits or Limits()
        self.reviewing = reviewing or Unreviewed()
        self._house = House(
            resources={resource.facts.name: resource for resource in resources},
            redactor=redactor,
            clock=clock,
            random=random_bytes,
            limits=self._limits,
            tenant=tenant,
            instance=instance,
            tls=bool(listen.tls_certificate),
            plaintext_anywhere=listen.plaintext_anywhere,
            usage=usage or Usage(),
            siblings=siblings or Alone(),
            authority=authority,
            waits=self.reviewing.holds,
        )
        self.authenticator = authenticator
        self.authority = authority
        self.sink = sink
        self.clock = clock
        self.server_tls: ClientTls | None = None
        self._endings = EndingWatch(endings or NothingEnds())
        self.loop: asyncio.AbstractEventLoop
        self.mailbox: Mailbox
        self.outgoing: Outgoing
        self._begin: Callable[[Client], Conversation]
        self._server: asyncio.Server | None = None
        self._drivers: set[SessionDriver] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._empty = asyncio.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on, once started."""
        if self._server is None:
            raise ConfigError("the gateway is not started", key="gateway.postgres")
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        return len(self._drivers)

    @property
    def session_ids(self) -> frozenset[str]:
        """The ids of the sessions that are served now."""
        return frozenset(driver.conversation.session_id for driver in self._drivers)

    async def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: The address is taken or not ours, or the certificate cannot be used.
        """
        listen = self._listen
        self.loop = asyncio.get_running_loop()
        self.mailbox = Mailbox(self.loop)
        self.outgoing = Outgoing(self.loop, self.sink)
        self._begin = CONNECTOR.open(self._house)
        if listen.tls_certificate:
            self.server_tls = ClientTls(listen.tls_certificate, listen.tls_key, listen.clients_authority)
        try:
            self._server = await self.loop.create_server(
                self._accept, listen.host, listen.port, backlog=_BACKLOG,
                reuse_port=self._house.siblings.number > 0 or None,
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {listen.host}:{listen.port}: {error.strerror or type(error).__name__}",
                key="gateway.postgres",
                hint="choose a free port of this machine, or stop what uses it",
            ) from None
        ready = asyncio.Event()
        # The one task that is started bare: it owns the group in which all others live, and `stop` awaits it.
        self._keeper = self.loop.create_task(self._keep(ready))
        await ready.wait()

    async def stop(self, grace_s: float = 10.0) -> None:
        """Stop accepting, let running statements finish for at most `grace_s`, close the rest (57P01)."""
        if self._server is None:
            return
        self._server.close()
        for driver in list(self._drivers):
            driver.feed(Drain())
        await self._until_empty(grace_s)
        for driver in list(self._drivers):
            driver.feed(Abort("the gateway is stopping", cut=True))
        await self._until_empty(_CUT_SECONDS)
        self.outgoing.leave()
        self._over.set()
        if self._keeper is not None:
            await self._keeper
        self._server = None

    def cut(self, session_id: str, reason: str) -> bool:
        """End one session now; False if there is no such session."""
        for driver in list(self._drivers):
            if driver.conversation.session_id == session_id:
                driver.feed(Abort(reason, cut=True))
                return True
        return False

    # -- what drivers ask of it -----------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside; it is over before the server is."""
        if self._tasks is None:
            work.close()
            return
        self._tasks.create_task(work)

    def cancel(self, process: int, key: bytes) -> None:
        """Pass a cancel request on, only to the session that gave out exactly this key."""
        for driver in list(self._drivers):
            own_process, own_key = driver.conversation.cancel_key
            if own_process == process and hmac.compare_digest(own_key, key):
                driver.cancel()
                return
        if process_of(process) not in (0, self._house.siblings.number):
            self._house.siblings.cancel(process, key)

    def gone(self, driver: SessionDriver) -> None:
        """A session is over."""
        driver.conversation.gone()
        self._drivers.discard(driver)
        self._house.siblings.tell_sessions(len(self._drivers))
        if not self._drivers:
            self._empty.set()

    def endings_mark(self) -> int:
        """A moment, for `ended_since`."""
        return self._endings.mark()

    def ended_since(self, mark: int, actor: Identity) -> str:
        """Why a session of this identity would be over, by what ended since that moment; or nothing."""
        return self._endings.ended_since(mark, actor)

    def _cut_ended(self) -> None:
        """End the sessions that rest on what ended since the last look."""
        self._endings.look()
        if self._endings.fresh:
            for driver in list(self._drivers):
                actor = driver.conversation.actor
                if actor is not None and (reason := self._endings.reason(actor)):
                    driver.feed(Abort(f"the session was ended: {reason}", cut=True))

    # -- inside ---------------------------------------------------------------------------------

    def _accept(self) -> asyncio.Protocol:
        return _Arrival(self)

    def admit(self, transport: asyncio.BaseTransport) -> asyncio.Protocol | None:
        """Begin a session for a connected client; None if there is no room."""
        if len(self._drivers) + self._house.siblings.sessions() >= self._limits.sessions:
            return None
        peer = transport.get_extra_info("peername") or ("", 0)
        driver = SessionDriver(self._begin(Client(ip=str(peer[0]), port=int(peer[1]))), self)
        self._drivers.add(driver)
        self._house.siblings.tell_sessions(len(self._drivers))
        return driver.client_end()

    async def _keep(self, ready: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._tasks = group
            timekeeper = group.create_task(keep_time(lambda: self._drivers, self.clock, self._cut_ended))
            warden = group.create_task(keep_grants(lambda: self._drivers, self.authority))
            ready.set()
            await self._over.wait()
            self._tasks = None
            timekeeper.cancel()
            warden.cancel()

    async def _until_empty(self, seconds: float) -> None:
        if not self._drivers:
            return
        self._empty.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return


class _Arrival(asyncio.Protocol):
    """A socket until its session begins."""

    def __init__(self, server: GatewayServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream: asyncio.Transport = transport  # type: ignore[assignment]
        end = self._server.admit(stream)
        if end is None:
            stream.write(CONNECTOR.too_many())
            stream.close()
            return
        stream.set_protocol(end)
        end.connection_made(stream)
