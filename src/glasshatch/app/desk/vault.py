"""Sealed values at the desk: shown to one under two people's names, destroyed under two, held by one.

A value that is shown is recorded before it leaves. It stands in no request, no log and no event.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote

from ...api.values import RecordedEvent
from ...api.vault_values import Erased, EraseForm, HoldForm, HoldView, Revealed, RevealForm
from ...control import Erasure, Hold
from ...errors import ConfigError, Conflict, Denied, Unavailable, VerificationError
from ...events import Access, Data, Event, Link, Outcome, Resource, SealedField, decode
from ...identity import Identity
from ...masking import TOKEN, parse_path, spell
from ...policy import Grant, Request, RequestKind
from ..house import House
from ..published import PublishedLogs
from ..records import find_event
from ..vault import ERASED, KEY_LINK, SIZES
from .record import proof_text

_ERASE_SECONDS = 900
_MARK_EVERY_NS = 10 * 10**9
_SEGMENT = 200
_NAMED = re.compile(r"([A-Z][A-Z0-9_]{1,30}):(.+)", re.DOTALL)


class Ask(Protocol):
    """Files a request, as the access part of the desk does."""

    def __call__(
        self, caller: Identity, kind: RequestKind, resource: str, duration_s: int, reason: str, ticket: str
    ) -> Request: ...


class VaultPart:
    """The desk's `VaultDesk` port."""

    def __init__(self, house: House, ask: Ask) -> None:
        self._house = house
        self._ask_for = ask
        self._marked_ns = house.clock.now_ns()
        self._logs = PublishedLogs(house.home)

    def reveal(self, caller: Identity, form: RevealForm) -> Revealed:
        """One sealed value of an event that the caller may see, under a live grant for exactly this field.

        Without one a request is filed, unless one waits already, and the caller is refused.
        """
        house = self._house
        found = find_event(house.ledgers.items(), form.event, house.sight_of(caller))
        event = decode(found.event)
        sealed = _sealed_field(event, form.field)
        if house.control.vault.value(event.id, sealed.field) is None:
            raise self._gone(event, found, sealed)
        resource = f"sealed/{event.id}/{_segment(sealed.field)}"
        grant = self._granted(caller, "reveal", resource, form.duration_s, form.reason, form.ticket)
        opened = house.vault.open(event.id, sealed.field, sealed.commitment)
        if opened is None:
            raise self._gone(event, found, sealed)
        ledger, witnessed = house.ledgers.get(found.ledger), self._logs.of(found.ledger).witnessed()
        proven = proof_text(ledger.prove(found.index, witnessed or b""), ledger)
        # Recorded before the value leaves: a crash here leaves a record of what nobody has seen.
        house.note(
            "value.revealed", actor=caller.as_actor(), request_id=grant.request_id,
            outcome=Outcome(status="success"),
            resource=Resource(type="sealed", id=resource, name=sealed.field),
            access=self._access(grant, form),
            data=Data(rows=1, subjects=(sealed.subject,), recipient=caller.id),
            links=(Link(rel="event", id=event.id), Link(rel="grant", id=grant.id)),
        )  # fmt: skip
        return Revealed(
            event=event.id, place=found.place, field=sealed.field, value=opened.value,
            salt=opened.salt.hex(), commitment=sealed.commitment, proof=proven.proof,
            verifier_key=proven.verifier_key, grant_id=grant.id, until=str(grant.expires_ns),
        )  # fmt: skip

    def erase(self, caller: Identity, form: EraseForm) -> Erased:
        """Destroy a data subject's keys, under a live grant for exactly this subject; the receipt.

        What it is refused for is looked at while nothing new can be sealed and no hold can be placed.
        """
        self._house.require(caller, "subject.erase")
        house, tokens = self._house, self._tokens(form.subject)
        if form.dry_run:
            return self._known(tokens)
        found = self._known(tokens)
        self._refuse_held(found.holds)
        if not found.keys:
            raise ConfigError(
                "nothing is sealed about this subject",
                key="subject",
                hint="look with: glasshatch erase --dry-run",
            )
        resource = f"subject/{found.subjects[0].strip('<>')}"
        grant = self._granted(caller, "erase", resource, _ERASE_SECONDS, form.reason, form.ticket)
        with house.vault.gate.alone():
            known = house.control.vault.about(tokens)
            self._refuse_held([hold.id for hold in house.control.holds.on(known.subjects)])
            sizes = house.ledgers.sizes()
            event = house.maker.make(
                ERASED, actor=caller.as_actor(), request_id=grant.request_id,
                outcome=Outcome(status="success"), access=self._access(grant, form),
                data=Data(rows=known.sealed, subjects=known.subjects),
                attrs={SIZES: {name: str(size) for name, size in sizes.items()}},
                links=(
                    Link(rel="grant", id=grant.id), *(Link(rel=KEY_LINK, id=id) for id in known.key_ids),
                ),
            )  # fmt: skip
            erasure = Erasure(
                id=event.id, subjects=known.subjects, key_ids=known.key_ids, erased_by=caller.id,
                sealed=known.sealed, at_sizes=sizes, created_ns=house.clock.now_ns(),
            )  # fmt: skip
            receipt = house.vault.erase(erasure, lambda: house.recorder.record(event))
        proven = proof_text(house.ledger.prove(receipt.index), house.ledger)
        return Erased(
            subjects=known.subjects, keys=len(known.key_ids), sealed=known.sealed, event=event.id,
            index=receipt.index, proof=proven.proof, verifier_key=proven.verifier_key,
        )  # fmt: skip

    def place_hold(self, caller: Identity, form: HoldForm) -> HoldView:
        """Forbid to erase or prune anything about a data subject, until the hold is released."""
        self._house.require(caller, "hold.change")
        house, redact = self._house, self._house.redactor.text
        tokens = house.control.vault.about(self._tokens(form.subject)).subjects
        # Alone: an erasure that has looked for holds already is over before this one counts.
        with house.vault.gate.alone():
            hold = house.control.holds.place(
                tokens, reason=redact(form.reason)[0], ticket=redact(form.ticket)[0], by=caller.id,
                now_ns=house.clock.now_ns(), record=lambda made: self._note_hold("hold.placed", caller, made),
            )  # fmt: skip
        return self._hold_view(hold)

    def release_hold(self, caller: Identity, hold_id: str, reason: str) -> HoldView:
        """End a hold."""
        self._house.require(caller, "hold.change")
        house, why = self._house, self._house.redactor.text(reason)[0]
        ids = [hold.id for hold in house.control.holds.list() if hold_id and hold.id.startswith(hold_id)]
        hold = house.control.holds.release(
            ids[0] if len(ids) == 1 else hold_id, caller.id, house.clock.now_ns(),
            record=lambda ended: self._note_hold("hold.released", caller, ended, why),
        )  # fmt: skip
        return self._hold_view(hold)

    def list_holds(self, caller: Identity) -> list[HoldView]:
        """Every hold there was, oldest first."""
        self._house.require(caller, "hold.list")
        return [self._hold_view(hold) for hold in self._house.control.holds.list()]

    def settle_vault(self) -> None:
        """Finish erasures, and note how far the ledgers have what was sealed: a start reads on from there."""
        with contextlib.suppress(Unavailable):
            self._house.vault.finish_recorded()
        now_ns = self._house.clock.now_ns()
        if not 0 <= now_ns - self._marked_ns < _MARK_EVERY_NS:
            self._marked_ns = now_ns
            self._house.vault.mark(self._house.ledgers.sizes())

    def _granted(
        self, caller: Identity, kind: RequestKind, resource: str, duration_s: int, reason: str, ticket: str
    ) -> Grant:
        """The live grant for this; `Denied` without one, and a request for it waits for somebody else."""
        house, now_ns = self._house, self._house.clock.now_ns()
        if caller.id.startswith("os:"):
            raise Denied(
                "this takes two people, and an account of the machine is nobody's token",
                hint="start the server, then give the command under a token",
            )
        for grant in house.control.grants.of(caller.id, now_ns):
            if grant.covers(caller.id, resource, (kind,), now_ns):
                return grant
        waiting = [
            request for request in house.control.requests.list("pending", caller.id)
            if (request.kind, request.resource) == (kind, resource) and request.expires_ns > now_ns
        ]  # fmt: skip
        request = waiting[0] if waiting else self._ask_for(caller, kind, resource, duration_s, reason, ticket)
        raise Denied(
            f"this waits for somebody else's approval: request {request.id}",
            hint=f"they give: glasshatch approve {request.id}; then give the same command again",
        )

    def _gone(self, event: Event, found: RecordedEvent, sealed: SealedField) -> Conflict | VerificationError:
        """Why a sealed value is not there: an erasure, or nothing that anybody recorded."""
        for erasure in self._house.control.erasures.of_subject(sealed.subject):
            if found.index < erasure.at_sizes.get(found.ledger, 0):
                when = datetime.fromtimestamp(erasure.created_ns // 10**9, UTC).isoformat()
                return Conflict(
                    f"field {sealed.field} of event {event.id} was erased at {when} by event {erasure.id}",
                    hint=f"its key is destroyed; the record of that: glasshatch show {erasure.id}",
                )
        return VerificationError(
            "a sealed value is not in the vault, and no erasure says so",
            where=f"field {sealed.field} of event {event.id}",
            hint="restore the control store from a backup and review who can write its file",
        )

    def _refuse_held(self, hold_ids: Sequence[str]) -> None:
        if hold_ids:
            raise Conflict(
                f"a legal hold forbids it: {', '.join(hold_ids)}",
                hint="glasshatch hold list says why it is there",
            )

    def _known(self, tokens: Sequence[str]) -> Erased:
        known = self._house.control.vault.about(tokens)
        holds = tuple(hold.id for hold in self._house.control.holds.on(known.subjects))
        return Erased(subjects=known.subjects, keys=len(known.key_ids), sealed=known.sealed, holds=holds)

    def _tokens(self, subject: str) -> tuple[str, ...]:
        """The tokens of a subject; the text itself goes no further."""
        token = TOKEN.fullmatch(subject)
        if token is not None and token[2] and token[1] != "SECRET":
            return (subject,)
        named = _NAMED.fullmatch(subject)
        if named is None or named[1] == "SECRET" or not named[2].strip():
            raise ConfigError(
                "is neither a token nor TYPE:value", key="subject",
                hint="a token as events show it, <EMAIL:…>, or EMAIL:somebody@example.com on standard input",
            )  # fmt: skip
        return self._house.redactor.tokens.lookup(named[1], named[2])

    def _access(self, grant: Grant, form: RevealForm | EraseForm) -> Access:
        redact, actors = self._house.redactor.text, self._house.control.actors
        return Access(
            grant_id=grant.id, approval_id=grant.request_id, reason=redact(form.reason)[0],
            ticket=redact(form.ticket or grant.ticket)[0],
            approvers=tuple(actors.get(approver).name for approver in grant.approvers),
        )  # fmt: skip

    def _note_hold(self, action: str, caller: Identity, hold: Hold, reason: str = "") -> None:
        self._house.note(
            action, actor=caller.as_actor(), outcome=Outcome(status="success", reason=reason),
            access=Access(reason=hold.reason, ticket=hold.ticket), data=Data(subjects=hold.subjects),
            links=(Link(rel="hold", id=hold.id),),
        )  # fmt: skip

    def _hold_view(self, hold: Hold) -> HoldView:
        return HoldView(
            id=hold.id, subjects=hold.subjects, reason=hold.reason, ticket=hold.ticket,
            placed_by=self._holder_name(hold.placed_by), created=str(hold.created_ns),
            released=str(hold.released_ns) if hold.released_ns else "",
            released_by=self._holder_name(hold.released_by) if hold.released_by else "",
        )  # fmt: skip

    def _holder_name(self, actor_id: str) -> str:
        return actor_id if actor_id.startswith("os:") else self._house.control.actors.get(actor_id).name


def _segment(field: str) -> str:
    """A field as a part of a resource's name."""
    name = quote(field, safe=".[]_-")
    return name if len(name) <= _SEGMENT else hashlib.sha256(field.encode()).hexdigest()


def _sealed_field(event: Event, text: str) -> SealedField:
    sealed = event.redaction.sealed if event.redaction else ()
    field = spell(parse_path(text, every=False))
    found = next((one for one in sealed if one.field == field), None)
    if found is None:
        fields = ", ".join(one.field for one in sealed)
        raise ConfigError(
            f"{field} is no sealed field of event {event.id}", key="field",
            hint=f"sealed are {fields}" if fields else "nothing of it is sealed",
        )  # fmt: skip
    return found
