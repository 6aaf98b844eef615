"""The demo's receiver of alerts: a local webhook that checks every signature, as a user's would."""

from __future__ import annotations

import http.server
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from ...detect import DELIVERY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, verify_signature


class Received(msgspec.Struct, frozen=True):
    """A delivery whose signature held, and when it came (`time.time_ns`)."""

    id: str
    alert: dict[str, Any]
    time_ns: int


class Receiver:
    """Listens on a free loopback port for as long as the demo runs."""

    def __init__(self) -> None:
        self.port = 0
        self.secret_file = Path()
        self._received: list[Received] = []
        self._arrived = threading.Condition()
        self._server: http.server.ThreadingHTTPServer | None = None

    def start(self, secret_file: Path) -> None:
        """Listen, under a secret drawn anew."""
        self.secret_file = secret_file
        secret_file.unlink(missing_ok=True)
        descriptor = os.open(secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(os.urandom(24).hex() + "\n")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self, wanted: Any, timeout_s: float) -> Received | None:
        """The first delivery that `wanted` is true of, or None if none comes in time."""
        deadline_s = time.monotonic() + timeout_s
        with self._arrived:
            while True:
                found = next((one for one in self._received if wanted(one)), None)
                left_s = deadline_s - time.monotonic()
                if found is not None or left_s <= 0:
                    return found
                self._arrived.wait(left_s)

    def _take(self, headers: Any, body: bytes) -> int:
        secret = self.secret_file.read_text(encoding="ascii").strip().encode()
        timestamp, signature = headers.get(TIMESTAMP_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
        if not verify_signature(secret, timestamp, body, signature, time.time_ns()):
            return 401
        delivery = headers.get(DELIVERY_HEADER, "")
        with self._arrived:
            self._received.append(Received(delivery, msgspec.json.decode(body), time.time_ns()))
            self._arrived.notify_all()
        return 204

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        take = self._take

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                self.send_response(take(self.headers, self.rfile.read(min(length, 1 << 20))))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing: an alert is not for the terminal."""

        return Handler
