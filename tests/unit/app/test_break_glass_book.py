"""The break-glass book: nothing in it is changed, cut or taken away unseen, and recovery brings it once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glasshatch.app.breakglass.book import Book
from glasshatch.app.breakglass.records import Noted, Printed, Recovered, Used
from glasshatch.app.breakglass.recovery import recover
from glasshatch.app.breakglass.sheets import (
    digest_of,
    is_sheet,
    make_secret,
    opens,
    read_typed,
    sheets_of,
    spell,
)
from glasshatch.errors import ConfigError, Unavailable, VerificationError
from glasshatch.events import Event, Source, encode
from glasshatch.keys import Keyring, create_master_key_file


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    folder = tmp_path_factory.mktemp("keys")
    master = create_master_key_file(folder / "master.key")
    return Keyring.create(folder / "default.json", "default", "example.com/audit", master, os.urandom)


def event(number: int) -> bytes:
    return encode(
        Event(
            id=f"0199a3c2-7d10-7e4b-9d0a-{number:012}", time=str(number), tenant="default",
            action="statement.run", source=Source(kind="gateway"),
        )
    )  # fmt: skip


def noted(number: int) -> Noted:
    return Noted(at_ns=number, entry=event(number), at_size=1)


def open_book(folder: Path, keyring: Keyring) -> Book:
    return Book(folder / "breakglass", folder / "elsewhere" / "head", keyring)


@pytest.fixture
def written(tmp_path: Path, keyring: Keyring) -> Path:
    book = open_book(tmp_path, keyring)
    for number in range(4):
        book.append([noted(number)])
    book.close()
    return tmp_path


def test_what_was_written_is_read_again_and_nothing_lies_in_clear(written: Path, keyring: Keyring) -> None:
    book = open_book(written, keyring)
    assert book.records == [noted(number) for number in range(4)]
    assert book.damage is None
    assert b"statement.run" not in book.file.read_bytes()
    for path in (book.file, book.anchor):
        assert path.stat().st_mode & 0o777 == 0o600
    book.append([noted(4), noted(5)])
    book.close()
    assert len(open_book(written, keyring).records) == 6


def test_every_changed_byte_of_the_book_and_of_its_head_is_found(written: Path, keyring: Keyring) -> None:
    tried = 0
    for path in (written / "breakglass" / "book", written / "elsewhere" / "head"):
        whole = path.read_bytes()
        for at in range(0, len(whole), 3):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x21]) + whole[at + 1 :])
            try:
                found = open_book(written, keyring)
            except (ConfigError, VerificationError):
                continue
            finally:
                tried += 1
            # Text that says the same in other words changes nothing that counts.
            assert found.damage is not None or found.records == [noted(n) for n in range(4)], (path.name, at)
            if path.name == "book":
                assert found.damage is not None, at
        path.write_bytes(whole)
    assert tried > 300
    assert open_book(written, keyring).damage is None


def test_every_shorter_book_is_found(written: Path, keyring: Keyring) -> None:
    path = written / "breakglass" / "book"
    whole = path.read_bytes()
    for length in range(0, len(whole), 5):
        path.write_bytes(whole[:length])
        damage = open_book(written, keyring).damage
        assert damage is not None, length
        assert damage.anchored == 4


def test_a_missing_book_a_missing_head_and_older_copies_are_found(written: Path, keyring: Keyring) -> None:
    path, head = written / "breakglass" / "book", written / "elsewhere" / "head"
    whole, anchor = path.read_bytes(), head.read_bytes()
    path.unlink()
    assert "gone" in open_book(written, keyring).damage.what
    path.write_bytes(whole)
    head.unlink()
    assert "its head is gone" in open_book(written, keyring).damage.what
    head.write_bytes(anchor)
    book = open_book(written, keyring)
    book.append([noted(9)])
    book.close()
    later = head.read_bytes()
    # The book put back to what it was before the last use.
    path.write_bytes(whole)
    assert open_book(written, keyring).damage.anchored == 5
    # A crash between the book and its head leaves the book ahead, which is no damage.
    book = open_book(written, keyring)
    path.write_bytes(whole)
    head.write_bytes(anchor)
    book = open_book(written, keyring)
    book.append([noted(9)])
    book.close()
    head.write_bytes(anchor)
    assert open_book(written, keyring).damage is None
    assert later != anchor


def test_a_torn_end_is_dropped_and_written_over(written: Path, keyring: Keyring) -> None:
    path = written / "breakglass" / "book"
    with path.open("ab") as file:
        file.write(b"\0\0\1\0 half of a frame")
    book = open_book(written, keyring)
    assert book.damage is None
    book.append([noted(7)])
    book.close()
    assert open_book(written, keyring).records[-1] == noted(7)


def test_another_book_of_the_same_keys_does_not_pass_for_it(
    written: Path, keyring: Keyring, tmp_path_factory
) -> None:
    other = tmp_path_factory.mktemp("other")
    book = open_book(other, keyring)
    book.append([noted(number) for number in range(4)])
    book.close()
    (written / "breakglass" / "book").write_bytes((other / "breakglass" / "book").read_bytes())
    assert open_book(written, keyring).damage is not None


def test_a_disk_that_fails_ends_it_for_good(tmp_path: Path, keyring: Keyring, monkeypatch) -> None:
    book = open_book(tmp_path, keyring)
    book.append([noted(0)])

    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(Unavailable, match="cannot be written"):
        book.append([noted(1)])
    monkeypatch.undo()
    # After a failed sync nobody knows what the file holds, so this process writes no more.
    with pytest.raises(VerificationError):
        book.append([noted(2)])
    book.close()
    assert [one for one in open_book(tmp_path, keyring).records if one == noted(0)]


class Ledger:
    """A ledger and a house's note, that can be killed at any step."""

    def __init__(self) -> None:
        self.entries: list[bytes] = [event(999)]
        self.left = 10**6
        self.ledger = self.recorder = self.clock = self

    def now_ns(self) -> int:
        return 5

    def scan(self, start: int) -> Iterator[tuple[int, bytes]]:
        yield from list(enumerate(self.entries))[start:]

    def record(self, made: Event) -> None:
        if not self.left:
            raise Unavailable("killed")
        self.left -= 1
        self.entries.append(encode(made))

    def note(self, action: str, **members: Any) -> None:
        self.record(
            Event(id=os.urandom(8).hex(), time="1", tenant="default", action=action,
                  source=Source(kind="glasshatch"), **members)
        )  # fmt: skip

    def ids(self, action: str = "statement.run") -> list[str]:
        found = [msgspec.json.decode(entry) for entry in self.entries[1:]]
        return [one["id"] for one in found if one["action"] == action]


@pytest.mark.parametrize("killed_after", range(8))
def test_recovery_may_be_killed_at_any_step_and_brings_everything_once(
    tmp_path: Path, keyring: Keyring, killed_after: int
) -> None:
    house, book = Ledger(), open_book(tmp_path, keyring)
    book.append([noted(number) for number in range(5)])
    # One of them the ledger took, although nobody heard of it.
    house.entries.append(event(2))
    house.left = killed_after
    try:
        recover(book, house, 5)
    except Unavailable:
        house.left = 10**6
        book.close()
        book = open_book(tmp_path, keyring)
        recover(book, house, 5)
    assert sorted(house.ids()) == sorted(msgspec.json.decode(event(n))["id"] for n in range(5))
    assert len(house.ids("breakglass.recovered")) >= 1
    assert isinstance(book.records[-1], Recovered)
    before = len(house.entries)
    assert recover(book, house, 6) == 0
    assert len(house.entries) == before


def test_what_is_left_of_a_damaged_book_is_recovered(tmp_path: Path, keyring: Keyring) -> None:
    house, book = Ledger(), open_book(tmp_path, keyring)
    for number in range(4):
        book.append([noted(number)])
    book.close()
    path = tmp_path / "breakglass" / "book"
    path.write_bytes(path.read_bytes()[:-10])
    book = open_book(tmp_path, keyring)
    assert recover(book, house, 4) == 3
    (damaged,) = [msgspec.json.decode(one) for one in house.entries if b"breakglass.damaged" in one]
    assert damaged["attrs"] == {"whole": 3, "anchored": 4, "recovered": 3}
    assert not book.exists
    assert (tmp_path / "breakglass" / "book.damaged-1").exists()
    book.append([noted(8)])
    assert book.records == [noted(8)]


def test_both_taken_away_are_found_by_the_control_store(tmp_path: Path, keyring: Keyring) -> None:
    house, book = Ledger(), open_book(tmp_path, keyring)
    recover(book, house, 0)
    assert len(house.entries) == 1
    recover(book, house, 3)
    assert "gone" in msgspec.json.decode(house.entries[-1])["outcome"]["reason"]


def test_a_sheet_is_typed_in_any_case_and_grouping_and_only_its_secret_opens_it() -> None:
    secret = make_secret(os.urandom)
    text = spell(12, secret)
    assert text.startswith("ghb-0012-")
    for typed in (f"{text} because", f"  {text.upper()}  because", f"ghb-0012-{secret} because"):
        assert is_sheet(typed)
        found = read_typed(typed)
        assert found is not None
        assert (found.sheets, found.reason) == (((12, secret),), "because")
        assert secret not in repr(found)
    two = read_typed(f"{text} {spell(3, secret)} both of us")
    assert two is not None
    assert [number for number, _ in two.sheets] == [12, 3]
    for wrong in ("ghb-", "ghb-12-short why", f"{text}x why", "gh_abc_def"):
        assert read_typed(wrong) is None
    printed = Printed(
        at_ns=1, number=12, digest=digest_of(12, secret), holder_id="a", holder="alice", tenant="default",
        roles=(), resources=("postgres/*",), verbs=("*",), window_s=60, until_ns=10**18, by="admin",
    )  # fmt: skip
    used = Used(at_ns=5, number=12, resource="postgres/x", until_ns=9, first=True, reason="x")
    sheet = sheets_of([printed, used])[12]
    assert opens(sheet, secret)
    assert not opens(sheet, make_secret(os.urandom))
    assert not opens(None, secret)
    assert sheet.unreviewed
