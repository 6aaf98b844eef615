"""Rules that change while a server runs: taken up within seconds, without an entry that no rule has met.

The detector changes its rules between two batches, and goes on at its watermark. What a rule remembers stays
as long as the rule means the same. A rule that is bad keeps the old ones in force, and the record says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..detect import Detector
from ..errors import ConfigError, GlasshatchError
from ..events import Outcome
from .config import LoadedConfig
from .detection import read_rules, read_sigma

_EVERY_SECONDS = 2.0
_MOST_NAMED = 20

Print = frozenset[tuple[str, int, int]]
"""What tells that files changed: their paths, when they were written, their sizes."""


class RuleWatch:
    """Looks at the folders of rules every two seconds."""

    def __init__(
        self,
        loaded: LoadedConfig,
        detector: Detector,
        note: Callable[..., None],
        complain: Callable[[BaseException], None],
    ) -> None:
        section = loaded.config.detect
        self._folders = [loaded.path(one) for one in (*section.user_rules, *section.sigma)]
        self._loaded = loaded
        self._detector = detector
        self._note = note
        self._complain = complain
        self._print = _print_of(self._folders)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rules", daemon=True)

    def start(self) -> None:
        """Begin, if there is anything to look at."""
        if self._folders:
            self._thread.start()

    def stop(self) -> None:
        """End; waits for a change that is under way."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(_EVERY_SECONDS):
            now = _print_of(self._folders)
            if now == self._print:
                continue
            try:
                self._take_up()
            except GlasshatchError as error:
                self._complain(error)
                if not isinstance(error, ConfigError):
                    continue  # the record or the detector's file is away: tried again
            except Exception as error:
                self._complain(error)
            self._print = now

    def _take_up(self) -> None:
        try:
            rules, public = read_rules(self._loaded), read_sigma(self._loaded)
        except ConfigError as error:
            self._note("rules.refused", outcome=Outcome(status="failure", reason=str(error)))
            raise
        self._detector.renew(rules, public)
        left_out = [f"{Path(one.file).name}:{one.line}: {one.reason}" for one in public.problems]
        attrs: dict[str, Any] = {
            "rules": len(rules), "sigma": len(public.rules), "correlations": len(public.correlations),
            "left_out": left_out[:_MOST_NAMED],
        }  # fmt: skip
        self._note("rules.loaded", attrs=attrs)


def _print_of(folders: list[Path]) -> Print:
    """What is seen of the folders now; a file that cannot be looked at is as if it were not there."""
    found: set[tuple[str, int, int]] = set()
    for folder in folders:
        for where, _, names in os.walk(folder):
            for name in names:
                if name.endswith((".toml", ".yml", ".yaml")):
                    path = os.path.join(where, name)
                    try:
                        status = os.stat(path)
                    except OSError:
                        continue
                    found.add((path, status.st_mtime_ns, status.st_size))
    return frozenset(found)
