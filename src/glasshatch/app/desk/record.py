"""Reading and proving the record. What is read is recorded durably before it is handed out."""

from __future__ import annotations

import msgspec

from ... import __version__
from ...api.values import (
    EventFilter,
    ProofText,
    RecordedEvent,
    SealForm,
    SessionSummary,
    Status,
)
from ...events import DEFAULT_LEDGER, Data, Link, Outcome, Resource, place_of
from ...identity import Identity
from ...ledger import Ledger, Proof, open_checkpoint
from ...ledger.evidence import MADE_ACTION, MANIFEST_REL
from ...ledger.log import BUNDLE_ENTRIES, encode_bundle
from ..access import refuse_hidden, require_everything, shown, why
from ..house import House
from ..published import PublishedLogs
from ..records import find_event, find_events, find_sessions


class RecordPart:
    """The desk's reading side."""

    def __init__(self, house: House, *, listening: str = "") -> None:
        self._house = house
        self._listening = listening
        self._logs = PublishedLogs(house.home)

    def list_events(self, caller: Identity, filter: EventFilter) -> list[RecordedEvent]:
        """The newest events that match the filter and that the caller may see."""
        found = find_events(self._house.ledgers.items(), filter, self._house.sight_of(caller))
        asked = {
            key: str(value) for key, value in msgspec.structs.asdict(filter).items() if value not in ("", -1)
        }
        self._read(caller, "events", asked, len(found))
        return [shown(event, self._hidden(caller)) for event in found]

    def show_event(self, caller: Identity, event_id: str) -> RecordedEvent:
        """One event, whole."""
        found = find_event(self._house.ledgers.items(), event_id, self._house.sight_of(caller))
        self._read(caller, "event", {"event": event_id, "index": found.place}, 1)
        return shown(found, self._hidden(caller))

    def show_whole(self, caller: Identity, event_id: str) -> RecordedEvent:
        """One event with all that was recorded of it: most are whole, of others the entry is a short form.

        Raises:
            VerificationError: What is kept of it beside the ledger is not what the entry names.
        """
        found = find_event(self._house.ledgers.items(), event_id, self._house.sight_of(caller))
        self._refuse_hidden(caller, "an event as it is stored")
        whole = self._house.ledgers.get(found.ledger).whole(found.index)
        self._read(caller, "whole", {"event": event_id, "index": found.place}, 1)
        return msgspec.structs.replace(found, event=msgspec.Raw(whole))

    def list_sessions(self, caller: Identity, limit: int) -> list[SessionSummary]:
        """The newest sessions that the caller may see."""
        found = find_sessions(self._house.ledgers.items(), limit, self._house.sight_of(caller))
        self._read(caller, "sessions", {"limit": str(limit)}, len(found))
        return found

    def prove(self, caller: Identity, event_id: str) -> ProofText:
        """An inclusion proof of one event that the caller may see, with the key that checks it."""
        found = find_event(self._house.ledgers.items(), event_id, self._house.sight_of(caller))
        self._refuse_hidden(caller, "a proof")
        self._house.note(
            "record.proved",
            actor=caller.as_actor(),
            **why(caller),
            outcome=Outcome(status="success"),
            resource=RECORD,
            attrs={"event": event_id, "index": found.place},
        )
        ledger, witnessed = self._house.ledgers.get(found.ledger), self._logs.of(found.ledger).witnessed()
        return proof_text(ledger.prove(found.index, witnessed or b""), ledger)

    def read_bundle(self, caller: Identity, number: int, width: int, ledger: str = DEFAULT_LEDGER) -> bytes:
        """The first `width` entries of a tlog-tiles bundle, for auditors; nothing if they are not signed.

        Raises:
            ConfigError: They were pruned.
        """
        self._house.require(caller, "record.export")
        self._refuse_hidden(caller, "what is exported")
        require_everything(self._house.entitlements.view(caller), "a bundle of entries")
        found, first = self._house.ledgers.get(ledger), number * BUNDLE_ENTRIES
        signed = open_checkpoint(found.checkpoint(), found.keys).size
        if not 0 < width <= BUNDLE_ENTRIES or number < 0 or first + width > signed:
            return b""
        found.read(first)  # says so if they were pruned, and bundles go as a whole
        entries = [entry for _, entry in found.scan(first, first + width)]
        self._read(caller, "bundle", {"first": place_of(ledger, first), "count": str(width)}, width)
        return encode_bundle(entries)

    def seal_evidence(self, caller: Identity, form: SealForm) -> ProofText:
        """Record that a bundle with this manifest is handed to the caller, and prove it; for auditors.

        It is recorded in the ledger of the bundle: one key then checks all that the bundle holds.
        """
        self._house.require(caller, "record.export")
        self._refuse_hidden(caller, "what is exported")
        house, ledger = self._house, self._house.ledgers.get(form.ledger)
        asked = {"query": form.query, "since": form.since, "until": form.until}
        receipt = house.recorder.record(house.maker.make(
            MADE_ACTION,
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=Resource(type="ledger", id=f"ledger/{form.ledger}", name=form.ledger),
            data=Data(rows=form.events, recipient=caller.id),
            links=(Link(rel=MANIFEST_REL, id=form.manifest),),
            attrs={"what": "evidence", "filter": {name: value for name, value in asked.items() if value}},
            **why(caller),
        ), ledger=form.ledger)  # fmt: skip
        return proof_text(ledger.prove(receipt.index), ledger)

    def status(self, caller: Identity) -> Status:
        """The server at a glance; holds nothing of the record's content, so it is no read of it."""
        house = self._house
        others = house.ledgers.sizes()
        size = others.pop(DEFAULT_LEDGER)
        return Status(
            version=__version__,
            tenant=house.tenant,
            ledger_size=size,
            checkpoint=house.ledger.checkpoint().decode(),
            policy=house.policy.name,
            policy_hash=house.policy.hash,
            resources=tuple(
                f"{section.type}/{name}" for name, section in house.loaded.config.resources.items()
            ),
            listening=self._listening,
            ledgers=tuple(f"{name}: {size}" for name, size in others.items()),
        )

    def _read(self, caller: Identity, what: str, asked: dict[str, str], found: int) -> None:
        """Record the read before its answer leaves; if it cannot be recorded, there is no answer."""
        self._house.note(
            "record.read",
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            resource=RECORD,
            data=Data(rows=found, recipient=caller.id),
            attrs={"what": what, "filter": asked},
            **why(caller),
        )

    def _hidden(self, caller: Identity) -> tuple[str, ...]:
        return self._house.entitlements.view(caller).hidden

    def _refuse_hidden(self, caller: Identity, what: str) -> None:
        refuse_hidden(self._house.entitlements.view(caller), what)


def proof_text(proof: Proof, ledger: Ledger) -> ProofText:
    """With the key that had to sign its checkpoint, which may be one before the newest."""
    size = open_checkpoint(proof.checkpoint, ledger.keys).size
    return ProofText(proof.encode().decode(), str(ledger.keys.in_force(size)))


RECORD = Resource(type="ledger", id="ledger/default", name="default")
