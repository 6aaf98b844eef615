"""The vault's rows: stored together or not at all, erased in every byte, and never silently changed."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from glasshatch.app.pruned_values import drop_pruned_values
from glasshatch.control import Erasure, SealedValue, SubjectKey
from glasshatch.errors import ConfigError, VerificationError

NOW = 1_800_000_000_000_000_000


def token(name: str) -> str:
    return f"<EMAIL:{name:a<12.12}>"


def fresh_key(subject: str) -> SubjectKey:
    wrapped = base64.b64encode(os.urandom(60)).decode()
    return SubjectKey(
        id=os.urandom(8).hex(), subject=subject, wrapping_key="k", wrapped=wrapped, created_ns=NOW
    )


def keep(store: Any, event_id: str, *names: tuple[str, ...], at_size: int = 7, fields: int = 1) -> None:
    """Seal `fields` values for each subject in one event."""

    def seal(keys: Mapping[tuple[str, ...], SubjectKey]) -> Sequence[SealedValue]:
        return [
            SealedValue(
                event_id=event_id, field=f"native.n{place}-{number}", subject=subject[0],
                key_id=keys[subject].id, sealed=base64.b64encode(os.urandom(90)).decode(),
                ledger="default", at_size=at_size,
            )
            for place, subject in enumerate(names) for number in range(fields)
        ]  # fmt: skip

    store.vault.keep(set(names), fresh_key, seal)


def erase(store: Any, subject: str, event_id: str = "erased-1") -> Erasure:
    known = store.vault.about([subject])
    erasure = Erasure(
        id=event_id, subjects=known.subjects, key_ids=known.key_ids, erased_by="carol", sealed=known.sealed,
        at_sizes={"default": 9}, created_ns=NOW,
    )  # fmt: skip
    store.erasures.begin(erasure)
    store.erasures.carry_out(erasure, NOW + 1)
    return erasure


def every_byte(office: Any) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(office.path.parent.glob("control.db*")))


def test_values_of_a_subject_share_its_key_across_batches_and_epochs(office: Any) -> None:
    store = office.store
    keep(store, "e1", (token("old"),), fields=2)
    keep(store, "e2", (token("new"), token("old")))
    first, second = store.vault.value("e1", "native.n0-0"), store.vault.value("e2", "native.n0-0")
    assert first[1].id == second[1].id
    for name in ("old", "new"):
        known = store.vault.about([token(name)])
        assert (known.subjects, known.sealed) == ((token("new"), token("old")), 3)
    assert store.vault.value("e1", "native.other") is None


def test_what_cannot_be_sealed_leaves_no_key_behind(office: Any) -> None:
    def fail(_keys: object) -> Sequence[SealedValue]:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        office.store.vault.keep([(token("a"),)], fresh_key, fail)
    assert office.store.vault.about([token("a")]).key_ids == ()


def test_an_erased_key_stands_in_no_byte_of_the_files_among_many_that_stay(office: Any) -> None:
    store = office.store
    for batch in range(8):
        # Many rows of many subjects, in random order of keys, so that pages are split and merged.
        keep(store, f"e{batch}", *((token(f"s{number}"),) for number in range(60)), fields=3)
    wanted, other = store.vault.value("e3", "native.n7-1"), store.vault.value("e3", "native.n8-1")
    needles = [wanted[1].wrapped.encode(), wanted[0].sealed.encode()]
    assert all(needle in every_byte(office) for needle in needles)
    erasure = erase(store, token("s7"))
    assert erasure.sealed == 24
    assert not any(needle in every_byte(office) for needle in needles)
    assert store.vault.value("e3", "native.n7-1") is None
    assert store.vault.value("e3", "native.n8-1") == other
    assert [one.id for one in store.erasures.of_subject(token("s7"))] == ["erased-1"]
    assert office.reopen().vault.about([token("s7")]).sealed == 0


def test_new_data_about_an_erased_subject_gets_another_key(office: Any) -> None:
    store = office.store
    keep(store, "e1", (token("a"),))
    old = store.vault.value("e1", "native.n0-0")[1]
    erase(store, token("a"))
    keep(store, "e2", (token("a"),))
    assert store.vault.value("e2", "native.n0-0")[1].id != old.id
    assert store.vault.about([token("a")]).sealed == 1


def test_a_destroyed_key_that_is_put_back_is_found_and_destroyed_again(office: Any) -> None:
    store = office.store
    keep(store, "e1", (token("a"),))
    loot = sqlite3.connect(office.path).execute("SELECT * FROM subject_keys").fetchall()
    values = sqlite3.connect(office.path).execute("SELECT * FROM sealed_values").fetchall()
    erasure = erase(store, token("a"))
    with sqlite3.connect(office.path) as connection:
        connection.execute("DELETE FROM subject_keys")
        connection.executemany(f"INSERT INTO subject_keys VALUES ({','.join('?' * 9)})", loot)
        connection.executemany(f"INSERT INTO sealed_values VALUES ({','.join('?' * 9)})", values)
    with pytest.raises(VerificationError, match="is back"):
        store.vault.value("e1", "native.n0-0")
    with pytest.raises(VerificationError, match="is back"):
        keep(store, "e2", (token("a"),))
    assert [one.id for one in store.erasures.live_again()] == [erasure.id]
    store.erasures.carry_out(erasure, NOW + 2)
    assert store.erasures.live_again() == []
    assert store.vault.value("e1", "native.n0-0") is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sealed_values SET sealed = 'AAAA'", "UPDATE sealed_values SET key_id = 'x'",
        "UPDATE subject_keys SET wrapped = 'AAAA'", "UPDATE subject_keys SET wrapped = ''",
        "DELETE FROM subject_keys",
    ],
)  # fmt: skip
def test_a_changed_row_is_found(office: Any, change: str) -> None:
    keep(office.store, "e1", (token("a"),))
    office.intrude(change)
    with pytest.raises(VerificationError):
        office.store.vault.value("e1", "native.n0-0")


def test_an_erasure_cut_short_is_finished_by_the_same_call(office: Any, monkeypatch: Any) -> None:
    store = office.store
    keep(store, "e1", (token("a"),))
    wrapped = store.vault.value("e1", "native.n0-0")[1].wrapped.encode()
    monkeypatch.setattr(store._database, "scrub", lambda *_, **__: None)
    monkeypatch.setattr(store.erasures, "_set", lambda *_: None)
    erasure = erase(store, token("a"))
    monkeypatch.undo()
    assert wrapped in every_byte(office)
    assert [one.id for one in store.erasures.pending()] == [erasure.id]
    store.erasures.carry_out(store.erasures.pending()[0], NOW + 5)
    assert wrapped not in every_byte(office)
    assert store.erasures.pending() == []


def test_an_erasure_that_was_given_up_destroys_nothing(office: Any) -> None:
    store = office.store
    keep(store, "e1", (token("a"),))
    known = store.vault.about([token("a")])
    erasure = Erasure(
        id="x", subjects=known.subjects, key_ids=known.key_ids, erased_by="carol", sealed=1,
        at_sizes={"default": 9},
        created_ns=NOW,
    )  # fmt: skip
    store.erasures.begin(erasure)
    store.erasures.give_up(erasure)
    assert (store.erasures.pending(), store.erasures.of_subject(token("a"))) == ([], [])
    assert store.vault.value("e1", "native.n0-0") is not None


def test_values_without_a_leaf_are_found_behind_the_mark_and_dropped(office: Any) -> None:
    vault = office.store.vault
    keep(office.store, "e1", (token("a"),), at_size=5)
    vault.move_marks({"default": 6})
    keep(office.store, "e2", (token("a"),), at_size=6)
    keep(office.store, "e20", (token("a"),), at_size=8)
    assert (vault.marks(), vault.unmarked()) == ({"default": 6}, {"e2", "e20"})
    vault.drop(["e2"])
    assert vault.value("e2", "native.n0-0") is None
    assert vault.value("e20", "native.n0-0") is not None


def test_values_of_pruned_events_go_with_their_bytes(office: Any) -> None:
    """What was stored before the minimum and has its event behind it stays."""
    store = office.store
    keep(store, "old-1", (token("ann"),), at_size=3)
    keep(store, "old-2", (token("ann"),), at_size=250)
    keep(store, "late", (token("bob"),), at_size=255)
    keep(store, "new", (token("bob"),), at_size=600)

    class Pruned:
        minimum = 256

        def scan(self, start: int, stop: int) -> list[tuple[int, bytes]]:
            assert start == 256
            return [(256, b'{"id":"late","redaction":{"sealed":[]}}'), (257, b"\xff no event sealed")]

    assert drop_pruned_values("default", Pruned(), store) == 2  # type: ignore[arg-type]
    assert store.vault.value("old-1", "native.n0-0") is None
    assert store.vault.value("late", "native.n0-0") is not None
    assert store.vault.value("new", "native.n0-0") is not None
    assert b"old-2/" not in every_byte(office)
    assert drop_pruned_values("default", Pruned(), store) == 0  # type: ignore[arg-type]
    assert drop_pruned_values("shop", Pruned(), store) == 0  # type: ignore[arg-type]
