"""Any JSON: the SDK's events, and those of applications that log in their own way."""

from ..parsed import SourceKind
from .lines import quick
from .parse import parse

SOURCE = SourceKind(
    "json",
    "JSON objects: canonical events, or any other, kept with what is understood of it",
    parse,
    quick,
    one_content=True,
)
