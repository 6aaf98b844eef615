"""OpenID Connect: what a provider says of itself, its keys, what its tokens must say, and the two flows.

Nothing here opens a connection: the way to the provider is a port that is handed in.
"""

from .claims import ALGORITHMS, Expected, TokenFault, verify_id_token
from .client import Begun, DeviceBegun, Form, OpenIdClient, Person, Settings, Waiting, Web
from .keys import KeyStore
from .provider import Provider, read_provider

__all__ = [
    "ALGORITHMS", "Begun", "DeviceBegun", "Expected", "Form", "KeyStore", "OpenIdClient", "Person",
    "Provider",
    "Settings", "TokenFault", "Waiting", "Web", "read_provider", "verify_id_token",
]  # fmt: skip
