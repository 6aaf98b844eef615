"""PostgreSQL's log with pgaudit: stderr, csvlog and jsonlog give the same events."""

from ..parsed import SourceKind
from .forms import pgaudit_form
from .parse import parse
from .sessions import remember

SOURCE = SourceKind(
    "pgaudit",
    "a PostgreSQL server's log with pgaudit's lines, as stderr, csvlog or jsonlog",
    parse,
    opaque=True,
    workforce=True,
    form=pgaudit_form,
    options={
        "format": "stderr, csv or json; by default told by each line",
        "log_line_prefix": "of a stderr log, as the server's setting of this name; by default guessed",
        "timezone": "of log_timezone, as in Europe/Berlin, if it is not UTC",
        "gaps": "which numbers show that something is missing: all, lines, statements, or none",
    },
    remember=remember,
    language="sql",
)
