"""How people prove who they are, as the configuration says it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

_Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=600)]


class OidcSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An OpenID provider that people sign in with.

    issuer: its name, exactly as its own description has it. client_id, client_secret: who this server is
    there; the secret as `env:NAME` or `file:PATH`, empty for a public client. scopes: what is asked for;
    `offline_access` where the provider gives tokens to ask again with for that only. name_claim,
    groups_claim: where names and groups stand in its tokens. roles: which groups give which roles.
    everybody: roles of all whom the provider lets in. refresh: how often it is asked whether somebody is
    still there. skew_seconds: how far the two clocks may differ. ca: a PEM file of authorities, instead of
    the machine's.
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "groups")
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: dict[str, tuple[str, ...]] = {}
    everybody: tuple[str, ...] = ()
    refresh: _Duration = "15m"
    skew_seconds: _Seconds = 60
    ca: str = ""


class ScimSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a directory's groups (SCIM) give.

    roles: which of them, by name or external id, give which roles. Without this table they give none, and
    whoever the directory brings in has the roles that somebody gives them by hand.
    """

    roles: dict[str, tuple[str, ...]]


class IdentitySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Signing in.

    session: how long a sign-in lasts. second_factor: optional, or required of everybody who signs in with a
    password. certificate: how long a client certificate lasts if nobody asks for less. oidc: an OpenID
    provider. scim: what a directory's groups give.
    """

    session: _Duration = "8h"
    second_factor: Literal["optional", "required"] = "optional"
    certificate: _Duration = "12h"
    oidc: OidcSection | None = None
    scim: ScimSection | None = None
