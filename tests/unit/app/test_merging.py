"""What several ledgers have waiting comes in the order of time, and of each in its own order."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from glasshatch.app.serve.merging import Entry, Merge


class Pages:
    """A ledger in memory, of entries with these times."""

    def __init__(self, times: list[int]) -> None:
        self.entries = [b'{"time":"%d","n":1}' % time for time in times]

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        yield from list(enumerate(self.entries))[start:stop]


def merged(ledgers: dict[str, Pages], parts: int, starts: dict[str, int] | None = None) -> list[Entry]:
    merge, taken = Merge(starts or {}), []
    sizes = {name: len(pages.entries) for name, pages in ledgers.items()}
    while part := merge.take(list(ledgers.items()), sizes, parts):
        taken += part
    assert merge.positions(sizes) == sizes
    return taken


def test_what_waits_in_several_ledgers_comes_by_time() -> None:
    ledgers = {"default": Pages([1, 4, 9]), "shop": Pages([2, 3, 10]), "empty": Pages([])}
    found = [(name, index) for name, index, _ in merged(ledgers, 100)]
    assert found == [
        ("default", 0), ("shop", 0), ("shop", 1), ("default", 1), ("default", 2), ("shop", 2),
    ]  # fmt: skip


def test_a_time_that_goes_back_and_what_is_no_event_keep_their_place() -> None:
    ledgers = {"default": Pages([5, 1, 6]), "shop": Pages([5, 7])}
    ledgers["default"].entries[1] = b"no event"
    found = [(name, index) for name, index, _ in merged(ledgers, 100)]
    assert found == [("default", 0), ("default", 1), ("shop", 0), ("default", 2), ("shop", 1)]


def test_a_ledger_begins_where_it_is_wanted_from() -> None:
    ledgers = {"default": Pages([1, 4, 9]), "shop": Pages([2, 3, 10])}
    found = merged(ledgers, 2, {"default": 2, "shop": 1})
    assert [(name, index) for name, index, _ in found] == [("shop", 1), ("default", 2), ("shop", 2)]


def test_what_is_taken_at_once_is_bounded_in_bytes_and_goes_on_there() -> None:
    ledgers = {"default": Pages(list(range(100, 120))), "shop": Pages([110, 111])}
    size = len(ledgers["default"].entries[0])
    for names in (["default"], ["default", "shop"]):
        chosen, merge, taken = {name: ledgers[name] for name in names}, Merge({}), []
        sizes = {name: len(pages.entries) for name, pages in chosen.items()}
        while part := merge.take(list(chosen.items()), sizes, 1_000, 3 * size - 1):
            assert len(part) <= 3
            taken += part
        assert taken == merged(chosen, 1_000)


_TIMES = st.lists(st.integers(0, 20), max_size=12)


@given(st.lists(_TIMES, min_size=1, max_size=4), st.integers(1, 5))
def test_parts_of_any_size_give_the_same_order(times: list[list[int]], parts: int) -> None:
    ledgers = {f"l{number}": Pages(sorted(some)) for number, some in enumerate(times)}
    found = merged(ledgers, parts)
    assert found == merged(ledgers, 1_000)
    assert sorted(found) == sorted(
        (name, *entry) for name, pages in ledgers.items() for entry in pages.scan()
    )
    for name in ledgers:
        indices = [index for ledger, index, _ in found if ledger == name]
        assert indices == sorted(indices)
