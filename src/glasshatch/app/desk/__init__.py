"""The desk: what a caller may ask of a server, with the roles it takes and the record of it.

`BackDesk` and the parts of the use are in `desk.back`: only who serves or searches loads index and detection.
"""

from .forwarded import ForwardedPart, FrontAuthenticator, Visitor
from .main import FrontDesk

__all__ = [
    "ForwardedPart", "FrontAuthenticator", "FrontDesk", "Visitor",
]  # fmt: skip
