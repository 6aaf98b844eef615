"""Alembic's entry: run by `glasshatch.control.migrate` inside a transaction that it owns."""

from __future__ import annotations

from alembic import context

from glasshatch.control.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
)
context.run_migrations()
