"""Incidents: what people found out about something that happened, each step kept beside the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, func, select

from ..errors import ConfigError, Conflict, VerificationError
from ..events import uuid7
from ..identity import Random
from .database import Database
from .people import unrecorded
from .sealed import Row, SealedTable

IncidentStatus = Literal["open", "contained", "resolved", "closed"]
EntryKind = Literal["note", "pin", "unpin", "answer", "status"]

STEPS: Final[Mapping[str, tuple[str, ...]]] = {
    "open": ("contained", "resolved"),
    "contained": ("open", "resolved"),
    "resolved": ("open", "closed"),
    "closed": ("open",),
}
"""Which status may follow which. What is not resolved is not closed, and whatever is over may open again."""

MAX_ENTRIES: Final = 5_000
_LISTS: Final = ("tags", "subjects")


class Question(msgspec.Struct, frozen=True):
    """One question of a runbook: its short name, and what is asked."""

    name: str
    text: str


class KeptIncident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Texts are redacted already.

    Attributes:
        number: What people call it by.
        alert: The id of the alert that it was opened from; empty if from none.
        subjects: What it is about, as in `session:ID`, `actor:NAME`, `resource:ID`, `trace:ID`.
        questions: Of its runbook, as they were when it was opened.
        entries: How many entries it has.
    """

    id: str
    number: int
    title: str
    severity: int
    status: IncidentStatus
    assignee: str
    tags: tuple[str, ...]
    alert: str
    subjects: tuple[str, ...]
    runbook: str
    questions: tuple[Question, ...]
    entries: int
    created_by: str
    created_ns: int
    changed_ns: int


class IncidentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was put into an incident; none is ever changed or taken away.

    about: of a pin the event's id, of an answer the question's name, of a status the one before. place: of
    a pin where its event lies, of a status why. text: why it is pinned, the note, the answer, or the status.
    """

    id: str
    incident_id: str
    kind: EntryKind
    about: str
    place: str
    text: str
    by: str
    by_name: str
    created_ns: int


class Incidents:
    """The incidents of one tenant. Blocks on the disk; safe from any thread.

    As elsewhere, `record` runs inside the step's transaction, before it counts.
    """

    def __init__(self, database: Database, table: SealedTable, entries: SealedTable, random: Random) -> None:
        self._database = database
        self._table = table
        self._entries = entries
        self._random = random

    def open(
        self, incident: KeptIncident, now_ns: int, *, record: Callable[[KeptIncident], object] = unrecorded
    ) -> KeptIncident:
        """A new one; its id and number are made here."""
        with self._database.write() as connection:
            columns = self._table.columns
            newest = connection.execute(
                select(func.max(columns.number)).where(columns.tenant == self._table.tenant)
            ).scalar()
            made = msgspec.structs.replace(
                incident, id=uuid7(now_ns, self._random(10)), number=(newest or 0) + 1, entries=0,
                created_ns=now_ns, changed_ns=now_ns,
            )  # fmt: skip
            self._table.insert(connection, _row(made))
            record(made)
        return made

    def find(self, name: str) -> KeptIncident:
        """The one with this number or id, or whose id begins so.

        Raises:
            ConfigError: There is none, or several.
        """
        with self._database.read() as connection:
            return self._find(connection, name)

    def all(self, status: str = "") -> list[KeptIncident]:
        """Those in a status, or all; the oldest first."""
        columns = self._table.columns
        where = [columns.status == status] if status else []
        with self._database.read() as connection:
            return [_incident(row) for row in self._table.find(connection, *where)]

    def entries(self, id: str) -> list[IncidentEntry]:
        """What was put into one, oldest first.

        Raises:
            VerificationError: An entry was taken away or put in outside Glasshatch.
        """
        with self._database.read() as connection:
            incident = self._find(connection, id)
            rows = self._entries.find(connection, self._entries.columns.incident_id == incident.id)
        if len(rows) != incident.entries:
            raise VerificationError(
                "an incident does not have its entries",
                where=f"incident_entries of incident {incident.number}",
                expected=str(incident.entries), found=str(len(rows)),
                hint="restore the control store from a backup; the record has every step",
            )  # fmt: skip
        return [_entry(row) for row in rows]

    def put(
        self,
        id: str,
        entry: IncidentEntry,
        now_ns: int,
        *,
        fits: Callable[[list[IncidentEntry]], object] | None = None,
        record: Callable[[KeptIncident, IncidentEntry], object] = unrecorded,
    ) -> KeptIncident:
        """Put an entry into one; its id is made here.

        Args:
            fits: Raises if it does not go with the entries that are there, inside the same transaction: of
                two people who do the same at once, one is told.

        Raises:
            Conflict: The incident is closed, or has as many as it may.
        """
        with self._database.write() as connection:
            incident = self._find(connection, id)
            _require_live(incident)
            if fits is not None:
                rows = self._entries.find(connection, self._entries.columns.incident_id == incident.id)
                fits([_entry(row) for row in rows])
            return self._put(connection, incident, entry, now_ns, record)

    def move(
        self,
        id: str,
        entry: IncidentEntry,
        now_ns: int,
        *,
        record: Callable[[KeptIncident, IncidentEntry], object] = unrecorded,
    ) -> KeptIncident:
        """Give it the status that the entry's text names.

        Raises:
            Conflict: That one does not follow the one it has.
        """
        with self._database.write() as connection:
            incident, wanted = self._find(connection, id), entry.text
            if wanted not in STEPS[incident.status]:
                raise Conflict(
                    f"incident {incident.number} is {incident.status}, which {wanted} does not follow",
                    hint=f"from there it goes to {' or '.join(STEPS[incident.status])}",
                )
            entry = msgspec.structs.replace(entry, about=incident.status)
            return self._put(connection, incident, entry, now_ns, record, status=wanted)

    def change(
        self,
        id: str,
        changed: Callable[[KeptIncident], Mapping[str, object]],
        now_ns: int,
        *,
        record: Callable[[KeptIncident], object] = unrecorded,
    ) -> KeptIncident:
        """Change title, severity, assignee, tags or subjects.

        Raises:
            Conflict: The incident is closed.
        """
        with self._database.write() as connection:
            incident = self._find(connection, id)
            _require_live(incident)
            values = changed(incident)
            made = self._replaced(connection, incident, now_ns, values)
            record(made)
        return made

    def _put(
        self,
        connection: Connection,
        incident: KeptIncident,
        entry: IncidentEntry,
        now_ns: int,
        record: Callable[[KeptIncident, IncidentEntry], object],
        **values: object,
    ) -> KeptIncident:
        if incident.entries >= MAX_ENTRIES:
            raise Conflict(
                f"incident {incident.number} has {MAX_ENTRIES} entries, and takes no more",
                hint="open another one, and note here which",
            )
        made = msgspec.structs.replace(
            entry, id=uuid7(now_ns, self._random(10)), incident_id=incident.id, created_ns=now_ns
        )
        self._entries.insert(connection, msgspec.structs.asdict(made))
        incident = self._replaced(connection, incident, now_ns, {"entries": incident.entries + 1, **values})
        record(incident, made)
        return incident

    def _replaced(
        self, connection: Connection, incident: KeptIncident, now_ns: int, values: Mapping[str, object]
    ) -> KeptIncident:
        row = self._table.get(connection, incident.id)
        assert row is not None  # it was read in this transaction, and none is ever deleted
        as_text = {
            name: msgspec.json.encode(value).decode() if name in _LISTS else value
            for name, value in values.items()
        }
        return _incident(self._table.replace(connection, row, changed_ns=now_ns, **as_text))

    def _find(self, connection: Connection, name: str) -> KeptIncident:
        columns = self._table.columns
        if name.isdecimal() and len(name) < 10:
            rows = self._table.find(connection, columns.number == int(name))
        else:
            rows = self._table.find(connection, columns.id.startswith(name, autoescape=True))
        if len(rows) != 1 or not name:
            what = "several incidents begin" if len(rows) > 1 and name else "there is no incident"
            raise ConfigError(
                f"{what} with this number or id", key="incident", hint="glasshatch incidents list"
            )
        return _incident(rows[0])


def _require_live(incident: KeptIncident) -> None:
    if incident.status == "closed":
        raise Conflict(
            f"incident {incident.number} is closed", hint="open it again: glasshatch incidents status … open"
        )


def _row(incident: KeptIncident) -> Row:
    row = msgspec.structs.asdict(incident)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in (*_LISTS, "questions")}


def _incident(row: Row) -> KeptIncident:
    lists = {name: msgspec.json.decode(row[name]) for name in (*_LISTS, "questions")}
    return msgspec.convert({**row, **lists}, KeptIncident)


def _entry(row: Row) -> IncidentEntry:
    return msgspec.convert(row, IncidentEntry)
