"""A running server and a feeder whose token opens deliveries of one name only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer


@pytest.fixture(scope="module")
def feeder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Feeder]:
    server = RunningServer(tmp_path_factory.mktemp("feeds")).start()
    try:
        server.invite("auditor", "auditor")
        yield Feeder(server, invite_feeder(server, "ingest:json/shop"))
    finally:
        server.stop()
