"""The demo as a newcomer meets it: installed by pip, in a terminal, everything it prints pasted."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.demo import Demo, processes_of
from fixtures.documentation import read_page
from fixtures.installed import run_outside
from fixtures.playing import Play, Story
from fixtures.terminal import Account, Ended, Terminal

ROOT = Path(__file__).resolve().parents[2]
STEPS = {
    "masked", "blocked", "granted", "timeline", "alert",
    "kubernetes", "audited", "durable", "clean", "verified",
}  # fmt: skip
NOTE = "prefers the back door"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]


@pytest.fixture
def place(open_directory: Path, newcomer: Account) -> Path:
    """A folder of the newcomer's own, outside the checkout."""
    folder = open_directory / "newcomer"
    folder.mkdir()
    newcomer.own(folder)
    return folder


@pytest.fixture
def terminal(place: Path, full: Path, newcomer: Account) -> Iterator[Terminal]:
    """The second terminal. The demo prints where its command is, so it is not on the PATH yet."""
    session = Terminal(place, [], newcomer, HOME="/nonexistent")
    yield session
    session.close()


def test_the_day_is_played_alone_by_an_installed_server(full: Path, open_directory: Path) -> None:
    """`demo --check` in an environment with `glasshatch[server]` and nothing more, outside the checkout."""
    folders: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            for line in processes_of(str(full)):
                folders.update(re.findall(r"/var/tmp/glasshatch-demo-\w+", line))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = run_outside(full / "glasshatch", "demo", "--check", directory=open_directory, timeout=1_400)
    finally:
        ended.set()
        watcher.join()
    result = json.loads(done.stdout.splitlines()[-1])
    assert {name for name, value in result.items() if value is True} == STEPS, done.stderr
    assert done.returncode == 0
    (folder,) = folders
    assert not Path(folder).exists()
    assert not processes_of(folder)
    assert not processes_of(full)


def test_an_evening_with_the_demo(full: Path, place: Path, terminal: Terminal, newcomer: Account) -> None:
    """Up, tried, stopped; again, with the data of before; interrupted in the middle; forgotten."""
    command = [*newcomer.prefix, str(full / "glasshatch"), "demo", "--dir", str(place / "demo")]
    first = Demo(command, place)
    try:
        first.wait_for("Ctrl-C here stops everything", timeout_s=600)
        assert "✗" not in first.said
        event = paste_what_it_prints(first.said, terminal, place)
        play_the_start_page(first.said, terminal, place)
        assert first.press_ctrl_c(timeout_s=30) in (0, 130)
    finally:
        first.close()
    assert not processes_of(place / "demo")
    second = Demo(command, place)
    try:
        second.wait_for("masked", timeout_s=200)
        the_data_is_still_there(terminal, place, event)
        assert second.press_ctrl_c(timeout_s=30) in (0, 130)
    finally:
        second.close()
    assert not processes_of(place / "demo")
    a_server_that_does_not_start_says_why(command, place)
    reset = f"{full}/glasshatch demo --reset --dir {place}/demo"
    assert typed(terminal, reset).err.strip() == f"{place}/demo is gone"
    assert not (place / "demo").exists()


def typed(terminal: Terminal, command: str, sql: str = "") -> Ended:
    """Type a command that must succeed."""
    done = terminal.type(command, sql)
    assert done.status == 0, f"{command}\n{done.said}"
    return done


def paste_what_it_prints(said: str, terminal: Terminal, place: Path) -> str:
    """Every line that the demo offers is pasted as it stands; returns an event's id."""
    offered = [line.strip() for line in said.split("Glasshatch is up.")[1].splitlines() if line[:2] == "  "]
    statements = [line for line in offered if line.startswith(("SELECT", "DROP"))]
    commands = [line for line in offered if "glasshatch" in line and not line.startswith("http")]
    assert len(statements) == 3
    assert len(commands) >= 11, offered
    psql = typed(terminal, commands[0], "".join(f"{line}\n" for line in statements))
    assert psql.out.count("(5 rows)") == 2, psql.said
    assert psql.out.count("<EMAIL:") == 5
    assert "<CARD:" in psql.out
    assert psql.err.count("ERROR:") == 1
    for command in commands[1:]:
        paste(command, terminal)
    assert (place / "event.proof").exists()
    page = next(line for line in offered if line.startswith("http"))
    with urllib.request.urlopen(f"{page}signin", timeout=30) as answer:
        assert answer.status == 200
    done = typed(terminal, commands[0], f"UPDATE customers SET note = '{NOTE}' WHERE id = 7;\n")
    assert done.out.strip() == "UPDATE 1", done.said  # by the grant that was just approved
    return an_event(terminal)


def an_event(terminal: Terminal) -> str:
    """The id of the oldest statement on record."""
    listed = typed(terminal, "glasshatch events --action statement.run --limit 1 --format jsonl")
    return str(json.loads(listed.out)["event"]["id"])


def paste(command: str, terminal: Terminal) -> None:
    if "EVENT" in command:
        command = command.replace("EVENT", an_event(terminal))
    if "REQUEST" in command:
        listed = typed(terminal, "glasshatch requests --format jsonl")
        waiting = [one for line in listed.out.splitlines() if (one := json.loads(line))["state"] == "pending"]
        command = command.replace("REQUEST", waiting[0]["id"])
    if command.startswith("glasshatch tail"):
        tail = terminal.open(command.partition("#")[0])
        tail.wait_for("\n", timeout_s=60)
        assert tail.interrupt() in (0, 130), tail.said
    else:
        done = typed(terminal, command)
        assert command.startswith("export") or done.out or done.err, f"{command} said nothing"


def the_data_is_still_there(terminal: Terminal, place: Path, event: str) -> None:
    """What the first evening changed and recorded, seen on the second with its new port and token."""
    config = (place / "demo" / "glasshatch" / "glasshatch.toml").read_text()
    port = re.findall(r'^postgres = "127.0.0.1:(\d+)"', config, re.MULTILINE)[0]
    psql = f'psql "host=127.0.0.1 port={port} dbname=shop user=alice"'
    token = f"PGPASSWORD=$(cat {place}/demo/tokens/alice.token)"
    assert NOTE in typed(terminal, f"{token} {psql}", "SELECT note FROM customers WHERE id = 7;\n").out
    assert event in typed(terminal, f"glasshatch show {event} --format jsonl").out


def a_server_that_does_not_start_says_why(command: list[str], place: Path) -> None:
    """The reason is in the error itself, not in a log alone."""
    (place / "demo" / "glasshatch" / "keys" / "master.key").chmod(0o644)
    broken = Demo(command, place)
    try:
        assert broken.process.wait(200) == 4
    finally:
        broken.close()
    assert re.search(r"did not start: error \(config\).*master\.key", broken.said), broken.said
    assert not processes_of(place / "demo")


def play_the_start_page(said: str, terminal: Terminal, place: Path) -> None:
    """docs/start.md, beside the demo that its first command starts."""
    ports = re.search(r"port=(\d+)", said)
    assert ports
    story = Story(
        words={".demo": f"{place}/demo", "PORT": ports[1]},
        not_run={"make demo": "it runs already"},
        refused=("DROP",),
        sees=("<EMAIL:", "statement.denied"),
    )
    Play(story, terminal, place).run(read_page((ROOT / "docs" / "start.md").read_text(encoding="utf-8")))
