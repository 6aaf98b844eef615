"""OpenTelemetry logs: OTLP over HTTP and gRPC, and files of it."""

from ..parsed import SourceKind
from .answers import JSON, PROTOBUF, RETRY_SECONDS, answer, status
from .forms import otlp_form
from .parse import parse

__all__ = ["JSON", "PROTOBUF", "RETRY_SECONDS", "SOURCE", "answer", "status"]

SOURCE = SourceKind(
    "otlp",
    "OpenTelemetry's logs: requests in protobuf, in JSON, or in JSON one a line",
    parse,
    form=otlp_form,
    options={"format": "protobuf, json or lines; by default told by the first bytes"},
    language="sql",
    one_content=True,
)
