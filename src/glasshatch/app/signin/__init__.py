"""Signing in at the front: with a password, through an identity provider, and what keeps and ends it.

Every way ends in a short-lived token of the person's own. So what holds for tokens holds for a sign-in: it is
recorded, it ends, it can be revoked, and it is looked at anew each time it is used.
"""

from .admitting import Admitting
from .credentials import CredentialKeeper
from .passwords import PasswordWay
from .provider import ProviderWay
from .service import SignIn
from .web import ProviderWeb

__all__ = ["Admitting", "CredentialKeeper", "PasswordWay", "ProviderWay", "ProviderWeb", "SignIn"]
