"""How people prove who they are: passwords and second factors, links to a provider, certificates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _belongs(table: str, column: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_tenant_{column}"
    return sa.ForeignKeyConstraint(["tenant", column], ["actors.tenant", "actors.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "credentials",
        *_texts("tenant", "id", "password", "totp", "key_id"),
        *_integers("totp_step"),
        *_texts("recovery"),
        *_integers("changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_credentials"),
        _belongs("credentials", "id"),
    )
    op.create_table(
        "attempts",
        *_texts("tenant", "id"),
        *_integers("failures", "last_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_attempts"),
        _belongs("attempts", "id"),
    )
    op.create_table(
        "links",
        *_texts("tenant", "id", "provider"),
        sa.Column("subject", sa.Text),
        sa.Column("external_id", sa.Text),
        *_texts("groups", "refresh", "key_id"),
        *_integers("refresh_ns", "created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_links"),
        sa.UniqueConstraint("tenant", "provider", "subject", name="uq_links_tenant_provider_subject"),
        _belongs("links", "id"),
    )
    op.create_index("ix_links_tenant_refresh_ns", "links", ["tenant", "refresh_ns"])
    op.create_table(
        "certificates",
        *_texts("tenant", "id", "actor_id", "fingerprint", "label", "issued_by"),
        *_integers("created_ns", "expires_ns", "revoked_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_certificates"),
        _belongs("certificates", "actor_id"),
    )
    op.create_index("ix_certificates_tenant_actor_id", "certificates", ["tenant", "actor_id"])
    op.create_table(
        "authorities",
        *_texts("tenant", "id", "certificate", "sealed", "key_id"),
        *_integers("created_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_authorities"),
    )
