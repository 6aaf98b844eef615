"""OTLP over gRPC: `LogsService/Export`, answered when every record is durable.

gRPC's own threads carry the connections, and not the server's event loop: sessions of people run on that one.
Who calls is known before a byte of the message is read, for which the method is served as one that takes a
stream; on the wire that is the same. A message goes on as the bytes that it came as.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import unquote

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it writes to standard error what peers sent

import grpc  # reads the line above

from ...errors import (
    ConfigError,
    Denied,
    GlasshatchError,
    NotAuthenticated,
    Unavailable,
    place_of_bug,
)
from ..receiving import Counts, Door, Listening, cannot_listen, server_context
from .answers import PROTOBUF, answer, grpc_code, retry_details

SERVICE: Final = "opentelemetry.proto.collector.logs.v1.LogsService"
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""The longest request, as it travels and once it is decompressed."""

_THREADS: Final = 4
_MOST_CALLS: Final = 1_024
_MESSAGE_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 5.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),  # else two servers could have the port, and each half of what comes
    ("grpc.max_concurrent_streams", 64),
    ("grpc.max_metadata_size", 16 * 1024),
)
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


class GrpcReceiver:
    """A gRPC server for one feed."""

    def __init__(self, listening: Listening, door: Door) -> None:
        self._listening = listening
        self._door = door
        self._lock = threading.Lock()
        self._calls = 0
        self._received = 0
        self._server: grpc.Server | None = None

    async def start(self) -> None:
        """See `Receiver.start`."""
        _demand_free(self._listening)
        server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="otlp"), options=_OPTIONS,
            maximum_concurrent_rpcs=_MOST_CALLS,
        )  # fmt: skip
        export = grpc.stream_unary_rpc_method_handler(self._export)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": export}),))
        try:
            if self._listening.certificate:
                server.add_secure_port(self._listening.address, _credentials(self._listening))
            else:
                server.add_insecure_port(self._listening.address)
        except RuntimeError:
            raise cannot_listen(
                self._listening, OSError(errno.EADDRINUSE, "it is taken or not ours")
            ) from None
        server.start()
        self._server = server

    async def stop(self) -> None:
        """See `Receiver.stop`: calls that run are finished, others are told to come again."""
        if self._server is not None:
            ended = self._server.stop(_GRACE_SECONDS)
            await asyncio.to_thread(ended.wait, _GRACE_SECONDS + 1)

    def counts(self) -> Counts:
        """See `Receiver.counts`; what is open are calls, for gRPC does not tell its connections."""
        return Counts(connections=self._calls, received=self._received)

    def _export(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """One call; whatever happens in it, an exporter learns a code and no value."""
        with self._lock:
            self._calls += 1
        try:
            return self._answered(messages, context)
        except GlasshatchError as error:
            failed = error
        except Exception as error:
            sys.stderr.write(f"glasshatch: a bug in OTLP over gRPC: {place_of_bug(error)}\n")
            failed = GlasshatchError("an unexpected error", hint="see the server's log")
        finally:
            with self._lock:
                self._calls -= 1
        return _abort(context, failed)

    def _answered(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        address = _address(context.peer())
        if not self._door.allows(address):
            self._door.refuse(address, "comes from none of the networks that may send")
            raise Denied("this address may not send", hint="the receiver's `allow` names those that may")
        actor = self._door.identify(_token(context), address)
        result = self._door.deliver(_message(messages, context), actor, {"format": "protobuf"})
        with self._lock:
            self._received += result.accepted + result.duplicates + result.quarantined
        return answer(result, PROTOBUF)


def _message(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
    """The one message of a call; a caller who does not send it in time is let go."""
    timer = threading.Timer(_MESSAGE_SECONDS, context.cancel)
    timer.daemon = True
    timer.start()
    try:
        return next(messages)
    except (StopIteration, grpc.RpcError):
        raise ConfigError("the call has no message", hint="send an ExportLogsServiceRequest") from None
    finally:
        timer.cancel()


def _token(context: grpc.ServicerContext) -> str:
    given = dict(context.invocation_metadata()).get("authorization", "")
    scheme, _, token = (given if isinstance(given, str) else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated("a token is needed", hint="send the metadata authorization: Bearer gh_…")
    return token.strip()


def _abort(context: grpc.ServicerContext, error: GlasshatchError) -> NoReturn:
    """End a call with an error, by raising; what may be sent again says after how long."""
    code, message = grpc_code(error), str(error)
    if isinstance(error, Unavailable):
        context.set_trailing_metadata(retry_details(code, message))
    context.abort(_CODES[code], message)
    raise AssertionError("abort came back")


def _address(peer: str) -> str:
    """`ipv4:127.0.0.1:4711` or `ipv6:%5B::1%5D:4711` as an address."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


def _credentials(listening: Listening) -> Any:
    """The receiver's files for gRPC, which does not say what is wrong with them: so they are tried first."""
    server_context(listening)
    pairs = [(Path(listening.key).read_bytes(), Path(listening.certificate).read_bytes())]
    authority = Path(listening.client_ca).read_bytes() if listening.client_ca else None
    return grpc.ssl_server_credentials(pairs, authority, authority is not None)


def _demand_free(listening: Listening) -> None:
    """Raise `ConfigError` if the address is taken: gRPC itself does not say why it cannot listen."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listening.host, listening.port))
        except OSError as error:
            raise cannot_listen(listening, error) from None
