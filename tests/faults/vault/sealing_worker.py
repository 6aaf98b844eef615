"""Works in a data directory until it is killed.

It reads lines of JSON. Each makes a child that opens the directory and either takes sealed events
in, saying which are acknowledged, until it is killed from outside (`take`), or erases a subject and kills
itself at a step (`erase`). The answer to a line is the child's end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from glasshatch.api.vault_values import EraseForm
from glasshatch.app.config import load_config
from glasshatch.app.desk.main import FrontDesk
from glasshatch.app.house import House
from glasshatch.app.opening import config_of
from glasshatch.clock import SystemClock
from glasshatch.errors import Denied

PER_BATCH = 20


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
    "before it is intended": lambda house: before(house.control.erasures, "begin"),
    "intended, not recorded": lambda house: after(house.control.erasures, "begin"),
    "recorded, not destroyed": lambda house: before(house.control.erasures, "carry_out"),
    "destroyed, old images in the files": lambda house: before(house.control._database, "scrub"),
    "log emptied, not looked for": lambda house: before(house.control._database, "_holds"),
    "scrubbed, not marked as done": lambda house: after(house.control._database, "scrub"),
    "done": lambda house: after(house.control.erasures, "carry_out"),
}
"""How to die at each step of an erasure."""


def order(number: int) -> bytes:
    members = {
        "action": "order.placed", "id": f"o-{number}", "number": number,
        "customer": {"id": number % 7, "email": f"anna{number}@example.com"},
    }  # fmt: skip
    return json.dumps(members).encode()


def take(directory: Path, out: str, start: int, kept: bool) -> None:
    """`kept`: die as soon as the values of the first batch lie in the vault, before any leaf."""
    house = House(load_config(config_of(directory)), SystemClock())
    if kept:
        after(house.control.vault, "keep")
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        body = b"\n".join(order(number) for number in range(start, start + PER_BATCH))
        taken = house.intake.take("json", "shop", body)
        assert taken.accepted == PER_BATCH, taken
        os.write(descriptor, f"{start}\n".encode())
        start += PER_BATCH


def erase(directory: Path, step: str) -> None:
    house = House(load_config(config_of(directory)), SystemClock())
    desk, form = FrontDesk(house), EraseForm(subject="CUSTOMER:3", reason="request of 3 May")
    people = {actor.name: actor for actor in house.control.actors.list()}
    try:
        desk.erase(people["pri"], form)
    except Denied:
        for request in house.control.requests.list("pending"):
            desk.approve(people["app"], request.id, "")
    STEPS[step](house)
    desk.erase(people["pri"], form)


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                if told["do"] == "take":
                    take(Path(told["directory"]), told["out"], told["start"], told.get("kept", False))
                else:
                    erase(Path(told["directory"]), told["step"])
            finally:
                os._exit(70)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
