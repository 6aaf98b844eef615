"""Receiving syslog: opens the receiver of a protocol."""

from __future__ import annotations

import itertools
import os
from typing import Final

from ..items import Item
from ..receiving import Door, Listening, Receiver
from .forms import message_item

STRANGER: Final = "comes from none of the networks that may send"


def open_receiver(listening: Listening, door: Door) -> Receiver:
    """A receiver of this protocol, not yet listening."""
    if listening.protocol == "udp":
        from .datagrams import DatagramReceiver

        return DatagramReceiver(listening, door)
    from .connections import ConnectionReceiver

    return ConnectionReceiver(listening, door)


class Numbered:
    """Makes items of messages, each with an id of its own: what is handed over again is known again."""

    def __init__(self, listening: Listening) -> None:
        zone = listening.options.get("timezone", "")
        self._extra = {"timezone": zone} if zone else {}
        self._boot = os.urandom(8).hex()
        self._numbers = itertools.count(1)
        self.count = 0

    def item(self, data: bytes, peer: str, peer_name: str = "", problem: str = "") -> Item:
        """One message, from where it came, and what is wrong with it, if something is."""
        self.count = number = next(self._numbers)
        name = f"{self._boot} {number}"
        extra = {**self._extra, "peer": peer, "received": name}
        if peer_name:
            extra["peer_name"] = peer_name
        return message_item(number, data, extra, name, peer, problem)


def plain_address(address: str) -> str:
    """An address as people write it: a socket for both families tells IPv4 in IPv6's words."""
    return address.removeprefix("::ffff:") if "." in address else address.partition("%")[0]
