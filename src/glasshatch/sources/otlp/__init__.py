"""OpenTelemetry logs: OTLP over HTTP and gRPC, and files of it."""

from ...errors import ConfigError
from ..parsed import SourceKind
from ..receiving import Door, Listening, Receive, Receiver, Way
from .answers import JSON, PROTOBUF, RETRY_SECONDS, answer, status
from .forms import otlp_form
from .parse import parse

__all__ = ["JSON", "PROTOBUF", "RETRY_SECONDS", "SOURCE", "answer", "status"]


def _open(listening: Listening, door: Door) -> Receiver:
    try:
        from .receive import GrpcReceiver  # gRPC is large, and only a server that is told to listen needs it
    except ModuleNotFoundError:
        raise ConfigError(
            "gRPC is not installed", key="receivers.protocol", hint="pip install 'glasshatch[server]'"
        ) from None
    return GrpcReceiver(listening, door)


SOURCE = SourceKind(
    "otlp",
    "OpenTelemetry's logs: requests in protobuf, in JSON, or in JSON one a line",
    parse,
    form=otlp_form,
    options={"format": "protobuf, json or lines; by default told by the first bytes"},
    language="sql",
    one_content=True,
    receive=Receive(
        {
            "grpc": Way("OTLP over gRPC, on this machine"),
            "grpc-tls": Way("the same encrypted, with client certificates where wanted", tls=True),
        },
        _open,
        tokens=True,
    ),
)
