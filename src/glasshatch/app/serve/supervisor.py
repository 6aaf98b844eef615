"""Keeps the processes of a server alive: a crash of one never stops the others for good.

The parts are programs of their own (`glasshatch serve --part front|back|worker`). What ties them to the
supervisor is two pipes each: one that says ready, and one that ends when the supervisor is gone,
however it ended, so that no part outlives it and keeps the data directory locked.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

Announce = Callable[[str], None]

LIFE_FD = "GLASSHATCH_LIFE_FD"
READY_FD = "GLASSHATCH_READY_FD"
GO_FD = "GLASSHATCH_GO_FD"
RESTARTED = "GLASSHATCH_RESTARTED"
# Exit codes of the command (docs/reference/errors.md): a bug of ours, and a directory that is open elsewhere.
_BUG_CODE = 70
LOST_FRONT_CODE = START_AGAIN_CODE = 75
"""Of a worker whose front is gone, and of a front that another start may help; EX_TEMPFAIL of sysexits.h."""
_CONFLICT_CODE = 6
_FIRST_WAIT_SECONDS = 0.2
_LONGEST_WAIT_SECONDS = 5.0
_STEADY_SECONDS = 30.0
_BACK_STOP_SECONDS = 15.0
# The way in goes before the use: three parts of a contended processor to one. With ten to one a killed back
# took a minute to come back beside other busy programs. Lower still did not help the gateway, as measured in
# docs/benchmarks.md.
_BACK_NICENESS = 5

# Threads of one interpreter hardly allocate at the same time, and each arena more keeps what others could
# use: 32 stalled readers of large rows hold 10 MB less with two. Whoever sets it decides.
_ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}


class Part(StrEnum):
    """The processes. The front holds gateway, policy, masking and ledger; the back serves the use. If there
    are workers, they hold the gateway in the front's stead."""

    front = "front"
    back = "back"
    worker = "worker"


def serve_forever(config: Path, announce: Announce, workers: int = 0) -> int:
    """Run front, back and so many workers until SIGTERM or SIGINT; a second signal stops without draining.

    A part that ends by a signal or a bug is started again; one that says what is wrong (a taken port,
    a damaged ledger, a full disk) ends the server.

    Returns:
        The exit code: 0 after a signal, otherwise that of the part that could not go on.
    """
    return _Supervisor(config, announce, workers).run()


class _Child:
    """One part's process, restarted by its owner."""

    def __init__(self, part: Part, config: Path, workers: int, number: int = 0) -> None:
        self.part = part
        self.name = f"{part} {number}" if number else str(part)
        self._options = ["--config", str(config), "--part", part]
        if workers:
            self._options += ["--workers", str(workers)]
        if number:
            self._options += ["--number", str(number)]
        self._process: subprocess.Popen[bytes] | None = None
        self._life = self._go = -1
        self.ready_fd = -1
        self.ready = False
        self.started_s = 0.0
        self.wait_s = _FIRST_WAIT_SECONDS
        self.start_at_s: float | None = None
        self.ended = ""

    def start(self) -> None:
        """Start the process and tell it how the one before ended."""
        life_read, self._life = os.pipe()
        go_read, self._go = os.pipe()
        self.ready_fd, ready_write = os.pipe()
        environment = _ALLOCATOR | os.environ | {
            LIFE_FD: str(life_read), GO_FD: str(go_read), READY_FD: str(ready_write), RESTARTED: self.ended,
        }  # fmt: skip
        command = [sys.executable, "-m", "glasshatch", "serve", *self._options]
        self._process = subprocess.Popen(
            command, env=environment, pass_fds=(life_read, go_read, ready_write), stdin=subprocess.DEVNULL
        )
        if self.part is Part.back:
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _BACK_NICENESS)
        for descriptor in (life_read, go_read, ready_write):
            os.close(descriptor)
        self.ready, self.start_at_s, self.started_s = False, None, time.monotonic()

    def go(self) -> None:
        """Let it open what it works with; until then it only loads its modules."""
        if self._go >= 0:
            with contextlib.suppress(BrokenPipeError):  # it died meanwhile, and is started again
                os.write(self._go, b"!")
            self._close_go()

    def _close_go(self) -> None:
        if self._go >= 0:
            os.close(self._go)
            self._go = -1

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def take_exit(self) -> int | None:
        """The exit code of a process that just ended, once; None while there is nothing new."""
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        self._process, self.ready = None, False
        os.close(self._life)
        self._close_go()
        if self.ready_fd >= 0:
            os.close(self.ready_fd)
            self.ready_fd = -1
        return code

    def schedule(self) -> None:
        """Start again soon: at once after a long life, ever later if it keeps dying."""
        steady = time.monotonic() - self.started_s > _STEADY_SECONDS
        self.wait_s = _FIRST_WAIT_SECONDS if steady else min(self.wait_s * 2, _LONGEST_WAIT_SECONDS)
        self.start_at_s = time.monotonic() + self.wait_s

    def stop(self, number: int, timeout_s: float | None) -> None:
        """Signal the process and wait; one that does not end in time is killed."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def signal(self, number: int) -> None:
        """Pass a signal on; nothing happens if the process is gone."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


class _Supervisor:
    """The loop: signals, ends of children, and their words, in one selector."""

    def __init__(self, config: Path, announce: Announce, workers: int) -> None:
        self._announce = announce
        self._front = _Child(Part.front, config, workers)
        self._back = _Child(Part.back, config, workers)
        self._workers = tuple(_Child(Part.worker, config, workers, n) for n in range(1, workers + 1))
        self._children = (self._front, self._back, *self._workers)
        self._words: dict[Part, str] = {}
        self._signals = 0
        self._was_ready = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        self._catch_signals()
        # Both load at once, which takes most of the start; the back then waits for the front.
        for child in self._children:
            self._start(child)
        try:
            while True:
                self._wait()
                if self._signals:
                    return self._stop()
                for child in self._children:
                    code = self._look_after(child)
                    if code is not None:
                        return code
        finally:
            for child in self._children:
                child.kill()

    def _catch_signals(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        os.set_blocking(reading, False)
        signal.set_wakeup_fd(writing)
        self._selector.register(reading, selectors.EVENT_READ, None)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_hup)

    def _on_signal(self, *_: object) -> None:
        self._signals += 1
        if self._signals > 1:
            for child in self._children:
                child.kill()

    def _on_hup(self, *_: object) -> None:
        """Pass it to the front, which looks at its policy; one that is starting reads it anyway."""
        if self._front.ready:
            self._front.signal(signal.SIGHUP)

    def _wait(self) -> None:
        due = [child.start_at_s for child in self._children if child.start_at_s is not None]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(key.fd, 512)
            else:
                self._hear(key.data, key.fd)

    def _hear(self, child: _Child, descriptor: int) -> None:
        """A part says ready (its word), or its pipe ends because it died."""
        word = os.read(descriptor, 4_096).decode("utf-8", "replace").strip()
        self._selector.unregister(descriptor)
        os.close(descriptor)
        child.ready_fd = -1
        if not word:
            return
        child.ready = True
        if child not in self._workers:
            self._words[child.part] = word
        if child is self._front:
            for other in self._children[1:]:
                other.go()
        if all(one.ready for one in self._children):
            self._announce(
                f"{'back again' if self._was_ready else 'ready'}: {', '.join(self._words.values())}"
            )
            self._was_ready = True

    def _look_after(self, child: _Child) -> int | None:
        """Start what is due; take note of an end. Returns the code with which the server must end."""
        if child.start_at_s is not None and time.monotonic() >= child.start_at_s:
            self._start(child)
        descriptor = child.ready_fd
        if not child.running and descriptor >= 0:
            self._forget(descriptor)
        code = child.take_exit()
        if code is None:
            return None
        if not self._may_go_on(child, code):
            # It said on standard error what is wrong and how to mend it; again would say the same.
            self._announce(f"the {child.name} cannot go on; stopping")
            self._drain()
            return code
        child.ended = f"signal {-code}" if code < 0 else f"exit {code}"
        child.schedule()
        self._announce(f"the {child.name} ended by {child.ended}; starting it again")
        return None

    def _may_go_on(self, child: _Child, code: int) -> bool:
        """Whether another start can help: after a crash, or when a command held the directory meanwhile.

        A server that was up is not ended by its back, whatever that says: the way in needs only the front.
        """
        if code <= 0 or code in (_BUG_CODE, LOST_FRONT_CODE):
            return True
        return self._was_ready and (child is not self._front or code == _CONFLICT_CODE)

    def _start(self, child: _Child) -> None:
        child.start()
        self._selector.register(child.ready_fd, selectors.EVENT_READ, child)
        if child is self._front or self._front.ready:
            child.go()

    def _forget(self, descriptor: int) -> None:
        try:
            self._selector.unregister(descriptor)
        except KeyError:
            return

    def _stop(self) -> int:
        self._announce("stopping: running statements may finish")
        self._drain()
        return 0

    def _drain(self) -> None:
        """Who serves sessions first, which drains them; until then the front records and the back answers."""
        for worker in self._workers:
            worker.signal(signal.SIGTERM)
        for worker in self._workers:
            worker.stop(signal.SIGTERM, None)
        self._front.stop(signal.SIGTERM, None)
        self._back.stop(signal.SIGTERM, _BACK_STOP_SECONDS)
