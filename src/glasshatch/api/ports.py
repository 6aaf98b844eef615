"""What the API needs behind it; the app room provides it.

Every method takes the calling identity, enforces that identity's roles, records what it did (a
read as `record.read`) durably before it returns, and raises only `GlasshatchError`s. Methods
block on the disk: the HTTP layer calls them outside its event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from ..identity import Identity
from .access_values import AccessReview, AccessView
from .breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView
from .case_ports import AliasDesk, CaseUseDesk
from .case_ports import IncidentDesk as IncidentDesk  # noqa: PLC0414
from .directory_ports import DirectoryDesk
from .export_ports import ExportDesk
from .exposure_values import Exposure, ExposureForm
from .feed_ports import FeedDesk
from .key_values import KeysText, KeyView, RetireForm, RotateForm
from .policy_values import Explained, ExplainForm, PolicyLoaded, Replayed, ReplayForm
from .reach_values import ConnectForm, Reachable, WayIn
from .retention import Pruned, PruneForm
from .review_ports import ChangeDesk as ChangeDesk  # noqa: PLC0414
from .review_ports import RevealDesk as RevealDesk  # noqa: PLC0414
from .search_ports import AskingDesk, SavedDesk
from .signin_values import (
    BrowserAnswer,
    BrowserForm,
    BrowserStarted,
    CertificateForm,
    CertificateIssued,
    CertificateView,
    DeviceAnswer,
    DeviceForm,
    DeviceStarted,
    FactorForm,
    FactorStarted,
    LinkForm,
    PasswordChange,
    PasswordForm,
    RecoveryCodes,
    RolesForm,
    SignedIn,
    Ways,
)
from .values import (
    ActorForm,
    ActorView,
    AlertView,
    BackupForm,
    CheckpointText,
    EventFilter,
    EvidenceForm,
    Explored,
    Found,
    GrantView,
    Histogram,
    IndexState,
    LedgerForm,
    LedgerView,
    ProofText,
    RecordedEvent,
    RequestForm,
    RequestView,
    SealForm,
    SearchForm,
    SessionSummary,
    Stats,
    StatsForm,
    Status,
    Timeline,
    TokenForm,
    TokenIssued,
)
from .vault_values import Erased, EraseForm, HoldForm, HoldView, Revealed, RevealForm


class Authenticator(Protocol):
    """Turns a bearer token into an identity."""

    def identify(self, token: str, scope: str, target: str = "") -> Identity:
        """Who holds this token, if it opens the scope's area, there `target`; raises `Denied`."""


class RecordDesk(Protocol):
    """Reading the record."""

    def list_events(self, caller: Identity, filter: EventFilter) -> list[RecordedEvent]: ...
    def show_event(self, caller: Identity, event_id: str) -> RecordedEvent: ...
    def show_whole(self, caller: Identity, event_id: str) -> RecordedEvent:
        """The event with what is too large for the ledger's entry."""

    def list_sessions(self, caller: Identity, limit: int) -> list[SessionSummary]: ...
    def prove(self, caller: Identity, event_id: str) -> ProofText: ...
    def status(self, caller: Identity) -> Status: ...
    def read_bundle(self, caller: Identity, number: int, width: int, ledger: str = "default") -> bytes:
        """The first `width` entries of a bundle of tlog-tiles; nothing if they are not signed."""

    def seal_evidence(self, caller: Identity, form: SealForm) -> ProofText:
        """Record that an evidence bundle is made, and prove that event under a fresh checkpoint."""


class LedgerDesk(Protocol):
    """The ledgers of the data directory."""

    def list_ledgers(self, caller: Identity) -> list[LedgerView]: ...
    def create_ledger(self, caller: Identity, form: LedgerForm) -> LedgerView:
        """Make a ledger; it is recorded and takes events when this returns."""


class AccessDesk(Protocol):
    """Asking for access, and judging who asked."""

    def create_request(self, caller: Identity, form: RequestForm) -> RequestView: ...
    def list_requests(self, caller: Identity, state: str) -> list[RequestView]: ...
    def open_link(self, caller: Identity, link: str) -> RequestView:
        """The request that a signed link is about, for the one approver whom it names."""

    def approve(self, caller: Identity, request_id: str, comment: str) -> RequestView: ...
    def deny(self, caller: Identity, request_id: str, comment: str) -> RequestView: ...
    def withdraw(self, caller: Identity, request_id: str) -> RequestView: ...
    def list_grants(self, caller: Identity, state: str) -> list[GrantView]: ...
    def revoke(self, caller: Identity, grant_id: str) -> GrantView: ...


class EntitlementDesk(Protocol):
    """Who may do and see what."""

    def show_access(self, caller: Identity, actor: str) -> AccessView: ...
    def access_state(self, caller: Identity) -> AccessReview:
        """What every actor could do now, without what they did."""


class PeopleDesk(Protocol):
    """Actors and their tokens."""

    def create_actor(self, caller: Identity, form: ActorForm) -> ActorView: ...
    def list_actors(self, caller: Identity) -> list[ActorView]: ...
    def disable_actor(self, caller: Identity, name: str) -> ActorView: ...
    def issue_token(self, caller: Identity, form: TokenForm) -> TokenIssued: ...
    def revoke_token(self, caller: Identity, token_id: str) -> None: ...


class SignInDesk(Protocol):
    """Signing in, which takes no caller, and what people sign in with. `address` is where a call comes
    from."""

    def signin_ways(self) -> Ways: ...
    def sign_in_password(self, form: PasswordForm, address: str) -> SignedIn: ...
    def begin_device(self) -> DeviceStarted: ...
    def poll_device(self, form: DeviceForm, address: str) -> DeviceAnswer: ...
    def begin_browser(self, form: BrowserForm) -> BrowserStarted: ...
    def finish_browser(self, form: BrowserAnswer, address: str) -> SignedIn: ...
    def sign_out(self, caller: Identity, token_id: str) -> None: ...
    def set_password(self, caller: Identity, name: str, form: PasswordChange, address: str) -> None: ...
    def drop_password(self, caller: Identity, name: str) -> None: ...
    def begin_factor(self, caller: Identity, name: str) -> FactorStarted: ...
    def confirm_factor(self, caller: Identity, name: str, form: FactorForm) -> RecoveryCodes: ...
    def drop_factor(self, caller: Identity, name: str) -> None: ...
    def renew_codes(self, caller: Identity, name: str) -> RecoveryCodes: ...
    def link_actor(self, caller: Identity, name: str, form: LinkForm) -> ActorView: ...
    def enable_actor(self, caller: Identity, name: str) -> ActorView: ...
    def set_roles(self, caller: Identity, name: str, form: RolesForm) -> ActorView: ...
    def issue_certificate(self, caller: Identity, form: CertificateForm) -> CertificateIssued: ...
    def list_certificates(self, caller: Identity) -> list[CertificateView]: ...
    def revoke_certificate(self, caller: Identity, serial: str) -> None: ...


class InvestigationDesk(Protocol):
    """Searching the record through its index."""

    def review_access(self, caller: Identity) -> AccessReview:
        """What every actor could do now, and what use they made of it."""

    def search(self, caller: Identity, form: SearchForm) -> Found: ...
    def explore(
        self, caller: Identity, form: SearchForm, whole: SearchForm, by: tuple[str, ...], limit: int
    ) -> Explored:
        """A page (`form`) with bars and facets of all of it (`whole`), recorded as one read."""

    def histogram(self, caller: Identity, form: SearchForm) -> Histogram: ...
    def stats(self, caller: Identity, form: StatsForm) -> Stats: ...
    def timeline(self, caller: Identity, subject: str, limit: int, cursor: str = "") -> Timeline: ...
    def tail(self, caller: Identity, query: str) -> Tail: ...
    def index_state(self, caller: Identity) -> IndexState: ...
    def rebuild_index(self, caller: Identity) -> int:
        """Begin to make the index anew; answers how many events it will then hold."""


class BackupDesk(Protocol):
    """Letting somebody who holds the files copy them."""

    def begin_backup(self, caller: Identity) -> CheckpointText:
        """A fresh checkpoint: everything acknowledged before this was called is in it."""

    def backup_made(self, caller: Identity, form: BackupForm) -> None:
        """Record a backup, before it comes into being."""


class KeysDesk(Protocol):
    """Changing keys."""

    def list_keys(self, caller: Identity) -> list[KeyView]:
        """Every key of the tenant, nothing secret."""

    def rotate_key(self, caller: Identity, form: RotateForm) -> KeyView:
        """Put a fresh key in the place of the one in use, recorded before it is used."""

    def retire_key(self, caller: Identity, form: RetireForm) -> KeyView:
        """Let an older signing key sign no more."""

    def export_keys(self, caller: Identity, ledger: str) -> KeysText:
        """What others need to check a ledger: its public keys over time."""


class VaultDesk(Protocol):
    """Sealed values: showing one, destroying a subject's keys, legal holds."""

    def reveal(self, caller: Identity, form: RevealForm) -> Revealed:
        """One value under a live grant, recorded before this returns; else a request is filed: `Denied`."""

    def erase(self, caller: Identity, form: EraseForm) -> Erased:
        """Destroy a subject's keys under a live grant; recorded before, and over when this returns."""

    def list_holds(self, caller: Identity) -> list[HoldView]: ...
    def place_hold(self, caller: Identity, form: HoldForm) -> HoldView: ...
    def release_hold(self, caller: Identity, hold_id: str, reason: str) -> HoldView: ...


class PolicyDesk(Protocol):
    """What policy says, and changes of it."""

    def explain_policy(self, caller: Identity, form: ExplainForm) -> list[Explained]:
        """What policy would say of each statement; nothing runs, and no statement is recorded."""

    def load_policy(self, caller: Identity) -> PolicyLoaded:
        """Look at the policy's files now; a good change is recorded and in force when this returns."""

    def replay_policy(self, caller: Identity, form: ReplayForm) -> Replayed:
        """One step of judging recorded decisions again; recorded as a read of them."""


class ReachDesk(Protocol):
    """Reaching a resource."""

    def list_resources(self, caller: Identity) -> list[Reachable]: ...
    def connect(self, caller: Identity, resource: str, form: ConnectForm, bearer: str = "") -> WayIn:
        """A fresh token for one resource, recorded before this returns.

        Args:
            bearer: The token that the caller came with: the fresh one does not outlive it.
        """


class BreakGlassDesk(Protocol):
    """Sheets that open a session when nobody can approve one."""

    def print_sheets(self, caller: Identity, form: PrintForm) -> list[SheetPrinted]:
        """Sheets for somebody else; in force, and recorded, when this returns."""

    def list_sheets(self, caller: Identity) -> list[SheetView]: ...
    def revoke_sheet(self, caller: Identity, number: int) -> SheetView: ...
    def review_sheet(self, caller: Identity, number: int, form: SheetReview) -> SheetView: ...


class RetentionDesk(Protocol):
    """Letting old entries go."""

    def prune(self, caller: Identity, form: PruneForm) -> Pruned:
        """One step of pruning; recorded before the first entry goes."""


class ExposureDesk(Protocol):
    """Who saw whom."""

    def exposure(self, caller: Identity, form: ExposureForm) -> Exposure:
        """Answers with personal data; recorded with the subject's tokens before this returns."""


class EvidenceDesk(Protocol):
    """Handing events over to others."""

    def make_evidence(self, caller: Identity, form: EvidenceForm) -> bytes:
        """The events that match, with proofs, in one file; recorded before this returns."""


class Events(Protocol):
    """Events as they are recorded, from the moment of asking."""

    def next(self, timeout_s: float) -> list[RecordedEvent]:
        """The events that arrived, oldest first; empty after `timeout_s` without one.

        Raises:
            Unavailable: The reader was too slow and events were skipped, or the server stops.
        """

    def close(self) -> None: ...


class Tail(Events, Protocol):
    """Events that somebody follows."""

    def settle(self) -> None:
        """Record from time to time how many were handed out; blocks.

        Raises:
            Unavailable: It cannot be recorded, and nothing more may be handed out.
        """


class AlertDesk(Protocol):
    """What detection raised."""

    def list_alerts(self, caller: Identity, state: str) -> list[AlertView]: ...
    def acknowledge(self, caller: Identity, alert_id: str, comment: str) -> AlertView: ...


class Log(Protocol):
    """What of a ledger may be seen without its keys; blocks on the disk."""

    def fetch(self, path: str) -> bytes | None:
        """The checkpoint or a hash tile by its path; None if there is none."""

    def minimum(self) -> int:
        """The index from which on entries are kept (tlog-tiles, "Pruning"); all hashes are."""

    def witnessed(self) -> bytes | None:
        """The newest checkpoint that a quorum of witnesses cosigned; None if there is none."""


class TlogSettings(msgspec.Struct, frozen=True):
    """The logs that are served, and whether their checkpoints and hashes are open to everybody.

    find: the log of a ledger by its name; None if there is none.
    """

    find: Callable[[str], Log | None]
    public: bool = False


class Desk(
    RecordDesk,
    LedgerDesk,
    AccessDesk,
    EntitlementDesk,
    PeopleDesk,
    FeedDesk,
    BackupDesk,
    KeysDesk,
    VaultDesk,
    PolicyDesk,
    RetentionDesk,
    ChangeDesk,
    RevealDesk,
    ReachDesk,
    SignInDesk,
    BreakGlassDesk,
    DirectoryDesk,
    AliasDesk,
    SavedDesk,
    IncidentDesk,
    Protocol,
):
    """What a caller may ask of the front: the record itself, access, people, and taking events in."""


class UseDesk(
    Desk,
    InvestigationDesk,
    AskingDesk,
    ExposureDesk,
    EvidenceDesk,
    AlertDesk,
    CaseUseDesk,
    ExportDesk,
    Protocol,
):
    """Everything a caller may ask of a server, the use of the record included."""
