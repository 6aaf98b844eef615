"""The table of commands, and what a command may import."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from glasshatch.app.serve import run_part
from glasshatch.cli import COMMANDS, command_line
from glasshatch.errors import ConfigError

CLI = Path(sys.modules["glasshatch.cli"].__file__ or "").parent


def loaded_by(script: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def names(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", COMMANDS)
def test_the_table_says_what_a_module_registers(module: str) -> None:
    assert names(command_line(COMMANDS[module][0])) == set(COMMANDS[module])


def test_every_module_with_commands_is_in_the_table() -> None:
    found = {file.stem for file in CLI.glob("*.py") if "def register(" in file.read_text()}
    assert found == set(COMMANDS)
    assert all(hasattr(import_module(f"glasshatch.cli.{name}"), "register") for name in COMMANDS)


@pytest.mark.parametrize("word", ["", "--help", "no-such-command"])
def test_what_names_no_command_sees_all_of_them(word: str) -> None:
    assert names(command_line(word)) == {name for words in COMMANDS.values() for name in words}


def test_a_command_imports_only_its_own_module() -> None:
    script = "import sys; from glasshatch.cli import command_line; command_line('keys'); print(*sys.modules)"
    loaded = {name.split(".")[2] for name in loaded_by(script) if name.startswith("glasshatch.cli.")}
    assert "keys" in loaded
    assert not loaded & (set(COMMANDS) - {"keys"})


def test_a_process_of_a_server_loads_only_what_it_runs() -> None:
    """Neither what reads commands nor, in the back, what keeps the truth; a start would take longer."""
    script = (
        "import sys; from glasshatch.cli import main; import glasshatch.app.serve.back; print(*sys.modules)"
    )
    loaded = loaded_by(script)
    assert "glasshatch.app.serve.back" in loaded
    assert not loaded & {"typer", "rich", "sqlalchemy", "joserfc", "glasshatch.app.house"}


@pytest.mark.parametrize(
    "options",
    [
        ["--part", "front"],
        ["--config", "a", "--part", "roof"],
        ["--config", "a", "--part"],
        ["--config", "a", "--part", "worker", "--number", "one"],
    ],
)
def test_options_that_are_not_the_supervisors_are_refused(options: list[str]) -> None:
    with pytest.raises(ConfigError, match="own use"):
        run_part(options)
