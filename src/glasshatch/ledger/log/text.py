"""Strict reading of the few text forms that signed files use: one value has exactly one spelling."""

from __future__ import annotations

import base64
import binascii

from ...errors import VerificationError


def encode64(data: bytes) -> str:
    """RFC 4648 §4, padded."""
    return base64.b64encode(data).decode()


def decode64(text: str, what: str) -> bytes:
    """The bytes of canonical base64: stray bits, missing padding or white space are refused."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError(f"{what} is not base64") from None
    if encode64(data) != text:
        raise VerificationError(f"{what} is not canonical base64")
    return data


def decode_decimal(text: str, what: str) -> int:
    """A non-negative ASCII decimal without leading zeroes, below 2^63."""
    if not (text.isascii() and text.isdigit()) or (len(text) > 1 and text[0] == "0") or len(text) > 19:
        raise VerificationError(f"{what} is not a decimal number")
    value = int(text)
    if value >= 1 << 63:
        raise VerificationError(f"{what} is too large")
    return value
