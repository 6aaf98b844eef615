"""Export: events on their way out, as a form and a destination, at least once, with a cursor that lasts."""

from .cursor import FORMAT as CURSOR_FORMAT
from .cursor import Aside, Cursor, CursorFile, Lane
from .destinations import (
    Folder,
    Objects,
    S3Store,
    Syslog,
    SyslogTarget,
    WebhookDestination,
    check_endpoint,
)
from .exporter import Exporter
from .forms import FORMS
from .forms.ocsf import OCSF_VERSION
from .onefile import write_file
from .parcel import Destination, Form, Item, Parcel, Refused
from .settings import Gate, Pace, Standing
from .telling import EXPORTED, Telling

__all__ = [
    "CURSOR_FORMAT", "EXPORTED", "FORMS", "OCSF_VERSION", "Aside", "Cursor", "CursorFile", "Destination",
    "Exporter", "Folder", "Form", "Gate", "Item", "Lane", "Objects", "Pace", "Parcel", "Refused", "S3Store",
    "Standing", "Syslog", "SyslogTarget", "Telling", "WebhookDestination", "check_endpoint", "write_file",
]  # fmt: skip
