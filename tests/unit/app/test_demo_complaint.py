"""When the demo's server does not start, the error says why: the log may be deleted a moment later."""

from __future__ import annotations

from pathlib import Path

from glasshatch.app.demo.complaint import last_complaint

EARLIER = "error (conflict) an earlier start found its port taken\n  hint: choose another port\n"


def log_with(tmp_path: Path, text: str) -> Path:
    log = tmp_path / "server.log"
    log.write_text(EARLIER + text)
    return log


def test_the_last_error_and_its_hint_are_told(tmp_path: Path) -> None:
    log = log_with(
        tmp_path,
        "a notice\nerror (config) keys/master.key may be read by others\n  hint: chmod 600\n"
        "the front cannot go on; stopping\n",
    )
    assert last_complaint(log, len(EARLIER)) == (
        "error (config) keys/master.key may be read by others · hint: chmod 600"
    )


def test_an_error_without_a_hint_is_told_alone(tmp_path: Path) -> None:
    log = log_with(tmp_path, "error (error) a bug in glasshatch\nthe back ended by exit 70\n")
    assert last_complaint(log, len(EARLIER)) == "error (error) a bug in glasshatch"


def test_without_an_error_the_last_line_is_told(tmp_path: Path) -> None:
    assert last_complaint(log_with(tmp_path, "one\nthe front ended by signal 9\n\n"), len(EARLIER)) == (
        "the front ended by signal 9"
    )


def test_what_an_earlier_start_said_is_not_told(tmp_path: Path) -> None:
    assert last_complaint(log_with(tmp_path, ""), len(EARLIER)) == ""
