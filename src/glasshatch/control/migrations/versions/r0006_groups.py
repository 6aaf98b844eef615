"""Groups that a directory keeps, and who is in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _belongs(column: str, table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_memberships_tenant_{column}"
    return sa.ForeignKeyConstraint(["tenant", column], [f"{table}.tenant", f"{table}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "groups",
        *_texts("tenant", "id", "provider", "name", "folded"),
        sa.Column("external_id", sa.Text),
        *_integers("created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_groups"),
        sa.UniqueConstraint("tenant", "provider", "folded", name="uq_groups_tenant_provider_folded"),
    )
    op.create_table(
        "memberships",
        *_texts("tenant", "id", "group_id", "actor_id"),
        *_integers("created_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_memberships"),
        _belongs("group_id", "groups"),
        _belongs("actor_id", "actors"),
    )
    op.create_index("ix_memberships_tenant_actor_id", "memberships", ["tenant", "actor_id"])
    op.create_index("ix_memberships_tenant_group_id", "memberships", ["tenant", "group_id"])
