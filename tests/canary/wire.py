"""A PostgreSQL client that sends exactly what it is told, in pieces of any size, over TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct

from fixtures.glasshatch import RunningServer


def message(tag: bytes, body: bytes = b"") -> bytes:
    """One message of the frontend."""
    return tag + struct.pack(">I", len(body) + 4) + body


class Wire:
    """One connection; `chunk` cuts all that is sent into packets of so many bytes."""

    def __init__(self, server: RunningServer, *, chunk: int = 0) -> None:
        plain = socket.create_connection(("127.0.0.1", server.gateway_port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.sendall(struct.pack(">II", 8, 80877103))
        assert plain.recv(1) == b"S"
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self._socket = trusting.wrap_socket(plain)
        self._chunk = chunk

    def send(self, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            for start in range(0, len(data), self._chunk or len(data)):
                self._socket.sendall(data[start : start + (self._chunk or len(data))])

    def until(self, *tags: bytes) -> list[bytes]:
        """The tags of the answers up to one of these; shorter when the server ends the connection."""
        found: list[bytes] = []
        while not found or found[-1] not in tags:
            head = self._exactly(5)
            if len(head) < 5:
                break
            self._exactly(struct.unpack(">I", head[1:])[0] - 4)
            found.append(head[:1])
        return found

    def _exactly(self, count: int) -> bytes:
        data = b""
        with contextlib.suppress(ConnectionResetError, ssl.SSLError, TimeoutError):
            while len(data) < count and (part := self._socket.recv(count - len(data))):
                data += part
        return data

    def log_in(self, token: str, user: str = "alice", database: str = "shop", **more: str) -> bool:
        """Whether the hatch let us in."""
        parameters = {"user": user, "database": database, **more}
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
        self.send(struct.pack(">II", len(body) + 8, 196608) + body)
        if self.until(b"R", b"E")[-1:] != [b"R"]:
            return False
        self.send(message(b"p", token.encode() + b"\0"))
        return self.until(b"Z", b"E")[-1:] == [b"Z"]

    def ask(self, text: bytes | str) -> list[bytes]:
        """A simple query; the tags of its answer."""
        data = text if isinstance(text, bytes) else text.encode()
        self.send(message(b"Q", data + b"\0"))
        return self.until(b"Z", b"G")

    def ask_with(self, text: str, values: list[bytes], formats: list[int], name: str = "") -> list[bytes]:
        """The extended protocol: parse, bind, describe, execute, sync."""
        label = name.encode()
        counts = struct.pack(f">H{len(formats)}H", len(formats), *formats)
        cells = b"".join(struct.pack(">I", len(value)) + value for value in values)
        self.send(
            message(b"P", label + b"\0" + text.encode() + b"\0" + struct.pack(">H", 0))
            + message(b"B", label + b"\0" + label + b"\0" + counts + struct.pack(">H", len(values)) + cells
                      + struct.pack(">H", 0))
            + message(b"D", b"P" + label + b"\0")
            + message(b"E", label + b"\0" + struct.pack(">I", 0))
            + message(b"S")
        )  # fmt: skip
        return self.until(b"Z")

    def close(self) -> None:
        self._socket.close()
