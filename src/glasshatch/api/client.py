"""A client of the API: the desk's methods over HTTP, with the standard library and msgspec only.

Every error of the server comes back as the class it was there.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from ..errors import PeerError, Unavailable
from ..events import DEFAULT_LEDGER
from ..sdk.connection import open_connection
from .access_client import AccessCalls
from .answers import REASON_HEADER, Me, Problem, raised
from .breakglass_client import BreakGlassCalls
from .case_client import CaseCalls
from .change_client import ChangeCalls
from .directory_client import DirectoryCalls
from .export_client import ExportCalls
from .exposure_values import Exposure, ExposureForm
from .feed_client import FeedCalls
from .key_values import KeysText, KeyView, RetireForm, RotateForm
from .people_client import PeopleCalls
from .policy_client import PolicyCalls
from .reach_client import ReachCalls
from .retention import Pruned, PruneForm
from .reveal_client import RevealCalls
from .search_client import SearchCalls
from .values import (
    AlertView,
    BackupForm,
    CheckpointText,
    EventFilter,
    EvidenceForm,
    GrantView,
    IndexState,
    LedgerForm,
    LedgerView,
    ProofText,
    RecordedEvent,
    RequestForm,
    RequestView,
    ReviewForm,
    SealForm,
    SessionSummary,
    Status,
    TailForm,
    Timeline,
    TimelineForm,
)
from .vault_client import VaultCalls

T = TypeVar("T")
_TIMEOUT_SECONDS = 60.0
_MAKING_SECONDS = 600.0
_PART_BYTES = 1 << 18
CLIENT_HEADER = "x-glasshatch-client"
"""How the back tells the front where a call comes from."""


class Client(
    DirectoryCalls, PeopleCalls, VaultCalls, PolicyCalls, ChangeCalls, ReachCalls, BreakGlassCalls,
    AccessCalls, RevealCalls, FeedCalls, SearchCalls, CaseCalls, ExportCalls,
):  # fmt: skip
    """One server, under one token. Not to be shared between threads."""

    def __init__(
        self, server: str, token: str, tenant: str = "", reason: str = "", *, for_client: str = ""
    ) -> None:
        """Nothing is sent yet.

        Args:
            server: `unix:PATH`, `https://host[:port]`, or `http://` on a loopback address.
            token: Empty for who signs in.
            tenant: Asked of the server when it is first needed, if not given.
            reason: Why; it is recorded.
            for_client: The address that the server's back asks for; the front takes it from nobody else.

        Raises:
            ConfigError: The address has another form, or would send the token in clear.
        """
        self._server = server
        self._token = token
        self._for_client = for_client
        self._tenant = tenant
        self._reason = {REASON_HEADER: quote(reason)} if reason else {}
        self._connection = open_connection(server, _TIMEOUT_SECONDS)

    def __repr__(self) -> str:
        return f"Client({self._server!r})"

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._connection.close()

    def me(self, scope: str = "") -> Me:
        """Who the server says the token belongs to; with `scope`, refused if the token does not open that."""
        return self._call("GET", "/v1/me" + (f"?scope={_id(scope)}" if scope else ""), Me)

    def list_events(self, filter: EventFilter) -> list[RecordedEvent]:
        """The newest events that match, oldest first."""
        return self._get("/events", list[RecordedEvent], **msgspec.structs.asdict(filter))

    def show_event(self, event_id: str) -> RecordedEvent:
        """One event, by id or ledger index; `NAME/INDEX` in another ledger than the default one."""
        ledger, _, event = event_id.rpartition("/")
        return self._get(f"/events/{_id(event)}", RecordedEvent, ledger=ledger)

    def show_whole(self, event_id: str) -> RecordedEvent:
        """The same with what is too large for the ledger's entry; takes what `show_event` takes."""
        ledger, _, event = event_id.rpartition("/")
        return self._get(f"/events/{_id(event)}/whole", RecordedEvent, ledger=ledger)

    def list_sessions(self, limit: int) -> list[SessionSummary]:
        """The newest sessions, oldest first."""
        return self._get("/sessions", list[SessionSummary], limit=limit)

    def prove(self, event_id: str) -> ProofText:
        """A proof that the event is in the record; takes what `show_event` takes."""
        ledger, _, event = event_id.rpartition("/")
        return self._get(f"/proofs/{_id(event)}", ProofText, ledger=ledger)

    def status(self) -> Status:
        """The server at a glance."""
        return self._get("/status", Status)

    def list_ledgers(self) -> list[LedgerView]:
        """The ledgers, the default one first."""
        return self._get("/ledgers", list[LedgerView])

    def create_ledger(self, form: LedgerForm) -> LedgerView:
        """Make a ledger."""
        return self._post("/ledgers", form, LedgerView)

    def read_bundle(self, number: int, width: int, ledger: str = DEFAULT_LEDGER) -> bytes:
        """The first `width` entries of a bundle of tlog-tiles; nothing if they are not signed."""
        wanted = urlencode({"number": number, "width": width, "ledger": ledger})
        return self._bytes(self._open("GET", self._path(f"/bundle?{wanted}"), None, {}))

    def begin_backup(self) -> CheckpointText:
        """A fresh checkpoint: everything acknowledged before is in it."""
        return self._post("/backups/begin", None, CheckpointText)

    def backup_made(self, form: BackupForm) -> None:
        """Record a backup."""
        self._post("/backups", form, type(None))

    def list_keys(self) -> list[KeyView]:
        """Every key of the tenant, nothing secret."""
        return self._get("/keys", list[KeyView])

    def rotate_key(self, form: RotateForm) -> KeyView:
        """Put a fresh key in the place of the one in use."""
        return self._post("/keys/rotate", form, KeyView)

    def retire_key(self, form: RetireForm) -> KeyView:
        """Let an older signing key sign no more."""
        return self._post("/keys/retire", form, KeyView)

    def export_keys(self, ledger: str) -> KeysText:
        """A ledger's public keys over time."""
        return self._get("/keys/export", KeysText, ledger=ledger)

    def prune(self, form: PruneForm) -> Pruned:
        """Let old entries go, one step; again while there is `more`."""
        with self._patience(_MAKING_SECONDS):
            return self._post("/prune", form, Pruned)

    def seal_evidence(self, form: SealForm) -> ProofText:
        """Have the making of an evidence bundle recorded and proven; only a server's front answers."""
        return self._post("/evidence/seal", form, ProofText)

    def make_evidence(self, form: EvidenceForm, progress: Callable[[int, int], None] | None = None) -> bytes:
        """The events that match as an evidence bundle; `progress` hears of bytes received and in all."""
        headers = {"Content-Type": "application/json"}
        with self._patience(_MAKING_SECONDS):
            response = self._open("POST", self._path("/evidence"), msgspec.json.encode(form), headers)
            return self._bytes(response, progress)

    def create_request(self, form: RequestForm) -> RequestView:
        """Ask for access."""
        return self._post("/requests", form, RequestView)

    def list_requests(self, state: str) -> list[RequestView]:
        """Requests in a state, or all for an empty one."""
        return self._get("/requests", list[RequestView], state=state)

    def approve(self, request_id: str, comment: str = "") -> RequestView:
        """Approve a request."""
        return self._post(f"/requests/{_id(request_id)}/approve", ReviewForm(comment=comment), RequestView)

    def deny(self, request_id: str, comment: str = "") -> RequestView:
        """Deny a request."""
        return self._post(f"/requests/{_id(request_id)}/deny", ReviewForm(comment=comment), RequestView)

    def withdraw(self, request_id: str) -> RequestView:
        """Take one's own request back."""
        return self._post(f"/requests/{_id(request_id)}/withdraw", None, RequestView)

    def list_grants(self, state: str) -> list[GrantView]:
        """Grants in a state, or all for an empty one."""
        return self._get("/grants", list[GrantView], state=state)

    def revoke(self, grant_id: str) -> GrantView:
        """Take a grant back."""
        return self._post(f"/grants/{_id(grant_id)}/revoke", None, GrantView)

    def timeline(self, subject: str, limit: int = 1_000, cursor: str = "") -> Timeline:
        """Events of all sources about one subject, in one order; a page of them."""
        return self._post("/timeline", TimelineForm(subject=subject, limit=limit, cursor=cursor), Timeline)

    def tail(self, query: str) -> ClientTail:
        """Events as they are recorded, from now on; takes this client's connection for itself."""
        return ClientTail(self._stream("/tail", TailForm(query=query)))

    def exposure(self, form: ExposureForm) -> Exposure:
        """Who saw whom."""
        return self._post("/exposure", form, Exposure)

    def index_state(self) -> IndexState:
        """How far the index has come behind the ledger."""
        return self._get("/index", IndexState)

    def rebuild_index(self) -> int:
        """Begin to make the index anew; answers how many events it will hold."""
        return self._post("/index/rebuild", None, int)

    def list_alerts(self, state: str) -> list[AlertView]:
        """Alerts in a state, or all for an empty one, newest first."""
        return self._get("/alerts", list[AlertView], state=state)

    def acknowledge(self, alert_id: str, comment: str = "") -> AlertView:
        """Take an alert on."""
        return self._post(f"/alerts/{_id(alert_id)}/acknowledge", ReviewForm(comment=comment), AlertView)

    def _stream(self, path: str, form: object) -> http.client.HTTPResponse:
        """An answer that is read as it comes; takes this client's connection for itself."""
        body = msgspec.json.encode(form)
        response = self._open("POST", self._path(path), body, {"Content-Type": "application/json"})
        if response.status >= 400:
            raise raised(_decode(response.read(), Problem))
        return response

    def _get(self, path: str, answer: type[T], **query: object) -> T:
        asked = {name: value for name, value in query.items() if value != ""}
        return self._call("GET", self._path(path) + ("?" + urlencode(asked) if asked else ""), answer)

    def _post(self, path: str, form: msgspec.Struct | None, answer: type[T]) -> T:
        body = b"" if form is None else msgspec.json.encode(form)
        return self._call("POST", self._path(path), answer, body)

    def _path(self, path: str) -> str:
        if not self._tenant:
            self._tenant = self.me().tenant
        return f"/v1/{_id(self._tenant)}{path}"

    def _call(self, method: str, path: str, answer: type[T], body: bytes | None = None) -> T:
        headers = {"Content-Type": "application/json"} if body else {}
        return self._answer(self._open(method, path, body, headers), answer)

    def _answer(self, response: http.client.HTTPResponse, answer: type[T]) -> T:
        data = self._received(response)
        if response.status >= 400:
            raise raised(_decode(data, Problem))
        return _decode(data or b"null", answer)

    @contextmanager
    def _patience(self, seconds: float) -> Iterator[None]:
        """Wait longer for an answer that is long in the making."""
        usual, self._connection.timeout = self._connection.timeout, seconds
        self._connection.close()  # the timeout counts from the next connecting on
        try:
            yield
        finally:
            self._connection.timeout = usual
            self._connection.close()

    def _bytes(
        self, response: http.client.HTTPResponse, progress: Callable[[int, int], None] | None = None
    ) -> bytes:
        data = self._received(response, progress)
        if response.status >= 400:
            raise raised(_decode(data, Problem))
        return data

    def _received(
        self, response: http.client.HTTPResponse, progress: Callable[[int, int], None] | None = None
    ) -> bytes:
        try:
            if progress is None:
                return response.read()
            total, data = response.length or 0, bytearray()
            while part := response.read(_PART_BYTES):
                data += part
                progress(len(data), total)
            return bytes(data)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise _unreachable(self._server, error) from None

    def _open(
        self, method: str, path: str, body: bytes | None, more: dict[str, str]
    ) -> http.client.HTTPResponse:
        headers = {"Accept": "application/json"} | self._reason | more
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._for_client:
            headers[CLIENT_HEADER] = self._for_client
        try:
            self._connection.request(method, path, body, headers)
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise _unreachable(self._server, error) from None


class ClientTail:
    """Events as a server sends them, line by line."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def next(self, timeout_s: float = 0) -> list[RecordedEvent]:
        """The next event, or none at a sign of life; the server sends one of them every few seconds.

        Raises:
            Unavailable: The server stopped, or events were skipped.
        """
        try:
            line = self._response.readline()
        except (OSError, http.client.HTTPException):
            line = b""
        if not line:
            raise Unavailable("the server ended the tail", hint="start it again")
        if not line.strip():
            return []
        if line.startswith(b'{"code"'):
            raise raised(_decode(line, Problem))
        return [_decode(line, RecordedEvent)]

    def close(self) -> None:
        self._response.close()


def _unreachable(server: str, error: Exception) -> Unavailable | PeerError:
    if isinstance(error, TimeoutError):
        return Unavailable(f"{server} does not answer", hint="look at the server's log")
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return Unavailable(f"{server} cannot be reached: {reason}", hint="is glasshatch serve running?")
    return PeerError(f"{server} does not speak the API", hint="is this Glasshatch's address?")


def _decode(data: bytes, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=answer)
    except msgspec.DecodeError:
        raise PeerError(
            "the server's answer is not understood", hint="client and server may differ in version"
        ) from None


def _id(value: str) -> str:
    return quote(value, safe="")
