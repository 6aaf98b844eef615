"""The front's end of its workers: it records what they decided, and says what actors may at this moment."""

from __future__ import annotations

import queue
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from ...api.answers import problem
from ...errors import GlasshatchError, Unavailable, place_of_bug
from ...events import Client, Receipt
from ...gateway import process_of
from ...gateway.core import Reviewing
from ...ledger import Large
from ...policy import Allowance, Breach
from ..attending import Attendance
from ..authority import TokenAuthenticator
from ..breakglass.entering import GlassAuthenticator
from ..frames import receive, send
from ..house import House
from ..standing import ControlStanding
from .page import Page
from .values import (
    Answer,
    AskAccess,
    AskEndings,
    AskPolicy,
    AskStanding,
    AskVerdict,
    CountRows,
    CountStatement,
    Ended,
    Entries,
    FileReview,
    Hello,
    LeavePlace,
    LeaveReview,
    Login,
    MayHold,
    PassCancel,
    Place,
    PolicyText,
    Question,
    Recorded,
    Refused,
    Shown,
    Standing,
    TakePlace,
    ToWorker,
)


class Keeper:
    """Serves every worker: two connections each, one that records and one that asks, more for logins.

    A worker that is gone gives back its places, and the record says of its sessions how they ended.
    """

    def __init__(
        self, house: House, usage: Any, page: Page, settle: Callable[[str], object], reviewing: Reviewing
    ) -> None:
        """`settle` ends in the record the sessions of a process by its name in events."""
        self._house = house
        self._usage = usage
        self._page = page
        self._settle = settle
        self._reviewing = reviewing
        self._counting = threading.Lock()
        self._outboxes: dict[int, queue.SimpleQueue[ToWorker | None]] = {}
        self._standing = ControlStanding(house.control)
        tokens = TokenAuthenticator(house.control, house.clock)
        self._authenticator = GlassAuthenticator(tokens, house.glass)
        self._attendance = Attendance(house.home.workers_socket, self._attend)
        # Whatever changes what somebody may, the workers see before the change is acknowledged.
        house.control.grants.changed = page.count_change
        house.policies.changed = page.count_change
        house.control.endings.changed = page.count_change
        house.changed_keys = page.count_change

    def start(self) -> None:
        """Listen; raises `ConfigError` if the folder cannot be used."""
        self._attendance.start()

    def stop(self) -> None:
        """End every connection; the workers end with theirs."""
        self._attendance.stop()

    def _attend(self, connection: socket.socket) -> None:
        hello: Hello = receive(connection, Hello)
        if hello.records:
            self._record(connection, hello)
        else:
            self._answer(connection)

    # -- recording ------------------------------------------------------------------------------

    def _record(self, connection: socket.socket, hello: Hello) -> None:
        outbox: queue.SimpleQueue[ToWorker | None] = queue.SimpleQueue()
        self._outboxes[hello.number] = outbox
        sender = threading.Thread(target=_send_all, args=(connection, outbox), daemon=True)
        sender.start()
        number = 0
        try:
            while True:
                number = self._submit(receive(connection, Entries), number, outbox)
        finally:
            outbox.put(None)
            if self._outboxes.get(hello.number) is outbox:
                del self._outboxes[hello.number]
            self._gone(hello)

    def _submit(self, batch: Entries, number: int, outbox: queue.SimpleQueue[ToWorker | None]) -> int:
        """Append a batch; the number of the next entry."""

        def done(place: int, result: Receipt | GlasshatchError) -> None:
            outbox.put(ToWorker([_recorded(place, result)]))

        items = [
            (Large(entry, payload, digest) if digest else entry, partial(done, place))
            for place, (entry, payload, digest) in enumerate(batch.entries, number)
        ]
        try:
            ledger = self._house.ledgers.get(batch.ledger)
        except GlasshatchError as error:
            for _, refused in items:
                refused(error)
        else:
            ledger.submit_all(items)
        return number + len(items)

    def _gone(self, hello: Hello) -> None:
        self._page.set_sessions(hello.number, 0)
        if self._attendance.stopping.is_set():
            return
        try:
            self._settle(hello.instance)
        except GlasshatchError as error:
            # The next start of the front settles what is open then.
            sys.stderr.write(f"glasshatch: the sessions of a worker that is gone: {error}\n")

    # -- answering ------------------------------------------------------------------------------

    def _answer(self, connection: socket.socket) -> None:
        places: dict[int, Allowance] = {}
        try:
            while True:
                question: Question = receive(connection, Question)
                try:
                    value = self._found(question, places)
                except GlasshatchError as error:
                    send(connection, Answer(problem=problem(error)))
                else:
                    send(connection, Answer(msgspec.Raw(msgspec.msgpack.encode(value))))
        finally:
            with self._counting:
                for allowance in places.values():
                    allowance.close()

    def _found(self, question: Question, places: dict[int, Allowance]) -> object:
        match question:
            case Login(user, secret, resource, certificate):
                return self._authenticator.admit(user, secret, resource, certificate, Client())
            case AskEndings(after):
                ended = self._house.control.endings.after(after)
                return Ended(*ended) if ended is not None else None
            case AskStanding(actor_id):
                actor, grants = self._standing.whole(actor_id, self._house.clock.now_ns())
                return Standing(actor, grants)
            case AskAccess(grant_id):
                return self._standing.access(grant_id)
            case AskPolicy(digest):
                return self._policy(digest)
            case MayHold(resource):
                return self._reviewing.holds(resource)
            case FileReview(wish):
                return self._reviewing.file(wish)
            case AskVerdict(request_id):
                return self._reviewing.verdict(request_id)
            case LeaveReview(request_id, reason):
                self._reviewing.withdraw(request_id, reason)
                return None
            case PassCancel(process, key):
                self._pass_cancel(process, key)
                return None
            case _:
                with self._counting:
                    return self._counted(question, places)

    def _policy(self, digest: str) -> PolicyText | None:
        policies = self._house.policies
        policy, sources = policies.in_force()
        return None if policy.hash == digest else PolicyText(policy.name, sources)

    def _pass_cancel(self, process: int, key: bytes) -> None:
        outbox = self._outboxes.get(process_of(process))
        if outbox is not None:
            outbox.put(ToWorker(cancel=(process, key)))

    def _counted(self, question: Question, places: dict[int, Allowance]) -> object:
        now_ns = self._house.clock.monotonic_ns()
        match question:
            case TakePlace(actor, resource):
                found = self._usage.open(actor, resource, now_ns)
                if isinstance(found, Breach):
                    return Refused(found)
                if found is None:
                    return None
                number = max(places, default=0) + 1
                places[number] = found
                return Place(number, found.idle_ns, found.session_ns, found.counts_rows)
            case CountStatement(place):
                return _held(places, place).statement(now_ns)
            case CountRows(place, count, before):
                return Shown(*_held(places, place).rows(count, before, now_ns))
            case LeavePlace(place):
                if place in places:
                    places.pop(place).close()
        return None


def _held(places: dict[int, Allowance], number: int) -> Allowance:
    """What a session may use; one that nobody knows may use nothing."""
    if number not in places:
        raise Unavailable("nothing is known of what this session may use", hint="connect again")
    return places[number]


def _recorded(number: int, result: Receipt | GlasshatchError) -> Recorded:
    if isinstance(result, GlasshatchError):
        return Recorded(number, problem=problem(result))
    return Recorded(number, result.index, result.leaf_hash)


def _send_all(connection: socket.socket, outbox: queue.SimpleQueue[ToWorker | None]) -> None:
    """Send what is in the outbox, all of it in one frame, until None comes or the worker is gone."""
    try:
        while (first := outbox.get()) is not None:
            recorded, cancels = list(first.recorded), [first.cancel] if first.cancel else []
            while not outbox.empty() and len(recorded) < 1_000:
                more = outbox.get()
                if more is None:
                    return
                recorded += more.recorded
                cancels += [more.cancel] if more.cancel else []
            send(connection, ToWorker(recorded))
            for cancel in cancels:
                send(connection, ToWorker(cancel=cancel))
    except OSError:
        return  # the reading side sees the same end
    except Exception as error:
        sys.stderr.write(f"glasshatch: a bug where a worker is answered: {place_of_bug(error)}\n")
