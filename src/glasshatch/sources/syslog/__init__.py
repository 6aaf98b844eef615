"""Syslog: RFC 5424 and RFC 3164, out of files, and over UDP, TCP and TLS."""

from ..parsed import SourceKind
from ..receiving import Door, Listening, Receive, Receiver, Way
from .forms import syslog_form
from .parse import parse


def _open(listening: Listening, door: Door) -> Receiver:
    from .receive import open_receiver  # only a server that is told to listen needs it

    return open_receiver(listening, door)


SOURCE = SourceKind(
    "syslog",
    "log lines of machines and network devices, RFC 5424 and 3164",
    parse,
    workforce=True,
    form=syslog_form,
    options={"timezone": "of times that say no zone, as in Europe/Berlin, if it is not UTC"},
    receive=Receive(
        {
            "udp": Way("a message a datagram (RFC 5426)"),
            "tcp": Way("lines, or messages with their length before them (RFC 6587)"),
            "tls": Way("the same encrypted (RFC 5425), with client certificates where wanted", tls=True),
        },
        _open,
    ),
)
