"""Cosignatures and witnesses: byte for byte as C2SP has them, and nothing cosigned that must not be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.logs import ask, copy, entries, fill, make_keyring, make_witness
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, Conflict, VerificationError
from glasshatch.ledger.log import (
    AddCheckpoint,
    CosignerKey,
    check_cosignatures,
    cosign,
    require_cosignatures,
    sign_note,
    with_cosignatures,
)
from glasshatch.ledger.log.text import encode64
from glasshatch.ledger.published import Published
from glasshatch.ledger.witness import Witness, WitnessFolder

TEXT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = Ed25519PrivateKey.from_private_bytes(bytes(32))


def public(key: Ed25519PrivateKey, name: str = "witness.example/w1") -> CosignerKey:
    return CosignerKey(name, key.public_key().public_bytes_raw())


def test_a_cosignature_signs_exactly_what_the_specification_says() -> None:
    line = cosign(TEXT, "witness.example/w1", KEY, 1679315147)
    raw = KEY.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"witness.example/w1\n\x04" + raw).digest()[:4]
    message = b"cosignature/v1\ntime 1679315147\n" + TEXT
    value = key_id + (1679315147).to_bytes(8, "big") + KEY.sign(message)
    assert line == f"— witness.example/w1 {encode64(value)}\n".encode()
    assert str(public(KEY)) == f"witness.example/w1+{key_id.hex()}+{encode64(bytes([4]) + raw)}"


def test_cosignatures_are_checked_and_counted() -> None:
    note = sign_note(TEXT, "example.com/behind-the-sofa", LOG)
    other = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    mine, theirs = public(KEY), public(other, "witness.example/w2")
    cosigned = with_cosignatures(note, [cosign(TEXT, mine.name, KEY, 7), cosign(TEXT, mine.name, KEY, 9)])
    assert [(one.key, one.timestamp) for one in check_cosignatures(cosigned, [mine, theirs])] == [(mine, 9)]
    assert len(require_cosignatures(cosigned, [mine, theirs], 1)) == 1
    with pytest.raises(VerificationError, match=r"lacks cosignatures: witness\.example/w2"):
        require_cosignatures(cosigned, [mine, theirs])
    with pytest.raises(VerificationError, match="lacks cosignatures"):
        require_cosignatures(cosigned, [mine, mine], 2)
    false = with_cosignatures(note, [cosign(TEXT.replace(b"163", b"164"), mine.name, KEY, 7)])
    with pytest.raises(VerificationError, match="does not fit the checkpoint"):
        check_cosignatures(false, [mine])
    assert check_cosignatures(false, [theirs]) == []


@pytest.mark.parametrize("text", ["", "w+12345678+AAAA", str(public(KEY))[:-4], str(public(KEY)) + "\n"])
def test_a_malformed_key_is_refused(text: str) -> None:
    with pytest.raises(VerificationError):
        CosignerKey.parse(text)


def test_a_log_key_is_no_witness_key(tmp_path: Path) -> None:
    log = fill(tmp_path / "log", make_keyring(tmp_path), entries(1))
    with pytest.raises(VerificationError, match="no Ed25519 cosigner"):
        CosignerKey.parse(str(log.key()))


def test_a_request_reads_back_and_bad_ones_do_not() -> None:
    request = AddCheckpoint(3, (b"a" * 32, b"b" * 32), b"note")
    assert AddCheckpoint.decode(request.encode()) == request
    assert request.encode().startswith(b"old 3\nYWFh")
    assert AddCheckpoint.decode(b"old 0\n\nnote") == AddCheckpoint(0, (), b"note")
    too_many = AddCheckpoint(3, (b"a" * 32,) * 64, b"note").encode()
    for bad in (b"", b"old 1", b"old 01\n\nx", b"new 1\n\nx", b"old 1\nAAAA\n\nx", b"old -1\n\nx", too_many):
        with pytest.raises(VerificationError):
            AddCheckpoint.decode(bad)


@pytest.fixture
def log(tmp_path: Path) -> Published:
    return fill(tmp_path / "log", make_keyring(tmp_path), entries(5))


@pytest.fixture
def folder(tmp_path: Path, log: Published) -> WitnessFolder:
    return make_witness(tmp_path / "witness", log)


@pytest.fixture
def witness(folder: WitnessFolder) -> Witness:
    return folder.open(ManualClock())


def test_a_growing_log_is_cosigned(tmp_path: Path, log: Published, witness: Witness) -> None:
    first = ask(witness, log, 0)
    assert first.status == 200
    fill(log.directory, make_again(tmp_path), entries(300, 5))
    answer = ask(witness, log, 5)
    assert answer.status == 200
    note = log.note() + answer.body
    assert require_cosignatures(note, [witness.key])[0].timestamp == 1_700_000_000


def make_again(tmp_path: Path) -> object:
    from glasshatch.keys import Keyring, open_master_key

    return Keyring.open(tmp_path / "keyring.json", open_master_key(f"file:{tmp_path / 'keyring.master'}"))


def test_every_refusal_has_the_status_of_the_specification(
    tmp_path: Path, log: Published, witness: Witness, folder: WitnessFolder
) -> None:
    stranger = fill(tmp_path / "other", make_keyring(tmp_path, "example.com/other", "other"), entries(2))
    assert ask(witness, stranger, 0).status == 404
    replaced = fill(tmp_path / "new-key", make_keyring(tmp_path, name="new"), entries(5))
    assert ask(witness, replaced, 0).status == 403
    checkpoint = log.checkpoint()
    assert witness.add_checkpoint(AddCheckpoint(9, (), checkpoint.note).encode()).status == 400
    assert witness.add_checkpoint(b"old 0\n\nno note\n").status == 400
    conflict = ask(witness, log, 3)
    assert (conflict.status, conflict.body, conflict.content_type) == (409, b"0\n", "text/x.tlog.size")
    assert witness.add_checkpoint(AddCheckpoint(0, (b"a" * 32,), checkpoint.note).encode()).status == 422
    assert ask(witness, log, 0).status == 200
    assert ask(witness, log, 5).status == 200, "the same again, from the size it has"
    assert ask(witness, log, 0).body == b"5\n"


def test_a_rolled_back_and_a_rewritten_log_are_refused_and_kept_as_evidence(
    tmp_path: Path, log: Published, witness: Witness, folder: WitnessFolder
) -> None:
    keyring = make_again(tmp_path)
    old = Published(copy(log.directory, "old"))
    fork = Published(copy(log.directory, "fork"))
    fill(log.directory, keyring, entries(4, 5))
    assert ask(witness, log, 0).status == 200
    assert (ask(witness, old, 0).status, ask(witness, old, 5).body) == (409, b"9\n")
    fill(fork.directory, keyring, entries(4, 5, "another"))
    same_size = ask(witness, fork, 9)
    assert (same_size.status, same_size.body) == (409, b"9\n")
    fill(fork.directory, keyring, entries(4, 9, "another"))
    assert ask(witness, fork, 9).status == 422
    assert [path.name.split("-")[0] for path in sorted((folder.directory / "evidence").iterdir())] == [
        "claim",
        "proof",
    ]
    assert ask(witness, log, 9).status == 200, "the honest log goes on"


def test_what_was_seen_survives_and_a_witness_is_one_process(
    tmp_path: Path, log: Published, witness: Witness, folder: WitnessFolder
) -> None:
    assert ask(witness, log, 0).status == 200
    again = WitnessFolder(folder.directory)
    with pytest.raises(Conflict, match="open in another process"):
        again.open(ManualClock())
    folder.close()
    assert ask(again.open(ManualClock()), log, 0).body == b"5\n"
    again.close()


def test_a_failing_memory_ends_all_cosigning(log: Published, witness: Witness, folder: WitnessFolder) -> None:
    assert ask(witness, log, 0).status == 200
    seen = next((folder.directory / "seen").iterdir())
    whole = seen.read_bytes()
    seen.write_bytes(whole[:-9])
    assert ask(witness, log, 5).status == 500
    seen.write_bytes(whole)
    assert ask(witness, log, 5).status == 500, "nobody knows what the disk holds until it was looked at"


def test_a_witness_directory_says_what_is_wrong_with_it(tmp_path: Path, folder: WitnessFolder) -> None:
    with pytest.raises(ConfigError, match="is no witness's directory"):
        WitnessFolder(tmp_path)
    (folder.directory / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        folder.open(ManualClock())
    folder.close()
    (folder.directory / "logs").write_text("nonsense\n")
    with pytest.raises(ConfigError, match="line 1"):
        folder.logs()
