"""The desk: what a caller may ask of a server, with the roles it takes and the record of it."""

from .forwarded import ForwardedPart, FrontAuthenticator, Visitor
from .main import FrontDesk
from .roles import ADMIN, APPROVER, AUDITOR, ROLES

__all__ = [
    "ADMIN",
    "APPROVER",
    "AUDITOR",
    "ROLES",
    "ForwardedPart",
    "FrontAuthenticator",
    "FrontDesk",
    "Visitor",
]
