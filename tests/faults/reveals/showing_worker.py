"""Shows approved values in a data directory, each in a child of its own that kills itself at a step.

It reads lines `DIRECTORY REQUEST STEP` and answers with the status that the child ended with, behind
`SHOWN` if the value was given by then.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.killing import die, die_after, open_house, serve_deaths
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.events import Event


def at_record(house: House, action: str, *, durable: bool) -> None:
    """Die at the record of an event: before it is asked for, or once it is acknowledged."""
    real = house.recorder.record

    def record(event: Event, **more: Any) -> Any:
        if event.action != action:
            return real(event, **more)
        if durable:
            real(event, **more)
        return die()

    house.recorder.record = record  # type: ignore[method-assign]


STEPS: dict[str, Callable[[House], None]] = {
    "asked": lambda house: setattr(house.control.reveals, "start", die),
    "started": lambda house: die_after(house.control.reveals, "start"),
    "unrecorded": lambda house: at_record(house, "value.revealed", durable=False),
    "recorded": lambda house: at_record(house, "value.revealed", durable=True),
    "ended": lambda house: die_after(house.control.reveals, "end"),
}
"""How to die at each step of a showing."""


def work(directory: Path, request_id: str, step: str) -> None:
    house = open_house(directory)
    house.announce_start()
    request = house.control.requests.get(request_id)
    STEPS[step](house)
    FrontDesk(house).show_reveal(house.control.actors.get(request.actor_id), request_id)
    os.write(1, b"SHOWN ")


serve_deaths(work)
