"""For any event and any path: what is taken stood there, a token stands there now, the rest is as it was."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from glasshatch.events import Event, Source, commitment, foreign
from glasshatch.masking import TOKEN, Engine, Redactor, Sealing, SealRule, Tokens, parse_path, spell

names = st.one_of(st.sampled_from(["a", "b", "note", "x-1"]), st.text(min_size=1, max_size=6))
scalars = st.one_of(st.text(max_size=12), st.integers(-(2**60), 2**60), st.booleans(), st.none(), st.floats())
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
REDACTOR = Redactor(Engine.load(), Tokens({1: b"k" * 32}, 1, "acme"))


def leaves(value: Any, at: tuple[str | int, ...] = ("attrs",)) -> dict[str, Any]:
    """Every scalar of a tree by the spelling of its path."""
    if not isinstance(value, (dict, list)):
        return {spell(at): value}
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    return {path: leaf for part, item in inner for path, leaf in leaves(item, (*at, part)).items()}


def readable(path: str) -> bool:
    try:
        return spell(parse_path(path)) == path
    except Exception:
        return False


@given(st.dictionaries(names, trees, min_size=1, max_size=3), st.data())
def test_what_is_taken_stood_there_and_a_token_stands_there_now(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    stored = foreign(tree)
    before = {path: leaf for path, leaf in leaves(stored).items() if readable(path)}
    if not before:
        return
    fields = data.draw(st.lists(st.sampled_from(sorted(before)), min_size=1, max_size=3, unique=True))
    event = Event(id="e", time="1", action="a.b", source=Source(kind="json"), attrs=stored)
    (changed,), found = Sealing([SealRule(source="json", fields=tuple(fields))], REDACTOR).take(
        [event], "json/x"
    )
    taken = {one.field: one.value for one in found.get(0, ())}
    assert event.attrs == stored
    after = leaves(changed.attrs)
    for path, leaf in before.items():
        if path in taken:
            assert taken[path] == leaf
            assert type(taken[path]) is type(leaf)
            assert TOKEN.fullmatch(after[path])
            assert commitment(bytes(32), path, taken[path])
        else:
            assert after[path] == leaf
    assert {path for path in fields if before[path] not in (None, "")} >= set(taken)


@given(st.lists(st.tuples(names, st.one_of(st.text(), st.integers(), st.booleans())), min_size=2, max_size=4))
def test_no_two_values_have_one_commitment(pairs: list[tuple[str, Any]]) -> None:
    salt = bytes(32)
    seen = {(field.replace("\0", ""), type(value), value) for field, value in pairs}
    try:
        made = {commitment(salt, field, value) for field, _, value in seen}
    except UnicodeEncodeError:
        return  # a lone surrogate, which no stored event holds
    assert len(made) == len(seen)
