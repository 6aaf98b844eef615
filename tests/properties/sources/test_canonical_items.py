"""An item that is spared the walk of `foreign` is one that the walk would have left as it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.events import foreign
from glasshatch.sources.canonical import canonical

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.integers(-5, 10**6)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["1.5", "e", "[2.5", "12345678901234567", "\u00e9", "a:9.9"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)


@given(OBJECTS, st.booleans(), st.sampled_from([(",", ":"), (" , ", " : "), (",\t", ":  ")]))
def test_the_short_way_gives_what_the_walk_gives(
    value: dict[str, Any], escaped: bool, separators: tuple[str, str]
) -> None:
    data = json.dumps(value, ensure_ascii=escaped, separators=separators).encode("utf-8", "replace")
    try:
        read = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return
    assert canonical(read, data) == foreign(read)


def test_what_is_nested_deeply_is_walked() -> None:
    data = b'{"a":' * 80 + b"1" + b"}" * 80
    assert "[TOO DEEP]" in json.dumps(canonical(msgspec.json.decode(data), data))
