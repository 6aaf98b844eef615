"""Takes events from the spool to the server, in order, again and again until they are acknowledged."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import random
import socket
import threading
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from ..errors import GlasshatchError
from .connection import open_connection
from .spool import Spool

Problem = Callable[[str], None]

_BATCH_EVENTS = 1_000
_BATCH_BYTES = 1 << 20
_TIMEOUT_SECONDS = 30.0
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 30.0
_GATHER_SECONDS = 0.05
_END_SECONDS = 1.0
_GOOD_FOR_NOTHING = (400, 413, 422)


class Taken(msgspec.Struct, frozen=True):
    """What the server answers to a delivery."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0


class Sender:
    """One background thread for one spool; its failures are told, never raised."""

    def __init__(
        self,
        spool: Spool,
        server: str,
        token: Callable[[], str],
        name: str,
        problem: Problem,
    ) -> None:
        """Start sending.

        Args:
            token: Read anew for each connection, so that a renewed one is used.
            problem: Told once of each new kind of trouble, in words that hold no event.

        Raises:
            ConfigError: The server's address cannot be used.
        """
        self._spool = spool
        self._connection = open_connection(server, _TIMEOUT_SECONDS)
        self._token = token
        self._path = f"/v1/events?name={quote(name, safe='')}"
        self._problem = problem
        self._told = ""
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._behind = False
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self.sent = 0
        self.refused = 0
        self._thread = threading.Thread(target=self._run, name="glasshatch-sender", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There is something to send. Cheap where that is known already."""
        if not self._wake.is_set():
            self._wake.set()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all is acknowledged; False if that takes longer."""
        self._hurry.set()
        self.wake()
        with self._idle:
            return self._idle.wait_for(lambda: not self._spool.pending, timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """End, and wait no longer than so for a server that does not answer. False if it has not ended."""
        self._stopping.set()
        self._hurry.set()
        self.wake()
        self._thread.join(timeout_s)
        if self._thread.is_alive() and (waiting := self._connection.sock) is not None:
            with contextlib.suppress(OSError):
                waiting.shutdown(socket.SHUT_RDWR)
            self._thread.join(_END_SECONDS)
        if self._thread.is_alive():
            return False
        self._connection.close()
        return True

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            try:
                if not self._spool.pending:
                    self._rest()
                    continue
                pause_s = self._deliver(_BATCH_EVENTS)
            except Exception as error:
                # Whatever it is, a thread that ends would lose nothing but would send nothing either.
                self._tell(f"events cannot be sent: {type(error).__name__}")
                pause_s = 0.0
            if pause_s is None:
                wait_s = _FIRST_WAIT_SECONDS
                if not self._behind:
                    # Many small deliveries cost the threads that record more than the sending itself.
                    self._hurry.wait(_GATHER_SECONDS)
                continue
            # Between half and all of it, so that many clients do not come back at the same moment.
            self._pause(max(pause_s, wait_s * (0.5 + random.random() / 2)))  # noqa: S311
            wait_s = min(wait_s * 2, _LONGEST_WAIT_SECONDS)

    def _pause(self, seconds: float) -> None:
        """Let the server be for a while; if somebody waits for it, it is tried at once, one time."""
        if not self._stopping.is_set() and self._hurry.wait(seconds) and not self._stopping.is_set():
            self._hurry.clear()

    def _rest(self) -> None:
        """Until there is something to send; then a little longer, for more may come."""
        with self._idle:
            self._idle.notify_all()
        self._wake.wait()
        self._hurry.wait(_GATHER_SECONDS)
        self._hurry.clear()
        self._wake.clear()

    def _deliver(self, count: int) -> float | None:
        """Send the oldest events. None if they are gone from the spool, else how long to wait at least."""
        batch = self._spool.read(count, _BATCH_BYTES)
        self._behind = len(batch.events) >= count // 2
        if not batch.events:
            return None
        status, answer, retry_after = self._post(b"\n".join(batch.events))
        if status == 200:
            taken = msgspec.json.decode(answer, type=Taken)
            self.sent += taken.accepted + taken.duplicates
            if taken.quarantined:
                self._tell(
                    f"{taken.quarantined} events were not understood and are quarantined by the server"
                )
            else:
                self._told = ""
            self._spool.acknowledge(batch.ends[-1])
            return None
        if status in _GOOD_FOR_NOTHING:
            if len(batch.events) > 1:
                return self._deliver(len(batch.events) // 2)
            path = self._spool.refuse(batch.events[0])
            self._spool.acknowledge(batch.ends[0])
            self.refused += 1
            self._tell(f"an event is refused ({status}) and kept in {path}")
            return None
        if status:
            self._tell(f"the server answers {status}; events wait in the spool")
        return retry_after

    def _post(self, body: bytes) -> tuple[int, bytes, float]:
        """Status (0 if there was no answer), body, and the seconds of Retry-After."""
        kept_open = self._connection.sock is not None
        try:
            headers = {
                "Authorization": f"Bearer {self._token()}", "Content-Type": "application/x-ndjson",
                "Content-Encoding": "gzip",
            }  # fmt: skip
            self._connection.request("POST", self._path, gzip.compress(body, 1), headers)
            response = self._connection.getresponse()
            waits = response.headers.get("Retry-After", "")
            return response.status, response.read(), float(waits) if waits.isdecimal() else 0.0
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            if kept_open and isinstance(error, ConnectionError) and not self._stopping.is_set():
                # A server lets go of connections that were quiet; what it took already, it knows by its id.
                return self._post(body)
            self._tell(f"the server cannot be reached ({type(error).__name__}); events wait in the spool")
        except GlasshatchError as error:
            self._tell(error.message)
        return 0, b"", 0.0

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._problem(text)
