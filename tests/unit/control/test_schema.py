"""The file: its mode, its versions, and that migrations and tables say the same."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import alembic.migration
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.script import ScriptDirectory

import glasshatch.control
from glasshatch.control import ControlStore, Migration, migrate, pending_migration
from glasshatch.control.schema import REVISION, TABLES, heads, metadata
from glasshatch.errors import ConfigError, Conflict, Unavailable

KEY = bytes(range(32))
NOW = 1_800_000_000_000_000_000


def open_store(path: Path) -> ControlStore:
    return ControlStore.open(path, tenant="default", mac_key=KEY, random=os.urandom)


def test_migrations_make_exactly_the_tables_we_use(office: Any) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{office.path}")
    with engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_revision_is_the_newest_migration() -> None:
    folder = Path(glasshatch.control.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == REVISION


def test_tenant_is_the_first_part_of_every_key() -> None:
    for table in (*TABLES, heads):
        keys = [constraint for constraint in table.constraints if hasattr(constraint, "columns")]
        for key in (*keys, *table.indexes):
            if list(key.columns):
                assert next(iter(key.columns)).name == "tenant", (table.name, key)


def test_nobody_else_reads_the_files(office: Any, asked: Any) -> None:
    asked()
    files = list(office.path.parent.glob("control.db*"))
    assert len(files) >= 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_file_open_to_others_is_refused(office: Any) -> None:
    office.store.close()
    office.path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_store(office.path)


def test_an_existing_file_is_not_overwritten(office: Any) -> None:
    with pytest.raises(Conflict, match="exists"):
        ControlStore.create(office.path, tenant="default", mac_key=KEY, random=os.urandom)


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "control.db"
    with pytest.raises(ConfigError, match="nowhere"):
        ControlStore.create(path, tenant="default", mac_key=KEY, random=os.urandom)
    with pytest.raises(ConfigError, match="nowhere"):
        open_store(path)


def never(pending: Migration) -> None:
    raise AssertionError("a current store was changed")


def migrated(path: Path) -> Migration:
    return migrate(path, never, tenant="default", mac_key=KEY, random=os.urandom)


def test_a_newer_store_is_refused_by_everybody(office: Any) -> None:
    office.store.close()
    office.intrude("UPDATE alembic_version SET version_num = '0999'")
    for opened in (open_store, pending_migration, migrated):
        with pytest.raises(ConfigError, match="newer") as refused:
            opened(office.path)
        assert "upgrade glasshatch" in refused.value.hint


def test_an_older_store_asks_to_be_migrated(office: Any) -> None:
    office.store.close()
    office.intrude("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(ConfigError, match="older") as refused:
        open_store(office.path)
    assert f"glasshatch migrate {office.path.parent}" in refused.value.hint


def test_a_store_whose_making_was_cut_short_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.touch(mode=0o600)
    with pytest.raises(ConfigError, match="not a control store"):
        open_store(path)


def test_migrating_a_current_store_changes_nothing(office: Any) -> None:
    office.store.close()
    assert migrated(office.path) == Migration(REVISION, REVISION, None)
    assert list(office.path.parent.glob("*.schema-*")) == []
    store = open_store(office.path)
    assert store.actors.named("alice") == office.alice
    store.close()


def test_a_store_locked_by_another_process_says_so(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasshatch.control.database._PRAGMAS", ("PRAGMA busy_timeout=50",))
    store = open_store(office.path)
    other = sqlite3.connect(office.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="SQLITE_BUSY") as busy:
        store.actors.set_roles(office.alice.id, ["secret-role"], NOW)
    assert "secret-role" not in str(busy.value)
    other.execute("ROLLBACK")
    other.close()
    assert store.actors.set_roles(office.alice.id, ["x"], NOW).roles == ("x",)
    store.close()


def test_a_full_disk_stores_nothing_and_the_store_goes_on(office: Any) -> None:
    pages = sqlite3.connect(office.path).execute("PRAGMA page_count").fetchone()[0]
    store = office.reopen()
    engine = store._database._engine
    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}")
    )
    engine.dispose()
    names = (f"{number}-{'x' * 190}" for number in range(1000))
    with pytest.raises(Unavailable, match="SQLITE_FULL"):
        all(store.actors.create(name, now_ns=NOW) for name in names)
    store.check()
    assert store.actors.named("alice") == office.alice
