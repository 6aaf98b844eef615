"""The repository works on any machine: no registry's address, no path of the one it was made on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = {".git", ".venv", ".demo", "build", "dist", "node_modules", "__pycache__"}

# Written in two parts, so that this file does not hold them.
_REGISTRIES = re.compile(
    r"(files\.python" r"hosted|py" r"pi)\.org/|registry\.npm" r"js\.org|--find-" r"links|--index-" r"url"
)
_MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(work/(main|shared)|opt/" r"wheels|Us" r"ers/\w|home/" r"\w+/|root/" r"\.)"
)


def tracked_files() -> list[Path]:
    """What git knows, or every file if this is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    files = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in files if not _LEFT_OUT & set(path.relative_to(ROOT).parts)]


def lines_with(pattern: re.Pattern[str], *, tests_too: bool) -> list[str]:
    found = []
    for path in tracked_files():
        name = path.relative_to(ROOT)
        if not tests_too and name.parts[0] == "tests":
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        numbered = enumerate(text.splitlines(), 1)
        found += [f"{name}:{number}" for number, line in numbered if pattern.search(line)]
    return found


def test_no_file_names_a_registry() -> None:
    allowed = ("requirements/lock.sh",)  # tells uv to leave the addresses out
    assert not [line for line in lines_with(_REGISTRIES, tests_too=True) if not line.startswith(allowed)]


def test_no_file_names_a_path_of_the_machine_it_was_made_on() -> None:
    # Tests may show a path of a made-up user inside a statement.
    assert not lines_with(_MACHINE_PATHS, tests_too=False)


@pytest.mark.parametrize(
    "lock",
    ["base.lock", "server.lock", "ner.lock", "notify.lock", "dev.lock", "research.lock", "bootstrap.lock"],
)
def test_every_locked_package_is_pinned_by_version_and_hash(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    packages = [entry for entry in entries if re.match(r"[A-Za-z0-9]", entry)]
    assert packages
    assert not [
        entry.split()[0] for entry in packages if "==" not in entry.split()[0] or "sha256:" not in entry
    ]


def test_the_locks_agree_with_one_another() -> None:
    # A package may have one pin for each version of Python, told by its marker.
    pins: dict[tuple[str, str], set[str]] = {}
    for lock in ROOT.glob("requirements/*.lock"):
        found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)( ; [^\\\n]+)?", lock.read_text(), re.MULTILINE)
        for name, version, marker in found:
            pins.setdefault((name, marker.strip()), set()).add(version)
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_no_large_file_crept_in() -> None:
    large = [path.relative_to(ROOT) for path in tracked_files() if path.stat().st_size > 1_000_000]
    assert not large


def test_scripts_can_be_run() -> None:
    scripts = [ROOT / ".ci" / "run", *ROOT.glob("requirements/*.sh")]
    for script in scripts:
        assert script.stat().st_mode & 0o100
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
