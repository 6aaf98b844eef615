"""The recorder of the whole program, for `from glasshatch import audit`: configured once, used everywhere.

Without `configure` the first use configures it from the environment: `GLASSHATCH_SERVER`,
`GLASSHATCH_TOKEN_FILE` or `GLASSHATCH_TOKEN`, and if they are set `GLASSHATCH_SERVICE`, `GLASSHATCH_SPOOL`,
`GLASSHATCH_DURABLE`, `GLASSHATCH_CAPTURE` and `GLASSHATCH_WHEN_FULL`. Each process takes a spool of its own
below the one that is named, also after a fork.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Conflict, GlasshatchError
from .leftovers import collect
from .recorder import Recorder
from .recording import Recording
from .recording import recorded as _recorded
from .settings import warn

_lock = threading.RLock()
_settings: dict[str, Any] | None = None
_recorder: Recorder | None = None


def configure(
    service: str = "", *, spool: str | Path = "", sigterm: bool = True, **settings: Any
) -> Recorder:
    """Say how this program records, and begin; a recorder that was configured before is closed.

    Args:
        service: Its name; default `GLASSHATCH_SERVICE`, else the name of the program.
        spool: A directory for the spools of its processes; default `GLASSHATCH_SPOOL`, else one of the
            service's name in `$XDG_STATE_HOME/glasshatch/spool`.
        sigterm: Whether SIGTERM delivers what is left before it ends the program, if nobody else handles it.
        settings: As for `Recorder`.

    Raises:
        ConfigError, Conflict: As `Recorder`.
    """
    global _settings, _recorder  # noqa: PLW0603
    with _lock:
        if _recorder is not None:
            _recorder.close()
        name = service or os.environ.get("GLASSHATCH_SERVICE", "") or Path(sys.argv[0] or "python").stem
        _settings = _of_environment() | settings | {"service": name, "spool": _base(spool, name)}
        _recorder = _open(_settings)
        if sigterm:
            _flush_on_sigterm()
        return _recorder


def recorder() -> Recorder:
    """The recorder of this process, made now if it is not there yet.

    Raises:
        ConfigError: Nothing says where the server is.
    """
    global _recorder  # noqa: PLW0603
    found = _recorder
    if found is not None and found.usable:
        return found
    with _lock:
        if _settings is None:
            if not os.environ.get("GLASSHATCH_SERVER"):
                raise ConfigError(
                    "it is not known where to record to", key="GLASSHATCH_SERVER",
                    hint='call audit.configure("my-service", server="https://…", token="my.token")',
                )  # fmt: skip
            return configure()
        if _recorder is None or not _recorder.usable:
            _recorder = _open(_settings)
        return _recorder


def watching(given: Recorder | None) -> Recorder | None:
    """The given recorder, or the program's; None and a warning where nobody configured one.

    For what records beside the application's own work, which it must not break.
    """
    try:
        return given or recorder()
    except GlasshatchError as error:
        warn(f"nothing is recorded: {error}")
        return None


def record(action: str, resource: Any = None, **members: Any) -> str:
    """As `Recorder.record`, by the program's recorder: `audit.record("order.paid", "order/4711")`."""
    return recorder().record(action, resource=resource, **members)


def recording(action: str, resource: Any = None, **members: Any) -> Recording:
    """As `Recorder.recording`, by the program's recorder."""
    return recorder().recording(action, resource=resource, **members)


def recorded(
    action: str,
    *,
    actor: str | Callable[..., str] | None = None,
    resource: str | Callable[..., str] | None = None,
    attrs: tuple[str, ...] = (),
    message: bool = False,
) -> Callable[[Any], Any]:
    """As `Recorder.recorded`; the program's recorder is looked for at each call, not when it is decorated."""
    return _recorded(recorder, action, actor, resource, attrs, message)


def flush(timeout_s: float = 10.0) -> bool:
    """As `Recorder.flush`; True if nothing was ever recorded."""
    return _recorder.flush(timeout_s) if _recorder is not None and _recorder.usable else True


def close(timeout_s: float = 2.0) -> None:
    """As `Recorder.close`; the next use opens it again."""
    global _recorder  # noqa: PLW0603
    with _lock:
        if _recorder is not None:
            _recorder.close(timeout_s)
            _recorder = None


def _open(settings: dict[str, Any]) -> Recorder:
    """With the first spool below the base that no living process has; what dead ones left is sent too."""
    for number in itertools.count():
        try:
            own = settings["spool"] / str(number)
            found = Recorder(**settings | {"spool": own})
        except Conflict:
            continue
        collect(found, settings["spool"], own)
        _close_in_child()
        return found
    raise AssertionError


def _close_in_child() -> None:
    """A child of multiprocessing ends without what `atexit` knows of; it asks its own list instead."""
    module = sys.modules.get("multiprocessing.util")
    if module is not None and sys.modules["multiprocessing.process"].parent_process() is not None:
        module.Finalize(None, close, exitpriority=100)


def _base(spool: str | Path, service: str) -> Path:
    given = spool or os.environ.get("GLASSHATCH_SPOOL", "")
    if given:
        return Path(given)
    state = os.environ.get("XDG_STATE_HOME", "") or Path.home() / ".local" / "state"
    return (
        Path(state)
        / "glasshatch"
        / "spool"
        / "".join(c if c.isalnum() or c in "-_" else "_" for c in service)
    )


def _of_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    if durable := os.environ.get("GLASSHATCH_DURABLE", ""):
        if durable not in ("0", "1"):
            raise ConfigError("is 0 or 1", key="GLASSHATCH_DURABLE")
        found["durable"] = durable == "1"
    if capture := os.environ.get("GLASSHATCH_CAPTURE", ""):
        found["capture"] = capture
    if full := os.environ.get("GLASSHATCH_WHEN_FULL", ""):
        found["full"] = full
    return found


def _in_child() -> None:
    """Another thread of the parent may have had the lock, and is not here to let it go."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_in_child)


def _flush_on_sigterm() -> None:
    """End by SIGTERM as before, but deliver first. Nothing depends on it: the spool has everything."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def end(number: int, _: object) -> None:
        # In a thread, for the main one may have been stopped while it held a lock of the spool.
        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(3.0)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
