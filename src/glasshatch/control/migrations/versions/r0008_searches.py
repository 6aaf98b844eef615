"""Searches that people keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "searches",
        *[
            sa.Column(name, sa.Text, nullable=False)
            for name in ("tenant", "id", "name", "query", "note", "owner_id")
        ],
        *[
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("shared", "created_ns", "changed_ns", "version")
        ],
        sa.Column("mac", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_searches"),
        sa.UniqueConstraint("tenant", "owner_id", "name", name="uq_searches_tenant_owner_id_name"),
    )
