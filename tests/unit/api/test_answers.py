"""Errors keep their kind across the wire, and the client stays light."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from glasshatch.api.answers import STATUS, Problem, problem, raised
from glasshatch.api.client import Client
from glasshatch.errors import (
    ConfigError,
    Conflict,
    Denied,
    GlasshatchError,
    PeerError,
    TooLarge,
    Unavailable,
    VerificationError,
)
from glasshatch.identity import TokenRefused

KINDS = (ConfigError, Conflict, Denied, PeerError, TooLarge, Unavailable, VerificationError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_an_error_arrives_as_what_it_was(kind: type[GlasshatchError]) -> None:
    sent = msgspec.json.encode(problem(kind("what went wrong", hint="how to mend it")))
    arrived = raised(msgspec.json.decode(sent, type=Problem))
    assert type(arrived) is kind
    assert (arrived.message, arrived.hint) == ("what went wrong", "how to mend it")
    assert 400 <= STATUS[kind.code] < 600


def test_every_kind_of_error_is_known() -> None:
    assert {kind.code for kind in GlasshatchError.__subclasses__()} == set(STATUS)


def test_a_decision_can_be_found_again() -> None:
    arrived = raised(problem(Denied("no", decision_id="d1")))
    assert isinstance(arrived, Denied)
    assert arrived.decision_id == "d1"


def test_the_inner_kind_of_a_refusal_does_not_travel() -> None:
    assert problem(TokenRefused.unaccepted("wrong_secret", "id")) == problem(
        TokenRefused.unaccepted("unknown", "id")
    )


def test_an_error_of_a_newer_server_is_still_an_error() -> None:
    assert str(raised(Problem(code="of the future", message="no"))) == "no"


@pytest.mark.parametrize(
    "server",
    ["", "example.com", "ftp://example.com", "http://example.com:7443", "http://10.0.0.1", "https://u:p@example.com",
     "https://example.com/path", "http://127.0.0.1:port", "http://", "http://[::1"],
)  # fmt: skip
def test_a_token_is_not_sent_to_an_unclear_or_open_address(server: str) -> None:
    with pytest.raises(ConfigError):
        Client(server, "token")


@pytest.mark.parametrize(
    "server",
    ["unix:/run/glasshatch.sock", "http://127.0.0.1:7443", "http://[::1]:7443", "http://localhost:7443",
     "https://hatch.example.com", "https://hatch.example.com:8443/"],
)  # fmt: skip
def test_a_client_shows_its_server_and_not_its_token(server: str) -> None:
    assert "secret" not in repr(Client(server, "secret"))
    assert server in repr(Client(server, "secret"))


def test_the_client_loads_none_of_the_servers_dependencies() -> None:
    heavy = ["litestar", "uvicorn", "uvloop", "sqlalchemy", "alembic", "argon2", "cedarpy", "hyperscan"]
    program = (
        "import sys, glasshatch.api, glasshatch.api.values, glasshatch.api.client; "
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
