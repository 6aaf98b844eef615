"""Kept searches at the desk, each step recorded inside its transaction."""

from __future__ import annotations

from ...api.search_values import SavedSearch, SaveForm
from ...control import KeptSearch
from ...events import Link, Outcome
from ...identity import Identity
from ..house import House


class SearchesPart:
    """The desk's `SavedDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def list_searches(self, caller: Identity) -> list[SavedSearch]:
        """The caller's own and what others share; says nothing of the record, so it is no read of it."""
        house = self._house
        names = {actor.id: actor.name for actor in house.control.actors.list()}
        return [self._view_search(one, caller, names) for one in house.control.searches.of(caller.id)]

    def keep_search(self, caller: Identity, form: SaveForm) -> SavedSearch:
        """Keep a search, or change the caller's own of that name.

        Raises:
            Conflict: The caller keeps too many.
        """
        house = self._house
        wanted = KeptSearch(
            id="", name=form.name, query=form.query, note=house.redactor.text(form.note)[0],
            owner_id=caller.id, shared=form.shared, created_ns=0, changed_ns=0,
        )  # fmt: skip
        kept = house.control.searches.keep(
            wanted, house.clock.now_ns(), lambda one: self._note_search("search.saved", caller, one)
        )
        return self._view_search(kept, caller, {caller.id: caller.name})

    def delete_search(self, caller: Identity, search_id: str) -> None:
        """Forget one of the caller's own; who may change actors forgets what others share, too."""
        house = self._house
        house.control.searches.forget(
            search_id, caller.id, house.may(caller, "actor.change"),
            lambda one: self._note_search("search.deleted", caller, one),
        )  # fmt: skip

    def _note_search(self, action: str, caller: Identity, kept: KeptSearch) -> None:
        query, _ = self._house.redactor.text(kept.query)
        self._house.note(
            action, actor=caller.as_actor(), outcome=Outcome(status="success"),
            links=(Link(rel="search", id=kept.id),),
            attrs={"name": kept.name, "query": query, "shared": kept.shared},
        )  # fmt: skip

    def _view_search(self, kept: KeptSearch, caller: Identity, names: dict[str, str]) -> SavedSearch:
        return SavedSearch(
            id=kept.id, name=kept.name, query=kept.query, note=kept.note, shared=kept.shared,
            owner=names.get(kept.owner_id, kept.owner_id), own=kept.owner_id == caller.id,
            changed=str(kept.changed_ns),
        )  # fmt: skip
