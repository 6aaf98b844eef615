"""Nothing reaches the ledger unredacted, and an event too large loses its text, not its fact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from glasshatch.app.recorder import EventMaker, Recorder
from glasshatch.clock import ManualClock
from glasshatch.errors import GlasshatchError, TooLarge, Unavailable
from glasshatch.events import Done, Outcome, Receipt, StatementText, decode
from glasshatch.masking import Engine, Redactor, Tokens


class Shelf:
    """A ledger's taking side: keeps entries, or refuses them all."""

    def __init__(self, refusal: GlasshatchError | None = None, silent: bool = False) -> None:
        self.entries: list[bytes] = []
        self._refusal = refusal
        self._silent = silent

    def submit(self, entry: bytes, done: Done | None = None) -> None:
        if self._refusal is None:
            self.entries.append(entry)
        if done and not self._silent:
            done(self._refusal or Receipt(len(self.entries) - 1, bytes(32)))

    def submit_all(self, items: Sequence[tuple[bytes, Done | None]]) -> None:
        for entry, done in items:
            self.submit(entry, done)


@pytest.fixture(scope="module")
def redactor(tmp_path_factory: pytest.TempPathFactory) -> Redactor:
    cache: Path = tmp_path_factory.mktemp("cache")
    return Redactor(
        Engine.load(packs=("core", "secrets"), cache_dir=cache), Tokens({1: bytes(32)}, 1, "default")
    )


MAKER = EventMaker(ManualClock(), tenant="acme", instance="7")


def test_what_is_recorded_is_redacted_first(redactor: Redactor) -> None:
    shelf = Shelf()
    event = MAKER.make(
        "server.started", outcome=Outcome(status="failure", reason="ask ada.lovelace@example.com")
    )
    receipt = Recorder(shelf, redactor).record(event)
    stored = decode(shelf.entries[receipt.index])
    assert b"lovelace" not in shelf.entries[0]
    assert stored.outcome is not None
    assert stored.outcome.reason.startswith("ask <EMAIL:")
    assert stored.redaction is not None
    assert stored.redaction.counts == {"EMAIL": 1}
    assert (stored.tenant, stored.source.instance, stored.action) == ("acme", "7", "server.started")


def test_an_event_too_large_keeps_its_fact(redactor: Redactor) -> None:
    shelf = Shelf()
    text = StatementText(text="SELECT x " * 20_000, shape="SELECT", hash="abcd")
    Recorder(shelf, redactor).record(
        MAKER.make("statement.run", statement=text, attrs={"big": "word " * 20_000})
    )
    stored = decode(shelf.entries[0])
    assert stored.statement is not None
    assert (stored.statement.hash, stored.statement.text) == ("abcd", "[TOO LARGE]")
    assert "exceeded" in str(stored.attrs)


def test_an_event_that_cannot_shrink_is_refused_and_nothing_is_stored(redactor: Redactor) -> None:
    shelf = Shelf()
    huge = MAKER.make("server.started", labels={f"k{number}": "v" * 50 for number in range(2_000)})
    with pytest.raises(TooLarge, match="limit"):
        Recorder(shelf, redactor).record(huge)
    assert shelf.entries == []


def test_a_refusing_ledger_is_an_error_for_the_caller(redactor: Redactor) -> None:
    with pytest.raises(Unavailable, match="halted"):
        Recorder(Shelf(Unavailable("halted")), redactor).record(MAKER.make("server.started"))


def test_a_silent_ledger_is_not_waited_for_without_end(redactor: Redactor) -> None:
    with pytest.raises(Unavailable, match="in time"):
        Recorder(Shelf(silent=True), redactor).record(MAKER.make("server.started"), timeout_s=0.05)


def test_only_actions_of_the_catalogue_can_be_made() -> None:
    with pytest.raises(KeyError):
        MAKER.make("something.happened")
