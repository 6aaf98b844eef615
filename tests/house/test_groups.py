"""A test that did not run is said, and in CI it is a failure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.groups import missing_packages, system_packages
from fixtures.network import close_network
from parts import parts

ROOT = Path(__file__).resolve().parents[2]


def run(directory: Path, text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one made-up test file under the house's own rules."""
    (directory / "test_made_up.py").write_text(f"import pytest\n\n{text}\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "fixtures.groups", "-p", "no:cacheprovider", directory],
        cwd=directory,
        env=os.environ
        | {"PYTHONPATH": str(ROOT / "tests"), "CI": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SKIPS = {
    "in a test": "def test_one(): pytest.skip('no such server')",
    "by a mark": "@pytest.mark.skip(reason='no such server')\ndef test_one(): pass",
    "a whole file": "pytest.skip('no such server', allow_module_level=True)",
}


@pytest.mark.parametrize("text", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_is_said_and_fails_in_ci(tmp_path: Path, text: str) -> None:
    at_home = run(tmp_path, text)
    assert "NOT RUN: 1 tests: no such server" in at_home.stdout
    assert "failed" not in at_home.stdout
    in_ci = run(tmp_path, text, CI="true")
    assert in_ci.returncode != 0
    assert "no such server: in CI a skipped" in in_ci.stdout


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    text = "@pytest.mark.xfail(reason='known', strict=True)\ndef test_one(): assert False"
    assert run(tmp_path, text, CI="true").returncode == 0


def test_a_group_that_nobody_lists_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path, "@pytest.mark.needs('moonbase')\ndef test_one(): pass")
    assert done.returncode != 0
    assert "no group 'moonbase'" in done.stdout + done.stderr


def test_system_packages_are_listed_with_their_proof() -> None:
    packages = system_packages()
    assert packages
    assert all(package.proof.is_absolute() for package in packages)
    assert all(isinstance(missing_packages(package.group), tuple) for package in packages)


def test_a_pure_test_cannot_reach_the_network() -> None:
    with pytest.MonkeyPatch.context() as patch:
        close_network(patch)
        with socket.socket() as one, pytest.raises(AssertionError, match="used the network"):
            one.connect(("127.0.0.1", 9))
        with socket.socket() as one, pytest.raises(AssertionError, match="used the network"):
            one.bind(("127.0.0.1", 0))


def test_make_test_runs_every_file_of_tests_once() -> None:
    every = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(every) > 200
    assert {file: sum(part.has(file) for part in parts()) for file in every} == dict.fromkeys(every, 1)
    assert "tests/parts.py" in (ROOT / "Makefile").read_text()
