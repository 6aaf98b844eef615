"""Text that arrives in pieces: what a terminal shows, what an HTTP body carries.

A value may be split anywhere between pieces. So the end of what has arrived is held back, until what
follows is known, or until somebody who watches has waited for `LONGEST_WAIT_SECONDS`: then the owner
calls `pause`, and of a value that goes on after that the rest is masked. Memory is bounded.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from .decoding.escapes import AROUND
from .engine import Finding
from .redact import Redactor
from .tokens import UNSCANNED

LONGEST_WAIT_SECONDS = 0.05
"""After this long without a new piece the owner of an interactive stream calls `pause`."""

MOST_HELD = 1 << 17
_STEP = 4_096
_WINDOW = 16_384
_RUN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=%\\&;#@."


class Stream:
    """Redacts one text in pieces. For one thread.

    What it returns, put together, is the text redacted as if it had come at once, as long as no value is
    longer than what is held back (`MOST_HELD` characters at most) and `pause` was not called inside one.
    """

    def __init__(self, redactor: Redactor, *, hold: int = _WINDOW) -> None:
        """`hold` bounds how many characters of the end wait for what follows; the packs may need fewer."""
        self._redactor = redactor
        detectors = redactor.engine.detectors
        self._hold = AROUND + min(hold, max((one.after for one in detectors), default=0))
        self._reach = AROUND + min(_WINDOW, max((one.before for one in detectors), default=0))
        self._held = ""
        self._context = ""  # given out already; the beginning of what is scanned next
        self._open = False  # the context ends in a value whose stand-in was given out
        self._dropping = False  # inside a run too long to be scanned
        self.start = 0
        """How many characters were given out, as they were."""

    def feed(self, piece: str) -> str:
        """Take a piece, and give what is known to be clean by now."""
        self._held += piece
        if self._dropping:
            self._drop()
        if len(self._held) < self._hold + min(_STEP, self._hold):
            return ""
        return self._advance(self._hold)

    def pause(self) -> str:
        """Give everything that has arrived: somebody waits for it."""
        return self._advance(0) if self._held else ""

    def close(self) -> str:
        """Give the rest."""
        rest = self.pause()
        self._context, self._open = "", False
        return rest

    def found(self, finding: Finding) -> str:
        """What is written for a finding, whose offsets count from the beginning of the stream."""
        return self._redactor.stand_in(finding)

    def _advance(self, hold: int) -> str:
        text = self._context + self._held
        findings = self._redactor.findings([text])[0]
        if findings is None:
            return self._give_up(text)
        known = len(self._context)
        cut = self._cut(text, findings, hold)
        if cut <= known:
            if len(self._held) <= MOST_HELD:
                return ""
            # One value, or one run that may hold some, is longer than everything that may be held.
            self._dropping = True
            return self._give_up(text)
        shown = self._spliced(text, findings, cut)
        self._keep(text, findings, cut)
        return shown

    def _cut(self, text: str, findings: Sequence[Finding], hold: int) -> int:
        """Up to where the text is known: before the end that is held, in no value and in no run."""
        cut = len(text) - hold
        if not hold:
            return cut
        run = text[max(0, cut - _WINDOW) : cut]
        word = len(run.rstrip(_RUN))
        # A run as long as that is cut where it is; what is hidden in it is found on both sides.
        cut -= len(run) - word if word else 0
        for finding in reversed(findings):
            if finding.start < cut < finding.end:
                cut = finding.start
        return cut

    def _spliced(self, text: str, findings: Sequence[Finding], cut: int) -> str:
        known = done = len(self._context)
        shift = self.start - known
        parts = []
        for finding in findings:
            if finding.end <= known or finding.start >= cut:
                continue
            parts.append(text[done : max(finding.start, known)])
            # Of a value that was begun the rest goes; its stand-in is there already, or comes now.
            if finding.start >= known or not self._open:
                parts.append(self.found(_moved(finding, shift)))
            done = finding.end
        parts.append(text[done:cut])
        return "".join(parts)

    def _keep(self, text: str, findings: Sequence[Finding], cut: int) -> None:
        self.start += cut - len(self._context)
        self._open = False
        low = max(0, cut - self._reach)
        for finding in findings:
            if finding.start < cut <= finding.end and cut == len(text):
                # It may go on. Its beginning is kept, so that it is known again.
                self._open, low = True, min(low, finding.start)
        self._context, self._held = text[low:cut], text[cut:]

    def _give_up(self, text: str) -> str:
        """What cannot be scanned is not shown, and neither is what it may have begun."""
        self.start += len(self._held)
        self._context, self._held, self._open = "", "", False
        return UNSCANNED

    def _drop(self) -> None:
        rest = self._held.lstrip(_RUN)
        self.start += len(self._held) - len(rest)
        self._held, self._dropping = rest, not rest


class ByteStream:
    """The same for bytes of UTF-8; others come out as they went in. A character may be split too."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def feed(self, piece: bytes) -> bytes:
        """Take a piece, and give what is known to be clean by now."""
        return _bytes(self._stream.feed(self._decoder.decode(piece)))

    def pause(self) -> bytes:
        """Give everything that has arrived, up to its last whole character."""
        return _bytes(self._stream.pause())

    def close(self) -> bytes:
        """Give the rest."""
        shown = self._stream.feed(self._decoder.decode(b"", final=True))
        return _bytes(shown + self._stream.close())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _moved(finding: Finding, shift: int) -> Finding:
    return Finding(
        finding.start + shift, finding.end + shift, finding.type, finding.confidence, finding.detector,
        finding.value,
    )  # fmt: skip
