"""An option that was typed wins over a variable that was exported for another command."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasshatch.api.client import Client
from glasshatch.cli.connection import open_desk
from glasshatch.errors import ConfigError

SERVER = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_TOKEN", "made-up")
    monkeypatch.delenv("GLASSHATCH_DATA", raising=False)
    monkeypatch.delenv("GLASSHATCH_SERVER", raising=False)


def test_a_typed_server_wins_over_an_exported_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSHATCH_DATA", str(tmp_path))
    with open_desk(tmp_path, SERVER, None) as desk:
        assert isinstance(desk, Client)


def test_a_typed_directory_wins_over_an_exported_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLASSHATCH_SERVER", SERVER)
    # What is missing is the directory's configuration, so it was the directory that was looked at.
    with pytest.raises(ConfigError, match="there is no such file"), open_desk(tmp_path, SERVER, None):
        pass


@pytest.mark.parametrize("exported", [True, False])
def test_two_from_the_same_place_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exported: bool
) -> None:
    if exported:
        monkeypatch.setenv("GLASSHATCH_SERVER", SERVER)
        monkeypatch.setenv("GLASSHATCH_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="give one of"), open_desk(tmp_path, SERVER, None):
        pass
