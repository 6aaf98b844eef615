"""Private keys that go over several lines: each line by itself looks like any other base64."""

from __future__ import annotations

import re

from ...masking import Detector, Finding

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(
    r"[\W_]{0,16}(?:[A-Za-z0-9+/=]{0,200}|(?:Proc-Type|DEK-Info|Version|Comment): .{0,200})[\W_]{0,8}"
)


class KeyLines:
    """Follows one input line by line; `detector` is the one of private keys."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._inside = False

    def finding(self, text: str) -> Finding | None:
        """The whole line, if it is one of a key that began on an earlier line."""
        if not self._inside:
            begin = _BEGIN.search(text)
            self._inside = begin is not None and _END.search(text, begin.end()) is None
            return None
        ends = _END.search(text) is not None
        # A key that never ends, because its output was cut, must not swallow what follows.
        if not ends and _BODY.fullmatch(text) is None:
            self._inside = False
            return None
        self._inside = not ends
        if not text.strip():
            return None
        found = self._detector
        return Finding(0, len(text), found.type, found.confidence, found.name, text)
