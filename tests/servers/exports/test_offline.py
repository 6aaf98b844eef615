"""Without a server: what the cursors say, setting one back, and taking events out of a directory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from glasshatch.app.create import create_home
from glasshatch.cli import command_line
from glasshatch.errors import ConfigError
from glasshatch.exports import Cursor, CursorFile, Lane


def run(*arguments: str) -> str:
    """What a command prints, in this process: each of its own would cost seconds."""
    done = CliRunner().invoke(command_line(arguments[0]), arguments)
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("offline") / "home"
    create_home(home)
    with (home / "glasshatch.toml").open("a") as config:
        config.write('\n[exports.lake]\nform = "parquet"\nto = "file:../lake"\n')
    CursorFile(home / "exports", "lake").save(Cursor(1, {"default": Lane(next=1)}, sent=1))
    body = home.parent / "x.jsonl"
    body.write_text("".join(json.dumps({"id": f"a{n}", "action": "order.created"}) + "\n" for n in range(50)))
    run("ingest", "json", str(body), "--name", "shop", "--data", str(home))
    return home


def test_the_list_says_how_far_each_came(home: Path) -> None:
    (one,) = map(json.loads, run("exports", "--json", "--data", str(home)).splitlines())
    assert (one["state"], one["sent"], one["positions"]) == ("idle", 1, {"default": 1})
    assert one["behind"] > 50


def test_a_cursor_is_set_and_that_is_recorded(home: Path) -> None:
    run("exports", "reset", "lake", "--to", "end", "--data", str(home))
    (one,) = map(json.loads, run("exports", "--json", "--data", str(home)).splitlines())
    assert one["behind"] == 1, "what says so came behind it"
    events = run("search", "action:export.reset", "--format", "jsonl", "--data", str(home)).splitlines()
    (event,) = (json.loads(line)["event"] for line in events)
    assert event["attrs"]["before"] == 1
    assert "os:" in event["actor"]["id"]


def test_a_file_has_all_that_match_and_the_record_says_so(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.parquet"
    asked = ("export", "events", "action:order.created", "--data", str(home))
    run(*asked, "--format", "parquet", "-o", str(out))
    assert parquet.read_table(out).num_rows == 50
    assert out.stat().st_mode & 0o077 == 0
    assert len(run(*asked, "--format", "cef", "-o", str(tmp_path / "y")).splitlines()) == 0
    assert len((tmp_path / "y").read_bytes().splitlines()) == 50
    reads = run("search", "attrs.what:export", "--format", "jsonl", "--data", str(home)).splitlines()
    assert json.loads(reads[0])["event"]["data"]["rows"] == 50


def test_mistakes_have_a_place(home: Path, tmp_path: Path) -> None:
    for arguments, says in (
        (("action:(", "-o", str(tmp_path / "x")), "position"),
        (("--format", "parquet"), "give a file"),
        (("-o", str(tmp_path / "no" / "x")), "cannot be written"),
    ):
        with pytest.raises(ConfigError, match=says):
            run("export", "events", *arguments, "--data", str(home))
    assert not list(tmp_path.iterdir())
