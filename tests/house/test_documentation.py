"""The documentation covers what there is, and nothing in it points nowhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from glasshatch.errors import GlasshatchError
from glasshatch.events import ACTIONS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "changes").glob("*.md")])


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_up_to_date() -> None:
    generator = load_generator()
    stale = [
        name
        for name, page in generator.PAGES.items()
        if not (DOCS / "reference" / name).exists()
        or (DOCS / "reference" / name).read_text() != generator.render(page)
    ]
    assert not stale, "run: make docs"


def test_every_action_is_documented() -> None:
    text = (DOCS / "reference" / "events.md").read_text()
    assert not [name for name in ACTIONS if f"`{name}`" not in text]


def test_every_error_code_is_documented_with_its_exit_code() -> None:
    text = (DOCS / "reference" / "errors.md").read_text()
    for error in GlasshatchError.__subclasses__():
        assert re.search(rf"\| `{error.code}` \| `{error.__name__}` \| .{{20,}} \| \d+ \|", text)


def test_every_key_of_the_first_configuration_is_documented() -> None:
    from glasshatch.app.template import TEMPLATE

    text = (DOCS / "reference" / "configuration.md").read_text()
    keys = set(re.findall(r"^(?:# )?([a-z_]+) = ", TEMPLATE, re.MULTILINE))
    assert {"version", "data", "password", "operator"} <= keys
    assert not [key for key in keys if f"| `{key}` |" not in text]


def test_every_command_is_documented() -> None:
    import typer

    from glasshatch.cli import command_line

    text = (DOCS / "reference" / "commands.md").read_text()
    for name, command in typer.main.get_command(command_line()).commands.items():
        if not command.hidden:
            assert f"## `glasshatch {name}" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert not [target for target in local if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_is_reached_from_the_index(page: Path) -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "README.md"]
    while waiting:
        current = waiting.pop().resolve()
        if current in reached or current.suffix != ".md" or not current.exists():
            continue
        reached.add(current)
        waiting += [
            current.parent / target for target in re.findall(r"\]\(([^)#:\s]+)\)", current.read_text())
        ]
    assert page.resolve() in reached


def test_decisions_are_numbered_without_gaps_and_complete() -> None:
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}: ")
        assert re.search(
            r"^Date: \d{4}-\d\d-\d\d · Status: (accepted|replaced by \d{4})$", text, re.MULTILINE
        )
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Question", "Decision", "Why", "Rejected", "Follows"]


def test_news_fragments_are_named_and_written() -> None:
    for fragment in (ROOT / "changes").glob("*"):
        if fragment.name != "README.md":
            assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed|security)\.md", fragment.name)
            assert 20 < len(fragment.read_text()) < 1_000


def test_every_task_of_the_makefile_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text()
    tasks = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert tasks
    listed = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^([a-z-]+) ", listed, re.MULTILINE)) == set(tasks.group(1).split())


def test_ci_runs_exactly_the_test_task() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if "make" in line and not line.startswith("#")] == [
        'exec make --no-print-directory -C "$(dirname "${BASH_SOURCE[0]}")/.." test </dev/null'
    ]


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
