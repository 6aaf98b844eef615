"""Break-glass at the desk: sheets printed, listed, revoked, and their uses reviewed."""

from __future__ import annotations

import os
from typing import Any

from ...api.breakglass_values import PrintForm, SheetPrinted, SheetReview, SheetView
from ...errors import ConfigError, Denied
from ...events import Access, Outcome
from ...identity import Identity
from ..breakglass.door import grant_of
from ..breakglass.records import Printed, Revoked
from ..breakglass.sheets import Sheet, check_patterns, digest_of, make_secret, spell
from ..house import House

_SECOND_NS = 1_000_000_000


class BreakGlassPart:
    """The desk's `BreakGlassDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def print_sheets(self, caller: Identity, form: PrintForm) -> list[SheetPrinted]:
        """Sheets for one holder; their texts are in this answer and never again.

        Raises:
            Denied: The caller may not, or prints for themselves: nobody gives themselves a way in.
        """
        house = self._house
        house.require(caller, "break-glass.print")
        holder = house.control.actors.named(form.holder)
        if holder.type != "human" or holder.disabled:
            raise ConfigError("a sheet is for a human who may come in", key="HOLDER")
        if caller.people() & holder.people():
            raise Denied("nobody prints a sheet for themselves", hint="have another administrator print it")
        known = [f"{section.type}/{name}" for name, section in house.loaded.config.resources.items()]
        check_patterns(form.resources, known)
        first = max(house.glass.sheets(), default=0) + 1
        return [self._print(caller, holder, form, number) for number in range(first, first + form.count)]

    def _print(self, caller: Identity, holder: Identity, form: PrintForm, number: int) -> SheetPrinted:
        house, secret, now_ns = self._house, make_secret(os.urandom), self._house.clock.now_ns()
        until_ns = now_ns + form.valid_s * _SECOND_NS
        attrs = {
            "sheet": number, "holder": holder.name, "resources": list(form.resources),
            "verbs": list(form.verbs), "until": str(until_ns), "window_s": form.window_s,
        }  # fmt: skip
        self._note_sheet("breakglass.printed", caller, number, attrs)
        house.glass.write(
            Printed(
                at_ns=now_ns, number=number, digest=digest_of(number, secret), holder_id=holder.id,
                holder=holder.name, tenant=house.tenant, roles=holder.roles, resources=form.resources,
                verbs=form.verbs, window_s=form.window_s, until_ns=until_ns, by=caller.name,
            )
        )  # fmt: skip
        return SheetPrinted(
            number=number, holder=holder.name, text=spell(number, secret), resources=form.resources,
            window_s=form.window_s, until=str(until_ns),
        )  # fmt: skip

    def list_sheets(self, caller: Identity) -> list[SheetView]:
        """Every sheet for who answers for them; everybody sees their own."""
        everybody = self._house.may(caller, "break-glass.list")
        sheets = self._house.glass.sheets().values()
        return [self._sheet_view(one) for one in sheets if everybody or one.printed.holder_id == caller.id]

    def revoke_sheet(self, caller: Identity, number: int) -> SheetView:
        """A sheet opens nothing any more; a session that it opened goes on until its time is over."""
        sheet = self._sheet(number)
        if sheet.printed.holder_id != caller.id:
            self._house.require(caller, "break-glass.print")
        if not sheet.revoked:
            self._note_sheet(
                "breakglass.revoked", caller, number, {"sheet": number, "holder": sheet.printed.holder}
            )
            self._house.glass.write(Revoked(at_ns=self._house.clock.now_ns(), number=number, by=caller.name))
        return self._sheet_view(self._sheet(number))

    def review_sheet(self, caller: Identity, number: int, form: SheetReview) -> SheetView:
        """Look at a use; recorded before its holder may use another sheet."""
        self._house.require(caller, "break-glass.review")

        def event(sheet: Sheet) -> Any:
            return self._house.maker.make(
                "breakglass.reviewed", actor=caller.as_actor(), outcome=Outcome(status="success"),
                access=_access(number),
                attrs={
                    "sheet": number, "holder": sheet.printed.holder, "verdict": form.verdict,
                    "comment": form.comment,
                },
            )  # fmt: skip

        return self._sheet_view(self._house.glass.review(number, caller, form.verdict, form.comment, event))

    def _sheet(self, number: int) -> Sheet:
        found = self._house.glass.sheets().get(number)
        if found is None:
            raise ConfigError(f"there is no sheet {number}", key="NUMBER", hint="glasshatch break-glass list")
        return found

    def _note_sheet(self, action: str, caller: Identity, number: int, attrs: dict[str, Any]) -> None:
        """Recorded before the book has it: what is in force is known to the record."""
        self._house.note(
            action, actor=caller.as_actor(), outcome=Outcome(status="success"), access=_access(number),
            attrs=attrs,
        )  # fmt: skip

    def _sheet_view(self, sheet: Sheet) -> SheetView:
        printed, review, now_ns = sheet.printed, sheet.review, self._house.clock.now_ns()
        if review is not None:
            state = "reviewed"
        elif sheet.first_ns:
            state = "open" if now_ns < sheet.ends_ns and not sheet.revoked else "unreviewed"
        elif sheet.revoked:
            state = "revoked"
        else:
            state = "sealed" if now_ns < printed.until_ns else "expired"
        return SheetView(
            number=sheet.number, holder=printed.holder, resources=printed.resources, verbs=printed.verbs,
            state=state, until=str(printed.until_ns), window_s=printed.window_s,
            used=str(sheet.first_ns) if sheet.first_ns else "", uses=sheet.uses, reason=sheet.reason,
            resource=sheet.resource, overrides=sheet.overrides, verdict=review.verdict if review else "",
            reviewed_by=review.by if review else "", comment=review.comment if review else "",
        )  # fmt: skip


def _access(number: int) -> Access:
    return Access(grant_id=grant_of(number), break_glass=True)
