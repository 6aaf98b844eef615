"""The desk: what a caller may ask of a server, with the roles it takes and the record of it.

`BackDesk` and the parts of the use are in `desk.back`: only who serves or searches loads index and detection.
"""

from .forwarded import ForwardedPart, FrontAuthenticator, Visitor
from .main import FrontDesk
from .roles import ADMIN, APPROVER, AUDITOR, PRIVACY, ROLES

__all__ = [
    "ADMIN", "APPROVER", "AUDITOR", "PRIVACY", "ROLES",
    "ForwardedPart", "FrontAuthenticator", "FrontDesk", "Visitor",
]  # fmt: skip
