"""A block or a call that is recorded when it ends: how it ended, why not, and how long it took."""

from __future__ import annotations

import inspect
import string
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractContextManager
from functools import wraps
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, GlasshatchError
from ..events import Actor, Outcome, Resource
from .trace import Trace, current_trace, start_trace

if TYPE_CHECKING:
    from .recorder import Recorder

Part = str | Callable[..., str] | None


class Recording:
    """A block that is recorded when it ends, in a span of its own; see `Recorder.recording`.

    An exception makes its outcome a failure with the exception's class as the reason, and goes on. If the
    event cannot be recorded, that is raised, unless the block itself raised: then it is a note of that.
    """

    def __init__(
        self,
        recorder: Recorder,
        action: str,
        actor: str | Actor | None,
        resource: str | Resource | None,
        message: bool,
        attrs: dict[str, Any],
    ) -> None:
        self._recorder = recorder
        self._action = action
        self._message = message
        self._attrs = attrs
        self._began_ns = 0
        self.scoped = True
        """Whether the block runs in the span; not in a generator, whose consumer would be in it too."""
        self._trace: Trace | None = None
        self._span: AbstractContextManager[Trace] | None = None
        self.actor = actor
        self.resource = resource
        self.outcome: str | Outcome | None = None
        """How it ended, if the block knows better: an answer of an error without an exception."""
        self.severity = 0
        self.event_id = ""
        """Known when the block has ended."""

    def set(self, **attrs: Any) -> None:
        """Say more of the event."""
        self._attrs |= attrs

    def __enter__(self) -> Recording:
        if self.scoped:
            self._span = start_trace()
            self._trace = self._span.__enter__()
        else:
            around = current_trace()
            self._trace = around and around.child()
        self._began_ns = time.perf_counter_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            self._end(error)
        finally:
            self._leave()

    async def __aenter__(self) -> Recording:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        try:
            if self._recorder.durable:
                import asyncio  # here, for hardly a command of ours needs a loop

                await asyncio.to_thread(self._end, error)
            else:
                self._end(error)
        finally:
            self._leave()

    def _end(self, error: BaseException | None) -> None:
        self.set(duration_us=(time.perf_counter_ns() - self._began_ns) // 1_000)
        if error is not None and self._message:
            self.set(message=str(error))
        outcome = self.outcome or how_it_ended(error)
        try:
            self.event_id = self._recorder.write(
                self._action,
                self._attrs,
                self.actor,
                self.resource,
                outcome,
                self.severity,
                trace=self._trace,
            )
        except GlasshatchError as unrecorded:
            if error is None:
                raise
            error.add_note(f"and this was not recorded: {unrecorded}")

    def _leave(self) -> None:
        if self._span is not None:
            self._span.__exit__(None, None, None)
            self._span = None


def how_it_ended(error: BaseException | None) -> Outcome:
    """The outcome of a block; never the text of an exception, which may hold values."""
    if error is None or isinstance(error, GeneratorExit):
        return Outcome(status="success")
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return Outcome(status="failure", reason=f"{module}{kind.__qualname__}")


def recorded(
    recorder: Callable[[], Recorder],
    action: str,
    actor: Part,
    resource: Part,
    attrs: tuple[str, ...],
    message: bool,
) -> Callable[[Any], Any]:
    """The decorator of `Recorder.recorded`; which recorder is asked at each call."""

    def decorate(function: Any) -> Any:
        call = _Call(function, actor, resource, tuple(attrs))
        generates = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)

        def begin(arguments: tuple[Any, ...], named: dict[str, Any]) -> Recording:
            who, what, more = call.parts(arguments, named)
            block = Recording(recorder(), action, who, what, message, more)
            block.scoped = not generates
            return block

        return _wrapped(function, begin)

    return decorate


def _wrapped(function: Any, begin: Callable[[tuple[Any, ...], dict[str, Any]], Recording]) -> Any:
    """The function in a recording, of the kind that it was."""
    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def asynchronous_items(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            async with begin(arguments, named):
                async for item in function(*arguments, **named):
                    yield item

        return asynchronous_items
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def asynchronous(*arguments: Any, **named: Any) -> Any:
            async with begin(arguments, named):
                return await function(*arguments, **named)

        return asynchronous
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def items(*arguments: Any, **named: Any) -> Generator[Any, Any, Any]:
            with begin(arguments, named):
                return (yield from function(*arguments, **named))

        return items

    @wraps(function)
    def plain(*arguments: Any, **named: Any) -> Any:
        with begin(arguments, named):
            return function(*arguments, **named)

    return plain


class _Call:
    """Which arguments of a function say what; looked up once, when it is decorated."""

    def __init__(self, function: Any, actor: Part, resource: Part, attrs: tuple[str, ...]) -> None:
        self._signature = inspect.signature(function)
        self._actor, self._resource, self._attrs = actor, resource, attrs
        names = {*attrs, *_names_in(actor), *_names_in(resource)}
        for name in sorted(names - self._signature.parameters.keys()):
            raise ConfigError(
                f"{function.__qualname__} has no argument {name}", key="recorded",
                hint=f"it has {', '.join(self._signature.parameters) or 'none'}",
            )  # fmt: skip
        self._bare = not names and not callable(actor) and not callable(resource)

    def parts(
        self, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[str | None, str | None, dict[str, Any]]:
        """Actor, resource and attributes of a call; a call that does not fit fails by itself, unrecorded."""
        if self._bare:
            return _text(self._actor, {}), _text(self._resource, {}), {}
        bound = self._signature.bind(*arguments, **named)
        bound.apply_defaults()
        values = bound.arguments
        return (
            _text(self._actor, values), _text(self._resource, values),
            {name: values[name] for name in self._attrs},
        )  # fmt: skip


def _names_in(part: Part) -> list[str]:
    """The arguments that a text names, as `str.format` would."""
    if not isinstance(part, str):
        return []
    found = (name for _, name, _, _ in string.Formatter().parse(part) if name)
    return [name.partition(".")[0].partition("[")[0] for name in found]


def _text(part: Part, values: dict[str, Any]) -> str | None:
    if part is None:
        return None
    return part(**values) if callable(part) else part.format(**values)
