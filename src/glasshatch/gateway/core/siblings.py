"""Other processes that listen on the same address: what a gateway must know of them."""

from __future__ import annotations

from typing import Protocol


class Siblings(Protocol):
    """The other gateway processes of a server. All of it is asked often, and answers at once."""

    number: int
    """Which one this is, from 1; 0 if there are no others."""

    def sessions(self) -> int:
        """How many sessions the others have."""

    def tell_sessions(self, count: int) -> None:
        """How many this one has."""

    def table_changes(self) -> int:
        """How often the others' sessions changed tables."""

    def tell_table_change(self) -> None:
        """A session of this one changed tables."""

    def cancel(self, process: int, key: bytes) -> None:
        """Pass on a cancel request for a session that is not ours."""


class Alone:
    """There are no others."""

    number = 0

    def sessions(self) -> int:
        """See `Siblings`."""
        return 0

    def tell_sessions(self, count: int) -> None:
        """See `Siblings`."""

    def table_changes(self) -> int:
        """See `Siblings`."""
        return 0

    def tell_table_change(self) -> None:
        """See `Siblings`."""

    def cancel(self, process: int, key: bytes) -> None:
        """See `Siblings`."""


_RANDOM_BITS = 24


def cancel_process(number: int, random: bytes) -> int:
    """The process number that a client is given, so that a cancel request finds the process it belongs to."""
    value = int.from_bytes(random, "big") & 0x7FFFFFFF
    return number << _RANDOM_BITS | value & (1 << _RANDOM_BITS) - 1 if number else value


def process_of(process: int) -> int:
    """The number of the gateway process that gave out this number."""
    return process >> _RANDOM_BITS
