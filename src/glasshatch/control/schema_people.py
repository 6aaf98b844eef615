"""The control tables about people: who there is, and how they prove it."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from .tables import belongs as _belongs
from .tables import integer as _integer
from .tables import metadata
from .tables import text as _text

actors = Table(
    "actors",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("type"),
    _text("name"),
    _text("roles"),
    Column("on_behalf_of", Text),
    _integer("disabled"),
    _integer("created_ns"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "name"),
    _belongs("on_behalf_of", "actors"),
)

tokens = Table(
    "tokens",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("actor_id"),
    _text("hash"),
    _text("scopes"),
    _text("label"),
    _text("issued_by"),
    _integer("created_ns"),
    _integer("expires_ns"),
    _integer("revoked_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("actor_id", "actors"),
    Index(None, "tenant", "actor_id"),
)

credentials = Table(
    "credentials",
    metadata,
    _text("tenant"),
    # The actor's.
    _text("id"),
    # A PHC string; empty if there is none.
    _text("password"),
    # The second factor's secret in base64 under the data key `key_id`, and the time step used last.
    _text("totp"),
    _text("key_id"),
    _integer("totp_step"),
    _text("recovery"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("id", "actors"),
)

attempts = Table(
    "attempts",
    metadata,
    _text("tenant"),
    # The actor's.
    _text("id"),
    _integer("failures"),
    _integer("last_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("id", "actors"),
)

links = Table(
    "links",
    metadata,
    _text("tenant"),
    # The actor's.
    _text("id"),
    _text("provider"),
    # Nobody yet, if a directory made the actor before the first sign-in.
    Column("subject", Text),
    Column("external_id", Text),
    _text("groups"),
    # The provider's token to ask with again, in base64 under the data key `key_id`.
    _text("refresh"),
    _text("key_id"),
    # When to ask; 0 for never.
    _integer("refresh_ns"),
    _integer("created_ns"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "provider", "subject"),
    _belongs("id", "actors"),
    Index(None, "tenant", "refresh_ns"),
)

certificates = Table(
    "certificates",
    metadata,
    _text("tenant"),
    # The serial number, in hex.
    _text("id"),
    _text("actor_id"),
    # SHA-256 of the certificate, in hex.
    _text("fingerprint"),
    _text("label"),
    _text("issued_by"),
    _integer("created_ns"),
    _integer("expires_ns"),
    _integer("revoked_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("actor_id", "actors"),
    Index(None, "tenant", "actor_id"),
)

authorities = Table(
    "authorities",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("certificate"),
    # Its private key in base64 under the data key `key_id`.
    _text("sealed"),
    _text("key_id"),
    _integer("created_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
)

groups = Table(
    "groups",
    metadata,
    _text("tenant"),
    _text("id"),
    # Who keeps it: the directory's provider.
    _text("provider"),
    _text("name"),
    # The name without capitals: two names that differ in those only are one.
    _text("folded"),
    Column("external_id", Text),
    _integer("created_ns"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "provider", "folded"),
)

memberships = Table(
    "memberships",
    metadata,
    _text("tenant"),
    # GROUP/ACTOR
    _text("id"),
    _text("group_id"),
    _text("actor_id"),
    _integer("created_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("group_id", "groups"),
    _belongs("actor_id", "actors"),
    Index(None, "tenant", "actor_id"),
    Index(None, "tenant", "group_id"),
)
