"""Frames between the processes of a server: four bytes of length, big-endian, and MessagePack."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

from ..errors import PeerError

_LENGTH = struct.Struct(">I")
_MAX_FRAME_BYTES = 64 * 1024 * 1024


def frame(data: bytes) -> bytes:
    """The bytes of a frame."""
    return _LENGTH.pack(len(data)) + data


def send(connection: socket.socket, value: object) -> None:
    """Send a value as a frame."""
    send_bytes(connection, msgspec.msgpack.encode(value))


def send_bytes(connection: socket.socket, data: bytes) -> None:
    """Send bytes as a frame."""
    connection.sendall(frame(data))


def receive(connection: socket.socket, kind: Any) -> Any:
    """The next frame's value, of this type.

    Raises:
        PeerError: The peer ended, or spoke out of turn.
    """
    try:
        return msgspec.msgpack.decode(receive_bytes(connection), type=kind)
    except msgspec.DecodeError:
        raise PeerError("the link spoke out of turn") from None


def receive_bytes(connection: socket.socket) -> bytes:
    """The next frame's bytes; raises `PeerError` as `receive`."""
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    if length > _MAX_FRAME_BYTES:
        raise PeerError("a frame of the link is too long")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    view, filled = memoryview(data), 0
    while filled < count:
        received = connection.recv_into(view[filled:])
        if not received:
            raise PeerError("the link ended")
        filled += received
    return bytes(data)
