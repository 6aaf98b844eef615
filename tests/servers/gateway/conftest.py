"""Gateways for the tests of this folder, each in front of a shop of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.gateway import SHOP, RunningGateway
from glasshatch.masking import Engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.load(packs=("core", "secrets"), cache_dir=tmp_path_factory.mktemp("engine"))


@pytest.fixture
def shop(fresh_database):
    fresh_database.sql(SHOP)
    return fresh_database


@pytest.fixture
def start(shop, engine) -> Iterator[Callable[..., RunningGateway]]:
    """Start gateways with settings of the test's own; all are stopped at its end."""
    running: list[RunningGateway] = []

    def begin(**settings) -> RunningGateway:
        gateway = RunningGateway(shop, engine, **settings)
        running.append(gateway)
        return gateway

    yield begin
    for gateway in running:
        gateway.stop(0.1)


@pytest.fixture
def gateway(start) -> RunningGateway:
    return start()


@pytest.fixture
def permissive(start, tmp_path: Path) -> RunningGateway:
    """A gateway whose policy forbids nothing: what it keeps back, it keeps back by masking alone."""
    policy = tmp_path / "everything.cedar"
    policy.write_text('@id("all")\n@reason("anything")\npermit(principal, action, resource);\n')
    return start(policy=policy)


@pytest.fixture(scope="session")
def certificate_files(certificates, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, Path]:
    directory = tmp_path_factory.mktemp("gateway-certificate")
    (directory / "gateway.crt").write_bytes(certificates.certificate)
    (directory / "gateway.key").write_bytes(certificates.key)
    return str(directory / "gateway.crt"), str(directory / "gateway.key"), certificates.ca_file
