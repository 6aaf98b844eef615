"""One PostgreSQL 15, one shop and a few gateways for the suite; what is written is rolled back or refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.gateway import RunningGateway
from fixtures.servers import Database, PostgresServer
from glasshatch.masking import ColumnRule, Engine

from .clients import close_all
from .shop import RULES, SHOP


@pytest.fixture(scope="session")
def shop(postgres_tls: PostgresServer) -> Iterator[Database]:
    """The shop, with statistics gathered, so that they could leak too."""
    postgres_tls.sql("CREATE DATABASE masking_conformance")
    database = Database(postgres_tls, "masking_conformance")
    database.sql(SHOP)
    yield database
    close_all()
    postgres_tls.sql("DROP DATABASE masking_conformance WITH (FORCE)")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.load(packs=("core", "secrets"), cache_dir=tmp_path_factory.mktemp("engine"))


def run(
    shop: Database, engine: Engine, policy: Path | None, rules: tuple[ColumnRule, ...] = RULES
) -> Iterator[RunningGateway]:
    gateway = RunningGateway(shop, engine, policy=policy, rules=rules)
    yield gateway
    close_all()
    gateway.stop(0.1)


@pytest.fixture(scope="session")
def production(shop: Database, engine: Engine) -> Iterator[RunningGateway]:
    """A gateway with the production set."""
    yield from run(shop, engine, None)


@pytest.fixture(scope="session")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that forbids nothing."""
    policy = tmp_path_factory.mktemp("policy") / "everything.cedar"
    policy.write_text('@id("all")\n@reason("anything")\npermit(principal, action, resource);\n')
    return policy


@pytest.fixture(scope="session")
def permissive(shop: Database, engine: Engine, anything: Path) -> Iterator[RunningGateway]:
    """A gateway whose policy forbids nothing: what it keeps back, it keeps back by masking alone."""
    yield from run(shop, engine, anything)


@pytest.fixture(scope="session")
def unmasked(shop: Database, engine: Engine, anything: Path) -> Iterator[RunningGateway]:
    """The same with every rule turned to `keep`: what the suite must then see, or it sees nothing at all."""
    kept = tuple(ColumnRule(rule.pattern, rule.type, "keep") for rule in RULES)
    yield from run(shop, engine, anything, kept)
