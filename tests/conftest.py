"""What every test gets: groups, real servers on demand, hypothesis profiles, closed sockets in pure tests."""

from __future__ import annotations

import hypothesis
import pytest

from fixtures.network import close_network

PURE_GROUPS = ("unit", "properties")
pytest_plugins = [
    "fixtures.counts",
    "fixtures.groups",
    "fixtures.servers",
    "fixtures.installed",
    "fixtures.house",
]

hypothesis.settings.register_profile("fast", max_examples=50, deadline=None)
hypothesis.settings.register_profile("deep", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("fast")


@pytest.fixture(autouse=True)
def _pure_tests_have_no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(request.node.get_closest_marker(group) for group in PURE_GROUPS):
        close_network(monkeypatch)
