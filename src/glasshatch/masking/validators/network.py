"""Addresses of hosts and hardware."""

from __future__ import annotations

import ipaddress
import re

_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\Z)|\Z)){4}")


def ipv4(text: str) -> bool:
    """An IPv4 address that can belong to a host: no unspecified, loopback, broadcast or netmask."""
    return _IPV4.fullmatch(text) is not None and not text.startswith(("0.", "127.", "255."))


def ipv6(text: str) -> bool:
    """An IPv6 address that can belong to a host, in any of its spellings."""
    try:
        address = ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    if address.is_unspecified or address.is_loopback:
        return False
    # Eight pairs of digits are a hardware address, or a fingerprint.
    return any(len(group) not in (0, 2) for group in text.split(":"))


def mac(text: str) -> bool:
    """A hardware address that is neither all zeros nor broadcast."""
    compact = "".join(letter for letter in text.lower() if letter not in ":-.")
    return len(compact) == 12 and len(set(compact)) > 2


def eui64(text: str) -> bool:
    """A hardware address of eight octets that is neither all zeros nor broadcast."""
    compact = "".join(letter for letter in text.lower() if letter not in ":-.")
    return len(compact) == 16 and len(set(compact)) > 2
