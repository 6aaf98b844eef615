"""Whatever is asked in whatever order, a witness cosigns one growing tree; names and requests read back."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.errors import VerificationError
from glasshatch.ledger.log import (
    HASH_BYTES,
    AddCheckpoint,
    Checkpoint,
    Edge,
    Refusal,
    VerifierKey,
    consistency_proof,
    judge,
    leaf_hashes,
    parse_tile_path,
    sign_checkpoint,
    tile_path,
)
from glasshatch.ledger.log.tiles import TileName
from glasshatch.ledger.log.witnessing import origin_of

ORIGIN, FORK, LAST = "example.com/audit", 7, 40
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = {ORIGIN: (VerifierKey(ORIGIN, KEY.public_key().public_bytes_raw()),)}


def make_tree(word: str) -> tuple[list[Checkpoint], bytes]:
    leaves = leaf_hashes(b"%d %s" % (n, (word if n >= FORK else "").encode()) for n in range(LAST))
    edge, signed = Edge(), [sign_checkpoint(ORIGIN, 0, Edge().root(), KEY)]
    for leaf in leaves:
        edge.extend(leaf)
        signed.append(sign_checkpoint(ORIGIN, edge.size, edge.root(), KEY))
    return signed, b"".join(leaves)


TREES = [make_tree("left"), make_tree("right")]
sizes = st.integers(0, LAST)


@given(st.lists(st.tuples(st.integers(0, 1), sizes, sizes, st.booleans()), max_size=30))
def test_a_witness_cosigns_one_growing_tree(asked: list[tuple[int, int, int, bool]]) -> None:
    last: Checkpoint | None = None
    cosigned: list[Checkpoint] = []
    for branch, old, size, knows in asked:
        signed, leaves = TREES[branch]
        from_size = last.size if knows and last else old

        def read(level: int, first: int, count: int, leaves: bytes = leaves) -> bytes:
            return leaves[first * HASH_BYTES : (first + count) * HASH_BYTES]

        proof = tuple(consistency_proof(from_size, size, read)) if 0 < from_size < size else ()
        judged = judge(AddCheckpoint(from_size, proof, signed[size].note), TRUSTED, last)
        if isinstance(judged, Checkpoint):
            last = judged
            cosigned.append(judged)
        elif branch == 0 and (not last or last.size <= FORK or last in TREES[0][0]):
            # An honest request, from the size that the witness has, is never refused.
            assert from_size != (last.size if last else 0) or size < from_size, judged
    grown = [checkpoint.size for checkpoint in cosigned]
    assert grown == sorted(grown)
    assert any(all(checkpoint == signed[checkpoint.size] for checkpoint in cosigned) for signed, _ in TREES)


@given(st.none() | st.integers(0, 63), st.integers(0, 10**15), st.integers(1, 256))
def test_tile_names_read_back(level: int | None, number: int, width: int) -> None:
    path = tile_path("entries" if level is None else level, number, width)
    assert parse_tile_path(path) == TileName(level, number, width)


@given(st.text(alphabet="tile/entris0123456789x.p-", max_size=30))
def test_only_canonical_names_are_names(text: str) -> None:
    name = parse_tile_path(text)
    if name is not None:
        assert tile_path("entries" if name.level is None else name.level, name.number, name.width) == text


@given(sizes, st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=80))
def test_requests_read_back(old: int, proof: list[bytes], note: bytes) -> None:
    request = AddCheckpoint(old, tuple(proof), note)
    assert AddCheckpoint.decode(request.encode()) == request


@given(st.binary(max_size=200) | st.sampled_from([TREES[0][0][9].note]))
def test_no_request_breaks_a_witness(data: bytes) -> None:
    try:
        request = AddCheckpoint.decode(data)
    except VerificationError:
        request = AddCheckpoint(0, (), data)
    judged = judge(request, TRUSTED, None)
    if isinstance(judged, Refusal):
        assert judged.status in (400, 403, 404, 409, 422)
    else:
        assert origin_of(data) == ORIGIN
