"""What happened: the canonical event, its bytes, its actions, and the port that records it."""

from .actions import ACTIONS, Action
from .canonical import MAX_ENTRY_BYTES, decode, encode, encode_whole, foreign
from .clipping import TIME_MAX_NS, clipped
from .commitments import SALT_BYTES, Scalar, commitment, value_bytes
from .encoded import Encoded
from .forms import HOLES, Draft, Form, HoleKind, blank, event_of, filled
from .ids import Ids, uuid7
from .model import (
    SCHEMA_VERSION,
    Access,
    Actor,
    Client,
    Data,
    DecisionMade,
    Effect,
    Event,
    Link,
    Outcome,
    RawPrincipal,
    Redaction,
    Resource,
    SealedField,
    Source,
    StatementText,
)
from .places import place_of, read_place
from .sink import DEFAULT_LEDGER, Answers, Done, EventSink, Receipt, Submission

__all__ = [
    "ACTIONS",
    "DEFAULT_LEDGER",
    "HOLES",
    "MAX_ENTRY_BYTES",
    "SALT_BYTES",
    "SCHEMA_VERSION",
    "TIME_MAX_NS",
    "Access",
    "Action",
    "Actor",
    "Answers",
    "Client",
    "Data",
    "DecisionMade",
    "Done",
    "Draft",
    "Effect",
    "Encoded",
    "Event",
    "EventSink",
    "Form",
    "HoleKind",
    "Ids",
    "Link",
    "Outcome",
    "RawPrincipal",
    "Receipt",
    "Redaction",
    "Resource",
    "Scalar",
    "SealedField",
    "Source",
    "StatementText",
    "Submission",
    "blank",
    "clipped",
    "commitment",
    "decode",
    "encode",
    "encode_whole",
    "event_of",
    "filled",
    "foreign",
    "place_of",
    "read_place",
    "uuid7",
    "value_bytes",
]
