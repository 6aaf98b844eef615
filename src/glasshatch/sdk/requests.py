"""What is recorded of an HTTP request, whichever server and framework answers it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ConfigError, GlasshatchError, place_of_bug
from ..events import Actor, Client, Outcome, Resource
from .acting import acting_as
from .default import watching
from .recorder import Recorder
from .recording import how_it_ended
from .trace import Trace, extract, start_trace

REQUESTED = "http.requested"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Watch:
    """How the requests of an application are recorded; ASGI and WSGI have the same."""

    def __init__(
        self,
        recorder: Recorder | None,
        actor: Callable[[Any], str | Actor | None] | None,
        route: Callable[[Any], str] | None,
        exclude: Iterable[str],
        trusted_proxies: Iterable[str],
        user_agent: bool,
    ) -> None:
        self._recorder = recorder
        self._actor = actor
        self.route = route
        self._exclude = tuple(exclude)
        self._user_agent = user_agent
        self._proxies, self._trusts_sockets = _networks(trusted_proxies)

    @property
    def recorder(self) -> Recorder | None:
        """Who records, if somebody does."""
        return watching(self._recorder)

    def passes_over(self, path: str) -> bool:
        """Whether a path is not recorded."""
        return any(fnmatchcase(path, pattern) for pattern in self._exclude)

    def actor(self, request: Any) -> str | Actor | None:
        """Who asks, by the application's word; a mistake in it does not break the request."""
        if self._actor is None:
            return None
        try:
            return self._actor(request) or None
        except Exception as error:
            if recorder := self.recorder:
                recorder.problem(f"the actor of a request is not known: {type(error).__name__}")
            return None

    def client(self, peer: str, port: int, headers: Mapping[str, str]) -> Client | None:
        """Where the request came from: the nearest address that is not a trusted proxy's."""
        address = peer
        if self._trusted(peer):
            for one in reversed([part.strip() for part in headers.get("x-forwarded-for", "").split(",")]):
                if not _is_address(one):
                    break
                address, port = one, 0
                if not self._trusted(one):
                    break
        agent = headers.get("user-agent", "") if self._user_agent else ""
        if not _is_address(address):
            return Client(user_agent=agent) if agent else None
        return Client(ip=address, port=port, user_agent=agent)

    def record(self, parts: Callable[[], dict[str, Any]]) -> None:
        """Record a request. Its answer is out, so trouble is told to who looks after the recorder."""
        recorder = self.recorder
        if recorder is None:
            return
        try:
            recorder.write(**parts())
        except GlasshatchError as unrecorded:
            recorder.problem(f"a request is not recorded: {unrecorded}")
        except Exception as error:
            recorder.problem(f"a request is not recorded: {place_of_bug(error)}")

    def _trusted(self, address: str) -> bool:
        if not address:
            return self._trusts_sockets
        return _is_address(address) and any(
            ipaddress.ip_address(address) in network for network in self._proxies
        )


class Requested:
    """One request, from its headers to the last byte of its answer."""

    def __init__(
        self, watch: Watch, method: str, path: str, headers: Mapping[str, str], client: Client | None
    ) -> None:
        self._watch = watch
        self._method = method
        self._path = path
        self._request_id = headers.get("x-request-id", "")[:200]
        self._client = client
        self._parent = extract(headers)
        self._block = ExitStack()
        self._began_ns = 0
        self.trace: Trace | None = None
        self.status = 0
        self.sent_bytes = 0

    def __enter__(self) -> Requested:
        """Run the application in a span of the caller's trace, as the client's request."""
        self._began_ns = time.perf_counter_ns()
        self.trace = self._block.enter_context(start_trace(self._parent))
        self._block.enter_context(acting_as(request_id=self._request_id, client=self._client))
        return self

    def __exit__(self, *_: object) -> None:
        self._block.close()

    def parts(
        self,
        actor: str | Actor | None,
        template: str,
        error: BaseException | None,
        action: str = REQUESTED,
        **more: Any,
    ) -> dict[str, Any]:
        """What `Recorder.write` is told of it.

        Args:
            template: The route's pattern, which has no values; the path itself is used without one.
            error: What the application raised, if it did.
        """
        status = self.status or (500 if error is not None else 0)
        where = template or self._path
        attrs: dict[str, Any] = {
            "method": self._method, "duration_us": (time.perf_counter_ns() - self._began_ns) // 1_000,
            "sent_bytes": self.sent_bytes, **more,
        }  # fmt: skip
        if status:
            attrs["status"] = status
        reason = how_it_ended(error).reason if error is not None else ""
        failed = status >= 400 or error is not None
        outcome = Outcome(
            "failure" if failed else "success" if status else "unknown", str(status or ""), reason
        )
        return {
            "action": action, "attrs": attrs, "actor": actor, "outcome": outcome,
            "severity": 3 if status >= 500 or error is not None else 0,
            "resource": Resource(type="http", id=f"http{where}", name=where),
            "request_id": self._request_id, "trace": self.trace, "client": self._client,
        }  # fmt: skip


def template_of(path: str, values: Mapping[str, Any]) -> str:
    """A path with the names of its parameters in the place of their values, where a router tells them."""
    names = {str(value): name for name, value in values.items() if str(value)}
    if not names:
        return ""
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in path.split("/"))


def _networks(given: Iterable[str]) -> tuple[tuple[Network, ...], bool]:
    texts = list(given)
    try:
        networks = tuple(ipaddress.ip_network(text) for text in texts if text != "unix")
    except ValueError:
        raise ConfigError(
            "is no address or network", key="trusted_proxies", hint='write "10.0.0.0/8", "::1" or "unix"'
        ) from None
    return networks, "unix" in texts


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
