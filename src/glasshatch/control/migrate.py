"""Bringing a control store's schema up to date, with the migrations in the package."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from . import schema

_MIGRATIONS = Path(__file__).parent / "migrations"
READY = "ready.sql"
"""Beside the migrations: the schema that all of them make in an empty file, which a test compares."""


def make(connection: Connection) -> None:
    """The newest schema in an empty file, in the caller's transaction.

    To apply the migrations one by one takes ten times as long, most of it to load what applies them. Should
    one be newer than what lies ready, it is applied on top.
    """
    for statement in (_MIGRATIONS / READY).read_text().split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    if connection.execute(text("SELECT version_num FROM alembic_version")).scalar() != schema.REVISION:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Apply every migration the store lacks, in the caller's transaction: all of them or none."""
    # Alembic takes a while to import, and a server that finds its schema current never needs it.
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
