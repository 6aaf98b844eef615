"""Kubernetes audit: the API server's own account of who asked it for what (audit.k8s.io/v1)."""

from ..parsed import SourceKind
from .parse import parse, weigh
from .setup import setup_files

SOURCE = SourceKind(
    "kubernetes",
    "audit events, one a line or as an EventList, from log files and webhooks",
    parse,
    weigh=weigh,
    setup=setup_files,
    opaque=True,
    workforce=True,
)
