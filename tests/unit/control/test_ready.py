"""The schema that lies ready for new stores is the one that the migrations make.

After a new migration: `python tests/unit/control/test_ready.py` writes it anew.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from glasshatch.control.schema import REVISION

migrate = importlib.import_module("glasshatch.control.migrate")  # the room has a function of that name
FILE = Path(migrate.__file__ or "").parent / "migrations" / migrate.READY


@pytest.fixture
def empty() -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def text_of(connection: sqlalchemy.Connection) -> str:
    """Every statement that makes what is in the store."""
    found = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    (version,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()
    statements = [*found.scalars(), f"INSERT INTO alembic_version VALUES ('{version}')"]
    return "".join(f"{statement};\n" for statement in statements)


def test_it_is_what_the_migrations_make(empty: sqlalchemy.Connection) -> None:
    migrate.upgrade(empty)
    assert FILE.read_text() == text_of(empty), "run: python tests/unit/control/test_ready.py"


def test_what_is_made_of_it_is_the_same_again(empty: sqlalchemy.Connection) -> None:
    migrate.make(empty)
    assert text_of(empty) == FILE.read_text()


def test_a_migration_that_is_newer_is_applied_on_top(
    empty: sqlalchemy.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for file in (*FILE.parent.glob("*.*"), *(FILE.parent / "versions").glob("*.py")):
        (tmp_path / file.relative_to(FILE.parent)).write_bytes(file.read_bytes())
    following = f"{int(REVISION) + 1:04}"
    (versions / "r9999_more.py").write_text(
        f'from alembic import op\nrevision = "{following}"\ndown_revision = "{REVISION}"\n'
        'branch_labels = depends_on = None\ndef upgrade():\n    op.execute("CREATE TABLE more (x TEXT)")\n'
    )
    monkeypatch.setattr(migrate, "_MIGRATIONS", tmp_path)
    monkeypatch.setattr(migrate.schema, "REVISION", following)
    migrate.make(empty)
    assert text_of(empty) != FILE.read_text()
    assert "CREATE TABLE more" in text_of(empty)
    assert f"'{following}'" in text_of(empty)


def write() -> None:
    """Apply the migrations to an empty store, and keep what they made."""
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        FILE.write_text(text_of(connection))


if __name__ == "__main__":
    write()
