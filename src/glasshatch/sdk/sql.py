"""SQLAlchemy 2: each statement as an event, and the trace written into it for who sits behind.

unwatch = watch(engine)                  # an Engine or an AsyncEngine

A statement gets a comment in sqlcommenter's form, `/*traceparent='00-…'*/`, by which the record of a gateway
or of the database itself joins the trace. What is recorded is the statement's shape and how many rows it
touched; values are recorded only if that is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..errors import ConfigError, GlasshatchError
from ..events import Data, Outcome, Resource
from .default import watching
from .recorder import Recorder
from .shapes import shape_of
from .trace import current_trace

RUN = "query.run"
_BEGAN = "_glasshatch_began_ns"
_HOOKS = ("before_cursor_execute", "after_cursor_execute", "handle_error")


def watch(
    engine: Any,
    recorder: Recorder | None = None,
    *,
    resource: str = "",
    comment: bool = True,
    values: bool = False,
) -> Callable[[], None]:
    """Record the statements of an engine, sync or async, from now on.

    Args:
        recorder: By default the program's own.
        resource: What is reached; default `<dialect>/<database>`.
        comment: Whether statements carry the trace. Each text is then another one to a driver that keeps
            prepared statements by their text, such as asyncpg.
        values: Whether bound values are recorded as `attrs.bind`; the server redacts what it finds personal.

    Returns:
        What ends it.

    Raises:
        ConfigError: It is no engine of SQLAlchemy 2.
    """
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
    except ImportError:
        raise ConfigError(
            "SQLAlchemy is not installed", key="watch", hint="pip install 'sqlalchemy>=2'"
        ) from None
    engine = getattr(engine, "sync_engine", engine)
    if not isinstance(engine, Engine):
        raise ConfigError("is no engine of SQLAlchemy", key="watch", hint="create_engine(…)")
    place = Resource(type=engine.dialect.name, id=resource, name=resource) if resource else _place(engine)
    hooks = _Hooks(recorder, place, comment, values)
    for name in _HOOKS:
        event.listen(engine, name, getattr(hooks, name), retval=name == "before_cursor_execute")

    def unwatch() -> None:
        for name in _HOOKS:
            event.remove(engine, name, getattr(hooks, name))

    return unwatch


def _place(engine: Any) -> Resource:
    name = str(engine.url.database or engine.url.host or "database")
    return Resource(type=engine.dialect.name, id=f"{engine.dialect.name}/{name}", name=name)


class _Hooks:
    """What SQLAlchemy calls around a statement."""

    def __init__(self, recorder: Recorder | None, place: Resource, comment: bool, values: bool) -> None:
        self._recorder = recorder
        self._place = place
        self._comment = comment
        self._values = values

    def before_cursor_execute(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> tuple[str, Any]:
        if context is not None:
            setattr(context, _BEGAN, time.perf_counter_ns())
        trace = current_trace() if self._comment else None
        if trace is None or "traceparent=" in statement:
            return statement, parameters
        # Before a semicolon, which some drivers take for the end of all.
        return f"{statement.rstrip().removesuffix(';')} {trace.sql_comment()}", parameters

    def after_cursor_execute(
        self, connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        rows = getattr(cursor, "rowcount", -1)
        self._record(statement, parameters, context, many, Outcome("success"), max(int(rows or 0), 0))

    def handle_error(self, context: Any) -> None:
        if context.statement is None or context.execution_context is None:
            return  # it failed elsewhere: to connect, or to read what was answered
        error = context.original_exception
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
        outcome = Outcome("failure", str(code), type(error).__qualname__)
        self._record(context.statement, context.parameters, context.execution_context, False, outcome, 0)

    def _record(
        self, statement: str, parameters: Any, context: Any, many: bool, outcome: Outcome, rows: int
    ) -> None:
        attrs: dict[str, Any] = {}
        began_ns = getattr(context, _BEGAN, None)
        if began_ns is not None:
            attrs["duration_us"] = (time.perf_counter_ns() - began_ns) // 1_000
        if many:
            attrs["executions"] = len(parameters or ())
        if self._values and parameters:
            attrs["bind"] = parameters
        text = getattr(context, "statement", None) or statement
        recorder = watching(self._recorder)
        if recorder is None:
            return
        try:
            recorder.write(
                RUN, attrs, resource=self._place, outcome=outcome,
                severity=3 if outcome.status == "failure" else 0,
                statement=shape_of(_without_comment(text), self._place.type), data=Data(rows=rows),
            )  # fmt: skip
        except GlasshatchError as unrecorded:
            recorder.problem(f"a statement is not recorded: {unrecorded}")


def _without_comment(text: str) -> str:
    """A statement as it was before the trace was written into it, so that its shape is known already."""
    before, found, _ = text.rpartition(" /*traceparent=")
    return before if found else text
