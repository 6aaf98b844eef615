"""SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side: proof given and proof checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import unicodedata

from ....errors import PeerError

MECHANISM = "SCRAM-SHA-256"
MAX_ITERATIONS = 1_000_000
"""A hostile server may ask for any number; above this it is refused rather than computed."""

_GS2_HEADER = "n,,"


class ScramClient:
    """One exchange: `first`, then `final` with the server's first message, then `verify` its last.

    Args:
        password: In clear; kept only until `final`.
        nonce: Fresh printable randomness without commas, at least 18 characters.
    """

    def __init__(self, password: str, nonce: str) -> None:
        self._password = saslprep(password)
        self._nonce = nonce
        # PostgreSQL takes the user from the startup packet and ignores the one here.
        self._first_bare = f"n=,r={nonce}"
        self._server_signature: bytes | None = None

    def first(self) -> bytes:
        """The client-first-message."""
        return (_GS2_HEADER + self._first_bare).encode("ascii")

    def final(self, server_first: bytes) -> bytes:
        """The client-final-message, with the proof.

        Raises:
            PeerError: The message is malformed, replays another nonce, or asks for an unreasonable cost.
        """
        nonce, salt, iterations = self._read_first(server_first)
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, iterations)
        self._password = b""
        client_key = _hmac(salted, b"Client Key")
        binding = base64.b64encode(_GS2_HEADER.encode("ascii")).decode("ascii")
        without_proof = f"c={binding},r={nonce}"
        signed = ",".join((self._first_bare, server_first.decode("ascii"), without_proof)).encode("ascii")
        signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._server_signature = _hmac(_hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode('ascii')}".encode("ascii")

    def verify(self, server_final: bytes) -> None:
        """Check that the server knows the password too.

        Raises:
            PeerError: It does not; whoever answered is not the database.
        """
        fields = _fields(server_final)
        expected = self._server_signature
        if expected is None or not hmac.compare_digest(_decode(fields.get("v", "")), expected):
            raise PeerError("the database failed to prove that it knows the password")

    def _read_first(self, server_first: bytes) -> tuple[str, bytes, int]:
        fields = _fields(server_first)
        nonce, salt, count = fields.get("r", ""), _decode(fields.get("s", "")), fields.get("i", "")
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce) or "m" in fields:
            raise PeerError("the database sent a SCRAM message that does not continue ours")
        if not salt or not count.isdigit() or not 1 <= int(count) <= MAX_ITERATIONS:
            raise PeerError("the database asks for unreasonable SCRAM parameters")
        return nonce, salt, int(count)


def saslprep(password: str) -> bytes:
    """RFC 4013; like PostgreSQL, a password it forbids is used as it is."""
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in password
        if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if not prepared or _prohibited(prepared) or _mixes_directions(prepared):
        return password.encode("utf-8")
    return prepared.encode("utf-8")


def _prohibited(text: str) -> bool:
    tables = (
        stringprep.in_table_a1,
        stringprep.in_table_c12,
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
    )
    return any(table(char) for char in text for table in tables)


def _mixes_directions(text: str) -> bool:
    if not any(stringprep.in_table_d1(char) for char in text):
        return False
    ends_right = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return any(stringprep.in_table_d2(char) for char in text) or not ends_right


def _fields(message: bytes) -> dict[str, str]:
    try:
        parts = message.decode("ascii").split(",")
    except UnicodeDecodeError:
        raise PeerError("the database sent a malformed SCRAM message") from None
    return {part[0]: part[2:] for part in parts if part[1:2] == "="}


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PeerError("the database sent a malformed SCRAM message") from None


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
