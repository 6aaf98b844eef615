"""Works on incidents and aliases at a desk and says each step once it is done, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from fixtures.killing import open_house, say
from glasshatch.api.alias_values import AliasEnd, AliasForm
from glasshatch.api.incident_values import (
    AnswerForm,
    IncidentChange,
    IncidentForm,
    MoveForm,
    NoteForm,
    PinForm,
)
from glasshatch.app.desk.main import FrontDesk
from glasshatch.identity import Identity


def work(desk: FrontDesk, admin: Identity, turn: int) -> None:
    """One incident, from opening to closing, and one alias."""
    opened = desk.create_incident(admin, IncidentForm(title=f"incident of turn {turn}"))
    name = str(opened.number)
    say("opened", number=name, title=opened.title)
    for part in range(3):
        text = f"note {part} of turn {turn}"
        desk.note_incident(admin, name, NoteForm(text=text))
        say("note", number=name, text=text)
        desk.pin_event(admin, name, PinForm(event=str(part), why=f"pin {part} of turn {turn}"))
        say("pin", number=name, place=str(part))
    desk.answer_incident(admin, name, AnswerForm(question="what", text=f"answer of turn {turn}"))
    say("answer", number=name, text=f"answer of turn {turn}")
    desk.change_incident(admin, name, IncidentChange(assignee="admin", add_tags=(f"t{turn}",)))
    say("tag", number=name, tag=f"t{turn}")
    for status in ("contained", "resolved", "closed"):
        desk.move_incident(admin, name, MoveForm(status=status, why="it is so"))
        say("status", number=name, status=status)
    form = AliasForm(namespace="kubernetes", principal=f"user-{turn}", actor="admin", reason="it is so")
    alias = desk.add_alias(admin, form)
    say("alias", id=alias.id)
    desk.end_alias(admin, alias.id, AliasEnd(reason="it is over"))
    say("ended", id=alias.id)


def main(directory: Path, first: int) -> None:
    house = open_house(directory)
    desk, admin = FrontDesk(house), house.control.actors.named("admin")
    say("ready")
    for turn in range(first, first + 1_000):
        work(desk, admin, turn)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
