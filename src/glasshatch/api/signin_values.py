"""What client and server exchange about signing in; shared by both, no server dependency here.

Times are decimal strings of nanoseconds since the epoch, UTC. Secrets stand in forms and answers, and in no
representation of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Short = Annotated[str, msgspec.Meta(max_length=256)]
Secret = Annotated[str, msgspec.Meta(max_length=1_024)]
Long = Annotated[str, msgspec.Meta(max_length=4_096)]


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """How one can sign in here. provider: the identity provider's name, empty if there is none. problem: why
    it cannot be used at the moment, empty if it can."""

    password: bool = True
    provider: str = ""
    device: bool = False
    problem: str = ""


class PasswordForm(_Form, frozen=True):
    """A name and a password; code: of the second factor, or a recovery code, if there is one."""

    name: Short
    password: Secret
    code: Short = ""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in, and the token that says so from now on; it is in this answer and nowhere else."""

    token: str
    id: str
    actor: str
    roles: tuple[str, ...]
    expires: str

    def __repr__(self) -> str:
        return f"SignedIn({self.actor!r})"


class DeviceStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A code that a person confirms at the provider. handle: what to ask with meanwhile."""

    handle: str
    user_code: str
    address: str
    whole_address: str = ""
    interval_s: int = 5
    expires: str = ""

    def __repr__(self) -> str:
        return f"DeviceStarted({self.address!r})"


class DeviceForm(_Form, frozen=True):
    """Has the person confirmed it?"""

    handle: Short


class DeviceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Not yet, and when to ask again; or who signed in."""

    state: Literal["waiting", "done"]
    interval_s: int = 5
    signed_in: SignedIn | None = None


class BrowserForm(_Form, frozen=True):
    """Where the provider is to send the browser back to."""

    redirect: Long


class BrowserStarted(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes, and what it must bring back."""

    address: str
    state: str

    def __repr__(self) -> str:
        return "BrowserStarted()"


class BrowserAnswer(_Form, frozen=True):
    """What the browser brought back from the provider (RFC 6749, section 4.1.2; RFC 9207)."""

    state: Short
    code: Long = ""
    error: Short = ""
    issuer: Long = ""


class PasswordChange(_Form, frozen=True):
    """A new password; current: one's own so far, if there is one and one changes it oneself."""

    password: Secret
    current: Secret = ""
    code: Short = ""


class FactorStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The secret of a second factor, to be taken into an authenticator; it counts once a code confirmed
    it."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "FactorStarted()"


class FactorForm(_Form, frozen=True):
    """The authenticator's code now."""

    code: Short


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Codes for a lost device, each good for one sign-in; they are in this answer and nowhere else."""

    codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "RecoveryCodes()"


class RolesForm(_Form, frozen=True):
    """The roles that somebody has from now on."""

    roles: tuple[Short, ...]


class LinkForm(_Form, frozen=True):
    """Which person at the provider an actor is, by the provider's own unchanging name for them (`sub`)."""

    subject: Short


class CertificateForm(_Form, frozen=True):
    """A request for a certificate (PKCS #10, PEM). lifetime_s: 0 for as long as the configuration says."""

    actor: Short
    request: Annotated[str, msgspec.Meta(max_length=16_384)]
    lifetime_s: Annotated[int, msgspec.Meta(ge=0, le=30 * 86_400)] = 0


class CertificateIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate and the authority's own, both PEM."""

    serial: str
    actor: str
    certificate: str
    authority: str
    expires: str


class CertificateView(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was issued."""

    serial: str
    actor: str
    issued_by: str
    created: str
    expires: str
    state: Literal["valid", "expired", "revoked"]
