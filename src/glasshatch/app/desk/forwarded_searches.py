"""Kept searches at the back: the front keeps them."""

from __future__ import annotations

import contextlib

from ...api.client import Client
from ...api.search_values import SavedSearch, SaveForm
from ...identity import Identity


class ForwardedSearches:
    """Mixed into `ForwardedPart`, which knows the front."""

    def _front(self, caller: Identity, address: str = "") -> contextlib.AbstractContextManager[Client]:
        raise NotImplementedError

    def list_searches(self, caller: Identity) -> list[SavedSearch]:
        with self._front(caller) as front:
            return front.list_searches()

    def keep_search(self, caller: Identity, form: SaveForm) -> SavedSearch:
        with self._front(caller) as front:
            return front.keep_search(form)

    def delete_search(self, caller: Identity, search_id: str) -> None:
        with self._front(caller) as front:
            front.delete_search(search_id)
