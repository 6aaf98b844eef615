"""Who acts, and blocks and calls that are recorded when they end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.recording import offline, recorded
from glasshatch.errors import ConfigError, Unavailable
from glasshatch.events import Actor, Client, Outcome
from glasshatch.sdk import Recorder, acting_as, current_trace, start_trace


class Refused(Exception):
    """An application's own."""


def test_an_event_takes_who_acts_from_around_it(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    with acting_as("ada", session_id="s1", client="192.0.2.7", labels={"shop": "north"}):
        sdk.record("order.paid")
        with acting_as(request_id="r1", labels={"till": "3"}):
            sdk.record("order.paid", actor="bob", labels={"shop": "south"})
    sdk.record("order.paid")
    first, second, third = recorded(tmp_path, sdk)
    assert first["actor"]["id"] == "ada"
    assert (first["session_id"], first["client"]["ip"], first["labels"]) == (
        "s1",
        "192.0.2.7",
        {"shop": "north"},
    )
    assert second["actor"]["id"] == "bob"
    assert (second["session_id"], second["request_id"]) == ("s1", "r1")
    assert second["labels"] == {"shop": "south", "till": "3"}
    assert not {"actor", "session_id", "client", "labels"} & third.keys()


def test_tasks_have_their_own_actor(tmp_path: Path) -> None:
    sdk = offline(tmp_path)

    async def one(name: str) -> None:
        with acting_as(Actor(id=name, type="human"), client=Client(ip="::1")):
            await asyncio.sleep(0)
            sdk.record("order.paid", expected=name)

    async def many() -> None:
        await asyncio.gather(*(one(f"u{number}") for number in range(9)))

    asyncio.run(many())
    events = recorded(tmp_path, sdk)
    assert len(events) == 9
    assert all(event["actor"]["id"] == event["attrs"]["expected"] for event in events)


def test_a_block_says_how_it_ended_and_what_was_within_is_of_its_trace(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    with start_trace() as around, sdk.recording("order.refunded", resource="order/7", step=1) as event:
        sdk.record("payment.sent")
        event.set(amount=5)
        event.actor = "ada"
    sent, refunded = recorded(tmp_path, sdk)
    assert refunded["outcome"] == {"status": "success"}
    assert refunded["attrs"].pop("duration_us") >= 0
    assert refunded["attrs"] == {"step": 1, "amount": 5}
    assert refunded["actor"]["id"] == "ada"
    assert refunded["id"] == event.event_id
    assert refunded["trace_id"] == sent["trace_id"] == around.trace_id
    assert refunded["span_id"] == sent["span_id"] != around.span_id
    assert current_trace() is None


def test_an_exception_is_a_failure_by_its_class_and_goes_on(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    with pytest.raises(Refused), sdk.recording("order.refunded"):
        raise Refused("ada@example.com has no card")
    with pytest.raises(KeyError), sdk.recording("order.refunded", message=True):
        raise KeyError("amount")
    with sdk.recording("order.refunded") as event:
        event.outcome = Outcome(status="failure", code="402")
    first, second, third = recorded(tmp_path, sdk)
    assert first["outcome"]["status"] == "failure"
    assert first["outcome"]["reason"].endswith(".Refused")
    assert "ada" not in str(first)
    assert second["outcome"]["reason"] == "KeyError"
    assert "amount" in second["attrs"]["message"]
    assert third["outcome"] == {"status": "failure", "code": "402"}


def test_a_block_that_cannot_be_recorded_is_told_of(tmp_path: Path) -> None:
    sdk = offline(tmp_path, limit_bytes=10)
    with pytest.raises(Unavailable), sdk.recording("order.refunded"):
        pass
    with pytest.raises(Refused) as found, sdk.recording("order.refunded"):
        raise Refused
    assert any("not recorded" in note for note in found.value.__notes__)
    sdk.close(0)


class Shop:
    """Functions of every kind, decorated."""

    def __init__(self, sdk: Recorder) -> None:
        how: dict[str, Any] = {"actor": "{user}", "resource": "order/{order}", "attrs": ("amount",)}

        @sdk.recorded("order.refunded", **how)
        def refund(order: int, amount: int = 3, *, user: str = "ada", card: str = "4111") -> int:
            return order + amount

        @sdk.recorded("order.refunded", **how)
        async def refund_later(order: int, amount: int = 3, *, user: str = "ada", card: str = "4111") -> int:
            await asyncio.sleep(0)
            return order + amount

        @sdk.recorded("order.refunded", **how)
        def refunds(order: int, amount: int = 3, *, user: str = "ada", card: str = "4111") -> Iterator[int]:
            assert current_trace() is None  # the consumer's code runs between the items
            yield order
            yield amount

        @sdk.recorded("order.refunded", **how)
        async def stream(order: int, amount: int = 3, *, user: str = "ada") -> AsyncIterator[int]:
            yield order
            await asyncio.sleep(0)
            yield amount

        self.refund, self.refund_later, self.refunds, self.stream = refund, refund_later, refunds, stream


def test_calls_of_every_kind_are_recorded_with_the_arguments_that_are_named(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    shop = Shop(sdk)

    async def items() -> list[int]:
        return [item async for item in shop.stream(7)]

    assert shop.refund(7, card="4242") == 10
    assert asyncio.run(shop.refund_later(7)) == 10
    assert list(shop.refunds(7)) == [7, 3]
    assert asyncio.run(items()) == [7, 3]
    events = recorded(tmp_path, sdk)
    assert len(events) == 4
    for event in events:
        assert event["resource"]["id"] == "order/7"
        assert event["actor"]["id"] == "ada"
        assert event["outcome"] == {"status": "success"}
        assert event["attrs"].keys() == {"amount", "duration_us"}
    assert "4242" not in str(events)


def test_a_generator_that_is_left_early_is_no_failure(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    items = Shop(sdk).refunds(7)
    next(items)
    items.close()
    (event,) = recorded(tmp_path, sdk)
    assert event["outcome"] == {"status": "success"}


def test_parts_may_be_functions_of_the_arguments(tmp_path: Path) -> None:
    sdk = offline(tmp_path)

    @sdk.recorded("order.refunded", resource=lambda order: f"order/{order['id']}")
    def refund(order: dict[str, int]) -> None:
        """Give it back."""

    refund({"id": 7})
    assert refund.__doc__ == "Give it back."
    (event,) = recorded(tmp_path, sdk)
    assert event["resource"]["id"] == "order/7"


def test_an_argument_that_the_function_does_not_have_is_refused_at_once(tmp_path: Path) -> None:
    sdk = offline(tmp_path)
    for wrong in ({"attrs": ("amount",)}, {"resource": "order/{number}"}, {"actor": "{user.id}"}):
        with pytest.raises(ConfigError, match="it has order"):

            @sdk.recorded("order.refunded", **wrong)
            def refund(order: int) -> None: ...

    sdk.close(0)


def test_async_blocks_record_without_holding_the_loop(tmp_path: Path) -> None:
    async def play() -> None:
        for durable in (True, False):
            sdk = offline(tmp_path / str(durable), durable=durable)
            async with sdk.recording("order.refunded"):
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                async with sdk.recording("order.refunded"):
                    raise asyncio.CancelledError
            events = recorded(tmp_path / str(durable), sdk)
            assert [event["outcome"]["status"] for event in events] == ["success", "failure"]

    asyncio.run(play())


def test_values_that_cannot_be_read_break_nobody(tmp_path: Path) -> None:
    sdk = offline(tmp_path)

    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("never to be seen")

    assert sdk.record("order.paid", good=5, odd=Odd(), big=10**5_000, inner={"odd": [Odd()]})
    (event,) = recorded(tmp_path, sdk)
    assert event["attrs"] == {
        "good": 5, "odd": "[UNREADABLE Odd]", "big": "[UNREADABLE int]", "inner": "[UNREADABLE dict]",
    }  # fmt: skip


def test_ids_may_be_numbers_and_uuids(tmp_path: Path) -> None:
    sdk, one = offline(tmp_path), uuid.UUID(int=7)
    sdk.record("order.paid", actor=7, resource=one)  # type: ignore[arg-type]
    (event,) = recorded(tmp_path, sdk)
    assert (event["actor"]["id"], event["resource"]["id"]) == ("7", str(one))
