"""SCRAM-SHA-256 against the vector of RFC 7677 §3, and against servers that lie."""

from __future__ import annotations

import pytest

from glasshatch.errors import PeerError
from glasshatch.gateway.connectors.postgres.scram import ScramClient, saslprep

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


class RfcClient(ScramClient):
    """The RFC's example names a user in the first message; PostgreSQL's clients leave it empty."""

    def __init__(self) -> None:
        super().__init__("pencil", NONCE)
        self._first_bare = f"n=user,r={NONCE}"


def test_the_rfc_example() -> None:
    client = RfcClient()
    assert client.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.final(SERVER_FIRST) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    client.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(
    "last",
    [b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9xG4=", b"v=", b"e=other-error", b"", b"v=AAAA", b"\xff"],
)
def test_a_server_without_the_password_is_found_out(last: bytes) -> None:
    client = RfcClient()
    client.final(SERVER_FIRST)
    with pytest.raises(PeerError):
        client.verify(last)


def test_no_proof_before_the_exchange() -> None:
    with pytest.raises(PeerError):
        RfcClient().verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


@pytest.mark.parametrize(
    "first",
    [
        SERVER_FIRST.replace(b"rOpr", b"xOpr"),
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        SERVER_FIRST.replace(b"i=4096", b"i=100000000"),
        SERVER_FIRST.replace(b"i=4096", b"i=0"),
        SERVER_FIRST.replace(b"i=4096", b"i=-1"),
        SERVER_FIRST.replace(b"s=W22ZaJ0SNY7soEsUEjb6gQ==", b"s=!!"),
        b"m=ext," + SERVER_FIRST,
        b"",
        b"\xff\xfe",
    ],
)
def test_a_hostile_first_message_is_refused(first: bytes) -> None:
    with pytest.raises(PeerError):
        RfcClient().final(first)


def test_saslprep() -> None:
    assert saslprep("I\u00adX") == b"IX"
    assert saslprep("\u2168") == b"IX"
    assert saslprep("a\u00a0b") == b"a b"
    # Forbidden by RFC 4013, so PostgreSQL takes it as it is.
    assert saslprep("\x07") == b"\x07"
    assert saslprep("\u0627\u0031") == "\u0627\u0031".encode()
