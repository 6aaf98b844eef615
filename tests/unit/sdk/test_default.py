"""The recorder of the whole program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.recording import kept
from glasshatch import audit
from glasshatch.errors import ConfigError
from glasshatch.sdk import default


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("GLASSHATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(default, "_settings", None)
    yield
    audit.close(0)


def test_nothing_configured_is_said_with_the_cure() -> None:
    with pytest.raises(ConfigError, match=r"audit\.configure"):
        audit.record("order.paid")
    assert audit.flush()


def test_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SERVER": f"unix:{tmp_path}/nobody.sock", "TOKEN": "t", "SERVICE": "till",
        "SPOOL": str(tmp_path / "spools"), "DURABLE": "0", "WHEN_FULL": "drop-old",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GLASSHATCH_{name}", value)
    assert audit.record("order.paid", "order/7", actor="ada")
    assert not audit.recorder().durable
    with audit.recording("order.sent", "order/7"):
        pass
    audit.close(0)
    (tmp_path / "spools" / "0").rename(tmp_path / "spool")
    paid, sent = kept(tmp_path)
    assert paid["source"]["name"] == "till"
    assert paid["resource"]["id"] == sent["resource"]["id"] == "order/7"


def test_a_word_of_the_environment_that_means_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_SERVER", "http://127.0.0.1:9")
    monkeypatch.setenv("GLASSHATCH_DURABLE", "yes")
    with pytest.raises(ConfigError, match="GLASSHATCH_DURABLE"):
        audit.record("order.paid")


def test_a_decorator_finds_the_recorder_when_it_is_called(tmp_path: Path) -> None:
    @audit.recorded("order.paid", resource="order/{order}")
    def pay(order: int) -> None: ...

    audit.configure(
        "till", server=f"unix:{tmp_path}/nobody.sock", token=lambda: "t", spool=tmp_path / "spools",
        durable=False, sigterm=False,
    )  # fmt: skip
    pay(7)
    audit.close(0)
    (tmp_path / "spools" / "0").rename(tmp_path / "spool")
    assert [event["resource"]["id"] for event in kept(tmp_path)] == ["order/7"]


def test_a_service_has_a_spool_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["/srv/shop/till.py"])
    audit.configure(server=f"unix:{tmp_path}/nobody.sock", token=lambda: "t", sigterm=False)
    assert (tmp_path / "glasshatch" / "spool" / "till" / "0" / "lock").exists()


def test_processes_take_a_spool_each(tmp_path: Path) -> None:
    audit.configure(
        "till", server=f"unix:{tmp_path}/nobody.sock", token=lambda: "t", spool=tmp_path / "spools",
        durable=False, sigterm=False, problem=lambda _: None,
    )  # fmt: skip
    audit.record("order.paid", by="parent")
    child = os.fork()
    if child == 0:
        made = audit.record("order.paid", by="child")
        os._exit(0 if made and (tmp_path / "spools" / "1" / "lock").exists() else 1)
    assert os.waitpid(child, 0)[1] == 0
    audit.close(0)
    for number, who in enumerate(("parent", "child")):
        (tmp_path / "spools" / str(number)).rename(tmp_path / "spool")
        assert [event["attrs"]["by"] for event in kept(tmp_path)] == [who]
        (tmp_path / "spool").rename(tmp_path / f"seen{number}")
