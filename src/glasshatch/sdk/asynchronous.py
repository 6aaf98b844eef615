"""The recorder for asyncio: what waits for a disk or a server waits in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .recorder import Recorder
from .recording import Recording

_T = TypeVar("_T")


class AsyncRecorder:
    """As `Recorder`, for asyncio: a disk is waited for in a thread, never on the event loop."""

    def __init__(self, service: str, **settings: Any) -> None:
        """As `Recorder`; opening reads the spool, so make it before the loop is busy."""
        self.recorder = Recorder(service, **settings)

    async def record(self, action: str, **members: Any) -> str:
        """As `Recorder.record`, in the trace of the calling task.

        Without `durable` no disk is waited for, and the event is written at once: a thread costs more.
        """
        if not self.recorder.durable:
            return self.recorder.record(action, **members)
        return await _to_thread(self.recorder.record, action, **members)

    def recording(self, action: str, **members: Any) -> Recording:
        """As `Recorder.recording`, for `async with`."""
        return self.recorder.recording(action, **members)

    def recorded(self, action: str, **members: Any) -> Callable[[Any], Any]:
        """As `Recorder.recorded`."""
        return self.recorder.recorded(action, **members)

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """As `Recorder.flush`."""
        return await _to_thread(self.recorder.flush, timeout_s)

    async def close(self) -> None:
        """As `Recorder.close`."""
        await _to_thread(self.recorder.close)

    async def __aenter__(self) -> AsyncRecorder:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


async def _to_thread(function: Callable[..., _T], *arguments: Any, **members: Any) -> _T:
    # Imported here: every command of ours passes through this package, and hardly one needs a loop.
    import asyncio

    return await asyncio.to_thread(function, *arguments, **members)
