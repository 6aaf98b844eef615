"""Evidence bundles at the desk: found in the index, proven by the ledger, recorded before handed out."""

from __future__ import annotations

from collections.abc import Callable

from ...api.values import EvidenceForm, IndexState, ProofText, SealForm
from ...errors import ConfigError, TooLarge
from ...events import DEFAULT_LEDGER, decode
from ...identity import Identity
from ...investigate import And, Hit, Investigator, Match, Query, SearchQuery, Visibility, search
from ...investigate.query import parse
from ...ledger import Proof, Published, VerifierKey, open_checkpoint
from ...ledger.evidence import MAX_EVENTS, REDACTION, SHORT_FORMS, Draft, Facts, Gap, Maker, check_evidence
from ...ledger.log import KnownRoots, blob_of, inclusion_proof
from ..access import Access, refuse_hidden, require
from ..access.narrowing import seen_by
from ..published import PublishedLogs
from .investigation import Behind

Seal = Callable[[Identity, SealForm], ProofText]
_MAX_GAPS = 1_000


class EvidencePart:
    """The desk's `EvidenceDesk` port over an index and the published parts of the ledgers."""

    def __init__(
        self, investigator: Investigator, behind: Behind, logs: PublishedLogs, seal: Seal, access: Access
    ) -> None:
        self._investigator = investigator
        self._behind = behind
        self._logs = logs
        self._seal = seal
        self._evidence_access = access

    def make_evidence(self, caller: Identity, form: EvidenceForm) -> bytes:
        """All events that match and that were indexed when this was asked, as a bundle that verifies.

        Raises:
            Denied: The caller is no auditor: a bundle says that it holds all that matched.
            ConfigError: There is no such ledger, or none was named and events of several match.
            TooLarge: More match than a bundle holds.
            VerificationError: The index shows an event that the ledger does not have.
        """
        view = self._evidence_access.view(caller)
        require(view, "record.export")
        refuse_hidden(view, "a bundle")
        if form.ledger and self._logs.find(form.ledger) is None:
            raise ConfigError(
                f"there is no ledger {form.ledger[:80]!r}", key="ledger", hint="glasshatch ledger list"
            )
        state = self._behind.caught_up()
        query, hits = self._find(caller, form)
        ledger = form.ledger or _the_one(hits)
        published = self._logs.of(ledger)
        facts = self._facts(caller, form, ledger, state, query, hits)
        draft = Draft(facts, [(hit.index, bytes(hit.event)) for hit in hits], published.keys())
        # From here on it is in the record that the caller has the bundle, whether it arrives or not.
        sealed = self._seal(caller, SealForm(
            manifest=draft.manifest_hash, events=len(hits), query=query, since=form.since, until=form.until,
            ledger=ledger,
        ))  # fmt: skip
        return _complete(draft, sealed, published)

    def _find(self, caller: Identity, form: EvidenceForm) -> tuple[str, list[Hit]]:
        wanted = SearchQuery(
            text=_within(form.query, form.ledger), since=form.since, until=form.until, limit=MAX_EVENTS + 1
        )
        page = search(self._investigator, wanted, self._eyes(caller))
        if len(page.events) > MAX_EVENTS:
            raise TooLarge(
                f"{page.count} events match, and a bundle holds at most {MAX_EVENTS}",
                hint="narrow the query or the period, and make several bundles",
            )
        return page.query, sorted(page.events, key=lambda hit: hit.index)

    def _eyes(self, caller: Identity) -> Visibility:
        return seen_by(self._evidence_access, caller, self._investigator.now_ns())

    def _facts(
        self, caller: Identity, form: EvidenceForm, ledger: str, state: IndexState, query: str,
        hits: list[Hit],
    ) -> Facts:  # fmt: skip
        # What was indexed while we searched may have matched already.
        indexed = max(state.positions.get(ledger, 0) if state.positions else state.indexed,
                      hits[-1].index + 1 if hits else 0)  # fmt: skip
        size = state.sizes.get(ledger, 0) if state.sizes else state.ledger_size
        missing = SearchQuery(
            text=_within("action:recording.gap", ledger), since=form.since, until=form.until,
            limit=_MAX_GAPS, oldest_first=True,
        )  # fmt: skip
        gaps = search(self._investigator, missing, self._eyes(caller)).events
        return Facts(
            origin=self._logs.of(ledger).key().name, query=query, since=form.since, until=form.until,
            made=str(self._investigator.now_ns()),
            made_by=Maker(id=caller.id, name=caller.name, type=caller.type), events=len(hits),
            ledger_size=max(size, indexed), indexed=indexed,
            gaps=tuple(Gap(index=gap.index, time=decode(bytes(gap.event)).time) for gap in gaps),
            redaction=REDACTION + (SHORT_FORMS if any(map(_is_short, hits)) else ""),
        )  # fmt: skip


def _is_short(hit: Hit) -> bool:
    return blob_of(bytes(hit.event)) != ""


def _within(query: str, ledger: str) -> Query:
    """The query, for one ledger only if one is named."""
    asked = parse(query)
    return And((asked, Match("ledger", ledger, True))) if ledger else asked


def _the_one(hits: list[Hit]) -> str:
    """The ledger that all of them are in, since a bundle is proven under the key of one."""
    found = sorted({hit.ledger for hit in hits}) or [DEFAULT_LEDGER]
    if len(found) > 1:
        raise ConfigError(
            f"events of several ledgers match: {', '.join(found)}", key="--ledger",
            hint="a bundle is proven under one ledger's key: name the ledger, and make one of each",
        )  # fmt: skip
    return found[0]


def _complete(draft: Draft, sealed: ProofText, published: Published) -> bytes:
    made = Proof.decode(sealed.proof.encode())
    key = VerifierKey.parse(sealed.verifier_key)
    size = open_checkpoint(made.checkpoint, published.keys(key)).size
    known: KnownRoots = {}

    def inclusion(index: int, size: int) -> list[bytes]:
        return inclusion_proof(index, size, published.read, known)

    bundle = draft.complete(made, inclusion, size)
    # The index is derived and the files lie on a disk: nobody gets what would not verify.
    check_evidence(bundle, key)
    return bundle
