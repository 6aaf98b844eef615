"""Packs on the test stand: their examples, and what each trigger costs over text in which nothing is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from .detector import Detector, Pack
from .engine import Engine
from .explaining import candidates
from .triggers import open_triggers

SLOWEST_MB_PER_S = 60.0
"""A detector whose triggers alone scan slower than this is refused; the shipped ones are well above."""

_EVERYDAY = (
    "2026-03-12T10:14:17.412Z INFO request=9f86d081884c7d65 pod=orders-5d9c7b6f4-x8k2p "
    "path=/api/v1/orders/48213 status=200 duration_ms=41.7 bytes=18234 service worker retry\n"
    '{"level":"warn","ts":1773310457.412,"caller":"shard/replica.go:214","msg":"snapshot deployed",'
    '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","count":128,"ratio":0.9731,"node":"ip-10-0-12-7"}\n'
)


class Failure(msgspec.Struct, frozen=True):
    """An example that does not hold: where its detector stands, and what went wrong."""

    detector: str
    where: str
    text: str
    reason: str


class Speed(msgspec.Struct, frozen=True):
    """How fast a detector's triggers scan alone, over ordinary log lines."""

    detector: str
    where: str
    mb_per_s: float


def failures(packs: Sequence[Pack]) -> Iterator[Failure]:
    """The examples of the packs that do not hold, with all the packs loaded together.

    An example has to be found alone, in the middle of other text, and by its own detector when no other
    is there; a counter-example may be found by another detector, not by its own.
    """
    engine = Engine(packs)
    for detector in engine.detectors:
        for text in detector.examples:
            for told in (text, f"so: {text} ."):
                if detector.type not in {one.type for one in engine.scan([told])[0]}:
                    yield Failure(detector.name, detector.where, told, f"no {detector.type} is found")
            if not candidates(engine, detector, text):
                yield Failure(detector.name, detector.where, text, "not found by this detector itself")
        for text in detector.counter_examples:
            if detector.name in {one.detector for one in engine.scan([text])[0]}:
                yield Failure(detector.name, detector.where, text, "a counter-example is found")


def speeds(detectors: Sequence[Detector], clock: Callable[[], float], size: int = 1 << 20) -> Iterator[Speed]:
    """How fast each detector's triggers scan alone: the best of three passes over `size` bytes."""
    data = (_EVERYDAY * (size // len(_EVERYDAY) + 1)).encode()[:size]
    for detector in detectors:
        triggers = open_triggers(detector.triggers, len(detector.triggers), None, keep=False)
        best = 0.0
        for _ in range(3):
            began = clock()
            triggers.hits(data, size)
            best = max(best, size / max(clock() - began, 1e-9) / 1e6)
        yield Speed(detector.name, detector.where, round(best, 1))
