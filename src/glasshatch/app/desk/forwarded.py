"""The back's desk for what the front keeps: every call goes there under the caller's own token.

The front checks the token and the roles again, so nothing the back could get wrong gives a caller more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ...api.access_values import AccessReview, AccessView
from ...api.answers import Me, Problem
from ...api.breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView
from ...api.change_values import Ran, StatementForm, UndoForm
from ...api.client import Client
from ...api.feed_values import SourceView
from ...api.key_values import KeysText, KeyView, RetireForm, RotateForm
from ...api.policy_values import Explained, ExplainForm, PolicyLoaded, Replayed, ReplayForm
from ...api.reach_values import ConnectForm, Reachable, WayIn
from ...api.retention import Pruned, PruneForm
from ...api.reveal_values import ClearForm, ClearShown
from ...api.values import (
    ActorForm,
    ActorView,
    BackupForm,
    CheckpointText,
    EventFilter,
    GrantView,
    IntakeResult,
    LedgerForm,
    LedgerView,
    ProofText,
    RecordedEvent,
    RequestForm,
    RequestView,
    SealForm,
    SessionSummary,
    Status,
    TokenForm,
    TokenIssued,
)
from ...api.vault_values import Erased, EraseForm, HoldForm, HoldView, Revealed, RevealForm
from ...errors import Denied
from ...identity import Identity, Reasoned, reason_of
from ...keys import DEFAULT_LEDGER
from .forwarded_cases import ForwardedCases
from .forwarded_directory import ForwardedDirectory
from .forwarded_searches import ForwardedSearches
from .forwarded_signing import ForwardedSigning

# Met here, where there is one thread: two that met one of them first at once would wait for ever.
for _kind in (Me, AccessView, Problem):
    msgspec.json.Decoder(_kind)


class Visitor(Reasoned, frozen=True, kw_only=True):
    """An identity with the token it came with; its representation hides the token."""

    token: str

    def __repr__(self) -> str:
        return f"Visitor({self.name!r})"


class FrontAuthenticator:
    """Asks the front who holds a token, each time: a revoked one is out at once."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def identify(self, token: str, scope: str, target: str = "") -> Visitor:
        """Who holds this token, if it opens that; raises `Denied`."""
        with contextlib.closing(Client(f"unix:{self._socket}", token)) as front:
            me = front.me(f"{scope}:{target}" if target else scope)
        return Visitor(
            id=me.id, tenant=me.tenant, type=me.type, name=me.name, roles=me.roles,  # type: ignore[arg-type]
            on_behalf_of=me.on_behalf_of, token=token,
        )  # fmt: skip


class FrontAccess:
    """Asks the front what a caller may: the policy in force is known there alone."""

    def __init__(self, socket: Path) -> None:
        self._forwarded = ForwardedPart(socket)

    def view(self, caller: Identity) -> AccessView:
        """All that the caller may do and see now; raises `Denied` for who is nobody any more."""
        return self._forwarded.show_access(caller, "")


class ForwardedPart(ForwardedSigning, ForwardedDirectory, ForwardedCases, ForwardedSearches):
    """The desk's `Desk` port over the front's socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def list_events(self, caller: Identity, filter: EventFilter) -> list[RecordedEvent]:
        with self._front(caller) as front:
            return front.list_events(filter)

    def show_event(self, caller: Identity, event_id: str) -> RecordedEvent:
        with self._front(caller) as front:
            return front.show_event(event_id)

    def show_whole(self, caller: Identity, event_id: str) -> RecordedEvent:
        with self._front(caller) as front:
            return front.show_whole(event_id)

    def list_sessions(self, caller: Identity, limit: int) -> list[SessionSummary]:
        with self._front(caller) as front:
            return front.list_sessions(limit)

    def prove(self, caller: Identity, event_id: str) -> ProofText:
        with self._front(caller) as front:
            return front.prove(event_id)

    def show_access(self, caller: Identity, actor: str) -> AccessView:
        with self._front(caller) as front:
            return front.show_access(actor)

    def access_state(self, caller: Identity) -> AccessReview:
        with self._front(caller) as front:
            return front.access_state()

    def status(self, caller: Identity) -> Status:
        with self._front(caller) as front:
            return front.status()

    def list_ledgers(self, caller: Identity) -> list[LedgerView]:
        with self._front(caller) as front:
            return front.list_ledgers()

    def create_ledger(self, caller: Identity, form: LedgerForm) -> LedgerView:
        with self._front(caller) as front:
            return front.create_ledger(form)

    def read_bundle(self, caller: Identity, number: int, width: int, ledger: str = DEFAULT_LEDGER) -> bytes:
        with self._front(caller) as front:
            return front.read_bundle(number, width, ledger)

    def seal_evidence(self, caller: Identity, form: SealForm) -> ProofText:
        with self._front(caller) as front:
            return front.seal_evidence(form)

    def begin_backup(self, caller: Identity) -> CheckpointText:
        with self._front(caller) as front:
            return front.begin_backup()

    def backup_made(self, caller: Identity, form: BackupForm) -> None:
        with self._front(caller) as front:
            front.backup_made(form)

    def list_keys(self, caller: Identity) -> list[KeyView]:
        with self._front(caller) as front:
            return front.list_keys()

    def rotate_key(self, caller: Identity, form: RotateForm) -> KeyView:
        with self._front(caller) as front:
            return front.rotate_key(form)

    def retire_key(self, caller: Identity, form: RetireForm) -> KeyView:
        with self._front(caller) as front:
            return front.retire_key(form)

    def export_keys(self, caller: Identity, ledger: str) -> KeysText:
        with self._front(caller) as front:
            return front.export_keys(ledger)

    def reveal(self, caller: Identity, form: RevealForm) -> Revealed:
        with self._front(caller) as front:
            return front.reveal(form)

    def erase(self, caller: Identity, form: EraseForm) -> Erased:
        with self._front(caller) as front:
            return front.erase(form)

    def list_holds(self, caller: Identity) -> list[HoldView]:
        with self._front(caller) as front:
            return front.list_holds()

    def place_hold(self, caller: Identity, form: HoldForm) -> HoldView:
        with self._front(caller) as front:
            return front.place_hold(form)

    def release_hold(self, caller: Identity, hold_id: str, reason: str) -> HoldView:
        with self._front(caller) as front:
            return front.release_hold(hold_id, reason)

    def explain_policy(self, caller: Identity, form: ExplainForm) -> list[Explained]:
        with self._front(caller) as front:
            return front.explain_policy(form)

    def load_policy(self, caller: Identity) -> PolicyLoaded:
        with self._front(caller) as front:
            return front.load_policy()

    def replay_policy(self, caller: Identity, form: ReplayForm) -> Replayed:
        with self._front(caller) as front:
            return front.replay_policy(form)

    def prune(self, caller: Identity, form: PruneForm) -> Pruned:
        with self._front(caller) as front:
            return front.prune(form)

    def print_sheets(self, caller: Identity, form: PrintForm) -> list[SheetPrinted]:
        with self._front(caller) as front:
            return front.print_sheets(form)

    def list_sheets(self, caller: Identity) -> list[SheetView]:
        with self._front(caller) as front:
            return front.list_sheets()

    def revoke_sheet(self, caller: Identity, number: int) -> SheetView:
        with self._front(caller) as front:
            return front.revoke_sheet(number)

    def review_sheet(self, caller: Identity, number: int, form: SheetReview) -> SheetView:
        with self._front(caller) as front:
            return front.review_sheet(number, form)

    def list_resources(self, caller: Identity) -> list[Reachable]:
        with self._front(caller) as front:
            return front.list_resources()

    def connect(self, caller: Identity, resource: str, form: ConnectForm, bearer: str = "") -> WayIn:
        with self._front(caller) as front:
            return front.connect(resource, form)

    def create_request(self, caller: Identity, form: RequestForm) -> RequestView:
        with self._front(caller) as front:
            return front.create_request(form)

    def request_statement(self, caller: Identity, form: StatementForm) -> RequestView:
        with self._front(caller) as front:
            return front.request_statement(form)

    def run_statement(self, caller: Identity, request_id: str) -> Ran:
        with self._front(caller) as front:
            return front.run_statement(request_id)

    def undo(self, caller: Identity, form: UndoForm) -> RequestView:
        with self._front(caller) as front:
            return front.undo(form)

    def ask_reveal(self, caller: Identity, form: ClearForm) -> RequestView:
        with self._front(caller) as front:
            return front.ask_reveal(form)

    def show_reveal(self, caller: Identity, request_id: str) -> ClearShown:
        with self._front(caller) as front:
            return front.show_reveal(request_id)

    def show_request(self, caller: Identity, request_id: str) -> RequestView:
        with self._front(caller) as front:
            return front.show_request(request_id)

    def open_link(self, caller: Identity, link: str) -> RequestView:
        with self._front(caller) as front:
            return front.open_link(link)

    def list_requests(self, caller: Identity, state: str) -> list[RequestView]:
        with self._front(caller) as front:
            return front.list_requests(state)

    def approve(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        with self._front(caller) as front:
            return front.approve(request_id, comment)

    def deny(self, caller: Identity, request_id: str, comment: str) -> RequestView:
        with self._front(caller) as front:
            return front.deny(request_id, comment)

    def withdraw(self, caller: Identity, request_id: str) -> RequestView:
        with self._front(caller) as front:
            return front.withdraw(request_id)

    def list_grants(self, caller: Identity, state: str) -> list[GrantView]:
        with self._front(caller) as front:
            return front.list_grants(state)

    def revoke(self, caller: Identity, grant_id: str) -> GrantView:
        with self._front(caller) as front:
            return front.revoke(grant_id)

    def create_actor(self, caller: Identity, form: ActorForm) -> ActorView:
        with self._front(caller) as front:
            return front.create_actor(form)

    def list_actors(self, caller: Identity) -> list[ActorView]:
        with self._front(caller) as front:
            return front.list_actors()

    def disable_actor(self, caller: Identity, name: str) -> ActorView:
        with self._front(caller) as front:
            return front.disable_actor(name)

    def issue_token(self, caller: Identity, form: TokenForm) -> TokenIssued:
        with self._front(caller) as front:
            return front.issue_token(form)

    def revoke_token(self, caller: Identity, token_id: str) -> None:
        with self._front(caller) as front:
            front.revoke_token(token_id)

    def ingest(
        self,
        caller: Identity,
        source: str,
        name: str,
        body: bytes,
        encoding: str = "",
        file: str = "",
        line: int = 0,
        options: Sequence[str] = (),
    ) -> IntakeResult:
        with self._front(caller) as front:
            return front.ingest(source, name, body, encoding, file, line, options)

    def list_sources(self, caller: Identity) -> list[SourceView]:
        with self._front(caller) as front:
            return front.list_sources()

    @contextlib.contextmanager
    def _front(self, caller: Identity, address: str = "") -> Iterator[Client]:
        if not isinstance(caller, Visitor):
            raise Denied("only a caller with a token can be passed on to the front")
        client = Client(
            f"unix:{self._socket}", caller.token, caller.tenant, reason_of(caller), for_client=address
        )
        try:
            yield client
        finally:
            client.close()
