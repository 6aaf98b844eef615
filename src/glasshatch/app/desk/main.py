"""The desk of the front, over an open house."""

from __future__ import annotations

from ..house import House
from ..signin import SignIn
from .access import AccessPart
from .aliases import AliasPart
from .backup import BackupPart
from .breakglass import BreakGlassPart
from .changes import ChangePart
from .directory import DirectoryPart
from .entitled import EntitledPart
from .incidents import IncidentPart
from .intake import IntakePart
from .keys import KeysPart
from .ledgers import LedgerPart
from .people import PeoplePart
from .policy import PolicyPart
from .reaching import ReachPart
from .record import RecordPart
from .retention import RetentionPart
from .reveals import RevealPart
from .searches import SearchesPart
from .signing import SigningPart
from .vault import VaultPart


class FrontDesk(
    RecordPart, LedgerPart, AccessPart, PeoplePart, IntakePart, BackupPart, KeysPart, VaultPart,
    PolicyPart, RetentionPart, ChangePart, ReachPart, BreakGlassPart, SigningPart, EntitledPart,
    DirectoryPart, RevealPart, AliasPart, IncidentPart, SearchesPart,
):  # fmt: skip
    """Fills the API's `Desk` port over an open house."""

    def __init__(self, house: House, *, listening: str = "") -> None:
        RecordPart.__init__(self, house, listening=listening)
        LedgerPart.__init__(self, house)
        AccessPart.__init__(self, house)
        PeoplePart.__init__(self, house)
        IntakePart.__init__(self, house)
        BackupPart.__init__(self, house)
        KeysPart.__init__(self, house)
        VaultPart.__init__(self, house, self.ask_for)
        PolicyPart.__init__(self, house)
        EntitledPart.__init__(self, house)
        RetentionPart.__init__(self, house)
        ChangePart.__init__(self, house, self)
        RevealPart.__init__(self, house, self)
        ReachPart.__init__(self, house)
        SigningPart.__init__(self, house, self, SignIn(house))
        BreakGlassPart.__init__(self, house)
        DirectoryPart.__init__(self, house, self.signin)
        AliasPart.__init__(self, house)
        IncidentPart.__init__(self, house)
        SearchesPart.__init__(self, house)

    def sweep(self) -> None:
        """What is done all the time: let requests and grants run out, settle the vault, forget old tokens."""
        AccessPart.sweep(self)
        self.settle_vault()
        self.sweep_statements()
        self.signin.forgetting.look()
        self.sweep_reveals()

    @property
    def halted(self) -> bool:
        """Whether a ledger takes nothing any more."""
        return self._house.ledgers.error is not None
