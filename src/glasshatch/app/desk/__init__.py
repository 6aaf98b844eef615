"""The desk: what a caller may ask of a server, with the roles it takes and the record of it.

`BackDesk` and the parts of the use are in `desk.back`: only who serves or searches loads index and detection.
`FrontDesk` is in `desk.main`: only who holds the directory loads the control store.
"""

from .forwarded import ForwardedPart, FrontAuthenticator, Visitor

__all__ = [
    "ForwardedPart", "FrontAuthenticator", "Visitor",
]  # fmt: skip
