"""Runs approved statements in a data directory, each in a child of its own that kills itself at a step.

It reads lines `DIRECTORY REQUEST STEP` and answers with the status that the child ended with.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fixtures.killing import die_after, die_before, open_house, serve_deaths
from glasshatch.app.changes import running
from glasshatch.app.changes.keeping import ImageKeeping
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House

STEPS: dict[str, Callable[[House], None]] = {
    "started": lambda house: die_after(house.control.statements, "start"),
    "recorded": lambda _: die_before(running, "run_statement"),
    "changed": lambda house: die_before(house.vault, "keep"),
    "imaged": lambda _: die_after(ImageKeeping, "keep"),
    "committed": lambda house: die_before(house.control.statements, "end"),
}
"""How to die at each step of a run."""


def work(directory: Path, request_id: str, step: str) -> None:
    house = open_house(directory)
    house.announce_start()
    request = house.control.requests.get(request_id)
    STEPS[step](house)
    FrontDesk(house).run_statement(house.control.actors.get(request.actor_id), request_id)


serve_deaths(work)
