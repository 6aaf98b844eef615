"""The recorder of the whole program."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from fixtures.recording import kept, offline
from glasshatch import audit
from glasshatch.errors import ConfigError, Conflict
from glasshatch.sdk import default, leftovers
from glasshatch.sdk.logs import RecorderHandler
from glasshatch.sdk.spool import Spool
from glasshatch.sdk.sql import watch
from glasshatch.sdk.wsgi import AuditMiddleware


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


@pytest.mark.filterwarnings("ignore:glasshatch")  # nobody is there to take events
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
        durable=False, sigterm=False, problem=lambda _: None,
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


def test_what_dead_processes_left_is_sent_by_who_lives(tmp_path: Path) -> None:
    policy = {"rule": [{"actions": ["cart.*"], "coalesce": "1h"}]}
    for name in ("0", "1", "2"):
        left = offline(tmp_path / name, capture=policy)
        left.record("order.paid", by=name)
        for _ in range(4):
            left.record("cart.changed", actor=f"u{name}")
        assert left._sender.stop(60)
        assert left._keeper.stop(60)
        left._spool.close()  # as a kill leaves it: nothing told, nothing sent
        atexit.unregister(left.close)
        (tmp_path / name / "spool").rename(tmp_path / f"spool-{name}")
    (tmp_path / "spools").mkdir()
    for name in ("0", "1", "2"):
        (tmp_path / f"spool-{name}").rename(tmp_path / "spools" / name)
    alive = offline(tmp_path / "x")
    alive.close(0)
    (tmp_path / "x" / "spool").rename(tmp_path / "spools" / "7")
    holder = Spool(tmp_path / "spools" / "1", limit_bytes=1 << 20, durable=False)  # this one lives
    recorder = audit.configure(
        "till", server=f"unix:{tmp_path}/nobody.sock", token=lambda: "t", spool=tmp_path / "spools",
        durable=False, sigterm=False, problem=lambda _: None,
    )  # fmt: skip
    for thread in threading.enumerate():
        if thread.name == "glasshatch-leftovers":
            thread.join(60)
    with pytest.raises(Conflict):
        recorder.take_over(tmp_path / "spools" / "1")
    audit.close(0)
    holder.close()
    (tmp_path / "spools" / "0").rename(tmp_path / "spool")
    events = kept(tmp_path)
    paid = {event["attrs"]["by"] for event in events if event["action"] == "order.paid"}
    counts = {
        e["actor"]["id"]: e["attrs"]["coalesced"]["count"] for e in events if e["action"] == "cart.changed"
    }
    assert paid == {"0", "2"}
    assert counts == {"u0": 4, "u2": 4}
    assert not list((tmp_path / "spools" / "2").glob("*.spool"))
    assert list((tmp_path / "spools" / "1").glob("*.spool"))


def test_what_only_watches_breaks_nothing_where_nobody_configured_a_recorder() -> None:
    logger = logging.Logger("shop")
    logger.addHandler(RecorderHandler())
    with pytest.warns(RuntimeWarning, match="GLASSHATCH_SERVER"):
        logger.warning("order 7")
    engine = create_engine("sqlite://")
    watch(engine)
    with engine.connect() as connection, pytest.warns(RuntimeWarning, match="nothing is recorded"):
        assert connection.execute(text("SELECT 7")).scalar() == 7

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"7"]

    answered: Any = AuditMiddleware(answer)({"PATH_INFO": "/"}, lambda *_: None)
    with pytest.warns(RuntimeWarning, match="nothing is recorded"):
        assert list(answered) == [b"7"]
    answered.close()


@pytest.mark.filterwarnings("ignore:glasshatch")
def test_a_child_of_multiprocessing_delivers_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path)
    monkeypatch.setattr(default, "close", (tmp_path / "closed").touch)
    run_in_child(lambda: audit.record("order.paid"))
    assert (tmp_path / "closed").exists()


@pytest.mark.filterwarnings("ignore:glasshatch")
def test_what_a_killed_child_left_is_taken_over_while_its_parent_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_AGAIN_SECONDS", 0.05)
    configured(tmp_path)
    run_in_child(lambda: (audit.record("order.paid"), os._exit(0)))
    left = tmp_path / "spools" / "1"
    deadline = time.monotonic() + 60
    while [*left.glob("*.spool")] and time.monotonic() < deadline:
        time.sleep(0.02)
    audit.close(0)
    (tmp_path / "spools" / "0").rename(tmp_path / "spool")
    assert [one["action"] for one in kept(tmp_path)] == ["order.paid"]


def configured(tmp_path: Path) -> None:
    audit.configure(
        "till", server=f"unix:{tmp_path}/nobody.sock", token=lambda: "t", spool=tmp_path / "spools",
        durable=False, sigterm=False,
    )  # fmt: skip


def run_in_child(work: Any) -> None:
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(60)
    assert child.exitcode == 0
