"""Applies the same stream of entries as any other process of this test, until it ends or is killed.

python applier.py FOLDER COUNT: says how far the file is after every batch.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fixtures.detecting import denial_of, read_of, touch_of
from glasshatch.clock import ManualClock
from glasshatch.detect import Detector, Route, load_rules


def stream(count: int) -> list[tuple[int, bytes]]:
    """The same entries at every call: a busy day with some trouble in it."""
    dice = random.Random(7)
    made = []
    for number in range(count):
        at_s = number * 2 + dice.randrange(-40, 40)
        actor = f"a{dice.randrange(30)}"
        kind = dice.random()
        if kind < 0.3:
            data = denial_of(number, at_s, actor)
        elif kind < 0.6:
            data = read_of(number, at_s, dice.randrange(300), f"s{number // 200}-{dice.randrange(5)}")
        else:
            data = touch_of(number, at_s, f"t{dice.randrange(40)}", actor=actor)
        made.append((number, data))
    return made


def open_detector(folder: Path) -> Detector:
    """The detector as every process of this test opens it."""
    return Detector.open(folder, load_rules(), ManualClock(), "acme", routes=[Route("hook")], max_groups=200)


def main() -> None:
    detector = open_detector(Path(sys.argv[1]))
    entries = stream(int(sys.argv[2]))
    dice = random.Random()
    print(f"start {detector.watermark}", flush=True)
    while detector.watermark < len(entries):
        start = detector.watermark
        detector.apply(entries[start : start + dice.randrange(1, 60)])
        print(detector.watermark, flush=True)
    detector.close()


if __name__ == "__main__":
    main()
