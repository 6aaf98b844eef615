"""RFC 6962 vectors, signed notes by their specification, strict text forms."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.counts import tell
from glasshatch.errors import ConfigError, VerificationError
from glasshatch.ledger.log import (
    EMPTY_ROOT,
    Edge,
    Proof,
    VerifierKey,
    check_consistency,
    check_inclusion,
    consistency_proof,
    decode_bundle,
    encode_bundle,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    open_checkpoint,
    open_note,
    root,
    sign_checkpoint,
    sign_note,
    split_notes,
    tile_path,
    verify_proof,
)
from glasshatch.ledger.log.layout import check_format, file_number
from glasshatch.ledger.log.text import decode64, decode_decimal

# The eight leaves and roots that Certificate Transparency implementations share as RFC 6962 vectors.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER = VerifierKey("example.com/log", KEY.public_key().public_bytes_raw())


def reader(leaves: list[bytes]):  # type: ignore[no-untyped-def]
    hashes = [b"".join(leaf_hashes(leaves))]
    return lambda level, first, count: hashes[level][first * 32 : (first + count) * 32]


def test_roots_are_those_of_the_rfc_vectors() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    edge = Edge()
    for size, expected in enumerate(ROOTS, start=1):
        edge.extend(leaf_hash(LEAVES[size - 1]))
        assert edge.root().hex() == expected
        assert root(size, reader(LEAVES)).hex() == expected
    tell(f"RFC 6962 vectors: {len(ROOTS)} roots, an inclusion and a consistency path, as they stand there")


def test_inclusion_paths_are_those_of_the_rfc_vectors() -> None:
    path = [item.hex() for item in inclusion_proof(5, 8, reader(LEAVES))]
    assert path == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_consistency_paths_are_those_of_the_rfc_vectors() -> None:
    path = [item.hex() for item in consistency_proof(6, 8, reader(LEAVES))]
    assert path == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    check_consistency(
        6, 8, bytes.fromhex(ROOTS[5]), bytes.fromhex(ROOTS[7]), [bytes.fromhex(p) for p in path]
    )


def test_an_altered_proof_is_refused_in_every_part() -> None:
    proof = inclusion_proof(5, 8, reader(LEAVES))
    leaf, top = leaf_hash(LEAVES[5]), bytes.fromhex(ROOTS[7])
    check_inclusion(5, 8, leaf, proof, top)
    bad = [
        (4, 8, leaf, proof, top),
        (5, 6, leaf, proof, top),
        (5, 9, leaf, proof, top),
        (8, 8, leaf, proof, top),
        (-1, 8, leaf, proof, top),
        (5, 8, leaf_hash(b"other"), proof, top),
        (5, 8, leaf, proof[:-1], top),
        (5, 8, leaf, [*proof, proof[0]], top),
        (5, 8, leaf, proof[::-1], top),
        (5, 8, leaf, [proof[0][:31], *proof[1:]], top),
        (5, 8, leaf, proof, EMPTY_ROOT),
    ]
    for arguments in bad:
        with pytest.raises(VerificationError):
            check_inclusion(*arguments)


def test_the_specification_example_note_opens() -> None:
    """The well-known example note of the format, with its author's verifier key."""
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngo"
        "tpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert open_note(note, key).text.startswith(b"If you think")
    with pytest.raises(VerificationError):
        open_note(note.replace(b"answer", b"Answer"), key)


def test_a_note_with_other_signatures_is_accepted_and_without_ours_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    note = sign_note(b"text\n", "example.com/log", KEY)
    witnessed = note + sign_note(b"text\n", "witness.example", other).partition(b"\n\n")[2]
    assert len(open_note(witnessed, VERIFIER).signatures) == 2
    with pytest.raises(VerificationError, match="expected key"):
        open_note(sign_note(b"text\n", "example.com/log", other), VERIFIER)
    with pytest.raises(VerificationError):
        open_note(note + note.partition(b"\n\n")[2], VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+",
        "example.com/log+00000000+" + base64.b64encode(b"\x01" + bytes(32)).decode(),
        str(VERIFIER)[:-1],
        str(VERIFIER).upper(),
        str(VERIFIER) + "\n",
        " " + str(VERIFIER),
        str(VERIFIER).replace("example", "exbmple"),
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    assert VerifierKey.parse(str(VERIFIER)) == VERIFIER
    with pytest.raises(VerificationError):
        VerifierKey.parse(text)


def test_a_checkpoint_says_what_was_signed_and_nothing_else_passes() -> None:
    checkpoint = sign_checkpoint("example.com/log", 8, bytes.fromhex(ROOTS[7]), KEY)
    assert open_checkpoint(checkpoint.note, VERIFIER) == checkpoint
    bad = [
        sign_note(b"example.com/other\n8\n" + base64.b64encode(bytes(32)) + b"\n", "example.com/log", KEY),
        sign_note(b"example.com/log\n08\n" + base64.b64encode(bytes(32)) + b"\n", "example.com/log", KEY),
        sign_note(b"example.com/log\n8\n" + base64.b64encode(bytes(31)) + b"\n", "example.com/log", KEY),
        sign_note(b"example.com/log\n0\n" + base64.b64encode(bytes(32)) + b"\n", "example.com/log", KEY),
        sign_note(b"example.com/log\n8\n", "example.com/log", KEY),
        sign_note(b"example.com/log\n-8\n" + base64.b64encode(bytes(32)) + b"\n", "example.com/log", KEY),
    ]
    for note in bad:
        with pytest.raises(VerificationError):
            open_checkpoint(note, VERIFIER)


def test_every_changed_bit_of_a_checkpoint_is_found() -> None:
    note = sign_checkpoint("example.com/log", 8, bytes.fromhex(ROOTS[7]), KEY).note
    for at in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[at] ^= 1 << bit
            with pytest.raises(VerificationError):
                open_checkpoint(bytes(changed), VERIFIER)


def test_a_history_splits_into_its_notes_and_shows_a_cut() -> None:
    notes = [sign_checkpoint("example.com/log", n, bytes([n]) * 32, KEY).note for n in (1, 2, 30)]
    data = b"".join(notes)
    assert split_notes(data) == (notes, len(data))
    for cut in range(len(data)):
        found, end = split_notes(data[:cut])
        assert b"".join(found) == data[:end]
        assert found == notes[: len(found)]
    assert split_notes(b"") == ([], 0)
    assert split_notes(b"garbage\n\ngarbage") == ([], 0)


def make_proof(index: int = 5, size: int = 8) -> bytes:
    hashes = inclusion_proof(index, size, reader(LEAVES))
    checkpoint = sign_checkpoint("example.com/log", size, root(size, reader(LEAVES)), KEY)
    return Proof(index, LEAVES[index], tuple(hashes), checkpoint.note).encode()


def test_a_proof_file_has_the_layout_of_the_specification() -> None:
    lines = make_proof().decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(LEAVES[5]).decode()
    assert lines[2] == "index 5"
    assert [len(base64.b64decode(line)) for line in lines[3:6]] == [32, 32, 32]
    assert lines[6:9] == ["", "example.com/log", "8"]
    proven = verify_proof(make_proof(), str(VERIFIER))
    assert (proven.index, proven.entry, proven.checkpoint.size) == (5, LEAVES[5], 8)
    assert verify_proof(make_proof(0, 1), VERIFIER).entry == b""


def test_every_changed_character_of_a_proof_file_is_found() -> None:
    data = make_proof()
    tried = 0
    for at in range(len(data)):
        for changed in {data[at] ^ 1, data[at] ^ 0x20, ord("A"), ord("0"), ord("\n"), 0} - {data[at]}:
            mutated = data[:at] + bytes([changed]) + data[at + 1 :]
            tried += 1
            with pytest.raises(VerificationError):
                verify_proof(mutated, VERIFIER)
    for at in range(len(data)):
        for mutated in (data[:at], data[:at] + data[at + 1 :], data[:at] + b"A" + data[at:]):
            tried += 1
            with pytest.raises(VerificationError):
                verify_proof(mutated, VERIFIER)
    with pytest.raises(VerificationError):
        verify_proof(data + b"\n", VERIFIER)
    print(f"{tried} changed proof files refused")


def test_bundles_are_exact() -> None:
    entries = [b"", b"a", b"x" * 65_535]
    data = encode_bundle(entries)
    assert data[:5] == b"\0\0\0\x01a"
    assert decode_bundle(data, 3) == entries
    for bad, count in ((data[:-1], 3), (data + b"\0", 3), (data, 2), (data, 4), (b"\0", 1), (b"\0\x02a", 1)):
        with pytest.raises(VerificationError):
            decode_bundle(bad, count)


def test_tile_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0) == "tile/1/000"
    assert tile_path("entries", 5, 112) == "tile/entries/005.p/112"
    assert tile_path(2, 1000, 1) == "tile/2/x001/000.p/1"


@pytest.mark.parametrize("text", ["", "01", "-1", "+1", " 1", "1_0", "٣", "9" * 30, str(1 << 63)])
def test_numbers_have_one_spelling(text: str) -> None:
    with pytest.raises(VerificationError):
        decode_decimal(text, "a number")


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q-==", "é"])
def test_base64_has_one_spelling(text: str) -> None:
    assert decode64("QQ==", "x") == b"A"
    with pytest.raises(VerificationError):
        decode64(text, "x")


def test_only_canonical_file_names_belong_to_a_ledger() -> None:
    assert file_number("wal", "00000012.seg") == 12
    assert file_number("wal", "123456789.seg") == 123456789
    for part, name in (
        ("wal", "012345678.seg"),
        ("wal", "12.seg"),
        ("wal", "00000012.seg.tmp"),
        ("hashes", "level-01"),
        ("hashes", "level-"),
        ("entries", "00000000.seg"),
    ):
        assert file_number(part, name) is None


def test_a_newer_format_asks_for_an_upgrade() -> None:
    check_format(b"glasshatch ledger\nformat 1\n")
    with pytest.raises(ConfigError, match="upgrade"):
        check_format(b"glasshatch ledger\nformat 2\n")
    with pytest.raises(VerificationError):
        check_format(b"glasshatch ledger\nformat 1")
