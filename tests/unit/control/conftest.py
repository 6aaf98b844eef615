"""A control store with alice, who works, bob, who approves, and carol, who may do both."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.control import (
    ControlStore,
    Erasure,
    IncidentEntry,
    IssuedCertificate,
    KeptAlias,
    KeptAuthority,
    KeptIncident,
    KeptReveal,
    KeptSearch,
    KeptStatement,
    ProviderLink,
    Question,
    RevealColumn,
    Step,
)
from glasshatch.control.incidents import EntryKind
from glasshatch.identity import Identity

NOW = 1_800_000_000_000_000_000
SECOND = 10**9
KEY = bytes(range(32))
WISH: dict[str, Any] = {
    "resource": "postgres/orders",
    "verbs": ["update"],
    "duration_ns": 600 * SECOND,
    "reason": "payment 17 hangs",
    "now_ns": NOW,
}


class Office(msgspec.Struct):
    """A store, the people in it, and the file under it."""

    store: ControlStore
    path: Path
    alice: Identity
    bob: Identity
    carol: Identity

    def reopen(self, key: bytes = KEY) -> ControlStore:
        """Close the store and open its file again."""
        self.store.close()
        self.store = ControlStore.open(self.path, tenant="default", mac_key=key, random=os.urandom)
        return self.store

    def intrude(self, *statements: str) -> None:
        """Do what somebody with the file could do."""
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA synchronous = OFF")  # nothing here survives a loss of power anyway
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()


def kept_statement(id: str, request_id: str, **changes: Any) -> KeptStatement:
    """A statement under review."""
    made = KeptStatement(
        id=id, request_id=request_id, resource="postgres/orders", text="c2VhbGVk", key_id="k1",
        shown="DELETE FROM t WHERE id = <n>", shape="DELETE FROM t WHERE id = ?", hash="abc",
        verbs=("delete",),
        tables=("t",), risks=(), rule="production.everyday", near_masked=False, preview="{}", created_ns=NOW,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def erasure(id: str, *key_ids: str, **changes: Any) -> Erasure:
    """An erasure of one subject."""
    made = Erasure(
        id=id, subjects=("<EMAIL:aaaaaaaaaaaa>",), key_ids=key_ids, erased_by="carol", sealed=1,
        at_sizes={"default": 7},
        created_ns=NOW,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def prove_themselves(office: Office, who: Identity, moment: int) -> None:
    """Give somebody a password, a link to a provider, a certificate and an authority that signed it."""
    store, id = office.store, f"{moment:x}"
    store.credentials.change(
        who.id,
        lambda kept: msgspec.structs.replace(kept, password="$argon2id$x", recovery=("a", "b")),
        moment,
    )
    store.links.keep(
        ProviderLink(
            id=who.id, provider="https://id.example", subject=f"s-{who.name}", external_id=f"e-{who.name}",
            groups=("oncall",), refresh="c2VhbGVk", key_id="k1", refresh_ns=moment,
        ),
        moment,
    )  # fmt: skip
    group = store.groups.create("https://id.example", f"group {id}", f"e-{id}", moment)
    store.groups.step(group.id, Step(come=(who.id,), roles={who.id: who.roles}), moment)
    store.certificates.keep(
        IssuedCertificate(
            id=id, actor_id=who.id, fingerprint="ab" * 32, created_ns=moment, expires_ns=moment + 1
        )
    )
    store.certificates.keep_authority(
        KeptAuthority(id=id, certificate="PEM", sealed="c2VhbGVk", key_id="k1", created_ns=moment)
    )


def kept_search(owner_id: str, name: str = "refusals", query: str = "effect:deny") -> KeptSearch:
    return KeptSearch(
        id="", name=name, query=query, note="", owner_id=owner_id, shared=False, created_ns=0, changed_ns=0
    )


def kept_alias(actor_id: str, principal: str = "alice@example.com", **changes: Any) -> KeptAlias:
    """An alias as somebody wants it."""
    alias = KeptAlias(
        id="", namespace="kubernetes", principal=principal, feed="", actor_id=actor_id, asserted="admin",
        reason="she said so", since_ns=0, until_ns=0, created_by="carol", created_ns=0,
    )  # fmt: skip
    return msgspec.structs.replace(alias, **changes)


def kept_incident(**changes: Any) -> KeptIncident:
    """An incident as somebody opens it."""
    incident = KeptIncident(
        id="", number=0, title="A table was read whole", severity=3, status="open", assignee="",
        tags=("data",), alert="", subjects=("actor:alice",), runbook="default",
        questions=(Question("what", "What happened?"),), entries=0, created_by="carol", created_ns=0,
        changed_ns=0,
    )  # fmt: skip
    return msgspec.structs.replace(incident, **changes)


def kept_entry(kind: EntryKind = "note", text: str = "as it was told", about: str = "") -> IncidentEntry:
    """One thing to put into an incident."""
    return IncidentEntry(
        id="", incident_id="", kind=kind, about=about, place="", text=text, by="id", by_name="carol",
        created_ns=0,
    )  # fmt: skip


def investigate(office: Office, moment: int) -> None:
    """An alias, and an incident with a note."""
    office.store.aliases.add(kept_alias(office.alice.id, f"alice-{moment}"), moment)
    office.store.searches.keep(kept_search(office.alice.id, f"refusals-{moment}"), moment)
    opened = office.store.incidents.open(kept_incident(), moment)
    office.store.incidents.put(opened.id, kept_entry(), moment + 1)


def kept_reveal(id: str, request_id: str) -> KeptReveal:
    """Masked values of one row that are asked for."""
    column = RevealColumn(name="email", column="public.people.email", type="EMAIL", token="<EMAIL:abc>")
    return KeptReveal(
        id=id, request_id=request_id, resource="postgres/orders", sealed="c2VhbGVk", key_id="k1",
        shown="SELECT email FROM people WHERE id = 1", shape="SELECT email FROM people WHERE id = $1",
        hash="abc", columns=(column,), tables=("people",), subjects=("<EMAIL:abc>",), rule="production.read",
        created_ns=NOW, changed_ns=NOW,
    )  # fmt: skip


PEOPLE = (("alice", ["engineer"]), ("bob", ["approver"]), ("carol", ["admin", "approver"]))


def _copy(source: Path, path: Path) -> Office:
    path.touch(mode=0o600)
    path.write_bytes(source.read_bytes())
    store = ControlStore.open(path, tenant="default", mac_key=KEY, random=os.urandom)
    return Office(store, path, *(store.actors.named(name) for name, _ in PEOPLE))


@pytest.fixture(scope="session")
def staffed_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with the people in it, made once by the real migrations."""
    path = tmp_path_factory.mktemp("control") / "control.db"
    store = ControlStore.create(path, tenant="default", mac_key=KEY, random=os.urandom)
    for moment, (name, roles) in enumerate(PEOPLE):
        store.actors.create(name, roles=roles, now_ns=NOW + moment * 10**6)
    store.close()
    return path


@pytest.fixture(scope="session")
def busy_store(staffed_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with at least two rows in every table."""
    office = _copy(staffed_store, tmp_path_factory.mktemp("busy") / "control.db")

    def reviewed(connection: Any, request: Any) -> None:
        office.store.statements.insert(connection, kept_statement(f"s-{request.id}", request.id))

    def revealed(connection: Any, request: Any) -> None:
        office.store.reveals.insert(connection, kept_reveal(f"v-{request.id}", request.id))

    for moment in (NOW, NOW + 10**6):
        office.store.requests.create(
            office.alice, **{**WISH, "now_ns": moment + 7}, kind="reveal", beside=revealed
        )
        request = office.store.requests.create(office.alice, **{**WISH, "now_ns": moment})
        office.store.requests.create(
            office.alice, **{**WISH, "now_ns": moment + 5}, kind="statement", beside=reviewed
        )
        office.store.requests.approve(request.id, office.bob, moment + 1)
        office.store.tokens.issue(office.alice.id, scopes=["*"], lifetime_ns=3600 * SECOND, now_ns=moment)
        office.store.holds.place(["<EMAIL:aaaaaaaaaaaa>"], reason="court 17", by="carol", now_ns=moment)
        office.store.erasures.begin(erasure(f"event-{moment}"))
        investigate(office, moment)
        prove_themselves(office, office.alice if moment == NOW else office.bob, moment)
    office.store.close()
    return office.path


@pytest.fixture
def office(staffed_store: Path, tmp_path: Path) -> Iterator[Office]:
    office = _copy(staffed_store, tmp_path / "control.db")
    yield office
    office.store.close()


@pytest.fixture
def busy(busy_store: Path, tmp_path: Path) -> Office:
    """An office with rows in every table, whose store is closed."""
    office = _copy(busy_store, tmp_path / "control.db")
    office.store.close()
    return office


Asker = Callable[..., str]


@pytest.fixture
def asked(office: Office) -> Asker:
    """Makes a request of alice's and gives its id."""

    def ask(**changes: object) -> str:
        return office.store.requests.create(office.alice, **{**WISH, **changes}).id

    return ask
