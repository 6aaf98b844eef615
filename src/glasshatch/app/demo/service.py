"""One of the shop's three small programs: a checkout goes through them, and fails at the last.

    web → orders → payments      each a process of its own, each recording with the SDK

Run as `python -m glasshatch.app.demo.service NAME SOCKET TOKEN_FILE SPOOL [NEXT_URL]`; prints its port.
They call each other over HTTP with a `traceparent` header, as real services do.
"""

from __future__ import annotations

import http.client
import http.server
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...sdk import Recorder, extract, inject, start_trace

Step = Callable[[Recorder, dict[str, str], str], int]


def web(recorder: Recorder, order: dict[str, str], next_url: str) -> int:
    """A customer presses the button."""
    recorder.record(
        "checkout.started", actor=order["email"], resource=f"cart/{order['id']}", page="/checkout"
    )
    status = _call(next_url, order)
    outcome = "success" if status < 400 else "failure"
    recorder.record("checkout.finished", resource=f"cart/{order['id']}", outcome=outcome, http_status=status)
    return 200 if status < 400 else 502


def orders(recorder: Recorder, order: dict[str, str], next_url: str) -> int:
    """The order is made, and cancelled if it is not paid."""
    recorder.record("order.created", resource=f"order/{order['id']}", message=f"order for {order['email']}")
    status = _call(next_url, order)
    if status >= 400:
        recorder.record(
            "order.cancelled", resource=f"order/{order['id']}", outcome="failure", cause="payment"
        )
    return status


def payments(recorder: Recorder, order: dict[str, str], next_url: str) -> int:
    """The card is charged; this one has expired."""
    recorder.record(
        "payment.declined", resource=f"order/{order['id']}", outcome="failure", severity=3,
        message=f"card {order['card']} of {order['email']} was declined: expired", amount_cents=4_990,
    )  # fmt: skip
    return 402


STEPS: dict[str, Step] = {"web": web, "orders": orders, "payments": payments}


def main(name: str, socket: str, token_file: str, spool: str, next_url: str = "") -> None:
    """Serve until the parent closes our standard input."""
    step = STEPS[name]
    recorder = Recorder(name, server=f"unix:{socket}", token=Path(token_file), spool=spool)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = dict(zip(("id", "email", "card"), self._lines(), strict=True))
            with start_trace(extract(dict(self.headers))) as trace:
                status = step(recorder, order, next_url)
            recorder.flush(5)
            self.send_response(status)
            self.send_header("Trace", trace.trace_id)
            self.end_headers()

        def _lines(self) -> list[str]:
            return self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()

        def log_message(self, *_: Any) -> None:
            """Say nothing: the record has it."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    with recorder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        server.shutdown()


def _call(url: str, order: dict[str, str]) -> int:
    """Hand the order on, in the current trace."""
    address = urlsplit(url)
    headers: dict[str, str] = {}
    inject(headers)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request("POST", "/", "\n".join(order.values()).encode(), headers)
    return connection.getresponse().status


if __name__ == "__main__":
    main(*sys.argv[1:])
