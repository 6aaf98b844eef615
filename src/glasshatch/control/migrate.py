"""Bringing a control store's schema up to date, with the migrations in the package."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Apply every migration the store lacks, in the caller's transaction: all of them or none."""
    # Alembic takes a while to import, and a server that finds its schema current never needs it.
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
