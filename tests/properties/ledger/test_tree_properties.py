"""Trees and proofs for any sizes, checked against the definitions of RFC 6962, written down as it does."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.counts import tell
from glasshatch.errors import VerificationError
from glasshatch.ledger.log import (
    TILE_WIDTH,
    Edge,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    level_widths,
    perfect_root,
    root,
)

LARGEST = 70_000


def by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, written down as the RFC does."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + by_definition(leaves[:split]) + by_definition(leaves[split:])).digest()


def path_by_definition(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path_by_definition(index, leaves[:split]), by_definition(leaves[split:])]
    return [*path_by_definition(index - split, leaves[split:]), by_definition(leaves[:split])]


def proof_by_definition(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2."""
    if old == len(leaves):
        return [] if whole else [by_definition(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*proof_by_definition(old, leaves[:split], whole=whole), by_definition(leaves[split:])]
    return [*proof_by_definition(old - split, leaves[split:], whole=False), by_definition(leaves[:split])]


class Levels:
    """Flat levels in memory, grown like the real ones."""

    def __init__(self) -> None:
        self.edge = Edge()
        self.levels: list[bytearray] = []

    def extend(self, leaves: list[bytes]) -> None:
        for level, added in enumerate(self.edge.extend(b"".join(map(leaf_hash, leaves)))):
            if level == len(self.levels):
                self.levels.append(bytearray())
            self.levels[level] += added

    def read(self, level: int, first: int, count: int) -> bytes:
        data = bytes(self.levels[level][first * 32 : (first + count) * 32])
        assert len(data) == count * 32
        return data


_tried: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _told() -> Iterator[None]:
    yield
    tell(
        f"random (m, n): {_tried['inclusion']} inclusion and {_tried['consistency']} consistency proofs, "
        f"{_tried['forged']} forged ones refused"
    )


@pytest.fixture(scope="module")
def big() -> Levels:
    levels = Levels()
    levels.extend([b"%d" % number for number in range(LARGEST)])
    return levels


@given(st.lists(st.lists(st.binary(max_size=40), max_size=600), max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_tree_grown_in_any_steps_has_the_root_of_the_definition(steps: list[list[bytes]]) -> None:
    levels, leaves = Levels(), []
    for step in steps:
        levels.extend(step)
        leaves += step
        assert levels.edge.root() == by_definition(leaves) == root(len(leaves), levels.read)
        assert [len(level) // 32 for level in levels.levels if level] == level_widths(len(leaves))
        assert Edge.load(len(leaves), levels.read).root() == levels.edge.root()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_inclusion_holds_for_every_leaf_and_for_no_other(big: Levels, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    top, proof = root(size, big.read), inclusion_proof(index, size, big.read)
    check_inclusion(index, size, leaf_hash(b"%d" % index), proof, top)
    _tried["inclusion"] += 1
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        with pytest.raises(VerificationError):
            check_inclusion(other, size, leaf_hash(b"%d" % index), proof, top)
        with pytest.raises(VerificationError):
            check_inclusion(index, size, leaf_hash(b"%d" % other), proof, top)
        _tried["forged"] += 2


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_consistency_holds_between_any_two_sizes(big: Levels, data: st.DataObject) -> None:
    new = data.draw(st.integers(1, LARGEST))
    old = data.draw(st.integers(1, new))
    old_root, new_root = root(old, big.read), root(new, big.read)
    proof = consistency_proof(old, new, big.read)
    check_consistency(old, new, old_root, new_root, proof)
    forged = hashlib.sha256(old_root).digest()
    with pytest.raises(VerificationError):
        check_consistency(old, new, forged, new_root, proof)
    _tried["consistency"] += 1
    _tried["forged"] += 1
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        bent = [*proof[:at], hashlib.sha256(proof[at]).digest(), *proof[at + 1 :]]
        with pytest.raises(VerificationError):
            check_consistency(old, new, old_root, new_root, bent)
        _tried["forged"] += 1


def test_stored_tiles_are_those_of_the_specification(big: Levels) -> None:
    """tlog-tiles' own example: 70,000 leaves are 273 full tiles and one of 112; 273 and 1 hashes above."""
    assert [divmod(len(level) // 32, TILE_WIDTH) for level in big.levels] == [(273, 112), (1, 17), (0, 1)]
    for tile in (0, 1, 272):
        assert perfect_root(big.read(0, tile * 256, 256)) == big.read(1, tile, 1)
    assert perfect_root(big.read(1, 0, 256)) == big.read(2, 0, 1)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=70))
@settings(max_examples=60, deadline=None)
def test_every_proof_is_the_one_that_the_rfc_defines(leaves: list[bytes]) -> None:
    ours, size = Levels(), len(leaves)
    ours.extend(leaves)
    for index in {0, size // 2, size - 1}:
        assert inclusion_proof(index, size, ours.read) == path_by_definition(index, leaves)
    for old in {1, size // 2 or 1, size}:
        assert consistency_proof(old, size, ours.read) == proof_by_definition(old, leaves)
        assert root(old, ours.read) == by_definition(leaves[:old])
