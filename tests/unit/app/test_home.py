"""A data directory is made whole or not at all, and has one owner at a time."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glasshatch.app.home import Home
from glasshatch.errors import ConfigError, Conflict


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


def test_a_new_home_is_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.check()
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(Conflict, match="not empty"):
        Home(tmp_path).create()
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("text", "says"), [("glasshatch data 2\n", "newer"), ("", "layout"), ("mysql data 1", "layout")]
)
def test_a_foreign_or_newer_layout_is_refused(tmp_path: Path, text: str, says: str) -> None:
    home = Home(tmp_path / "home")
    home.create()
    home.format_file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        home.check()


def test_no_data_directory_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="glasshatch init"):
        Home(tmp_path).check()


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    lock = home.lock()
    program = (
        "import sys; from pathlib import Path; from glasshatch.app.home import Home\n"
        "Home(Path(sys.argv[1])).lock()"
    )
    command = [sys.executable, "-c", program, str(home.directory)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode != 0
    assert "already open in process" in second.stderr
    lock.release()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


HOLDER = (
    "import sys, time; from pathlib import Path; from glasshatch.app.home import Home;"
    "Home(Path(sys.argv[1])).lock(brief=sys.argv[2] == 'brief'); print('held', flush=True); time.sleep({})"
)


def holding(home: Home, how: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER.format(seconds), str(home.directory), how]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_command_that_holds_the_directory_is_waited_for(home: Home) -> None:
    holder = holding(home, "brief", 0.4)
    home.lock().release()
    assert holder.wait(60) == 0


def test_a_server_whose_supervisor_is_gone_is_waited_for(home: Home) -> None:
    supervisor = (
        "import subprocess, sys; part = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True);"
        "part.stdout.readline()"
    )
    part = [sys.executable, "-c", HOLDER.format(1.5), str(home.directory), "server"]
    subprocess.run([sys.executable, "-c", supervisor, *part], check=True)
    home.lock().release()


def test_a_server_is_not_waited_for(home: Home) -> None:
    holder = holding(home, "server", 20)
    begun_s = time.monotonic()
    with pytest.raises(Conflict, match=f"process {holder.pid}"):
        home.lock()
    assert time.monotonic() - begun_s < 5
    holder.kill()
    holder.wait()
