"""One connection to a resource's database on the gateway's own account: simple queries, whole answers.

What the database says of an error may hold values, so that only its SQLSTATE leaves this module.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from types import TracebackType

import msgspec

from ...errors import TooLarge, Unavailable
from ..connectors.postgres.answers import (
    ColumnShape,
    Row,
    command_rows,
    error_fields,
    read_row,
    read_shape,
)
from ..connectors.postgres.login import LoginStep, UpstreamLogin
from ..connectors.postgres.wire import FrameReader, cstring, message
from ..core import Address, PostgresTarget
from ..runtime.tls import upstream_context

_CHUNK = 1 << 16
_CONNECT_SECONDS = 10.0
_PATIENCE_SECONDS = 5.0
"""How much longer than the database's own time limit an answer is waited for."""
MAX_ANSWER_BYTES = 64 << 20
# The database must read a text as the parser here did, or a literal could end where it should not.
_READ_ALIKE = {"standard_conforming_strings": "on"}


class Answer(msgspec.Struct, frozen=True):
    """What one text of commands gave.

    Attributes:
        results: The rows of each command that was carried out, in order.
        counts: How many rows each of them gave or changed.
        shape: The columns of the last command that gave rows.
        error: The SQLSTATE of the one that failed; empty if none did.
        status: The transaction's state afterwards, as the protocol has it: I, T or E.
    """

    results: tuple[tuple[Row, ...], ...] = ()
    counts: tuple[int, ...] = ()
    error: str = ""
    status: str = "I"
    shape: tuple[ColumnShape, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the last command."""
        return self.results[-1] if self.results else ()


class Upstream:
    """One session at a database; closed at the end of its `with`, which rolls back what is open."""

    def __init__(
        self,
        target: PostgresTarget,
        random: Callable[[int], bytes],
        *,
        application: str,
        settings: Mapping[str, str] | None = None,
        patience_s: float = _PATIENCE_SECONDS,
    ) -> None:
        """Connects and logs in.

        Args:
            settings: Of the session, such as its time limits.
            patience_s: How long a single answer may take, beside what `query` is told.

        Raises:
            Unavailable: It cannot be reached, or refuses the gateway.
            PeerError: Whoever answered is no PostgreSQL.
        """
        self._target = target
        self._patience_s = patience_s
        self._reader = FrameReader(MAX_ANSWER_BYTES)
        self._socket: socket.socket
        try:
            self._socket = socket.create_connection((target.host, target.port), _CONNECT_SECONDS)
        except OSError as error:
            raise _unreachable(error) from None
        try:
            nonce = base64.b64encode(random(18)).decode("ascii")
            login = UpstreamLogin(
                target, {"application_name": application, **_READ_ALIKE, **(settings or {})}, nonce
            )
            self._log_in(login)
        except OSError as error:
            self._socket.close()
            raise _unreachable(error) from None
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Part; the database rolls back what is open."""
        with contextlib.suppress(OSError):
            self._socket.sendall(message(b"X"))
        self._socket.close()

    def query(self, text: str, limit_s: float = 0.0) -> Answer:
        """Run a text of commands and take all its rows.

        Args:
            limit_s: How long the database itself lets it run.

        Raises:
            Unavailable: The connection is lost or too slow: whether the text ran is not known.
            TooLarge: It gave more than the gateway takes; the connection is of no use any more.
        """
        deadline = time.monotonic() + self._patience_s + limit_s
        results: list[tuple[Row, ...]] = []
        rows: list[Row] = []
        counts: list[int] = []
        shape: tuple[ColumnShape, ...] = ()
        error, taken = "", 0
        try:
            self._socket.sendall(message(b"Q", cstring(text)))
            while True:
                buffer, spans = self._reader.feed(self._receive(deadline))
                for tag, start, end in spans:
                    taken += end - start
                    if tag == 0x44:  # D
                        rows.append(read_row(buffer, start, end))
                    elif tag == 0x54:  # T
                        shape = read_shape(buffer[start + 5 : end])
                    elif tag == 0x43:  # C
                        counts.append(command_rows(buffer[start + 5 : end])[1])
                        results.append(tuple(rows))
                        rows = []
                    elif tag == 0x47:  # G, a COPY that waits for data: there is none
                        self._socket.sendall(message(b"f", cstring("no data")))
                    elif tag == 0x45:  # E
                        error = error or error_fields(buffer[start + 5 : end]).get("C", "XX000")
                    elif tag == 0x5A:  # Z
                        status = buffer[start + 5 : end].decode("ascii", "replace")
                        return Answer(tuple(results), tuple(counts), error, status, shape)
                if taken > MAX_ANSWER_BYTES:
                    raise TooLarge(f"the database gave more than {MAX_ANSWER_BYTES >> 20} MiB")
        except OSError as problem:
            raise _unreachable(problem) from None

    def _log_in(self, login: UpstreamLogin) -> None:
        deadline = time.monotonic() + _CONNECT_SECONDS
        step: LoginStep = login.start()
        while not step.done:
            if step.send:
                self._socket.sendall(step.send)
            if step.start_tls:
                self._start_tls()
                step = login.secured()
            else:
                step = login.feed(self._receive(deadline))

    def _start_tls(self) -> None:
        target = self._target
        context = upstream_context(Address(target.host, target.port, target.tls, target.tls_ca))
        self._socket = context.wrap_socket(self._socket, server_hostname=target.host)

    def _receive(self, deadline: float) -> bytes:
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        data = self._socket.recv(_CHUNK)
        if not data:
            raise Unavailable("the database closed the connection", hint="look at its log")
        return data


def _unreachable(error: OSError) -> Unavailable:
    if isinstance(error, TimeoutError):
        return Unavailable("the database does not answer in time", hint="try again later")
    return Unavailable(
        f"the database cannot be reached: {error.strerror or type(error).__name__}",
        hint="the resource's host, port and tls in the configuration",
    )
