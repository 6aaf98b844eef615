"""Ports of the demo: outside what the system gives out by itself, and another one where one was lost."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from glasshatch.app.demo import stage
from glasshatch.app.ports import free_port


def test_a_free_port_is_none_that_the_system_gives_out_by_itself() -> None:
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    ports = {free_port() for _ in range(50)}
    assert len(ports) > 40
    assert not any(lowest <= port <= highest for port in ports)
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_a_port_that_is_lost_between_look_and_bind_costs_another_start(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        ports = itertools.chain([free_port(), taken.getsockname()[1]], iter(free_port, None))
        monkeypatch.setattr(stage, "free_port", lambda: next(ports))
        scene = stage.Stage(open_directory / "demo", lambda _: None)
        try:
            scene.start()
            assert scene.server_running
            assert scene.api_port != taken.getsockname()[1]
            assert "Address already in use" in (scene.root / "server.log").read_text()
        finally:
            scene.stop()
