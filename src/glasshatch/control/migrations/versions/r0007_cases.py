"""Aliases of actors, and incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_tenant_{column}"
    return sa.ForeignKeyConstraint(["tenant", column], [f"{to}.tenant", f"{to}.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "aliases",
        *_texts("tenant", "id", "namespace", "principal", "feed", "actor_id", "asserted", "reason"),
        *_integers("since_ns", "until_ns"),
        *_texts("created_by"),
        *_integers("created_ns"),
        *_texts("ended_by", "ended_why"),
        *_integers("changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_aliases"),
        _belongs("aliases", "actor_id", "actors"),
    )
    op.create_index("ix_aliases_tenant_namespace_principal", "aliases", ["tenant", "namespace", "principal"])
    op.create_table(
        "incidents",
        *_texts("tenant", "id"),
        *_integers("number"),
        *_texts("title"),
        *_integers("severity"),
        *_texts("status", "assignee", "tags", "alert", "subjects", "runbook", "questions"),
        *_integers("entries"),
        *_texts("created_by"),
        *_integers("created_ns", "changed_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_tenant_number", "incidents", ["tenant", "number"])
    op.create_index("ix_incidents_tenant_status", "incidents", ["tenant", "status"])
    op.create_table(
        "incident_entries",
        *_texts("tenant", "id", "incident_id", "kind", "about", "place", "text", "by", "by_name"),
        *_integers("created_ns", "version"),
        *_texts("mac"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_incident_entries"),
        _belongs("incident_entries", "incident_id", "incidents"),
    )
    op.create_index("ix_incident_entries_tenant_incident_id", "incident_entries", ["tenant", "incident_id"])
