"""The way in through an identity provider: by browser, or by a code that is confirmed elsewhere."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import msgspec

from ...api.signin_values import (
    BrowserAnswer,
    BrowserStarted,
    DeviceAnswer,
    DeviceStarted,
    SignedIn,
)
from ...clock import Clock
from ...errors import Denied, GlasshatchError, NotAuthenticated, Unavailable
from ...events import Client, Outcome
from ...identity.openid import Begun, DeviceBegun, OpenIdClient, Person, TokenFault, Waiting
from ..house import House
from .admitting import Admitting
from .issuing import Issuing, random_name

T = TypeVar("T")
_SECOND_NS = 1_000_000_000
_BROWSER_NS = 600 * _SECOND_NS
_MOST_WAITING = 2_000
_AT_ONCE = 6


class Pending(Generic[T]):
    """What waits to come back, by a name nobody can guess; each for its time, and not more than so many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, T]] = OrderedDict()

    def add(self, name: str, value: T, lifetime_ns: int) -> None:
        """Keep it; the one that waits longest goes if there are too many."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            while self._kept and (len(self._kept) >= _MOST_WAITING or self._oldest_ns() < now_ns):
                self._kept.popitem(last=False)
            self._kept[name] = (now_ns + lifetime_ns, value)

    def get(self, name: str) -> T | None:
        """It, if it is not over."""
        with self._lock:
            until_ns, value = self._kept.get(name, (0, None))
        return value if until_ns > self._clock.monotonic_ns() else None

    def take(self, name: str) -> T | None:
        """It, and nobody gets it again."""
        with self._lock:
            until_ns, value = self._kept.pop(name, (0, None))
        return value if until_ns > self._clock.monotonic_ns() else None

    def _oldest_ns(self) -> int:
        return next(iter(self._kept.values()))[0]


class _Device(msgspec.Struct):
    begun: DeviceBegun
    next_ns: int
    busy: bool = False


class ProviderWay:
    """Sign-ins through one provider. Blocks on the network; from any thread.

    What is under way is kept in memory: after a restart a person begins anew.
    """

    def __init__(self, house: House, client: OpenIdClient, admitting: Admitting, issuing: Issuing) -> None:
        self._house = house
        self._client = client
        self._admitting = admitting
        self._issuing = issuing
        self._browsers: Pending[Begun] = Pending(house.clock)
        self._devices: Pending[_Device] = Pending(house.clock)
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def problem(self) -> tuple[str, bool]:
        """Why the provider cannot be used now, empty if it can; and whether it has a sign-in by code."""
        try:
            with self._turn():
                return "", bool(self._client.present().device)
        except GlasshatchError as error:
            return error.message, False

    def begin_browser(self, redirect: str) -> BrowserStarted:
        """Send a browser away; it comes back to `redirect`, which is a page of ours.

        Raises:
            Unavailable: The provider is away.
        """
        with self._turn():
            begun = self._client.begin(redirect)
        self._browsers.add(begun.state, begun, _BROWSER_NS)
        return BrowserStarted(address=begun.address, state=begun.state)

    def finish_browser(self, answer: BrowserAnswer, address: str) -> SignedIn:
        """Who came back. What the browser brings works once.

        Raises:
            NotAuthenticated: It is not what was sent for, or the provider vouches for nobody.
            Denied: They may not come in here.
            Unavailable: The provider is away.
        """
        with self._recorded("provider", address):
            begun = self._browsers.take(answer.state)
            if begun is None:
                raise TokenFault("state", "belongs to no sign-in that was begun here, or came too late")
            if answer.error or not answer.code:
                raise TokenFault("refused", "was not given out: the sign-in was refused there")
            with self._turn():
                person = self._client.finish(begun, answer.code, answer.issuer)
            return self._accept(person, "provider", address)

    def begin_device(self) -> DeviceStarted:
        """A code for somebody who signs in elsewhere.

        Raises:
            Unavailable: The provider is away, or knows no such way.
        """
        with self._turn():
            begun = self._client.begin_device()
        now_ns, clock = self._house.clock.now_ns(), self._house.clock
        handle = random_name()
        waits = _Device(begun, clock.monotonic_ns() + begun.interval_s * _SECOND_NS)
        self._devices.add(handle, waits, begun.expires_ns - now_ns)
        return DeviceStarted(
            handle=handle, user_code=begun.user_code, address=begun.address,
            whole_address=begun.whole_address, interval_s=begun.interval_s, expires=str(begun.expires_ns),
        )  # fmt: skip

    def poll_device(self, handle: str, address: str) -> DeviceAnswer:
        """Whether it was confirmed, and who signed in then. Raises as `finish_browser`."""
        device = self._devices.get(handle)
        if device is None:
            raise NotAuthenticated("this sign-in is over, or is none", hint="begin anew: glasshatch login")
        if not self._due(device):
            return DeviceAnswer(state="waiting", interval_s=device.begun.interval_s)
        try:
            return self._polled(handle, device, address)
        finally:
            device.busy = False

    def _polled(self, handle: str, device: _Device, address: str) -> DeviceAnswer:
        with self._recorded("device", address):
            try:
                with self._turn():
                    found = self._client.poll_device(device.begun)
            except TokenFault:
                self._devices.take(handle)
                raise
            if isinstance(found, Waiting):
                device.next_ns = self._house.clock.monotonic_ns() + found.interval_s * _SECOND_NS
                device.begun = msgspec.structs.replace(device.begun, interval_s=found.interval_s)
                return DeviceAnswer(state="waiting", interval_s=found.interval_s)
            # Taken before anybody is let in: two who ask at once are not both told who it is.
            if self._devices.take(handle) is None:
                raise NotAuthenticated("this sign-in is over", hint="begin anew: glasshatch login")
            return DeviceAnswer(state="done", signed_in=self._accept(found, "device", address))

    def _due(self, device: _Device) -> bool:
        """Whether the provider may be asked again; whoever asks us too often does not get us slowed there."""
        with self._devices._lock:
            if device.busy or self._house.clock.monotonic_ns() < device.next_ns:
                return False
            device.busy = True
            return True

    def _accept(self, person: Person, way: str, address: str) -> SignedIn:
        actor = self._admitting.admit(person)
        return self._issuing.accept(actor, way, _client(address), provider=self.name)

    @property
    def name(self) -> str:
        """How people know the provider."""
        issuer = self._admitting.issuer
        return urlsplit(issuer).hostname or issuer

    @contextmanager
    def _recorded(self, way: str, address: str) -> Iterator[None]:
        """Record why nobody came in."""
        try:
            yield
        except (Denied, Unavailable) as error:
            kind = error.kind if isinstance(error, TokenFault) else error.code
            self._house.note(
                "signin.refused", client=_client(address),
                outcome=Outcome(status="failure", code=kind, reason=error.message),
                attrs={"way": way, "provider": self.name},
            )  # fmt: skip
            raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The provider may be slow; not more than so many wait for it."""
        if not self._room.acquire(timeout=1):
            raise Unavailable("too many are signing in", hint="try again in a moment")
        try:
            yield
        finally:
            self._room.release()


def _client(address: str) -> Client | None:
    return Client(ip=address) if address else None
