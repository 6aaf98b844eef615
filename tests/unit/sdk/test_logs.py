"""What a program logs becomes events, by `logging` and by structlog."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from fixtures.recording import offline, recorded
from glasshatch.sdk import Recorder, acting_as, start_trace
from glasshatch.sdk.logs import RecorderHandler, RecorderProcessor


class Refused(Exception):
    """An application's own."""


@pytest.fixture
def sdk(tmp_path: Path) -> Recorder:
    return offline(tmp_path)


@pytest.fixture
def log(sdk: Recorder) -> Iterator[logging.Logger]:
    logger = logging.getLogger("shop.till")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(RecorderHandler(sdk))
    yield logger
    logger.handlers.clear()
    logger.propagate = True


def test_a_line_is_an_event_with_its_severity(tmp_path: Path, sdk: Recorder, log: logging.Logger) -> None:
    with start_trace() as trace, acting_as("ada"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, 35, logging.ERROR, logging.CRITICAL):
            log.log(level, "order %s was paid", 7)
    events = recorded(tmp_path, sdk)
    assert [event["severity"] for event in events] == [1, 1, 3, 3, 4, 5]
    first = events[0]
    assert first["action"] == "log.written"
    assert first["attrs"] == {"message": "order 7 was paid", "logger": "shop.till"}
    assert (first["actor"]["id"], first["trace_id"]) == ("ada", trace.trace_id)


def test_extra_names_the_action_and_its_parts(tmp_path: Path, sdk: Recorder, log: logging.Logger) -> None:
    log.info(
        "paid",
        extra={"action": "order.paid", "resource": "order/7", "outcome": "success", "amount": 5, "x": [1.5]},
    )
    log.info("odd", extra={"outcome": "fine", "action": 7, "actor": {"not": "text"}})
    paid, odd = recorded(tmp_path, sdk)
    assert paid["action"] == "order.paid"
    assert paid["resource"]["id"] == "order/7"
    assert paid["outcome"] == {"status": "success"}
    assert paid["attrs"] == {"message": "paid", "logger": "shop.till", "amount": 5, "x": ["1.5"]}
    assert odd["action"] == "log.written"
    assert odd["attrs"]["outcome"] == "fine"
    assert odd["attrs"]["actor"] == {"not": "text"}


def test_of_an_exception_the_class_is_kept(tmp_path: Path, sdk: Recorder, log: logging.Logger) -> None:
    try:
        raise Refused("ada@example.com")
    except Refused:
        log.exception("no")
    (event,) = recorded(tmp_path, sdk)
    assert event["attrs"]["exception"] == "Refused"
    assert "ada" not in str(event)


def test_a_traceback_is_kept_where_it_is_asked_for(
    tmp_path: Path, sdk: Recorder, log: logging.Logger
) -> None:
    log.handlers[:] = [RecorderHandler(sdk, traceback=True)]
    try:
        raise Refused("no card")
    except Refused:
        log.exception("no")
    (event,) = recorded(tmp_path, sdk)
    assert "Refused: no card" in event["attrs"]["traceback"]


def test_it_never_feeds_itself(tmp_path: Path) -> None:
    told: list[str] = []

    def complain(text: str) -> None:
        told.append(text)
        logging.getLogger("shop.till").warning("the recorder says %s", text)

    sdk = offline(tmp_path, limit_bytes=10, problem=complain)
    root = logging.getLogger()
    handler = RecorderHandler(sdk)
    root.addHandler(handler)
    try:
        logging.getLogger("glasshatch.sdk").error("of our own")
        logging.getLogger("shop.till").error("order")  # the spool is full, which is told, which is logged
    finally:
        root.removeHandler(handler)
    assert any("not recorded" in text for text in told)
    assert recorded(tmp_path, sdk) == []


def test_a_line_that_cannot_be_formatted_is_recorded_without_its_values(
    tmp_path: Path, sdk: Recorder
) -> None:
    log = logging.Logger("shop")
    log.addHandler(RecorderHandler(sdk))
    log.info("%d", "ada@example.com")
    (event,) = recorded(tmp_path, sdk)
    assert event["attrs"]["message"] == "%d"


def test_structlog_lines_are_events_and_go_on_as_they_are(tmp_path: Path, sdk: Recorder) -> None:
    seen: list[Any] = []

    def last(_: Any, method: str, line: Any) -> str:
        seen.append((method, dict(line)))
        raise structlog.DropEvent

    log = structlog.wrap_logger(
        None,
        processors=[
            structlog.contextvars.merge_contextvars, structlog.processors.add_log_level,
            RecorderProcessor(sdk, least="info"), last,
        ],
        wrapper_class=structlog.BoundLogger,
    )  # fmt: skip
    with structlog.contextvars.bound_contextvars(session_id="s1"):
        log.bind(amount=5).warning("paid", action="order.paid", resource="order/7")
    try:
        raise Refused("ada@example.com")
    except Refused:
        log.error("no", exc_info=True)
    paid, failed = recorded(tmp_path, sdk)
    assert (paid["action"], paid["severity"], paid["session_id"]) == ("order.paid", 3, "s1")
    assert paid["attrs"] == {"message": "paid", "amount": 5}
    assert failed["attrs"] == {"message": "no", "exception": "Refused"}
    assert "ada" not in str(failed)
    assert seen[0] == ("warning", {
        "event": "paid", "action": "order.paid", "resource": "order/7", "amount": 5, "session_id": "s1",
        "level": "warning",
    })  # fmt: skip


def test_what_is_not_severe_enough_is_passed_by(tmp_path: Path, sdk: Recorder) -> None:
    processor = RecorderProcessor(sdk, least="warning")
    for method in ("debug", "info", "warning", "error"):
        assert processor(None, method, {"event": method}) == {"event": method}
    assert [event["attrs"]["message"] for event in recorded(tmp_path, sdk)] == ["warning", "error"]


def test_a_line_that_is_odd_or_too_long_is_recorded_all_the_same(tmp_path: Path, sdk: Recorder) -> None:
    log = logging.Logger("shop")
    log.addHandler(RecorderHandler(sdk))

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("never to be seen")

    log.error("order %d of %d", *["seven"])
    log.error(Odd())
    log.error("x" * 100_000, extra={"order": 7, "resource": 8, "more": ["y" * 100_000]})
    form, odd, long = recorded(tmp_path, sdk)
    assert form["attrs"]["message"] == "order %d of %d"
    assert odd["attrs"]["message"] == "[UNREADABLE Odd]"
    assert long["attrs"]["message"] == "x" * 4_000 + "… [CUT: 100000 characters]"
    assert (long["attrs"]["order"], long["resource"]["id"], "more" in long["attrs"]) == (7, "8", False)


def test_structlog_tells_the_class_after_it_made_a_text_of_the_exception(
    tmp_path: Path, sdk: Recorder
) -> None:
    with_text = structlog.processors.format_exc_info
    try:
        raise Refused("ada@example.com")
    except Refused:
        line = with_text(None, "error", {"event": "no", "exc_info": True})
        RecorderProcessor(sdk)(None, "error", line)
    (event,) = recorded(tmp_path, sdk)
    assert event["attrs"] == {"message": "no", "exception": "Refused"}
