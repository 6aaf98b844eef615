"""Delivers an alert as signed JSON to an HTTP address, and verifies such a delivery for receivers.

The signature is HMAC-SHA256 over `timestamp + "." + body`, so neither can be changed, and an old
delivery cannot be played again later. Redirects are not followed and no proxy is used: an alert goes
where the configuration says, or nowhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from ..clock import Clock
from ..errors import ConfigError, Unavailable
from .alerts import Alert, delivery_id

TIMESTAMP_HEADER = "Glasshatch-Timestamp"
SIGNATURE_HEADER = "Glasshatch-Signature"
DELIVERY_HEADER = "Glasshatch-Delivery"
PAYLOAD_VERSION = 1
SEVERITIES = ("none", "info", "low", "medium", "high", "critical", "fatal")
"""How a severity from 0 to 6 is called in labels."""

_TIMEOUT_S = 5.0
LEAST_SECRET_BYTES = 16


class Webhook:
    """One address. `secret` is called at each delivery, so a changed secret needs no restart."""

    def __init__(
        self, name: str, url: str, secret: Callable[[], bytes], clock: Clock, *, ca_file: str = "",
        section: str = "alerts", refusals: Mapping[int, type[Unavailable]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """ca_file: certificates to trust instead of the system's. section: where the configuration names it.
        refusals: what to raise for which status, where that is not simply `Unavailable`.

        Raises:
            ConfigError: The address is not https, nor http on loopback, or carries a password.
        """
        self.name = name
        self._secret = secret
        self._clock = clock
        self._refusals = refusals
        self._key = f"{section}.{name}"
        self._target = _target(self._key, url)
        self._tls = _tls(self._key, ca_file) if self._target.scheme == "https" else None

    def deliver(self, alert: Alert) -> None:
        """Hand an alert over; returns once the receiver answered with 2xx. Takes 5 s at most.

        Raises:
            Unavailable: It did not; says why, in words that hold nothing of the answer's text.
            ConfigError: The secret cannot be read or is too short.
        """
        self.send(payload(alert, self.name), delivery_id(alert.id, self.name))

    def send(self, body: bytes, delivery: str) -> None:
        """Hand JSON over, signed; raises as `deliver`. `delivery` is the same for each try of one thing."""
        secret = self._secret()
        if len(secret) < LEAST_SECRET_BYTES:
            raise ConfigError(f"has fewer than {LEAST_SECRET_BYTES} bytes", key=f"{self._key}.secret")
        timestamp = str(self._clock.now_ns() // 1_000_000_000)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "glasshatch",
            "Connection": "close",
            DELIVERY_HEADER: delivery,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(secret, timestamp, body),
        }
        status, again_s = self._post(body, headers)
        if not 200 <= status < 300:
            refused = self._refusals.get(status, Unavailable)(f"answered {status}")
            refused.retry_after_s = again_s
            raise refused

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
        connection = self._connection()
        overdue = threading.Event()

        def give_up() -> None:
            overdue.set()
            sock = connection.sock
            if sock is not None:
                # Ends a wait in another thread. The socket's own timeout would begin anew at each byte.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        watch = threading.Timer(_TIMEOUT_S, give_up)
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", self._path(), body, headers)
            answer = connection.getresponse()
            return answer.status, _again_s(answer.getheader("Retry-After", ""))
        except ssl.SSLError as error:
            raise Unavailable(f"TLS failed: {error.reason or 'broken off'}") from None
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable("timed out" if overdue.is_set() else _reason(error)) from None
        finally:
            watch.cancel()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._target.hostname or "", self._target.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)

    def _path(self) -> str:
        query = f"?{self._target.query}" if self._target.query else ""
        return (self._target.path or "/") + query


def payload(alert: Alert, channel: str) -> bytes:
    """The body of a delivery. Members may be added later; none changes its meaning within a version."""
    document: dict[str, Any] = {
        "version": PAYLOAD_VERSION,
        "kind": "alert",
        "status": "firing",
        "delivery": delivery_id(alert.id, channel),
        "id": alert.id,
        "tenant": alert.tenant,
        "severity": alert.severity,
        "rule": {"id": alert.rule, "version": alert.version, "title": alert.title, "tags": alert.tags},
        "time": alert.time,
        "raised": alert.raised,
        "startsAt": _iso(alert.time),
        "explanation": alert.reason,
        "measured": alert.measured,
        "actor": {"id": alert.actor_id, "name": alert.actor},
        "resource": alert.resource,
        "session_id": alert.session,
        "trace_id": alert.trace,
        "trigger": alert.trigger,
        "events": alert.events,
        "indices": alert.indices,
        "labels": _labels(alert),
        "annotations": {
            "summary": alert.title,
            "description": alert.reason,
            **({"false_positives": alert.false_positives} if alert.false_positives else {}),
        },
    }
    return msgspec.json.encode(document)


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of the signature header."""
    return "v1=" + hmac.new(secret, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def verify_signature(
    secret: bytes, timestamp: str, body: bytes, signature: str, now_ns: int, tolerance_s: int = 300
) -> bool:
    """Whether a delivery is ours and of now: check this before you read the body.

    Args:
        timestamp, signature: The values of the two headers, as received.
        body: The body's bytes, as received.
        signature: May hold several, separated by commas; one that fits is enough.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now_ns // 1_000_000_000 - int(timestamp)) > tolerance_s:
        return False
    wanted = sign(secret, timestamp, body).encode()
    given = [one.strip().encode("utf-8", "replace") for one in signature.split(",")[:8]]
    return any(hmac.compare_digest(wanted, one) for one in given)


def _labels(alert: Alert) -> dict[str, str]:
    """What an Alertmanager groups and routes by; equal alerts of one subject have equal labels."""
    labels = {
        "alertname": alert.rule,
        "severity": SEVERITIES[alert.severity],
        "tenant": alert.tenant,
        "actor": alert.actor,
        "resource": alert.resource,
        "session": alert.session,
    }
    return {name: value for name, value in labels.items() if value}


def _iso(time_ns: str) -> str:
    seconds, rest = divmod(int(time_ns), 1_000_000_000)
    try:
        whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{whole}.{rest:09}Z"


def _again_s(text: str) -> float:
    """How long to wait by a `Retry-After` in seconds (RFC 9110 §10.2.3), an hour at most; 0 for another."""
    text = text.strip()
    return float(min(int(text), 3_600)) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


def _target(place: str, url: str) -> urllib.parse.SplitResult:
    key = f"{place}.url"
    try:
        target = urllib.parse.urlsplit(url)
        host, _ = target.hostname, target.port
    except ValueError:
        raise ConfigError("is no address", key=key) from None
    if not host or not url.isascii() or any(character <= " " for character in url):
        raise ConfigError("is no address", key=key, hint="https://host/path")
    if target.username is not None or target.password is not None:
        raise ConfigError("may not hold a user or password", key=key, hint="the signature proves who sends")
    if target.fragment:
        raise ConfigError("may not hold a fragment", key=key)
    if target.scheme == "https" or (target.scheme == "http" and _is_loopback(host)):
        return target
    raise ConfigError("must be https, or http on loopback", key=key)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tls(place: str, ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "holds no certificates"
        raise ConfigError(f"cannot be used: {reason}", file=ca_file, key=f"{place}.ca") from None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "broke the connection off"
