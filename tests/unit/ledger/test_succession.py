"""A ledger that changes its signing key: who still accepts what, with which key, and what nobody accepts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.logs import SMALL, ask, copy, entries, make_witness
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, VerificationError
from glasshatch.keys import (
    Keyring,
    MasterKey,
    activate_key,
    create_master_key_file,
    prepare_key,
    retire_key,
)
from glasshatch.ledger import (
    Ledger,
    LedgerCut,
    LedgerReader,
    Published,
    Succession,
    check_anchors,
    export_tlog,
    open_checkpoint,
    verify_directory,
    verify_proof,
)
from glasshatch.ledger.anchors import ANCHORS
from glasshatch.ledger.log import (
    VerifierKey,
    decode_keys,
    encode_keys,
    parse_note,
    sign_checkpoint,
    sign_note,
    verifier,
)
from glasshatch.ledger.monitor import Monitor, open_source

ORIGIN = "example.com/audit"


class Home:
    """A keyring, and a ledger that is opened anew for each step, as commands do."""

    def __init__(self, folder: Path) -> None:
        self.ring = folder / "default.json"
        self.directory = folder / "ledger"
        self.master: MasterKey = create_master_key_file(folder / "master.key")
        self.keyring = Keyring.create(self.ring, "default", ORIGIN, self.master)
        Ledger.create(self.directory, self.keyring, ManualClock(), SMALL).close()
        self.first = self.published.key()

    @property
    def published(self) -> Published:
        return Published(self.directory)

    def open(self) -> Ledger:
        return Ledger.open(self.directory, self.keyring, ManualClock(), SMALL)

    def fill(self, count: int, start: int) -> None:
        with self.open() as ledger:
            for entry in entries(count, start):
                ledger.submit(entry)

    def rotate(self, *, at_once: bool = False) -> list[bytes]:
        recorded: list[bytes] = []
        keyring, key = prepare_key(self.ring, self.master, "signing", 1)
        with self.open() as ledger:
            ledger.succeed_key(keyring.signing_secret(key.id), recorded.append, at_once=at_once)
            self.keyring = activate_key(self.ring, self.master, key.id)
        return recorded

    def retire(self) -> None:
        with self.open() as ledger:
            ledger.retire_key(self.first, lambda _: None)
        old = next(key for key in self.keyring.facts() if key.public == self.first.public.hex())
        self.keyring = retire_key(self.ring, self.master, old.id)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.fill(300, 0)
    return made


def signed_by(note: bytes) -> list[bytes]:
    return [one.key_id for one in parse_note(note).signatures]


def test_both_keys_sign_until_the_old_one_retires_and_each_key_verifies_it_all(home: Home) -> None:
    (statement,) = home.rotate()
    second = home.published.key()
    assert (home.directory / "succession").read_bytes() == statement
    assert signed_by(statement) == [home.first.key_id, second.key_id]
    home.fill(300, 300)
    assert signed_by(home.published.note()) == [second.key_id, home.first.key_id]
    home.retire()
    home.fill(300, 600)
    assert signed_by(home.published.note()) == [second.key_id]
    for key in (home.first, second, None):
        report = verify_directory(home.directory, key, home.keyring.envelope)
        assert (report.problems, report.size) == ((), 900)
        assert report.keys == (str(home.first), str(second))
    with LedgerReader(home.directory, home.keyring) as reader:
        assert [entry for _, entry in reader.scan()] == entries(900)


def test_an_immediate_rotation_takes_the_old_key_out_at_once(home: Home) -> None:
    (recorded,) = home.rotate(at_once=True)
    home.fill(10, 300)
    assert signed_by(home.published.note()) == [home.published.key().key_id]
    assert recorded.count(b"glasshatch key retirement v1") == 1
    assert verify_directory(home.directory, home.first).ok


def test_three_keys_in_a_row_are_one_chain(home: Home) -> None:
    keys = [home.first]
    for number in range(2):
        home.rotate()
        home.fill(20, 300 + 20 * number)
        keys.append(home.published.key())
    assert len(set(keys)) == 3
    for key in keys:
        assert verify_directory(home.directory, key).keys == tuple(map(str, keys))
    assert len(signed_by(home.published.note())) == 3


def test_proofs_from_before_during_and_after_verify_with_the_keys_that_signed(home: Home) -> None:
    with home.open() as ledger:
        before = ledger.prove(5).encode()
    home.rotate()
    home.fill(10, 300)
    second = home.published.key()
    with home.open() as ledger:
        during = ledger.prove(5).encode()
    home.retire()
    home.fill(10, 310)
    with home.open() as ledger:
        after = ledger.prove(5).encode()
    keys = decode_keys(home.published.fetch("keys") or b"", home.first)
    for proof in (before, during, after):
        assert verify_proof(proof, keys).entry == b"entry 5"
    verify_proof(before, home.first)
    verify_proof(during, home.first)
    verify_proof(during, second)
    verify_proof(after, second)
    for proof, key in ((after, home.first), (before, second)):
        with pytest.raises(VerificationError, match="not signed by the expected key"):
            verify_proof(proof, key)


def test_a_witness_that_trusts_the_old_key_goes_on_and_then_learns_the_new_one(
    home: Home, tmp_path: Path
) -> None:
    folder = make_witness(tmp_path / "witness", home.published)
    witness = folder.open(ManualClock())
    assert ask(witness, home.published, 0).status == 200
    home.rotate()
    home.fill(10, 300)
    assert ask(witness, home.published, 300).status == 200
    home.retire()
    home.fill(10, 310)
    assert ask(witness, home.published, 310).status == 403
    folder.close()
    assert folder.trust(home.published.key())
    assert ask(folder.open(ManualClock()), home.published, 310).status == 200


def test_a_monitor_follows_a_succession_loudly_and_nothing_else(home: Home, tmp_path: Path) -> None:
    state = tmp_path / "state"
    looks = [Monitor(home.published, home.first, state).look()]
    home.rotate()
    looks.append(Monitor(home.published, home.first, state).look())
    home.fill(10, 300)
    looks.append(Monitor(home.published, home.first, state).look())
    home.retire()
    home.fill(10, 310)
    looks.append(Monitor(home.published, home.first, state).look())
    home.fill(10, 320)
    looks.append(Monitor(home.published, home.first, state).look())
    assert [look.finding for look in looks] == ["first", "rekeyed", "grown", "rekeyed", "grown"]
    assert f"THE LOG HAS A NEW KEY, which the one before vouches for: {home.published.key()}" in looks[1].says
    assert f"THE LOG RETIRED THE KEY {home.first}" in looks[3].says
    # The statements are gone again: whoever saw them knows that they were there.
    (home.directory / "succession").unlink()
    (home.directory / "key.vkey").write_text(f"{home.first}\n")
    gone = Monitor(home.published, home.first, state).look()
    assert (gone.finding, gone.alarm) == ("key", True)


def test_a_monitor_that_begins_with_the_newest_key_is_not_alarmed(home: Home, tmp_path: Path) -> None:
    home.rotate(at_once=True)
    home.fill(10, 300)
    watch = Monitor(home.published, home.published.key(), tmp_path / "state")
    assert [watch.look().finding for _ in range(2)] == ["first", "unchanged"]
    home.rotate()
    assert watch.look().finding == "rekeyed"


def test_an_export_shows_the_keys_and_a_monitor_reads_them_there(home: Home, tmp_path: Path) -> None:
    out, state = tmp_path / "out", tmp_path / "state"
    export_tlog(home.published, out)
    assert not (out / "keys").exists()
    assert Monitor(open_source(str(out)), home.first, state).look().finding == "first"
    home.rotate()
    home.fill(10, 300)
    export_tlog(home.published, out)
    assert Monitor(open_source(str(out)), home.first, state).look().finding == "rekeyed"


@pytest.mark.parametrize("kind", ["file"])
def test_an_anchor_holds_checkpoints_of_both_keys(home: Home, tmp_path: Path, kind: str) -> None:
    anchor = ANCHORS[kind].open(tmp_path / "anchor", ORIGIN)
    anchor.keep(home.published.note())
    home.rotate(at_once=True)
    home.fill(10, 300)
    anchor.keep(home.published.note())
    for key in (home.first, home.published.key()):
        report = check_anchors(verify_directory(home.directory, key), home.directory, [tmp_path / "anchor"])
        assert report.problems == ()


def test_a_cut_of_the_files_holds_the_succession(home: Home) -> None:
    home.rotate()
    home.fill(10, 300)
    cut = LedgerCut(home.directory, 310)
    paths = {file.path: file.bytes for file in cut.files}
    assert paths["succession"] == len((home.directory / "succession").read_bytes())
    cut.close()


def test_a_crash_between_two_steps_leaves_the_old_keys_or_the_new_ones(home: Home) -> None:
    """What lies there after each step of a rotation, as a kill would leave it, opens and verifies."""
    keyring, key = prepare_key(home.ring, home.master, "signing", 1)
    before = copy(home.directory, "before")
    home.fill(5, 300)  # pending in the keyring only: the old key signs
    assert verify_directory(home.directory, home.first).ok
    home.directory = before
    with home.open() as ledger:
        ledger.succeed_key(keyring.signing_secret(key.id), lambda _: None)
    (home.directory / "key.vkey").write_text(f"{home.first}\n")  # the step before the last
    assert [p.kind for p in verify_directory(home.directory, home.first).problems] == ["unfinished"]
    with pytest.raises(VerificationError, match="signed by another key"):
        home.open()
    home.keyring = activate_key(home.ring, home.master, key.id)
    home.fill(5, 300)
    assert home.published.key() != home.first
    assert (home.directory / "key.vkey").read_text() == f"{home.published.key()}\n"
    assert verify_directory(home.directory, home.first, home.keyring.envelope).ok


def test_keys_change_under_load_and_no_entry_is_lost(home: Home) -> None:
    """Two threads append on while signing and data keys change; packs and segments of all keys open."""
    errors: list[object] = []
    ended = threading.Event()

    def append(ledger: Ledger, word: str) -> None:
        number = 0
        while not ended.is_set() or number < 600:
            number += 1
            ledger.submit(
                b"%s %d" % (word.encode(), number),
                lambda one: errors.append(one) if isinstance(one, GlasshatchError) else None,
            )
            if number % 40 == 0:
                ledger.checkpoint(fresh=True)

    with home.open() as ledger:
        threads = [threading.Thread(target=append, args=(ledger, word)) for word in ("one", "two")]
        for thread in threads:
            thread.start()
        for number in range(4):
            keyring, key = prepare_key(home.ring, home.master, "signing", number)
            ledger.succeed_key(keyring.signing_secret(key.id), lambda _: None, at_once=number % 2 == 1)
            activate_key(home.ring, home.master, key.id)
            _, key = prepare_key(home.ring, home.master, "data", number)
            home.keyring = activate_key(home.ring, home.master, key.id)
            ledger.use_data_key(home.keyring)
        ended.set()
        for thread in threads:
            thread.join(60)
    assert errors == []
    report = verify_directory(home.directory, home.first, home.keyring.envelope)
    assert report.problems == ()
    assert report.entries_opened == report.size >= 300 + 1200
    assert len(report.keys) == 5
    sealed_under = {pack.read_bytes()[8:16] for pack in (home.directory / "entries").iterdir()}
    assert len(sealed_under) > 1, "packs under one key only"
    home.fill(5, 0)


def test_an_older_keyring_does_not_open_a_ledger_with_a_newer_key(home: Home) -> None:
    older = home.keyring
    home.rotate()
    home.keyring, newer = older, home.keyring
    with pytest.raises(VerificationError, match="signed by another key") as refused:
        home.open()
    assert "older copy" in refused.value.hint
    home.keyring = newer
    home.open().close()


def test_a_refused_record_changes_nothing(home: Home) -> None:
    def refuse(_: bytes) -> None:
        raise VerificationError("no")

    with home.open() as ledger:
        with pytest.raises(VerificationError, match="no"):
            ledger.succeed_key(Ed25519PrivateKey.generate(), refuse)
        assert ledger.key == home.first
    assert not (home.directory / "succession").exists()


# What an attacker might do.


def forge(home: Home, statement: bytes) -> None:
    (home.directory / "succession").write_bytes(statement)


def succession_text(old: VerifierKey, new: VerifierKey, size: int = 300) -> bytes:
    return f"{ORIGIN}\nglasshatch key succession v1\n{old}\n{new}\n{size}\n1\n".encode()


def test_a_key_replaced_without_a_succession_is_found(home: Home) -> None:
    (home.directory / "key.vkey").write_text(f"{verifier(ORIGIN, Ed25519PrivateKey.generate())}\n")
    report = verify_directory(home.directory, home.first)
    assert [problem.what for problem in report.problems] == ["the ledger carries another public key"]


def test_a_succession_forged_by_who_holds_only_the_new_key_is_found(home: Home) -> None:
    new = Ed25519PrivateKey.generate()
    text = succession_text(home.first, verifier(ORIGIN, new))
    for signers in ((new,), (new, Ed25519PrivateKey.generate())):
        forge(home, sign_note(text, ORIGIN, *signers))
        (home.directory / "key.vkey").write_text(f"{verifier(ORIGIN, new)}\n")
        report = verify_directory(home.directory, home.first)
        assert "not signed by the expected key" in report.problems[0].what
        assert report.problems[0].file == "succession"
        # The signature of the old key, taken from elsewhere, does not fit either.
        stolen = parse_note(home.published.note()).signatures[0]
        assert stolen.key_id == home.first.key_id


def test_a_succession_forged_by_who_holds_only_the_old_key_is_found(home: Home) -> None:
    """Nobody's key can be named as a successor without its holder's signature."""
    old = home.keyring.signing_key
    forge(
        home,
        sign_note(succession_text(home.first, verifier(ORIGIN, Ed25519PrivateKey.generate())), ORIGIN, old),
    )
    assert not verify_directory(home.directory, home.first).ok


def forged_growth(home: Home, *keys: Ed25519PrivateKey) -> None:
    """The newest checkpoint signed anew, by these keys only."""
    current = home.published.checkpoint()
    forged = sign_checkpoint(ORIGIN, current.size, current.root, *keys).note
    notes = home.directory / "checkpoints/00000000.notes"
    notes.write_bytes(notes.read_bytes().replace(current.note, forged))
    (home.directory / "checkpoint").write_bytes(forged)


def test_a_checkpoint_of_a_retired_key_for_a_later_size_is_found(home: Home) -> None:
    old = home.keyring.signing_key
    home.rotate()
    home.fill(10, 300)
    home.retire()
    home.fill(10, 310)
    new = home.keyring.signing_key
    forged_growth(home, old)
    for key in (home.first, home.published.key()):
        problems = verify_directory(home.directory, key).problems
        assert any("may not sign this size" in problem.what for problem in problems)
    # Not even beside the key in force.
    both = sign_checkpoint(ORIGIN, 320, home.published.root(320), new, old).note
    with pytest.raises(VerificationError, match="may not sign this size"):
        open_checkpoint(both, home.published.keys())


def test_a_checkpoint_of_the_old_key_alone_after_a_rotation_is_found(home: Home) -> None:
    old = home.keyring.signing_key
    home.rotate()
    home.fill(10, 300)
    forged_growth(home, old)
    problems = verify_directory(home.directory, home.first).problems
    assert any("not signed by the expected key" in problem.what for problem in problems)


def test_the_new_key_signs_nothing_before_its_time(home: Home) -> None:
    home.rotate()
    early = sign_checkpoint(ORIGIN, 200, home.published.root(200), home.keyring.signing_key).note
    with pytest.raises(VerificationError, match="may not sign this size"):
        open_checkpoint(early, home.published.keys())


@pytest.mark.parametrize("cut", ["all", "last"])
def test_statements_that_were_taken_away_are_missed(home: Home, cut: str) -> None:
    home.rotate()
    home.fill(10, 300)
    home.rotate()
    home.fill(10, 310)
    statements = (home.directory / "succession").read_bytes()
    first = statements[: len(statements) // 2]
    (home.directory / "succession").write_bytes(b"" if cut == "all" else first)
    assert not verify_directory(home.directory, home.first).ok


def test_a_statement_with_a_further_signature_is_another_one(home: Home) -> None:
    home.rotate(at_once=True)
    home.fill(10, 300)
    path = home.directory / "succession"
    path.write_bytes(path.read_bytes() + "— somebody.example AAAAAAAAAAA=\n".encode())
    assert [one.file for one in verify_directory(home.directory, home.first).problems][:1] == ["succession"]


def test_every_changed_byte_of_a_succession_is_found(home: Home) -> None:
    home.rotate(at_once=True)
    home.fill(10, 300)
    path = home.directory / "succession"
    whole = path.read_bytes()
    keys = Succession.read(whole, home.first)
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        with pytest.raises(VerificationError):
            Succession.read(changed, home.first)
    for end in range(1, len(whole)):
        try:
            shorter = Succession.read(whole[:end], home.first)
        except VerificationError:
            continue
        # Only whole statements less: the retirement is missing, and with it nothing older changes.
        assert shorter.keys == keys.keys
    assert decode_keys(encode_keys(keys), home.first) == keys
