"""Shows approved values in a data directory, each in a child of its own that kills itself at a step.

It reads lines `DIRECTORY REQUEST STEP` and answers with the status that the child ended with, behind
`SHOWN` if the value was given by then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glasshatch.app.config import load_config
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.events import Event


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def last(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        die()

    setattr(owner, name, last)


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
    "started": lambda house: after(house.control.reveals, "start"),
    "unrecorded": lambda house: at_record(house, "value.revealed", durable=False),
    "recorded": lambda house: at_record(house, "value.revealed", durable=True),
    "ended": lambda house: after(house.control.reveals, "end"),
}
"""How to die at each step of a showing."""


def work(directory: Path, request_id: str, step: str) -> None:
    house = House(load_config(config_of(directory)), SystemClock())
    house.announce_start()
    request = house.control.requests.get(request_id)
    STEPS[step](house)
    FrontDesk(house).show_reveal(house.control.actors.get(request.actor_id), request_id)
    os.write(1, b"SHOWN ")


for line in sys.stdin:
    place, wanted, way = line.split()
    child = os.fork()
    if child == 0:
        work(Path(place), wanted, way)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
