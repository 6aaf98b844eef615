"""What a program logs, as events: a handler for `logging` and a processor for structlog.

A log line is `log.written` with `attrs.message`, unless it names an action: `extra={"action": "order.paid"}`.
Other members of `extra` become attributes; `actor`, `resource`, `outcome`, `session_id` and `request_id` go
to their places. Of an exception its class is kept, never its text, unless asked.

What this package itself logs or what is logged while an event is recorded is passed over, so a handler never
feeds itself. Trouble with recording is told to the recorder's `problem`, and never raised at who logs.
"""

from __future__ import annotations

import logging
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from ..errors import TooLarge
from .default import watching
from .recorder import Recorder
from .settings import warn

DEFAULT_ACTION = "log.written"
_OWN = "glasshatch"
_PLACES = frozenset({"actor", "resource", "outcome", "session_id", "request_id"})
_SEVERITIES = ((logging.CRITICAL, 5), (logging.ERROR, 4), (logging.WARNING, 3))
_NAMES = {
    "critical": 5, "fatal": 5, "exception": 4, "error": 4, "err": 4, "warn": 3, "warning": 3,
}  # fmt: skip
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_IDS = (str, int, uuid.UUID)
_MOST_CHARACTERS, _MOST_MEMBERS = 4_000, 4
"""Of each text of a line that is too long for an event; and how many members are kept then."""

_busy = threading.local()


class RecorderHandler(logging.Handler):
    """A handler that records each line it gets."""

    def __init__(
        self, recorder: Recorder | None = None, level: int = logging.NOTSET, *, traceback: bool = False
    ) -> None:
        """Record with a recorder; by default the program's own.

        Args:
            traceback: Whether an exception's text and traceback are recorded too; they may hold anything.
        """
        super().__init__(level)
        self._recorder = recorder
        self._traceback = traceback

    def emit(self, record: logging.LogRecord) -> None:
        """Record a line."""
        if _is_own(record.name):
            return
        own = vars(record)
        # Mostly there are none: said by one step over names, not by one for each.
        given = {name: own[name] for name in own.keys() - _STANDARD}
        _record(self._recorder, given, severity_of(record.levelno), lambda: self._attrs(record))

    def _attrs(self, record: logging.LogRecord) -> dict[str, Any]:
        attrs: dict[str, Any] = {"message": _text_of(record), "logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            attrs["exception"] = type(error).__qualname__
            if self._traceback:
                attrs["traceback"] = (self.formatter or logging.Formatter()).formatException(
                    (type(error), error, error.__traceback__)
                )
        return attrs


def _text_of(record: logging.LogRecord) -> str:
    """A line's text; where it does not fit its arguments, as it was written in the program."""
    try:
        return record.getMessage()
    except Exception:
        return record.msg if isinstance(record.msg, str) else f"[UNREADABLE {type(record.msg).__name__}]"


class RecorderProcessor:
    """A structlog processor that records each line it sees, and hands it on as it is.

    structlog.configure(processors=[merge_contextvars, add_log_level, RecorderProcessor(), JSONRenderer()])
    """

    def __init__(self, recorder: Recorder | None = None, *, least: str = "debug") -> None:
        """Record with a recorder, by default the program's own, what is at least so severe."""
        self._recorder = recorder
        self._least = severity_of_name(least)
        self._all = least == "debug"

    def __call__(self, logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Record a line."""
        severity = severity_of_name(str(line.get("level", method)))
        name = str(line.get("logger") or getattr(logger, "name", "") or "")
        if not _is_own(name) and (self._all or severity >= self._least):
            _record(self._recorder, line, severity, lambda: _said(line, name))
        return line


@lru_cache(256)
def severity_of(level: int) -> int:
    """Of a level of `logging`: 5, 4 and 3 from critical, error and warning on, else 1."""
    return next((severity for least, severity in _SEVERITIES if level >= least), 1)


def severity_of_name(name: str) -> int:
    """Of a level by its name."""
    return _NAMES.get(name.lower(), 1)


def _said(line: Mapping[str, Any], name: str) -> dict[str, Any]:
    attrs: dict[str, Any] = {"message": str(line.get("event", ""))}
    if name:
        attrs["logger"] = name
    error = line.get("exc_info")
    if isinstance(error, tuple):
        error = error[1]
    if error is True or (error is None and "exception" in line):
        # `format_exc_info` before us has made a text of it; the exception itself is still in hand.
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        attrs["exception"] = type(error).__qualname__
    return attrs


_LINE = frozenset({"event", "level", "logger", "timestamp", "exc_info", "exception", "stack", "stack_info"})


def _record(
    recorder: Recorder | None,
    given: Mapping[str, Any],
    severity: int,
    attrs: Callable[[], dict[str, Any]],
) -> None:
    """Record a line; `given` is what its author said of it by name."""
    if getattr(_busy, "now", False):
        return None
    _busy.now = True
    found = None
    try:
        found = watching(recorder)
        if found is None:
            return None
        if not given:
            return _write(found, DEFAULT_ACTION, attrs(), severity, {})
        action = given.get("action")
        named = isinstance(action, str) and bool(action)
        places = {name: str(given[name]) for name in _PLACES if isinstance(given.get(name), _IDS)}
        if places.get("outcome") not in (None, "success", "failure", "unknown"):
            del places["outcome"]
        rest = {
            str(name): value
            for name, value in given.items()
            if name not in places and name not in _LINE and not (named and name == "action")
            and not str(name).startswith("_")
        }  # fmt: skip
        _write(found, str(action) if named else DEFAULT_ACTION, attrs() | rest, severity, places)
    except Exception as error:
        (found.problem if found else warn)(f"a log line is not recorded: {type(error).__name__}")
    finally:
        _busy.now = False


def _write(
    recorder: Recorder, action: str, attrs: dict[str, Any], severity: int, places: dict[str, str]
) -> None:
    """Record a line; one that is too long with its texts cut, and without what is not text."""
    try:
        recorder.write(action, attrs, severity=severity, **places)  # type: ignore[arg-type]
    except TooLarge:
        short = {name: _cut(value) for name, value in attrs.items() if isinstance(value, str | int)}
        kept = dict(list(short.items())[:_MOST_MEMBERS])
        recorder.write(action, kept, severity=severity, **places)  # type: ignore[arg-type]


def _cut(value: str | int) -> str | int:
    if isinstance(value, int) or len(value) <= _MOST_CHARACTERS:
        return value
    return f"{value[:_MOST_CHARACTERS]}… [CUT: {len(value)} characters]"


def _is_own(name: str) -> bool:
    return name.startswith(_OWN) and (name == _OWN or name.startswith(f"{_OWN}."))
