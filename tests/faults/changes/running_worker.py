"""Runs approved statements in a data directory, each in a child of its own that kills itself at a step.

It reads lines `DIRECTORY REQUEST STEP` and answers with the status that the child ended with.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glasshatch.app.changes import running
from glasshatch.app.changes.keeping import ImageKeeping
from glasshatch.app.config import load_config
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def before(owner: Any, name: str) -> None:
    setattr(owner, name, die)


def after(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def last(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        die()

    setattr(owner, name, last)


STEPS: dict[str, Callable[[House], None]] = {
    "started": lambda house: after(house.control.statements, "start"),
    "recorded": lambda _: before(running, "run_statement"),
    "changed": lambda house: before(house.vault, "keep"),
    "imaged": lambda _: after(ImageKeeping, "keep"),
    "committed": lambda house: before(house.control.statements, "end"),
}
"""How to die at each step of a run."""


def work(directory: Path, request_id: str, step: str) -> None:
    house = House(load_config(config_of(directory)), SystemClock())
    house.announce_start()
    request = house.control.requests.get(request_id)
    STEPS[step](house)
    FrontDesk(house).run_statement(house.control.actors.get(request.actor_id), request_id)


for line in sys.stdin:
    place, wanted, way = line.split()
    child = os.fork()
    if child == 0:
        work(Path(place), wanted, way)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
