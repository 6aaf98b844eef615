"""Recording from an application: `from glasshatch import audit`.

audit.configure("checkout", server="https://audit.example.com", token="checkout.token")
with audit.acting_as(user, session_id=session):
    audit.record("order.paid", "order/4711", amount_cents=4990)
"""

from .sdk import (
    AsyncRecorder,
    Recorder,
    Recording,
    Trace,
    acting_as,
    close,
    configure,
    current_trace,
    extract,
    flush,
    inject,
    record,
    recorded,
    recorder,
    recording,
    start_trace,
)

__all__ = [
    "AsyncRecorder",
    "Recorder",
    "Recording",
    "Trace",
    "acting_as",
    "close",
    "configure",
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
