"""Recording from applications: `record()`, trace context, a durable spool; no server dependency.

recorder = Recorder("checkout", server="https://audit.example.com", token="token", spool="spool")
with start_trace(extract(request.headers)):
    recorder.record("order.paid", actor=user_id, resource="order/4711", outcome="success")
"""

from .recorder import AsyncRecorder, Recorder
from .trace import Trace, current_trace, extract, inject, start_trace

__all__ = ["AsyncRecorder", "Recorder", "Trace", "current_trace", "extract", "inject", "start_trace"]
