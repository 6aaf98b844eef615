"""Evidence bundles at the desk: found in the index, proven by the ledger, recorded before handed out."""

from __future__ import annotations

from collections.abc import Callable

from ...api.values import EvidenceForm, IndexState, ProofText, SealForm
from ...errors import TooLarge
from ...events import decode
from ...identity import Identity
from ...investigate import Hit, Investigator
from ...ledger import Proof, Published, VerifierKey, open_checkpoint
from ...ledger.evidence import MAX_EVENTS, REDACTION, Draft, Facts, Gap, Maker, check_evidence
from ...ledger.log import KnownRoots, inclusion_proof
from .investigation import Behind, seen_by
from .roles import AUDITOR, require

Seal = Callable[[Identity, SealForm], ProofText]
_MAX_GAPS = 1_000


class EvidencePart:
    """The desk's `EvidenceDesk` port over an index and the published part of a ledger."""

    def __init__(self, investigator: Investigator, behind: Behind, published: Published, seal: Seal) -> None:
        self._investigator = investigator
        self._behind = behind
        self._published = published
        self._seal = seal

    def make_evidence(self, caller: Identity, form: EvidenceForm) -> bytes:
        """All events that match and that were indexed when this was asked, as a bundle that verifies.

        Raises:
            Denied: The caller is no auditor: a bundle says that it holds all that matched.
            TooLarge: More match than a bundle holds.
            VerificationError: The index shows an event that the ledger does not have.
        """
        require(caller, AUDITOR)
        state = self._behind.caught_up()
        query, hits = self._find(caller, form)
        facts = self._facts(caller, form, state, query, hits)
        keys = self._published.keys()
        draft = Draft(facts, [(hit.index, bytes(hit.event)) for hit in hits], keys)
        # From here on it is in the record that the caller has the bundle, whether it arrives or not.
        sealed = self._seal(caller, SealForm(
            manifest=draft.manifest_hash, events=len(hits), query=query, since=form.since, until=form.until
        ))  # fmt: skip
        return self._complete(draft, sealed)

    def _find(self, caller: Identity, form: EvidenceForm) -> tuple[str, list[Hit]]:
        page = self._investigator.search(
            form.query, seen_by(caller), since=form.since, until=form.until, limit=MAX_EVENTS + 1
        )
        if len(page.events) > MAX_EVENTS:
            raise TooLarge(
                f"{page.count} events match, and a bundle holds at most {MAX_EVENTS}",
                hint="narrow the query or the period, and make several bundles",
            )
        return page.query, sorted(page.events, key=lambda hit: hit.index)

    def _facts(
        self, caller: Identity, form: EvidenceForm, state: IndexState, query: str, hits: list[Hit]
    ) -> Facts:
        # What was indexed while we searched may have matched already.
        indexed = max(state.indexed, hits[-1].index + 1 if hits else 0)
        gaps = self._investigator.search(
            "action:recording.gap", seen_by(caller), since=form.since, until=form.until, limit=_MAX_GAPS,
            oldest_first=True,
        ).events  # fmt: skip
        return Facts(
            origin=self._published.key().name, query=query, since=form.since, until=form.until,
            made=str(self._investigator.now_ns()),
            made_by=Maker(id=caller.id, name=caller.name, type=caller.type), events=len(hits),
            ledger_size=max(state.ledger_size, indexed), indexed=indexed,
            gaps=tuple(Gap(index=gap.index, time=decode(bytes(gap.event)).time) for gap in gaps),
            redaction=REDACTION,
        )  # fmt: skip

    def _complete(self, draft: Draft, sealed: ProofText) -> bytes:
        made = Proof.decode(sealed.proof.encode())
        key = VerifierKey.parse(sealed.verifier_key)
        size = open_checkpoint(made.checkpoint, self._published.keys(key)).size
        known: KnownRoots = {}

        def inclusion(index: int, size: int) -> list[bytes]:
            return inclusion_proof(index, size, self._published.read, known)

        bundle = draft.complete(made, inclusion, size)
        # The index is derived and the files lie on a disk: nobody gets what would not verify.
        check_evidence(bundle, key)
        return bundle
