"""The control tables, as this version of Glasshatch reads and writes them.

`tenant` is the first part of every key. Columns are text or integers and nothing else, so that a
row has one canonical encoding on every database; lists are JSON text, times are nanoseconds.
A column added later must be nullable: an absent value adds nothing to a row's authentication code,
so rows written before it stay valid.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from .schema_cases import aliases, incident_entries, incidents, searches
from .schema_people import (
    actors,
    attempts,
    authorities,
    certificates,
    credentials,
    groups,
    links,
    memberships,
    tokens,
)
from .tables import belongs as _belongs
from .tables import integer as _integer
from .tables import metadata
from .tables import text as _text

__all__ = [
    "HEADED_SINCE", "REVISION", "TABLES", "actors", "aliases", "attempts", "authorities", "certificates",
    "credentials", "erasures", "grants", "groups", "heads", "holds", "incident_entries", "incidents",
    "links", "memberships", "metadata", "requests", "reveals", "reviews", "sealed_values", "statements",
    "subject_keys", "tokens", "vault_marks",
]  # fmt: skip

REVISION: Final = "0008"
"""The newest migration; a store with a higher one was written by a newer Glasshatch."""

requests = Table(
    "requests",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("kind"),
    _text("actor_id"),
    Column("on_behalf_of", Text),
    _text("resource"),
    _text("verbs"),
    _integer("duration_ns"),
    _text("reason"),
    _text("ticket"),
    _text("state"),
    _integer("approvals"),
    # How many reviews there are: one that is taken away from its request is then missed.
    _integer("reviewed"),
    _integer("created_ns"),
    _integer("expires_ns"),
    _integer("closed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    _belongs("actor_id", "actors"),
    Index(None, "tenant", "state", "expires_ns"),
)

reviews = Table(
    "reviews",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("request_id"),
    _text("reviewer_id"),
    _text("verdict"),
    _text("comment"),
    _integer("created_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "request_id", "reviewer_id"),
    _belongs("request_id", "requests"),
    _belongs("reviewer_id", "actors"),
)

grants = Table(
    "grants",
    metadata,
    _text("tenant"),
    _text("id"),
    Column("request_id", Text),
    _text("actor_id"),
    _text("resource"),
    _text("verbs"),
    _text("approvers"),
    _text("reason"),
    _text("ticket"),
    _integer("starts_ns"),
    _integer("expires_ns"),
    _integer("revoked_ns"),
    _text("revoked_by"),
    _integer("expiry_recorded"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "request_id"),
    _belongs("request_id", "requests"),
    _belongs("actor_id", "actors"),
    Index(None, "tenant", "actor_id", "expires_ns"),
    Index(None, "tenant", "expiry_recorded", "expires_ns"),
)

heads = Table(
    "heads",
    metadata,
    _text("tenant"),
    _text("id"),
    _integer("rows"),
    _text("nonce"),
    _text("digest"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
)

subject_keys = Table(
    "subject_keys",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("subject"),
    # Under which data key of the keyring the subject's key is wrapped.
    _text("wrapping_key"),
    # Base64; empty once the key is destroyed.
    _text("wrapped"),
    _integer("created_ns"),
    _integer("erased_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "subject"),
)

sealed_values = Table(
    "sealed_values",
    metadata,
    _text("tenant"),
    # EVENT/FIELD
    _text("id"),
    _text("subject"),
    _text("key_id"),
    _text("sealed"),
    # Where its leaf goes, and how many entries were durable there when this was stored: it stands behind.
    _text("ledger"),
    _integer("at_size"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "key_id"),
    Index(None, "tenant", "subject"),
    Index(None, "tenant", "ledger", "at_size"),
)

vault_marks = Table(
    "vault_marks",
    metadata,
    _text("tenant"),
    # The ledger's name.
    _text("id"),
    _integer("at_size"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
)

erasures = Table(
    "erasures",
    metadata,
    _text("tenant"),
    # The id of the `subject.erased` event.
    _text("id"),
    _text("subjects"),
    _text("key_ids"),
    _text("erased_by"),
    _integer("sealed"),
    # How many entries each ledger had before the event was recorded; all that is erased stands before.
    _text("at_sizes"),
    # 0 until the keys are destroyed.
    _integer("done_ns"),
    _integer("created_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
)

holds = Table(
    "holds",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("subjects"),
    _text("reason"),
    _text("ticket"),
    _text("placed_by"),
    _integer("created_ns"),
    _integer("released_ns"),
    _text("released_by"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "released_ns"),
)

statements = Table(
    "statements",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("request_id"),
    _text("resource"),
    # Base64 under the data key `key_id`; empty where it is made of sealed values, or not needed any more.
    _text("text"),
    _text("key_id"),
    _text("shown"),
    _text("shape"),
    _text("hash"),
    _text("verbs"),
    _text("tables"),
    _text("risks"),
    _text("rule"),
    _integer("near_masked"),
    _text("preview"),
    # The events: what it undoes, its run, and the before-image that the run left.
    _text("undoes"),
    _text("run_event"),
    _text("image_event"),
    _text("image_why"),
    _text("state"),
    _integer("created_ns"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "request_id"),
    _belongs("request_id", "requests"),
    Index(None, "tenant", "state"),
)

reveals = Table(
    "reveals",
    metadata,
    _text("tenant"),
    _text("id"),
    _text("request_id"),
    _text("resource"),
    # Base64 under the data key `key_id`: the statement, and what tells whether the values changed since.
    _text("sealed"),
    _text("key_id"),
    _text("shown"),
    _text("shape"),
    _text("hash"),
    _text("columns"),
    _text("tables"),
    _text("subjects"),
    _text("rule"),
    # The events: the masked answer, and the showing.
    _text("origin"),
    _text("event"),
    _text("why"),
    _text("state"),
    _integer("created_ns"),
    _integer("changed_ns"),
    _integer("version"),
    _text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "request_id"),
    _belongs("request_id", "requests"),
    Index(None, "tenant", "state"),
)

TABLES: Final = (
    actors, tokens, requests, reviews, grants, erasures, holds, statements, credentials, links, certificates,
    authorities, reveals, groups, memberships, aliases, incidents, incident_entries,
    searches,
)  # fmt: skip
"""All tables whose rows are authenticated and counted in a head, parents first.

The vault's own tables have no head, because it would be read whole at each start: what they must hold,
the events say, and which keys must not come back, `erasures` says.
"""

HEADED_SINCE: Final = {
    "0002": (erasures, holds), "0003": (statements,), "0004": (credentials, links, certificates, authorities),
    "0005": (reveals,), "0006": (groups, memberships),
    "0007": (aliases, incidents, incident_entries), "0008": (searches,),
}  # fmt: skip
"""Which of them came with which migration: it gives them a head."""
