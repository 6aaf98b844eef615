"""The whole suite, in parts that run beside each other; `make test` calls it. Arguments go to each pytest.

A test with a server waits for about a third of its time, for a start, a disk or a page, so one part more
runs at once than there are processors (GLASSHATCH_TEST_PARTS says another number). A part has what is made
once for a whole run, such as a PostgreSQL or an installed wheel, for itself; what shares something dear
stands in one. The longest come first, so that the short ones fill up the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "build"
NAMED = (
    ("tests/servers",),
    ("tests/servers/identity", "tests/servers/page", "tests/servers/policy"),
    ("tests/faults",),
    ("tests/story", "tests/servers/package"),  # both install the wheel
    ("tests/servers/serve", "tests/servers/keys", "tests/servers/sdk"),
    ("tests/browser", "tests/canary", "tests/conformance"),
)
"""Directories by part; a part leaves to others what they name inside its own. Everything else is one more."""


class Run:
    """One part's pytest; a Ctrl-C reaches it as it reaches us."""

    def __init__(self, number: int, paths: tuple[str, ...], ignored: tuple[str, ...]) -> None:
        self.log = LOGS / f"test-{number}.log"
        self._paths, self._ignored = paths, ignored

    def has(self, file: str) -> bool:
        """Whether a file of tests, named from the root, runs here."""
        return _below(file, self._paths) and not _below(file, self._ignored)

    def __str__(self) -> str:
        return " ".join(self._paths) if self._paths != ("tests",) else "everything else"

    def finish(self) -> int:
        """Run it, say all it said, and give its exit code."""
        began_s = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=10", *self._paths]
        command += [*(f"--ignore={path}" for path in self._ignored), *sys.argv[1:]]
        with self.log.open("wb") as log:
            ended = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
        code = ended if ended >= 0 else 128 - ended  # as a shell gives the end by a signal
        # One write, as parts may end at the same time.
        head = f"\n== {self}: {time.monotonic() - began_s:.0f} s, exit code {code}\n"
        sys.stdout.write(head + self.log.read_text(errors="replace"))
        sys.stdout.flush()
        return code


def parts() -> list[Run]:
    """Every test of the suite, once."""
    every = (*NAMED, ("tests",))
    named = [path for paths in NAMED for path in paths]
    return [
        Run(number, paths, tuple(path for path in named if path not in paths and _below(path, paths)))
        for number, paths in enumerate(every, 1)
    ]


def _below(path: str, directories: tuple[str, ...]) -> bool:
    return path.startswith(tuple(f"{directory}/" for directory in directories))


def main() -> int:
    """Run all parts; the worst exit code of theirs."""
    LOGS.mkdir(exist_ok=True)
    at_once = int(os.environ.get("GLASSHATCH_TEST_PARTS", "0")) or (os.cpu_count() or 1) + 1
    runs = parts()
    print(f"{len(runs)} parts, {at_once} at once; each says what it found when it ends", flush=True)
    with ThreadPoolExecutor(at_once) as pool:
        return max(pool.map(Run.finish, runs))


if __name__ == "__main__":
    sys.exit(main())
