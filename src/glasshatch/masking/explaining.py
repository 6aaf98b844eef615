"""Why something was found in a text, or was not: each candidate with its trigger, check and verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from .decoding import Budget, sources
from .detector import Detector
from .engine import Engine, Finding, joined
from .folding import fold, octets

_DEPTH = 3
_LIMIT = 1 << 16
FOUND = "found"


class Step(msgspec.Struct, frozen=True):
    """One candidate: which detector's trigger hit, and how far its value came.

    `verdict` is `found`, or why not. `start` and `end` are characters of the text, or of what it decodes
    to where `decoding` names how; both are -1 if the expression found nothing around the trigger.
    """

    detector: str
    type: str
    where: str
    trigger: str
    confidence: float
    validator: str
    verdict: str
    value: str = ""
    start: int = -1
    end: int = -1
    context: str = ""
    decoding: tuple[str, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """What is found in a text, and every candidate that was looked at on the way."""

    findings: list[Finding]
    steps: list[Step]


def explain(engine: Engine, text: str) -> Explanation:
    """Look at a text as the engine does, slowly, and say what happens.

    Raises:
        OverflowError: There is more in it than may be looked at.
    """
    findings = engine.scan([text])[0]
    steps = [_judged(step, findings) for step in _steps(engine, text, ())]
    return Explanation(findings, steps)


def _judged(step: Step, findings: Sequence[Finding]) -> Step:
    """The step, with who took its place if another detector was surer."""
    if step.verdict != FOUND or any(one.detector == step.detector for one in findings):
        return step
    surer = [one for one in findings if step.decoding or (one.start < step.end and step.start < one.end)]
    reason = f"{surer[0].detector} is surer or longer here" if surer else "stands in what is masked already"
    return msgspec.structs.replace(step, verdict=reason)


def _steps(engine: Engine, text: str, decoding: tuple[str, ...]) -> Iterator[Step]:
    owners = [(detector, trigger) for detector in engine.detectors for trigger in detector.triggers]
    whole = fold(joined([text]))
    hits = sorted(engine.triggers.hits(octets(whole), _LIMIT), key=lambda hit: hit[1])
    seen: set[tuple[str, int, int, str]] = set()
    for number, end in hits:
        if number < len(owners):
            for step in _looked_at(*owners[number], whole, end, decoding):
                key = (step.detector, step.start, step.end, step.verdict)
                if key not in seen:
                    seen.add(key)
                    yield step
    inside = [(number - len(owners) - 1, end) for number, end in hits if number > len(owners)]
    if inside and len(decoding) < _DEPTH:
        for source in sources(whole, inside, Budget(len(whole))):
            name = type(source).__name__.lower()
            yield from _steps(engine, source.text, (*decoding, _DECODINGS.get(name, name)))


_DECODINGS = {"pieces": "escapes", "run": "base64 or hex", "unpacked": "compressed"}


def candidates(engine: Engine, detector: Detector, text: str) -> bool:
    """Whether this detector alone accepts something in the text as it stands, whatever others find."""
    return any(
        step.detector == detector.name and step.verdict == FOUND
        for step in _steps(engine, text, (FOUND,) * _DEPTH)
    )


def _looked_at(
    detector: Detector, trigger: str, text: str, end: int, decoding: tuple[str, ...]
) -> Iterator[Step]:
    """What the detector makes of one hit: the same window and order as the engine's."""
    base = Step(
        detector.name, detector.type, detector.where, trigger, detector.confidence, detector.checked_by, "",
        decoding=decoding,
    )  # fmt: skip
    low = max(end - detector.before, text.rfind("\0", 0, end - 1), 0)
    stop = text.find("\0", end - 1)
    high = min(end + detector.after, stop if stop >= 0 else len(text))
    met = False
    for match in _touching(detector.verify, text, low, high, end):
        met = True
        step = _verdict(base, detector, match, text, low, high)
        yield step
        if step.verdict == FOUND:
            return
    if not met:
        yield msgspec.structs.replace(base, verdict="its expression fits nothing around the trigger")


def _touching(verify: re.Pattern[str], text: str, low: int, high: int, end: int) -> Iterator[re.Match[str]]:
    match = verify.search(text, low, high)
    while match is not None:
        begin, after = match.span()
        if after >= end - 1:
            if begin >= end:
                return
            yield match
        match = verify.search(text, after if after > begin else begin + 1, high)


def _verdict(base: Step, detector: Detector, match: re.Match[str], text: str, low: int, high: int) -> Step:
    value = match.group(detector.group)
    if not value:
        return msgspec.structs.replace(base, verdict="the word before it makes it something else")
    start, end = match.span(detector.group)
    # One character for the separator before the text.
    step = msgspec.structs.replace(base, value=value, start=start - 1, end=end - 1)
    if detector.accepts is not None and not detector.accepts(value):
        return msgspec.structs.replace(
            step, verdict=f"the check {detector.checked_by or 'of its list'} refuses it"
        )
    context = None if detector.context is None else detector.context.search(text, low, high)
    if detector.context is not None and context is None:
        return msgspec.structs.replace(step, verdict="none of its context words stands near")
    return msgspec.structs.replace(step, verdict=FOUND, context=context[0] if context else "")
