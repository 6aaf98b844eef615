"""`glasshatch redact` as a program in a pipeline: it shows at once, tells what it cannot read, ends well."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from fixtures.glasshatch import COMMAND

MAIL = "alice@example.com"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of somebody without a data directory; the compiled detectors are kept between tests."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLASSHATCH", "XDG"))}
    return {**kept, "HOME": str(home)}


def redact(settings: dict[str, str], given: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "redact", *options],
        input=given,
        env=settings,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_it_filters_and_keeps_its_detectors_privately(settings: dict[str, str]) -> None:
    done = redact(settings, f"to {MAIL}\nno line feed at the end".encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"to <EMAIL:")
    assert done.stdout.endswith(b">\nno line feed at the end")
    cache = Path(settings["HOME"]) / ".cache" / "glasshatch" / "detectors"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {file.suffix for file in cache.iterdir()} == {".hs", ".packs"}


def test_tokens_compare_under_one_key_only(settings: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef0123456789abcdef\n")
    same = [redact(settings, MAIL.encode(), "--key", f"file:{key}").stdout for _ in range(2)]
    assert same[0] == same[1]
    other = redact(settings, MAIL.encode(), "--key", f"file:{key}", "--tenant", "other").stdout
    assert len({same[0], other, redact(settings, MAIL.encode()).stdout}) == 3


def test_a_bad_json_line_is_named_and_ends_with_an_error(settings: dict[str, str]) -> None:
    given = f'{{"text":"a"}}\n{MAIL}\n{{"text":"{MAIL}"}}\n'.encode()
    done = redact(settings, given, "--json")
    shown = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert shown[:2] == ["a", "[UNSCANNED]"]
    assert shown[2].startswith("<EMAIL:")
    assert done.returncode == 7
    assert b"line 1" in done.stderr
    assert b"alice" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "options", [("--packs", "core,nonsense"), ("--key", "plain"), ("--policy", "/missing")]
)
def test_a_wrong_option_is_refused_before_anything_is_read(
    settings: dict[str, str], options: tuple[str, str]
) -> None:
    done = redact(settings, MAIL.encode(), *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"hint" in done.stderr or b"cannot be read" in done.stderr


def test_a_line_is_shown_before_the_next_one_is_written(settings: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "redact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=settings
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for number in range(3):
            running.stdin.write(f"{number} {MAIL}\n".encode())
            running.stdin.flush()
            assert running.stdout.readline().startswith(f"{number} <EMAIL:".encode())
        running.stdin.close()
        assert running.wait(120) == 0


def test_a_reader_that_leaves_ends_it_quietly(settings: dict[str, str]) -> None:
    given = f"to {MAIL}\n".encode() * 200_000
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; exit ${PIPESTATUS[0]}', "-", *COMMAND, "redact"],
        input=given, env=settings, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(b"to <EMAIL:")
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_long_file_has_a_progress_bar_on_a_terminal_only(settings: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "long.log"
    file.write_bytes(b"nothing personal in this line, and it is rather long for what it says\n" * 100_000)
    ours, theirs = pty.openpty()
    with file.open("rb") as given:
        done = subprocess.run(
            [*COMMAND, "redact"], stdin=given, stdout=subprocess.DEVNULL, stderr=theirs,
            env={**settings, "NO_COLOR": "1", "TERM": "xterm"}, check=False, timeout=60,
        )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 1 << 16)
    os.close(ours)
    assert done.returncode == 0
    assert b"redacting" in said
    assert b"\x1b[3" not in said
