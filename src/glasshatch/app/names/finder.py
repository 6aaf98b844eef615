"""Asks the process with the language model, within bounds of time, length and number, and fails closed."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import msgspec

from ...masking import NameSpan, NerSection
from .worker import READY

_TEXTS_AT_ONCE = 16
_CHARACTERS_AT_ONCE = 50_000
Answer = list[list[NameSpan] | None]


class NameFinder:
    """Where names stand in texts. Safe from any thread; the deliveries of others go on while one waits.

    A process that does not answer in time is ended, and the next delivery starts another.
    """

    def __init__(self, settings: NerSection) -> None:
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._ready = False
        self._one_at_a_time = threading.Lock()
        self._room = threading.Semaphore(settings.waiting)

    def find(self, texts: Sequence[str]) -> Answer:
        """The names in each text; None for a text that nobody looked at."""
        deadline = time.monotonic() + self._settings.seconds
        answer: Answer = [None] * len(texts)
        if not self._room.acquire(blocking=False):
            return answer
        try:
            if self._one_at_a_time.acquire(timeout=self._settings.seconds):
                try:
                    self._ask(texts, answer, deadline)
                finally:
                    self._one_at_a_time.release()
        finally:
            self._room.release()
        return answer

    def warm(self) -> None:
        """Begin to load the model, so that the first delivery need not wait for all of that."""
        with self._one_at_a_time:
            self._start()

    def close(self) -> None:
        """End the process."""
        with self._one_at_a_time:
            self._end()

    def _ask(self, texts: Sequence[str], answer: Answer, deadline: float) -> None:
        """Fill in what is answered before the deadline."""
        try:
            process = self._start()
            for places in _portions(texts, self._settings.characters):
                if not self._ready:
                    self._ready = self._line(process, deadline) == READY.strip()
                assert process.stdin is not None
                process.stdin.write(msgspec.json.encode([texts[place] for place in places]) + b"\n")
                process.stdin.flush()
                found = msgspec.json.decode(self._line(process, deadline), type=Answer)
                for place, spans in zip(places, found, strict=True):
                    answer[place] = spans
        except (OSError, TimeoutError, ValueError, msgspec.MsgspecError):
            # An answer that comes too late would be taken for the next one's.
            self._end(keep_loading=not self._ready)

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            told = self._settings
            self._rest, self._ready = b"", False
            command = [sys.executable, "-m", "glasshatch.app.names.worker", told.model, told.language]
            # Its complaints may hold texts, so that they are not kept.
            self._process = subprocess.Popen(
                [*command, *told.entities], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        return self._process

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """The next line.

        Raises:
            TimeoutError: It did not come in time.
            OSError: The process ended.
        """
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        while b"\n" not in self._rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise TimeoutError
            part = os.read(pipe, 1 << 16)
            if not part:
                raise BrokenPipeError
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self, keep_loading: bool = False) -> None:
        """Let the process go; one that is still loading, and was asked nothing, may go on with that."""
        process = self._process
        if process is None or (keep_loading and process.poll() is None):
            return
        self._process = None
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _portions(texts: Sequence[str], longest: int) -> Iterator[list[int]]:
    """The places of texts that are not too long, a few at a time."""
    portion: list[int] = []
    size = 0
    for place, text in enumerate(texts):
        if len(text) > longest:
            continue
        if portion and (len(portion) == _TEXTS_AT_ONCE or size + len(text) > _CHARACTERS_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(place)
        size += len(text)
    if portion:
        yield portion
