"""What the API needs of exports."""

from __future__ import annotations

from typing import Protocol

from ..identity import Identity
from .export_values import Exported, ExportForm, ExportReset, ExportResetForm, ExportView


class ExportDesk(Protocol):
    """Events on their way out, for good or once."""

    def list_exports(self, caller: Identity) -> list[ExportView]:
        """Every export of the configuration, and how it is doing; says nothing of the record's content."""

    def reset_export(self, caller: Identity, name: str, form: ExportResetForm) -> ExportReset:
        """Let an export go on from another entry; recorded before it does."""

    def export_events(self, caller: Identity, form: ExportForm) -> Exported:
        """All events that match; that they are taken out is recorded before the first of them leaves."""
