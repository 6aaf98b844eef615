"""What somebody who can write the file, and has no key, can do: be found out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glasshatch.control import ControlStore
from glasshatch.control.schema import TABLES
from glasshatch.errors import VerificationError

NOW = 1_800_000_000_000_000_000


def open_again(office: Any) -> ControlStore:
    return ControlStore.open(office.path, tenant="default", mac_key=bytes(range(32)), random=os.urandom)


def read_everything(store: ControlStore) -> None:
    store.actors.list()
    store.tokens.list()
    store.requests.list()
    store.grants.list()
    store.holds.list()
    store.erasures.list()
    store.statements.with_text()
    store.reveals.sealed()
    store.credentials.list()
    store.links.all()
    for group in store.groups.page(["https://id.example", "https://id.examplex"], 0, 10)[1]:
        store.groups.members(group.id)
    store.groups.of([actor.id for actor in store.actors.list()])
    store.aliases.list()
    store.searches.of("")
    for incident in store.incidents.all():
        store.incidents.entries(incident.id)
    store.certificates.list()
    store.certificates.authority()


def tamper(busy: Any, table: str, column: str) -> None:
    """Change one cell of each row to another value that its column would take."""
    other = f"CASE typeof({column}) WHEN 'integer' THEN {column} + 1 ELSE {column} || 'x' END"
    change = "'x'" if column == "on_behalf_of" else other
    busy.intrude(f"UPDATE {table} SET {column} = {change}")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
@pytest.mark.parametrize("look", [ControlStore.check, read_everything], ids=["at opening", "when read"])
def test_no_cell_can_be_changed(busy: Any, table: Any, look: Callable[[ControlStore], None]) -> None:
    store = open_again(busy)
    busy.intrude(f"CREATE TABLE truth AS SELECT * FROM {table.name}")
    for column in table.columns:
        if (column.name, look) == ("tenant", read_everything):
            continue  # A row moved to another tenant is not read at all: the check at opening misses it.
        tamper(busy, table.name, column.name)
        with pytest.raises(VerificationError) as found:
            look(store)
        assert table.name in found.value.where
        busy.intrude(f"DELETE FROM {table.name}", f"INSERT INTO {table.name} SELECT * FROM truth")
        look(store)
    store.close()


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_no_row_can_be_deleted(busy: Any, table: str) -> None:
    busy.intrude(f"DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})")
    with pytest.raises(VerificationError, match=table):
        open_again(busy)


def test_a_revocation_cannot_be_taken_back(busy: Any) -> None:
    store = open_again(busy)
    grant = store.grants.list()[0]
    busy.intrude("CREATE TABLE loot AS SELECT * FROM grants")
    store.grants.revoke(grant.id, busy.bob.id, NOW + 2)
    store.close()
    # The old row is true in itself; that it is back, the table's head does not forgive.
    busy.intrude("DELETE FROM grants", "INSERT INTO grants SELECT * FROM loot", "DROP TABLE loot")
    with pytest.raises(VerificationError, match="grants"):
        open_again(busy)


def test_an_old_head_does_not_fit_new_rows(busy: Any) -> None:
    store = open_again(busy)
    busy.intrude("CREATE TABLE loot AS SELECT * FROM heads")
    store.actors.set_roles(busy.alice.id, ["admin"], NOW)
    store.close()
    busy.intrude("DELETE FROM heads", "INSERT INTO heads SELECT * FROM loot", "DROP TABLE loot")
    with pytest.raises(VerificationError, match="actors"):
        open_again(busy)


@pytest.mark.parametrize("change", ["DELETE FROM heads", "UPDATE heads SET rows = rows - 1"])
def test_a_head_can_neither_go_nor_change(busy: Any, change: str) -> None:
    busy.intrude(change)
    with pytest.raises(VerificationError):
        open_again(busy)


def test_a_row_cannot_be_made_with_another_rows_code(busy: Any) -> None:
    busy.intrude(
        "INSERT INTO actors SELECT tenant, 'x' || id, type, 'mallory', '[\"admin\"]', on_behalf_of, disabled,"
        " created_ns, changed_ns, version, mac FROM actors WHERE name = 'alice'"
    )
    with pytest.raises(VerificationError):
        open_again(busy)


def test_a_forged_row_is_not_used_while_the_store_is_open(busy: Any) -> None:
    store = open_again(busy)
    busy.intrude("UPDATE actors SET roles = '[\"admin\"]' WHERE name = 'alice'")
    with pytest.raises(VerificationError) as found:
        store.actors.named("alice")
    assert "actors" in found.value.where
    assert "admin" not in str(found.value)
    store.close()


def test_another_key_opens_nothing(busy: Any) -> None:
    with pytest.raises(VerificationError):
        ControlStore.open(busy.path, tenant="default", mac_key=b"k" * 32, random=os.urandom)


def test_another_tenant_finds_nothing(busy: Any) -> None:
    with pytest.raises(VerificationError, match="head is gone"):
        ControlStore.open(busy.path, tenant="other", mac_key=bytes(range(32)), random=os.urandom)


@pytest.mark.parametrize(
    "make",
    [
        "CREATE TRIGGER t AFTER UPDATE ON grants BEGIN DELETE FROM grants; END",
        "CREATE VIEW v AS SELECT 1",
    ],
)
def test_nothing_that_acts_by_itself_is_tolerated(busy: Any, make: str) -> None:
    busy.intrude(make)
    with pytest.raises(VerificationError, match="triggers or views"):
        open_again(busy)


def test_a_damaged_file_is_said_to_be_damaged(busy: Any) -> None:
    content = bytearray(busy.path.read_bytes())
    content[4096 : len(content)] = b"\xff" * (len(content) - 4096)
    busy.path.write_bytes(content)
    with pytest.raises(VerificationError) as found:
        open_again(busy)
    assert str(busy.path) in found.value.where


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.touch(mode=0o600)
    path.write_bytes(b"not a database, " * 1000)
    with pytest.raises(VerificationError, match="SQLite"):
        ControlStore.open(path, tenant="default", mac_key=b"k" * 32, random=os.urandom)
