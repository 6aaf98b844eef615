"""Each stream leads to one ledger, and a configuration that leaves that open is refused before the start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasshatch.app.config import LedgerSection, load_config
from glasshatch.app.recorder import EventMaker, Recorder
from glasshatch.app.streams import Streams, make_streams, meet
from glasshatch.clock import ManualClock
from glasshatch.errors import ConfigError, GlasshatchError
from glasshatch.events import Done, Event, Receipt, Resource, Source
from glasshatch.masking import Engine, Redactor, Tokens

STREAMS = Streams({
    "shop": LedgerSection(sources=("json/shop", "json/shop-*"), resources=("postgres/shop",)),
    "clusters": LedgerSection(sources=("kubernetes/*",)),
})  # fmt: skip
RESOURCE = """
[resources.shop]
type = "postgres"
host = "db"
database = "shop"
user = "u"
password = "env:P"
"""


class Shelf:
    """A ledger's taking side."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def submit_all(self, items: Sequence[tuple[bytes, Done | None]]) -> None:
        for entry, done in items:
            self.entries.append(entry)
            if done:
                done(Receipt(len(self.entries) - 1, bytes(32)))


def event(kind: str = "json", resource: str = "") -> Event:
    found = Resource(type="postgres", id=resource) if resource else None
    return Event(id="1", time="1", action="order.paid", source=Source(kind=kind), resource=found)


def test_a_feed_leads_where_its_name_is_claimed() -> None:
    found = {feed: STREAMS.of_feed(feed) for feed in ("json/shop", "json/shop-eu", "json/x", "kubernetes/a")}
    assert found == {
        "json/shop": "shop", "json/shop-eu": "shop", "json/x": "default", "kubernetes/a": "clusters",
    }  # fmt: skip


def test_a_session_leads_where_its_resource_is_claimed_and_nothing_else_does() -> None:
    assert STREAMS.of_event(event("gateway", "postgres/shop")) == "shop"
    assert STREAMS.of_event(event("gateway", "postgres/other")) == "default"
    assert STREAMS.of_event(event("gateway")) == "default"
    # The house's own events about the resource, and what others say of it, stay where they are looked for.
    assert STREAMS.of_event(event("glasshatch", "postgres/shop")) == "default"
    assert STREAMS.of_event(event("json", "postgres/shop")) == "default"


def test_the_recorder_appends_where_the_stream_leads_and_the_receipt_says_where(tmp_path: Path) -> None:
    engine = Engine.load(packs=("core",), cache_dir=tmp_path)
    default, others = Shelf(), {"shop": Shelf(), "clusters": Shelf()}
    recorder = Recorder(
        default, Redactor(engine, Tokens({1: bytes(32)}, 1, "t")), STREAMS, others.__getitem__
    )
    answers: list[Receipt | GlasshatchError] = []
    recorder.submit(event("gateway", "postgres/shop"), answers.append)
    recorder.submit(event("gateway", "postgres/else"), answers.append)
    recorder.submit_all([event(), event()], lambda _, answer: answers.append(answer), "kubernetes/prod")
    recorder.submit(EventMaker(ManualClock(), tenant="t").make("server.started"), answers.append)
    assert answers == [
        Receipt(0, bytes(32), "shop"), Receipt(0, bytes(32)), Receipt(0, bytes(32), "clusters"),
        Receipt(1, bytes(32), "clusters"), Receipt(1, bytes(32)),
    ]  # fmt: skip
    assert [len(shelf.entries) for shelf in (default, *others.values())] == [2, 1, 2]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[ledgers.nosuch]\n", "ledgers.nosuch: there is no such ledger"),
        ('[ledgers.default]\nsources = ["json/a"]\n', "takes what no other ledger claims"),
        ('[ledgers.shop]\nsources = ["json"]\n', "is no stream"),
        ('[ledgers.shop]\nsources = ["json/[ab]"]\n', "is no stream"),
        ('[ledgers.shop]\nsources = ["jason/a"]\n', "no kind of source"),
        ('[ledgers.shop]\nresources = ["postgres/shoop"]\n', "no resource"),
        ('[ledgers.shop]\nsources = ["json/*"]\n[ledgers.k8s]\nsources = ["json/a"]\n', "claim one stream"),
        ('[ledgers.shop]\nresources = ["*/shop"]\n[ledgers.k8s]\nresources = ["postgres/*"]\n', "claim one"),
    ],
)
def test_streams_that_cannot_be_meant_are_refused(tmp_path: Path, lines: str, says: str) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text("version = 1\n" + RESOURCE + lines)
    with pytest.raises(ConfigError, match=re.escape(says)):
        make_streams(load_config(file), ("json", "kubernetes"), ("default", "shop", "k8s"))


def test_streams_that_can_be_meant_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    lines = '[ledgers.shop]\nsources = ["json/shop*"]\nresources = ["postgres/shop"]\n'
    file.write_text("version = 1\n" + RESOURCE + lines + '[ledgers.k8s]\nsources = ["kubernetes/*"]\n')
    streams = make_streams(load_config(file), ("json", "kubernetes"), ("default", "shop", "k8s"))
    assert [streams.of_feed(feed) for feed in ("json/shop1", "kubernetes/x", "json/y")] == [
        "shop", "k8s", "default",
    ]  # fmt: skip


_PATTERNS = st.text("ab*?", max_size=6)


@given(_PATTERNS, _PATTERNS, st.text("ab", max_size=6))
def test_patterns_that_match_one_name_meet(one: str, other: str, name: str) -> None:
    def matches(pattern: str) -> bool:
        return re.fullmatch(pattern.replace("*", ".*").replace("?", "."), name) is not None

    if matches(one) and matches(other):
        assert meet(one, other)
    if "*" not in one + other and len(one) != len(other):
        assert not meet(one, other)
