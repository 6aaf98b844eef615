"""Masked values that are asked for in clear."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "reveals",
        *_texts("tenant", "id", "request_id", "resource", "sealed", "key_id", "shown", "shape", "hash"),
        *_texts("columns", "tables", "subjects", "rule", "origin", "event", "why", "state"),
        *_integers("created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_reveals"),
        sa.UniqueConstraint("tenant", "request_id", name="uq_reveals_tenant_request_id"),
        sa.ForeignKeyConstraint(
            ["tenant", "request_id"],
            ["requests.tenant", "requests.id"],
            name="fk_reveals_tenant_request_id",
        ),
    )
    op.create_index("ix_reveals_tenant_state", "reveals", ["tenant", "state"])
