"""Every known shape of a query that shows a masked value, with real clients: masked or refused, never shown.

The policy forbids nothing here, so masking alone must hold.
"""

from __future__ import annotations

import pytest

from fixtures.gateway import RunningGateway
from fixtures.servers import Database

from .clients import CLIENTS, leaks, over_dsn
from .shop import SHAPES, SIDE_CHANNELS

pytestmark = pytest.mark.needs("postgres-tls")
EXECUTED_BY_ASYNCPG = ("copy", "explain", "begin")


def direct(shop: Database, text: str, commit: bool = False) -> str:
    server = shop.server
    dsn = (
        f"host={server.host} port={server.port} user={server.user} password={server.password}"
        f" dbname={shop.name} sslmode=verify-full sslrootcert={server.ca_file}"
    )
    return over_dsn(dsn, text, binary=False, commit=commit)


@pytest.mark.parametrize("text", SHAPES)
def test_a_shape_shows_nothing(permissive: RunningGateway, shop: Database, text: str) -> None:
    assert leaks(direct(shop, text)), "asked directly, this shows no secret: the case has no power"
    for name, ask in CLIENTS.items():
        if name == "asyncpg" and text.startswith(EXECUTED_BY_ASYNCPG):
            continue
        said = ask(permissive, text)
        assert not leaks(said), f"{name}: {said}"


@pytest.mark.parametrize("text", SIDE_CHANNELS)
def test_a_side_channel_shows_nothing(permissive: RunningGateway, shop: Database, text: str) -> None:
    told = direct(shop, text, commit=text.startswith("listen"))
    assert leaks(told), "asked directly, this shows no secret: the case has no power"
    for name in ("psql", "psycopg-text", "psycopg-binary"):
        said = CLIENTS[name](permissive, text)
        assert not leaks(said), f"{name}: {said}"
