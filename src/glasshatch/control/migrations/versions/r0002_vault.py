"""The vault: keys of subjects, sealed values, erasures and legal holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("tenant", "id", name=f"pk_{table}")


def upgrade() -> None:
    op.create_table(
        "subject_keys",
        *_texts("tenant", "id", "subject", "wrapping_key", "wrapped"),
        *_integers("created_ns", "erased_ns", "version"),
        *_texts("mac"),
        _key("subject_keys"),
    )
    op.create_index("ix_subject_keys_tenant_subject", "subject_keys", ["tenant", "subject"])
    op.create_table(
        "sealed_values",
        *_texts("tenant", "id", "subject", "key_id", "sealed", "ledger"),
        *_integers("at_size", "version"),
        *_texts("mac"),
        _key("sealed_values"),
    )
    op.create_index("ix_sealed_values_tenant_key_id", "sealed_values", ["tenant", "key_id"])
    op.create_index("ix_sealed_values_tenant_subject", "sealed_values", ["tenant", "subject"])
    op.create_index(
        "ix_sealed_values_tenant_ledger_at_size", "sealed_values", ["tenant", "ledger", "at_size"]
    )
    op.create_table(
        "vault_marks",
        *_texts("tenant", "id"),
        *_integers("at_size", "version"),
        *_texts("mac"),
        _key("vault_marks"),
    )
    op.create_table(
        "erasures",
        *_texts("tenant", "id", "subjects", "key_ids", "erased_by", "at_sizes"),
        *_integers("sealed", "done_ns", "created_ns", "version"),
        *_texts("mac"),
        _key("erasures"),
    )
    op.create_table(
        "holds",
        *_texts("tenant", "id", "subjects", "reason", "ticket", "placed_by"),
        *_integers("created_ns", "released_ns"),
        *_texts("released_by"),
        *_integers("version"),
        *_texts("mac"),
        _key("holds"),
    )
    op.create_index("ix_holds_tenant_released_ns", "holds", ["tenant", "released_ns"])
