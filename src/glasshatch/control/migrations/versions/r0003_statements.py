"""Statements that wait for a review, or were reviewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "statements",
        *_texts("tenant", "id", "request_id", "resource", "text", "key_id", "shown", "shape", "hash"),
        *_texts("verbs", "tables", "risks", "rule"),
        *_integers("near_masked"),
        *_texts("preview", "undoes", "run_event", "image_event", "image_why", "state"),
        *_integers("created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_statements"),
        sa.UniqueConstraint("tenant", "request_id", name="uq_statements_tenant_request_id"),
        sa.ForeignKeyConstraint(
            ["tenant", "request_id"],
            ["requests.tenant", "requests.id"],
            name="fk_statements_tenant_request_id",
        ),
    )
    op.create_index("ix_statements_tenant_state", "statements", ["tenant", "state"])
