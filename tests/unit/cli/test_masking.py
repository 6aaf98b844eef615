"""`glasshatch masking`: lists, proves and explains; what it is given goes nowhere but to standard output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glasshatch.cli import command_line

BADGE = """format = 1
[[detector]]
name = "staff-badge"
type = "BADGE"
lead = ["badge", "ausweis nr"]
value = '''BG-[0-9]{6}'''
examples = ["badge: BG-123456"]
counter_examples = ["BG-123456"]
"""


@pytest.fixture(scope="module", autouse=True)
def _cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Many small packs would drive the large ones out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.toml"
    file.write_text(BADGE)
    return file


def run(*words: str, text: str = "", code: int = 0) -> str:
    done = CliRunner().invoke(command_line("masking"), ["masking", *words], input=text)
    assert done.exit_code == code, done.output
    return done.stdout


def test_packs_are_listed_with_their_types_and_hashes(own: Path) -> None:
    told = json.loads(run("packs", "uk", str(own), "--json"))
    assert [pack["pack"] for pack in told] == ["uk", "own"]
    assert told[1]["types"] == ["BADGE"]
    assert told[1]["detectors"][0]["where"] == f"{own}:2"
    assert all(len(pack["hash"]) == 64 for pack in told)
    assert "UK_NINO" in run("packs", "uk")


def test_a_pack_whose_examples_hold_passes(own: Path) -> None:
    told = json.loads(run("test", str(own), "--json"))
    assert (told["detectors"], told["examples"], told["failures"]) == (1, 2, [])


def test_a_pack_whose_examples_do_not_hold_fails_with_file_and_line(own: Path) -> None:
    own.write_text(BADGE.replace("badge: BG-123456", "badge: BG-12"))
    told = json.loads(run("test", str(own), "--json", code=5))
    assert {one["where"] for one in told["failures"]} == {f"{own}:2"}


def test_explain_says_what_was_found_and_what_was_refused(own: Path) -> None:
    told = json.loads(
        run("explain", "-", "--pack", str(own), "--json", text="badge BG-123456, badge BG-12\n")
    )
    assert [(one["type"], one["start"], one["end"]) for one in told["findings"]] == [("BADGE", 6, 15)]
    assert {step["verdict"] for step in told["steps"]} == {
        "found", "its expression fits nothing around the trigger",
    }  # fmt: skip
    assert told["steps"][0]["where"] == f"{own}:2"


def test_explain_sees_through_encodings_and_names_the_check() -> None:
    told = json.loads(run("explain", "-", "--pack", "us", "--json", text="ssn%3D536-22-8726 ssn 000-22-8726"))
    assert [one["value"] for one in told["findings"]] == ["536-22-8726"]
    refused = [step for step in told["steps"] if "us_ssn refuses" in step["verdict"]]
    assert refused
    assert any(step["decoding"] == ["escapes"] for step in told["steps"])


def test_explain_reads_as_a_sentence(own: Path) -> None:
    told = run("explain", "badge BG-123456", "--pack", str(own))
    assert "BADGE 6-15 BG-123456 by staff-badge" in told
    assert told.rstrip().endswith(": found")
