"""What an export may see: the access policy of the moment, asked for its own service, and its query."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ...api.access_values import AccessView
from ...api.values import RecordedEvent
from ...exports import Gate
from ...identity import Identity
from ...index.columns import placed
from ...investigate import Investigator, Visibility
from ..access import require, sight_in
from ..access.fields import shown
from ..access.narrowing import query_of
from .sections import ExportSection


def identity_of_export(name: str, section: ExportSection, tenant: str) -> Identity:
    """The service as which an export looks at the record."""
    return Identity(
        id=f"export:{name}", tenant=tenant, type="service", name=f"export/{name}", roles=section.roles
    )


class Gates:
    """Asks anew each time, so that a changed policy, key or clock tells at once."""

    def __init__(
        self, name: str, section: ExportSection, tenant: str, investigator: Investigator,
        view: Callable[[Identity], AccessView],
    ) -> None:  # fmt: skip
        """`view` tells what an identity may, by the policy in force."""
        self.identity = identity_of_export(name, section, tenant)
        self._query = section.query
        self._investigator = investigator
        self._view = view

    def __call__(self) -> Gate:
        """What may leave now.

        Raises:
            Denied: Its roles do not let it export, or the query asks about what it may not see.
            ConfigError: The query has a mistake.
            Unavailable: The policy in force is not known at the moment.
        """
        view = self._view(self.identity)
        require(view, "record.export")
        visible = Visibility(query_of(sight_in(view), self._investigator.now_ns()), view.hidden)
        test, _ = self._investigator.predicate(self._query, visible)
        return Gate(lambda event, ledger: test(placed(event, ledger)), _stripper(view.hidden))


def _stripper(hidden: tuple[str, ...]) -> Callable[[bytes], bytes] | None:
    if not hidden:
        return None
    return lambda data: bytes(shown(RecordedEvent(0, msgspec.Raw(data)), hidden).event)
