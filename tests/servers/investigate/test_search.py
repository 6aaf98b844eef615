"""Searching from the command line, against a running server and on a directory that none holds."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from fixtures.glasshatch import COMMAND, RunningServer, run
from glasshatch.api.client import Client
from glasshatch.api.search_values import SaveForm
from glasshatch.api.values import SearchForm, StatsForm
from glasshatch.app.create import create_home
from glasshatch.cli.investigating import _suggested
from glasshatch.errors import ConfigError, PeerError, Unavailable

ASSET = Path(__file__).parents[2] / "assets" / "kubernetes-audit.jsonl.gz"
FED = 195
GETS = '-action:record.read source.kind:kubernetes AND verb:"get"'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path_factory.mktemp("search"))
    fed = run("ingest", "kubernetes", str(ASSET), "--data", str(server.home))
    assert fed.returncode == 0, fed.stderr
    server.start()
    server.invite("auditor", "auditor")
    server.invite("bob", "engineer")
    yield server
    server.stop()


def reads(server: RunningServer, what: str) -> list[dict[str, object]]:
    """The recorded reads of a kind."""
    found = server.jsonl(
        "search", f"action:record.read attrs.what:{what}", "--limit", "1000", person="auditor"
    )
    return [line["event"] for line in found]


def test_count_is_a_bare_number_and_lines_are_json(server: RunningServer) -> None:
    counted = server.command("search", "source.kind:kubernetes", "--count", person="auditor")
    assert (counted.stdout, counted.stderr, counted.returncode) == (f"{FED}\n", "", 0)
    found = server.jsonl("search", GETS, "--limit", "1000", person="auditor")
    assert {line["event"]["native"]["verb"] for line in found} == {"get"}
    assert [line["index"] for line in found] == sorted({line["index"] for line in found})
    assert server.command("search", GETS, "--count", person="auditor").stdout == f"{len(found)}\n"


def test_a_query_may_begin_with_a_minus(server: RunningServer) -> None:
    counted = server.command("search", "-verb:get", "source:kubernetes", "--count", person="auditor")
    assert counted.returncode == 2, "two arguments are a mistake of the caller"
    counted = server.command("search", "-verb:get source:kubernetes", "--count", person="auditor")
    both = server.command("search", "source:kubernetes NOT verb:get", "--count", person="auditor")
    assert (counted.stdout, counted.returncode) == (both.stdout, 0)
    wrong = server.command("search", "-actr:x", person="auditor")
    assert "position 2\n" in wrong.stderr
    assert "  -actr:x\n   ^\n" in wrong.stderr
    assert server.command("stats", "-verb:get", "--by", "verb", person="auditor").returncode == 0


def test_who_is_shown_less_without_a_reason_is_told_so(server: RunningServer) -> None:
    told = "say why you read (--reason"
    for command in (("search", "source:kubernetes", "--count"), ("events", "--limit", "1"), ("sessions",)):
        assert server.command(*command).stderr.count(told) == 1, command
    counted = server.command("search", "source:kubernetes", "--count", "--reason", "ticket 17")
    assert (counted.stdout, counted.stderr) == (f"{FED}\n", "")
    token = (server.home.parent / "admin.token").read_text().strip()
    for reason in ("", "ticket 17"):
        client = Client(server.url, token, reason=reason)
        notices = [
            client.search(SearchForm(query="| stats count")).notice, client.stats(StatsForm()).notice,
            client.timeline("actor:admin", 5).notice,
        ]  # fmt: skip
        client.close()
        assert [told in one for one in notices] == [not reason] * 3


def test_a_url_and_the_socket_and_a_stopped_directory_say_the_same(server: RunningServer) -> None:
    token = str(server.home.parent / "auditor.token")
    for url in (server.url, f"unix:{server.home}/run/glasshatch.sock"):
        done = run("search", "verb:watch", "--count", "--server", url, "--token-file", token)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == server.command("search", "verb:watch", "--count", person="auditor").stdout


def test_output_goes_through_pipes(server: RunningServer) -> None:
    search = f"{' '.join(COMMAND)} search source:kubernetes --format jsonl --limit 500"
    pipe = f"{search} | jq -r .event.native.verb | sort -u"
    token = str(server.home.parent / "auditor.token")
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {pipe}"], capture_output=True, text=True, check=False, timeout=120,
        env={"PATH": "/usr/bin:/bin", "GLASSHATCH_DATA": str(server.home), "GLASSHATCH_TOKEN_FILE": token},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"get", "list", "watch"} <= set(done.stdout.split())


@pytest.mark.parametrize(
    ("query", "position", "wanted"),
    [
        ("verb:get AND", 13, "a field"),
        ("(verb:get", 10, ")"),
        ("source:kubernetes actor.nme:x", 19, "actor.name"),
        ("source:kubernetes order_id:7", 19, "attrs.order_id"),
        ("time>=yesterday", 7, "now-1h"),
        ("data.rows:many", 11, ">100"),
        ('actor:"alice', 7, 'write " at its end'),
        ("a and b", 3, "quotes"),
    ],
)
def test_a_mistake_names_its_place_and_what_may_stand_there(
    server: RunningServer, query: str, position: int, wanted: str
) -> None:
    done = server.command("search", query, "--count", person="auditor")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"position {position}\n" in done.stderr
    assert wanted in done.stderr


def test_every_read_says_who_what_and_how_many(server: RunningServer) -> None:
    private = "carol.jones@example.com"
    query = f"source:kubernetes verb:create -{private}"
    shown = server.jsonl("search", query, "--limit", "7", person="auditor")
    matches = int(server.command("search", query, "--count", person="auditor").stdout)
    stats = server.jsonl("stats", "source:kubernetes", "--by", "verb", person="auditor")
    history = server.jsonl("timeline", "actor:alice@example.com", person="auditor")
    assert len(shown) == 7 < matches
    read = [event for event in reads(server, "search") if "verbs:create" in json.dumps(event)]
    assert [event["data"].get("rows", 0) for event in read] == [7, 0]  # type: ignore[attr-defined]
    for event in read:
        assert event["actor"]["name"] == "auditor"  # type: ignore[index]
        assert event["attrs"]["matches"] == matches  # type: ignore[index]
        assert "<EMAIL:" in event["attrs"]["filter"]["query"]  # type: ignore[index]
    assert reads(server, "stats")[-1]["data"]["rows"] == FED == sum(row["count"] for row in stats)  # type: ignore[index]
    assert reads(server, "timeline")[-1]["data"]["rows"] == len(history) > 0  # type: ignore[index]
    assert "carol" not in json.dumps(server.jsonl("events", "--limit", "10000", person="auditor"))


def test_who_may_not_see_an_event_neither_finds_nor_counts_it(server: RunningServer) -> None:
    assert server.command("search", "source:kubernetes OR *", "--count", person="bob").returncode == 0
    seen = server.jsonl("search", "source:kubernetes OR actor:auditor OR *", person="bob")
    assert {line["event"]["actor"]["name"] for line in seen} <= {"bob"}
    counted = server.jsonl("stats", "NOT actor:bob", person="bob")
    assert counted == []
    assert server.jsonl("timeline", "actor:alice@example.com", person="bob") == []


def test_a_rebuilt_index_answers_the_same(server: RunningServer) -> None:
    asked = [GETS, "source:kubernetes", "forbidden source:kubernetes", "outcome.code:404"]
    before = [server.command("search", one, "--count", person="auditor").stdout for one in asked]
    done = server.command("index", "rebuild")
    assert done.returncode == 0, done.stderr
    assert [server.command("search", one, "--count", person="auditor").stdout for one in asked] == before
    assert server.command("index", "rebuild", person="bob").returncode != 0


def test_a_tail_misses_nothing_between_what_was_and_what_comes(server: RunningServer) -> None:
    token = str(server.home.parent / "auditor.token")
    tail = subprocess.Popen(
        [*COMMAND, "tail", "action:record.read actor:bob", "--format", "jsonl", "-n", "1"],
        env=os.environ | {"GLASSHATCH_DATA": str(server.home), "GLASSHATCH_TOKEN_FILE": token},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tail.stdout is not None
    client = Client(server.url, (server.home.parent / "bob.token").read_text().strip())
    try:
        for number in range(12):
            client.search(SearchForm(query=f"marker{number}"))
        lines, last = [tail.stdout.readline()], 11
        if "marker11" in lines[0]:
            # The tail began after all of them; what comes now must come.
            last = 12
            client.search(SearchForm(query="marker12"))
        while f"marker{last}" not in lines[-1]:
            lines.append(tail.stdout.readline())
            assert lines[-1], "the tail ended"
        # The part that serves tails is killed; what is recorded before the tail is back is made up for.
        server.kill_part("back")
        for number in range(last + 1, last + 6):
            patiently(lambda number=number: client.search(SearchForm(query=f"marker{number}")))
        last += 5
        while f"marker{last}" not in lines[-1]:
            lines.append(tail.stdout.readline())
            assert lines[-1], "the tail ended"
    finally:
        tail.kill()
        tail.wait()
        client.close()
    shown = [json.loads(line)["index"] for line in lines]
    assert len(set(shown)) == len(shown)
    first = int(json.loads(lines[1])["event"]["attrs"]["filter"]["query"].removeprefix("marker"))
    assert len(lines) - 1 >= last + 1 - first


def patiently(ask: Callable[[], object]) -> None:
    """Ask until the server is back; what was refused was recorded all the same, or not at all."""
    deadline_s = time.monotonic() + 60
    while True:
        try:
            ask()
            return
        except (Unavailable, PeerError):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)


def test_a_search_is_kept_shared_and_run_with_ones_own_rights(server: RunningServer, tmp_path: Path) -> None:
    people = {
        name: Client(server.url, (server.home.parent / f"{name}.token").read_text().strip())
        for name in ("auditor", "bob", "admin")
    }
    auditor, bob = people["auditor"], people["bob"]
    auditor.save_search(SaveForm(name="gets", query=GETS, note="what was read", shared=True))
    bob.save_search(SaveForm(name="gets", query="verb:list"))
    personal = "actor:alice@example.com (bob@example.org OR actor:bob@example.org) | stats count as n by verb"
    auditor.save_search(SaveForm(name="own", query=personal))
    with pytest.raises(ConfigError, match="at position 18"):
        auditor.save_search(SaveForm(name="wrong", query="verb:get | stats cuont"))
    listed = {(one.owner, one.name): one for one in auditor.list_searches()}
    assert set(listed) == {("auditor", "gets"), ("auditor", "own")}, "of bob's nothing is shared"
    assert listed[("auditor", "gets")].query == GETS, "what holds nothing personal stays as it was typed"
    own = listed[("auditor", "own")].query
    assert ("alice@example.com" in own, "bob@example.org" in own) == (True, False)
    assert b"bob@example.org" not in b"".join(file.read_bytes() for file in server.home.glob("control/*"))
    assert auditor.search(SearchForm(query=own)).table is not None
    out = tmp_path / "gets.zip"
    assert server.command("searches", "run", "gets", "--proofs", str(out), person="auditor").returncode == 0
    with zipfile.ZipFile(out) as bundle:
        assert any(name.endswith(".json") for name in bundle.namelist())
    theirs = server.command("searches", "run", "auditor/gets", "--count", person="bob")
    assert (theirs.stdout, theirs.returncode) == ("0\n", 0), "bob sees none of it"
    shared = listed[("auditor", "gets")].id
    with pytest.raises(ConfigError, match="no such search"):
        bob.delete_search(shared)
    people["admin"].delete_search(shared)
    found = auditor.search(SearchForm(query="action:search.*", oldest_first=True)).events
    events = [msgspec.json.decode(one.event) for one in found]
    kept = [(one["action"], one["attrs"]["name"]) for one in events]
    assert kept == [("search.saved", name) for name in ("gets", "gets", "own")] + [("search.deleted", "gets")]
    assert not any("example" in str(one["attrs"]) for one in events)
    for one in people.values():
        one.close()


def test_a_shell_is_given_suggestions_of_a_running_server_only(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GLASSHATCH_SERVER", raising=False)
    monkeypatch.setenv("GLASSHATCH_DATA", str(server.home))
    monkeypatch.setenv("GLASSHATCH_TOKEN_FILE", str(server.home.parent / "auditor.token"))
    assert "source:kubernetes verb:delete" in _suggested("source:kubernetes verb:de")
    assert _suggested("a | sta") == ["a | stats"]
    monkeypatch.setenv("GLASSHATCH_TOKEN_FILE", str(tmp_path / "none"))
    assert _suggested("verb:de") == []
    create_home(tmp_path / "stopped")
    monkeypatch.setenv("GLASSHATCH_DATA", str(tmp_path / "stopped"))
    assert _suggested("actor:") == []


MONSTERS = [
    "*" + "a*" * 22,
    "native.requestURI:*" + "a*" * 22,
    " OR ".join(f"*{letter}*{letter}*{letter}*" for letter in "abcdefghijklmnopqrstuvwxyz"[:24]),
    " ".join(f"-native.member{number}:*x*y*z*" for number in range(20)),
    "(" * 29 + "*a*b*" + ")" * 29,
    "statement.text:" + "?" * 23 + "a",
    "client.user_agent:" + "?a*" * 11 + "z",
    " OR ".join(f"native.requestURI:{letter}*" for letter in "abcdefgh" * 10),
]


def test_monstrous_questions_neither_stop_nor_hold_up_the_back(server: RunningServer) -> None:
    back = server.part("back")
    token = (server.home.parent / "auditor.token").read_text().strip()
    unexpected: list[BaseException] = []

    def ask(query: str) -> None:
        client = Client(server.url, token)
        try:
            client.search(SearchForm(query=query, limit=100_000))
            client.stats(StatsForm(query=query, by=("id", "time", "native.requestURI"), limit=10_000))
        except (ConfigError, Unavailable):
            pass
        except BaseException as error:
            unexpected.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=ask, args=(query,)) for query in MONSTERS * 4]
    for thread in threads:
        thread.start()
    begun_s = time.monotonic()
    assert server.command("search", "source:kubernetes", "--count", person="auditor").stdout == f"{FED}\n"
    assert time.monotonic() - begun_s < 90  # the machine of the tests may be very busy
    for thread in threads:
        thread.join(180)
    assert not any(thread.is_alive() for thread in threads)
    assert unexpected == []
    assert server.part("back") == back


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("x" * 9_000, "8192 characters"),
        ("(" * 40 + "a" + ")" * 40, "nest at most"),
        (" ".join(["a"] * 300), "at most 200 parts"),
        ("-" * 300 + "a", "at most 200 parts"),
        ("NOT " * 300 + "a", "negations"),
        ("*a" * 30, "position 1"),
        (" ".join(["a*b*c"] * 60), "at most 100 of"),
    ],
)
def test_what_is_beyond_all_measure_is_refused(server: RunningServer, query: str, said: str) -> None:
    done = server.command("search", "--count", "--", query, person="auditor")
    assert done.returncode == 2
    assert said in done.stderr
