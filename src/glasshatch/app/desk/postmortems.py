"""The post-mortem of an incident at the desk: what was found out, with proofs of the events it rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec

from ...api.incident_values import IncidentView, PinView, PostMortemSeal
from ...api.ports import IncidentDesk
from ...api.values import EvidenceForm, Timeline
from ...errors import ConfigError
from ...events import DEFAULT_LEDGER, read_place
from ...identity import Identity
from ...investigate import History, Visibility
from ...ledger import VerifierKey
from ...ledger.evidence import (
    Maker,
    PinnedEvent,
    PostMortemDraft,
    PostMortemFacts,
    check_evidence,
    check_post_mortem,
    read_archive,
)
from ..access import Access, refuse_hidden, require
from ..incidents.page import render_html
from ..incidents.report import MOST_ENTRIES, gathered
from ..incidents.text import render_markdown
from ..published import PublishedLogs

_AT_ONCE = 150
"""So many events are in a bundle: the question for them names each, and is bounded."""

MakeEvidence = Callable[[Identity, EvidenceForm], bytes]


class PostMortemPart:
    """Mixed in beside `CasePart`, whose timelines it tells."""

    def __init__(
        self, cases: IncidentDesk, logs: PublishedLogs, access: Access, make_evidence: MakeEvidence,
        now_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self._told_cases = cases
        self._told_logs = logs
        self._told_access = access
        self._told_evidence = make_evidence
        self._told_now_ns = now_ns

    def case_eyes(self, caller: Identity) -> Visibility:
        raise NotImplementedError

    def incident_history(self, incident: IncidentView, eyes: Visibility, limit: int) -> History:
        raise NotImplementedError

    def shown_timeline(self, caller: Identity, found: History) -> Timeline:
        raise NotImplementedError

    def export_incident(self, caller: Identity, incident: str) -> bytes:
        """The report in three forms and a bundle of the pinned events, in one file that verifies.

        That it was made is recorded before this returns; each bundle in it is recorded too.

        Raises:
            Denied: The caller may not take evidence out of the record, or may not see all fields of it.
            ConfigError: A pinned event is none that the caller may see any more.
        """
        view = self._told_access.view(caller)
        require(view, "incident.list")
        require(view, "record.export")
        refuse_hidden(view, "a post-mortem")
        found = self._told_cases.show_incident(caller, incident)
        held, gone = self._held_and_gone(found.pins)
        bundles = self._bundles(caller, held)
        history = self.incident_history(found, self.case_eyes(caller), MOST_ENTRIES)
        # By themselves too: a pin that comes late on a long timeline is beyond its end.
        alone = msgspec.structs.replace(found, subjects=())
        pinned = self.incident_history(alone, self.case_eyes(caller), MOST_ENTRIES)
        published = self._told_logs.of(DEFAULT_LEDGER)
        key = published.key()
        made = str(self._told_now_ns())
        report = gathered(
            found, self.shown_timeline(caller, history), self.shown_timeline(caller, pinned), gone,
            origin=key.name, made=made, made_by=caller.name,
        )  # fmt: skip
        facts = PostMortemFacts(
            incident=found.id, number=found.number, title=found.title, origin=key.name, made=made,
            made_by=Maker(id=caller.id, name=caller.name, type=caller.type), pins=_places(held),
            gone=_places(gone),
        )  # fmt: skip
        files = {
            "post-mortem.html": render_html(report), "post-mortem.md": render_markdown(report),
            "post-mortem.json": msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n", **bundles,
        }  # fmt: skip
        draft = PostMortemDraft(facts, files, published.keys())
        sealed = self._told_cases.seal_post_mortem(
            caller, found.id,
            PostMortemSeal(manifest=draft.manifest_hash, events=len(report.timeline), pins=len(held)),
        )  # fmt: skip
        done = draft.complete(sealed.proof.encode())
        # The index is derived and the files lie on a disk: nobody gets what would not verify.
        check_post_mortem(read_archive(done), VerifierKey.parse(sealed.verifier_key))
        return done

    def _held_and_gone(self, pins: Sequence[PinView]) -> tuple[list[PinView], list[PinView]]:
        """Pins whose events the ledgers still hold, and those whose events were pruned: of these only what
        people wrote is left, which is said, and the rest is handed over all the same."""
        least = {name: self._told_logs.of(name).minimum() for name in {_place(pin)[0] for pin in pins}}
        held, gone = list[PinView](), list[PinView]()
        for pin in pins:
            ledger, index = _place(pin)
            (held if index >= least[ledger] else gone).append(pin)
        return held, gone

    def _bundles(self, caller: Identity, pins: Sequence[PinView]) -> dict[str, bytes]:
        ledgers: dict[str, list[str]] = defaultdict(list)
        for pin in pins:
            ledgers[_place(pin)[0]].append(pin.event)
        made: dict[str, bytes] = {}
        for ledger, events in sorted(ledgers.items()):
            for start in range(0, len(events), _AT_ONCE):
                query = " OR ".join(f'id:"{event}"' for event in events[start : start + _AT_ONCE])
                bundle = self._told_evidence(caller, EvidenceForm(query=query, ledger=ledger))
                made[f"evidence-{len(made) + 1}.zip"] = bundle
        proven = [index for bundle in made.values() for index in check_evidence(bundle).indices]
        for pin in pins:
            index = _place(pin)[1]
            if index not in proven:
                raise ConfigError(
                    f"the pinned event {pin.place} is none that you may see", key="incident",
                    hint="take the pin off, or let somebody take it out who may see it",
                )  # fmt: skip
            proven.remove(index)
        return made


def _places(pins: Sequence[PinView]) -> tuple[PinnedEvent, ...]:
    found = []
    for pin in pins:
        ledger, index = _place(pin)
        found.append(PinnedEvent(event=pin.event, ledger=ledger, index=index))
    return tuple(found)


def _place(pin: PinView) -> tuple[str, int]:
    place = read_place(pin.place)
    assert place is not None  # it was written as one when the event was found
    return place
