"""Actors, tokens, requests, reviews, grants, and a head for each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant", column], [f"{parent}.tenant", f"{parent}.id"], name=f"fk_{table}_tenant_{column}"
    )


def upgrade() -> None:
    op.create_table(
        "actors",
        *_texts("tenant", "id", "type", "name", "roles"),
        sa.Column("on_behalf_of", sa.Text),
        *_integers("disabled", "created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_actors"),
        sa.UniqueConstraint("tenant", "name", name="uq_actors_tenant_name"),
        _belongs("actors", "on_behalf_of", "actors"),
    )
    op.create_table(
        "tokens",
        *_texts("tenant", "id", "actor_id", "hash", "scopes", "label", "issued_by"),
        *_integers("created_ns", "expires_ns", "revoked_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_tokens"),
        _belongs("tokens", "actor_id", "actors"),
    )
    op.create_index("ix_tokens_tenant_actor_id", "tokens", ["tenant", "actor_id"])
    op.create_table(
        "requests",
        *_texts("tenant", "id", "kind", "actor_id"),
        sa.Column("on_behalf_of", sa.Text),
        *_texts("resource", "verbs"),
        *_integers("duration_ns"),
        *_texts("reason", "ticket", "state"),
        *_integers("approvals", "reviewed", "created_ns", "expires_ns", "closed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_requests"),
        _belongs("requests", "actor_id", "actors"),
    )
    op.create_index("ix_requests_tenant_state_expires_ns", "requests", ["tenant", "state", "expires_ns"])
    op.create_table(
        "reviews",
        *_texts("tenant", "id", "request_id", "reviewer_id", "verdict", "comment"),
        *_integers("created_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_reviews"),
        sa.UniqueConstraint(
            "tenant", "request_id", "reviewer_id", name="uq_reviews_tenant_request_id_reviewer_id"
        ),
        _belongs("reviews", "request_id", "requests"),
        _belongs("reviews", "reviewer_id", "actors"),
    )
    op.create_table(
        "grants",
        *_texts("tenant", "id"),
        sa.Column("request_id", sa.Text),
        *_texts("actor_id", "resource", "verbs", "approvers", "reason", "ticket"),
        *_integers("starts_ns", "expires_ns", "revoked_ns"),
        *_texts("revoked_by"),
        *_integers("expiry_recorded", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_grants"),
        sa.UniqueConstraint("tenant", "request_id", name="uq_grants_tenant_request_id"),
        _belongs("grants", "request_id", "requests"),
        _belongs("grants", "actor_id", "actors"),
    )
    op.create_index("ix_grants_tenant_actor_id_expires_ns", "grants", ["tenant", "actor_id", "expires_ns"])
    op.create_index(
        "ix_grants_tenant_expiry_recorded_expires_ns", "grants", ["tenant", "expiry_recorded", "expires_ns"]
    )
    op.create_table(
        "heads",
        *_texts("tenant", "id"),
        *_integers("rows"),
        *_texts("nonce", "digest"),
        *_integers("version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_heads"),
    )
