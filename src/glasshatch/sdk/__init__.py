"""Recording from applications: `record()`, trace context, a durable spool; no server dependency.

recorder = Recorder("checkout", server="https://audit.example.com", token="token", spool="spool")
with start_trace(extract(request.headers)):
    recorder.record("order.paid", actor=user_id, resource="order/4711", outcome="success")

`glasshatch.audit` is the same for a program that needs one recorder only.
"""

from .acting import Acting, acting_as, current_acting
from .asynchronous import AsyncRecorder
from .default import close, configure, flush, record, recorded, recorder, recording
from .recorder import Recorder
from .recording import Recording
from .trace import Trace, current_trace, extract, inject, start_trace

__all__ = [
    "Acting",
    "AsyncRecorder",
    "Recorder",
    "Recording",
    "Trace",
    "acting_as",
    "close",
    "configure",
    "current_acting",
    "current_trace",
    "extract",
    "flush",
    "inject",
    "record",
    "recorded",
    "recorder",
    "recording",
    "start_trace",
]
