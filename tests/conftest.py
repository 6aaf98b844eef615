"""What every test gets: groups, real servers on demand, hypothesis profiles, closed sockets in pure tests."""

from __future__ import annotations

import socket

import hypothesis
import pytest

pytest_plugins = ["fixtures.groups", "fixtures.servers"]

hypothesis.settings.register_profile("fast", max_examples=50, deadline=None)
hypothesis.settings.register_profile("deep", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("fast")


@pytest.fixture(autouse=True)
def _pure_tests_have_no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit or property test that opens a connection is not one: it fails here."""
    if not any(request.node.get_closest_marker(group) for group in ("unit", "properties")):
        return

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a pure test used the network; move it to tests/servers")

    for method in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, method, refuse)
