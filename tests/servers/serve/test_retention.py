"""Retention as a user meets it: a served directory is pruned, and everything that reads it copes."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.disk import bytes_under
from fixtures.glasshatch import RunningServer, run
from fixtures.pruning import CANARY, DAY_NS, old_event
from glasshatch.app.backup import find_moment
from glasshatch.app.config import load_config
from glasshatch.app.create import create_home
from glasshatch.app.opening import open_keyring
from glasshatch.clock import ManualClock, SystemClock
from glasshatch.errors import ConfigError, Conflict
from glasshatch.events import decode
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerOptions, LedgerReader, Published

pytestmark = pytest.mark.slow

COUNT, PADDING = 2_400, "x" * 4_000
MADE = 3
"""Entries that the making of a directory leaves."""
POLICY = '[retention]\nkeep = "400d"\nautomatic = {automatic}\nevery = "1s"\n'
SMALL = LedgerOptions(pack_bundles=1)
Held = Callable[[int], str]


def make_home(home: Path) -> None:
    """A directory made 1,200 days ago, with two events a day since, in small packs and a log as usual."""
    first_ns = time.time_ns() - COUNT // 2 * DAY_NS
    create_home(home, clock=ManualClock(first_ns))
    config = home / "glasshatch.toml"
    config.write_text(config.read_text() + "\n" + POLICY.format(automatic="false"))
    with Ledger.open(home / "ledgers" / "default", keyring_of(home), SystemClock(), SMALL) as ledger:
        assert ledger.size == MADE
        fill(ledger, first_ns)


def fill(ledger: Ledger, first_ns: int) -> None:
    for number in range(COUNT):
        extra: dict[str, Any] = {"session_id": f"session-{number}", "labels": {"pad": PADDING}}
        if number == 700:
            extra["labels"] = {"subject": "<EMAIL:held0subject>", "pad": PADDING}
        ledger.submit(old_event(number, first_ns + number * DAY_NS // 2, **extra))
    ledger.checkpoint(fresh=True)


def keyring_of(home: Path) -> Keyring:
    return open_keyring(load_config(home / "glasshatch.toml"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("retention")
    make_home(folder / "home")
    issued = run(
        "tokens", "issue", "admin", "--for", "8h", "--out", str(folder / "admin.token"),
        "--data", str(folder / "home"),
    )  # fmt: skip
    assert issued.returncode == 0, issued.stderr
    server = RunningServer(folder, POLICY.format(automatic="false"))
    server.start()
    server.invite("carol", "auditor")
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


def until(met: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def get(server: RunningServer, path: str) -> int:
    token = (server.home.parent / "carol.token").read_text().strip()
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def count(server: RunningServer) -> int:
    done = server.command("search", "action:record.read session_id:*", "--count", person="carol")
    if done.returncode == 4:
        return -1  # it has not met its ledger yet
    assert done.returncode == 0, done.stderr + server.log.read_text()
    return int(done.stdout)


def prune(server: RunningServer, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = server.jsonl("prune", "--reason", "over nine hundred days", *arguments)[0]
    return found


def pin_two(server: RunningServer) -> list[str]:
    """An incident with an event that will be pruned, and one that stays; their ids."""
    server.jsonl("incidents", "create", "An old one", person="carol")
    found = []
    for index, why in (("5", "the one that goes"), (str(COUNT), "the one that stays")):
        done = server.command("incidents", "pin", "1", index, "--why", why, person="carol")
        assert done.returncode == 0, done.stderr
        (shown,) = server.jsonl("incidents", "show", "1", person="carol")
        found.append(shown["pins"][-1]["event"])
    return found


def export_incident(server: RunningServer, out: Path) -> Path:
    done = server.command("incidents", "export", "1", "--out", str(out), person="carol")
    assert done.returncode == 0, done.stderr
    return out


def proven(file: Path, key: str, pins: int) -> dict[str, Any]:
    """What a post-mortem says of itself, offline and with the key from before."""
    done = run("verify", str(file), "--key", key, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert sum(map(len, told["bundles"].values())) == pins
    return told


def test_pruned_while_it_serves(server: RunningServer, tmp_path: Path) -> None:
    until(lambda: count(server) == COUNT, "not all is indexed")
    key = (server.home / "ledgers/default/key.vkey").read_text().strip()
    place = server.home.parent / "backups"
    server.jsonl("backup", str(place))

    pinned = pin_two(server)
    early = export_incident(server, tmp_path / "early.zip")
    proven(early, key, 2)

    planned = prune(server, "--dry-run")
    assert planned["packs"] >= 4
    assert (planned["entry"], planned["minimum"]) == (-1, planned["entries"])
    assert 0 < int(planned["until"]) < time.time_ns() - 400 * DAY_NS
    done = prune(server, "--before", "900d")
    minimum = done["minimum"]
    assert 0 < minimum < planned["minimum"]
    assert done["stopped"] == "what comes next is not old enough"
    assert prune(server, "--before", "900d")["packs"] == 0

    # What is gone is gone everywhere, what is kept is where it was; everything still verifies.
    kept = COUNT - (minimum - MADE)
    until(lambda: count(server) == kept, f"{count(server)} are indexed, not {kept}")
    live = json.loads(run("verify", str(server.home), "--key", key, "--json").stdout)["ledgers"][0]
    assert (live["live"], live["problems"]) == (True, [])
    assert (live["pruned"], live["pruned_by"]) == (minimum, done["entry"])
    gone = server.command("prove", "5", person="carol")
    assert (gone.returncode, f"entry 5 was pruned: entries before {minimum}" in gone.stderr) == (2, True)
    assert "was pruned" in server.command("show", "5", person="carol").stderr
    assert server.command("prove", str(minimum), person="carol").returncode == 0
    assert len(server.jsonl("events", "--limit", "100000", person="carol")) < COUNT
    # What was taken out before proves what is gone; what is taken out now says so, and proves the rest.
    proven(early, key, 2)
    late = proven(export_incident(server, tmp_path / "late.zip"), key, 1)
    assert [one["event"] for one in late["facts"]["gone"]] == pinned[:1]
    assert [one["event"] for one in late["facts"]["pins"]] == pinned[1:]
    with zipfile.ZipFile(tmp_path / "late.zip") as file:
        for name in ("post-mortem.html", "post-mortem.md"):
            assert b"the one that goes" in file.read(name)
            assert b"pruned by retention" in file.read(name)
    tile = minimum // 256
    assert get(server, f"/tlog/default/tile/entries/{tile - 1:03d}") == 410
    assert get(server, f"/tlog/default/tile/entries/{tile:03d}") == 200
    assert get(server, f"/tlog/default/tile/0/{tile - 1:03d}") == 200
    token = ("--token-file", str(server.home.parent / "carol.token"))
    served = run("verify", f"{server.url}/tlog/default", "--key", key, "--json", *token)
    assert served.returncode == 0, served.stdout + served.stderr
    assert json.loads(served.stdout)["entries_withheld"] == minimum
    (event,) = server.jsonl("search", "action:ledger.pruned", person="carol")
    assert event["index"] == done["entry"]
    assert event["event"]["actor"]["name"] == "admin"
    assert event["event"]["outcome"]["reason"] == "over nine hundred days"

    # The next backup takes it out of the one before; both can be restored, the older one only if told.
    old = find_moment(place)
    (made,) = server.jsonl("backup", str(place))
    assert (made["pruned"], made.get("dropped", 0)) == (1, 0)
    packs = [path for path in place.rglob("*.pack") if int(path.stem) < live["pruned"] // 256]
    assert packs == []
    master = f"file:{server.home / 'keys' / 'master.key'}"
    done_newest = run("restore", str(place), str(tmp_path / "newest"), "--master-key", master)
    assert done_newest.returncode == 0, done_newest.stderr
    accept = ("--accept-older", "--reason", "trying it", "--master-key", master)
    done_older = run("restore", str(old), str(tmp_path / "older"), *accept)
    assert done_older.returncode == 0, done_older.stderr
    for name in ("newest", "older"):
        report = json.loads(run("verify", str(tmp_path / name), "--key", key, "--json").stdout)
        assert (report["ok"], report["ledgers"][0]["pruned"]) == (True, minimum), report["problems"]
        with LedgerReader(tmp_path / name / "ledgers/default", keyring_of(server.home)) as reader:
            assert next(reader.scan())[0] == minimum


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (
            ("--before", "10d", "--reason", "too early"),
            2,
            "lies within the 400d that the retention policy keeps",
        ),
        (("--keep", "10d", "--reason", "too early"), 2, "lies within the 400d"),
        (("--keep", "500d", "--before", "500d", "--reason", "both"), 2, "give one of them"),
        ((), 2, "--reason: is needed"),
    ],
)
def test_what_the_policy_keeps_is_kept(
    server: RunningServer, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = server.command("prune", *arguments)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_only_administrators_prune(server: RunningServer) -> None:
    done = server.command("prune", "--reason", "not mine to say", person="carol")
    assert (done.returncode, "takes the role admin" in done.stderr) == (3, True), done.stderr


def test_the_server_prunes_by_itself_and_an_index_made_anew_begins_at_the_minimum(
    server: RunningServer,
) -> None:
    directory = server.home / "ledgers" / "default"
    before = Published(directory).minimum()
    assert server.stop() == 0
    server.config.write_text(server.config.read_text().replace("automatic = false", "automatic = true"))
    server.log.write_text("")
    server.start()
    until(lambda: Published(directory).minimum() > before, "nothing is pruned")
    until(lambda: not (directory / "pruning").exists(), "the pruning does not end")
    minimum = Published(directory).minimum()
    kept = COUNT - (minimum - MADE)
    assert 0 < kept < COUNT
    until(lambda: count(server) == kept, "the index still has what was pruned")
    assert server.command("index", "rebuild").returncode == 0
    until(lambda: count(server) == kept, "the index was not made anew from the minimum on")
    events = server.jsonl("search", "action:ledger.pruned", person="carol")
    assert "retention policy" in {line["event"]["outcome"]["reason"] for line in events}
    assert server.stop() == 0
    assert no_canary_below(server.home, minimum) > 0


def no_canary_below(home: Path, minimum: int) -> int:
    """Look for the text of every pruned event wherever entries lie; returns how many kept ones were found."""
    gone = [CANARY.format(number=number).encode() for number in range(minimum - MADE)]
    kept = CANARY.format(number=COUNT - 1).encode()
    found = 0
    with LedgerReader(home / "ledgers/default", keyring_of(home)) as reader:
        text = b"".join(entry for _, entry in reader.scan())
    texts = [text, *(data for _, data in bytes_under(home))]
    for text in texts:
        found += kept in text
        assert not any(canary in text for canary in gone)
    return found


def test_a_legal_hold_keeps_everything_from_its_pack_on(tmp_path: Path) -> None:
    from glasshatch.app.house import House
    from glasshatch.app.retention import Retention

    home = tmp_path / "home"
    make_home(home)
    config = home / "glasshatch.toml"
    with contextlib.closing(House(load_config(config), SystemClock(), brief=True)) as house:
        control, retention = house.control, Retention(house)
        free = retention.prune(dry_run=True)
        hold = control.holds.place(
            ["<EMAIL:held0subject>"], reason="court case", by="carol", now_ns=time.time_ns()
        )
        held = retention.prune(dry_run=True)
        assert held.stopped == "a legal hold keeps what comes next"
        assert held.entries <= 700 + MADE < held.entries + 256 < free.entries
        done = retention.prune(reason="as far as the hold lets")
        assert (done.minimum, house.ledger.minimum) == (held.minimum, held.minimum)
        assert retention.prune(reason="again").packs == 0
        control.holds.release(hold.id, "carol", time.time_ns())

        # A hold that is placed while it is looked stops it before anything is recorded.
        record = house.ledger.prune

        def placed_meanwhile(minimum: int, record_it: Any) -> Any:
            control.holds.place(["<EMAIL:other>"], reason="late", by="carol", now_ns=time.time_ns())
            return record(minimum, record_it)

        house.ledger.prune = placed_meanwhile  # type: ignore[method-assign]
        size = house.ledger.size
        with pytest.raises(Conflict, match="a legal hold was placed meanwhile"):
            retention.prune(reason="interrupted")
        assert (house.ledger.size, house.ledger.minimum) == (size, held.minimum)
        with pytest.raises(ConfigError, match="lies within"):
            retention.prune(before=str(time.time_ns()))
    assert run("verify", str(home)).returncode == 0


def test_each_ledger_is_pruned_by_itself_and_records_it_itself(tmp_path: Path) -> None:
    from glasshatch.app.house import House
    from glasshatch.app.retention import Retention

    home, first_ns = tmp_path / "home", time.time_ns() - COUNT // 2 * DAY_NS
    create_home(home, clock=ManualClock(first_ns))
    config = home / "glasshatch.toml"
    config.write_text(config.read_text() + "\n" + POLICY.format(automatic="false"))
    with contextlib.closing(House(load_config(config), ManualClock(first_ns), brief=True)) as house:
        house.create_ledger("shop")
    with Ledger.open(home / "ledgers/shop", keyring_of(home).ledger("shop"), SystemClock(), SMALL) as shop:
        fill(shop, first_ns)
    with contextlib.closing(House(load_config(config), SystemClock(), brief=True)) as house:
        size, ledger = house.ledger.size, house.ledgers.get("shop")
        done = Retention(house).prune("shop", reason="of the shop's own")
        assert (done.minimum, ledger.minimum, house.ledger.minimum) == (done.entries, done.entries, 0)
        assert done.minimum > 256
        assert (house.ledger.size, done.entry) == (size, ledger.size - 1)
        assert decode(ledger.read(done.entry)).resource.id == "ledger/shop"  # type: ignore[union-attr]
    assert run("verify", str(home)).returncode == 0
    copy, master = tmp_path / "copy", f"file:{home / 'keys' / 'master.key'}"
    made = run("backup", str(tmp_path / "backup"), "--data", str(home))
    assert made.returncode == 0, made.stderr
    back = run("restore", str(tmp_path / "backup"), str(copy), "--master-key", master)
    assert back.returncode == 0, back.stderr
    assert Published(copy / "ledgers/shop").minimum() == done.minimum


def test_without_a_policy_nothing_is_pruned(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert run("init", str(home), "--token-out", str(tmp_path / "token")).returncode == 0
    done = run("prune", "--reason", "just so", "--data", str(home))
    assert (done.returncode, "without a retention policy nothing is pruned" in done.stderr) == (2, True)
    assert "retention.keep" in done.stderr
