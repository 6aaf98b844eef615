"""The desk: what a caller may ask of a server, with the roles it takes and the record of it."""

from .main import ServerDesk
from .roles import ADMIN, APPROVER, AUDITOR, ROLES

__all__ = ["ADMIN", "APPROVER", "AUDITOR", "ROLES", "ServerDesk"]
