"""The gate before every attempt: it counts, makes guessers wait, and records it.

An attempt counts as failed before it is looked at, and success takes that back. So attempts at the same time
count each other, and a crash in the middle leaves one counted too much, never one too little.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
from typing import Any

import msgspec

from ...errors import NotAuthenticated
from ...events import Client, Link, Outcome
from ...identity import FailureBook, Failures, Identity
from ..house import House

_SECOND_NS = 1_000_000_000
_LOUD_SECONDS = 60
_AT_ONCE = 8


class Attempt(msgspec.Struct, frozen=True):
    """One attempt that was let through. way: as in `password`. address: where it comes from."""

    way: str
    address: str
    account: Identity | None
    stranger: str
    before: Failures

    def client(self) -> Client | None:
        """The address as it stands in events."""
        return Client(ip=self.address) if self.address else None


class Gate:
    """Failures of accounts, which a restart does not forget, and of addresses and unknown names in memory."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._addresses = FailureBook()
        self._strangers = FailureBook()
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def enter(self, way: str, address: str, account: Identity | None, name: str = "") -> Attempt:
        """Let an attempt through, or say how long to wait.

        Args:
            account: Whose account is tried; None for a name that nobody has, which then counts by itself.

        Raises:
            NotAuthenticated: Too many failed lately; nothing was looked at.
        """
        now_ns = self._house.clock.now_ns()
        place = _network(address)
        stranger = hashlib.sha256(name.encode()).hexdigest() if name and account is None else ""
        with self._lock:
            before = self._addresses.of(place)
            wait_ns = max(
                before.wait_ns(now_ns) if place else 0, self._account_wait_ns(account, stranger, now_ns)
            )
            if wait_ns <= 0:
                self._count(place, account, stranger, now_ns)
        if wait_ns > 0:
            seconds = -(-wait_ns // _SECOND_NS)
            raise NotAuthenticated(
                f"too many attempts have failed; nothing is looked at for {seconds} s",
                hint="wait, then try again; a provider or a token still lets you in",
            )
        return Attempt(way, address, account, stranger, before)

    def succeeded(self, attempt: Attempt) -> None:
        """It was the right one: the account starts anew, the address is as before."""
        with self._lock:
            if place := _network(attempt.address):
                self._addresses.restore(place, attempt.before)
            if attempt.account is not None:
                self._house.control.credentials.succeeded(attempt.account.id)

    def failed(self, attempt: Attempt, kind: str, reason: str) -> None:
        """It was not; recorded, and loudly once the wait is long."""
        now_ns = self._house.clock.now_ns()
        with self._lock:
            place = _network(attempt.address)
            waits = {
                "address": self._addresses.of(place).wait_ns(now_ns) if place else 0,
                "account": self._account_wait_ns(attempt.account, attempt.stranger, now_ns),
            }
        self.note("signin.refused", attempt, kind, reason)
        worst = max(waits, key=lambda name: waits[name])
        if waits[worst] >= _LOUD_SECONDS * _SECOND_NS:
            self.note("signin.slowed", attempt, worst, reason, wait_s=waits[worst] // _SECOND_NS)

    def note(self, action: str, attempt: Attempt, kind: str, reason: str, **more: Any) -> None:
        """Record what came of an attempt. The name that was typed is not in it: it may have been the
        password."""
        account = attempt.account
        self._house.note(
            action,
            actor=account.as_actor() if account else None,
            client=attempt.client(),
            outcome=Outcome(status="failure", code=kind, reason=reason),
            attrs={"way": attempt.way, **more},
            links=(Link(rel="actor", id=account.id),) if account else (),
        )

    def _account_wait_ns(self, account: Identity | None, stranger: str, now_ns: int) -> int:
        if account is not None:
            return self._house.control.credentials.failures(account.id).wait_ns(now_ns)
        return self._strangers.of(stranger).wait_ns(now_ns) if stranger else 0

    def _count(self, place: str, account: Identity | None, stranger: str, now_ns: int) -> None:
        if place:
            self._addresses.fail(place, now_ns)
        if account is not None:
            self._house.control.credentials.fail(account.id, now_ns)
        elif stranger:
            self._strangers.fail(stranger, now_ns)


def _network(address: str) -> str:
    """What one customer of a provider has: an IPv4 address, the first 64 bits of an IPv6 one; none for this
    host."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if found.is_loopback:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
