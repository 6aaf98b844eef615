"""One server in front of a real PostgreSQL, visited once by every canary; everything is then looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.servers import PostgresServer

from .world import SHOP, Visited


@pytest.fixture(scope="session")
def visited(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Visited]:
    postgres.sql("CREATE DATABASE aviary")
    postgres.sql(SHOP, database="aviary")
    world = Visited(tmp_path_factory.mktemp("aviary"), postgres, "aviary")
    try:
        world.open()
        world.visit()
        world.plant()
        world.crash()
        world.look()
        yield world
    finally:
        if world.server.process is not None and world.server.process.poll() is None:
            world.server.stop()
