"""What a desk promises about statements under review and masked values in clear; types only."""

from __future__ import annotations

from typing import Protocol

from ..identity import Identity
from .change_values import Ran, StatementForm, UndoForm
from .reveal_values import ClearForm, ClearShown
from .values import RequestView


class ChangeDesk(Protocol):
    """Statements under review."""

    def show_request(self, caller: Identity, request_id: str) -> RequestView: ...
    def request_statement(self, caller: Identity, form: StatementForm) -> RequestView:
        """File a statement; what it would change is measured, and recorded, before this returns."""

    def run_statement(self, caller: Identity, request_id: str) -> Ran:
        """Run an approved statement once; recorded before it is sent."""

    def undo(self, caller: Identity, form: UndoForm) -> RequestView:
        """File what would undo a run; nothing runs."""


class RevealDesk(Protocol):
    """Masked values in clear: asked for, and shown once; recorded before they leave."""

    def ask_reveal(self, caller: Identity, form: ClearForm) -> RequestView: ...
    def show_reveal(self, caller: Identity, request_id: str) -> ClearShown: ...
