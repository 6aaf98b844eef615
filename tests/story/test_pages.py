"""Every command of README and of every page is typed in its order, as somebody new would.

A page is found by its blocks; a page with a command that does not work fails, a new page included.
What a page leaves to its reader (a folder, a port, a secret, an id) is said here, and so is what is
tested elsewhere instead.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.resources
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from fixtures.documentation import add_to_configuration, pages_with_steps, read_page
from fixtures.glasshatch import COMMAND, free_port, run
from fixtures.groups import missing_packages
from fixtures.house import PEOPLE, House
from fixtures.logs_of_others import mapped_items
from fixtures.playing import Play, Story
from fixtures.servers import PostgresServer
from fixtures.terminal import Terminal
from glasshatch.app.config import Config
from glasshatch.sdk import Recorder

ROOT = Path(__file__).resolve().parents[2]
PAGES = {str(page.relative_to(ROOT)): page for page in pages_with_steps(ROOT)}
BIN = Path(COMMAND[0]).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Scene:
    """What a story may ask for: a folder that is the reader's own, and the fixtures."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.request = request
        self.data = folder / "glasshatch"
        self.variables: dict[str, str] = {}

    @property
    def house(self) -> House:
        """The running server that a guide takes for granted."""
        found: House = self.request.getfixturevalue("house")
        found.settle()
        return found


@contextlib.contextmanager
def in_the_house(scene: Scene, **more: Any) -> Iterator[Story]:
    """A guide begins with a running server, with everybody's token in the folder the reader works in."""
    house = scene.house
    for person in PEOPLE:
        shutil.copy2(house.home.parent / f"{person}.token", scene.work)
    scene.variables = {"GLASSHATCH_DATA": str(house.home), "GLASSHATCH_TOKEN_FILE": "dana.token"}
    words = {
        "/srv/glasshatch": str(house.home),
        "127.0.0.1:7443": f"127.0.0.1:{house.api_port}",
        "port=6432": f"port={house.gateway_port}", "REQUEST": lambda _: waiting_request(house),
        "GRANT": lambda _: newest(house, "grants"), "ALERT": lambda _: newest(house, "alerts", "ls"),
        "SESSION": lambda _: newest(house, "sessions"),
        "EVENT": lambda _: house.jsonl("events", "--limit", "1", person="dana")[0]["event"]["id"],
    } | more.pop("words", {})  # fmt: skip
    try:
        yield Story(
            words=words, add=lambda _, text: add_to(house, text), before=lambda _: house.settle(), **more
        )
    finally:
        house.configure(house.first_configuration)


def add_to(house: House, text: str) -> None:
    """Lines of a page: a rule or a pack is a file of its own, anything else belongs to the configuration."""
    if text.startswith("[[detector]]"):
        (house.home / "page.toml").write_text(text)
        house.add('[masking]\nuser_packs = ["page.toml"]\n')
    elif re.match(r"(?:(?!\[).*\n)*kind = ", text):
        (house.home / "rules" / "page.toml").write_text(text)
        house.changed = True
    else:
        house.add(text)


def newest(house: House, *command: str) -> str:
    """The id of the first thing a command lists."""
    return str(house.jsonl(*command, person="dana")[0]["id"])


def waiting_request(house: House) -> str:
    """The id of a request that waits to be judged; alice makes one if there is none."""
    waiting = [one for one in house.jsonl("requests", person="dana") if one["state"] == "pending"]
    if not waiting:
        ask = ("request", "postgres/shop", "--verb", "update", "--for", "5m", "--reason", "a note")
        waiting = house.jsonl(*ask, person="alice")
    return str(waiting[0]["id"])


@contextlib.contextmanager
def alone(scene: Scene, **more: Any) -> Iterator[Story]:
    """The page makes its own data directory; its ports must be free on this machine."""
    port = free_port()

    def take_a_free_port(_: Play) -> None:
        file = scene.data / "glasshatch.toml"
        if file.exists():
            file.write_text(file.read_text().replace("127.0.0.1:6432", f"127.0.0.1:{port}"))

    def add(_: Play, text: str) -> None:
        file = scene.data / "glasshatch.toml"
        file.write_text(add_to_configuration(file.read_text(), text))

    words = {"/srv/glasshatch": str(scene.data), "port=6432": f"port={port}"} | more.pop("words", {})
    yield Story(words=words, before=take_a_free_port, add=add, **more)


@contextlib.contextmanager
def readme(scene: Scene) -> Iterator[Story]:
    not_run = {
        "make demo": "tests/story/test_demo.py runs what it runs",
        "make test": "it is what runs this",
        "pip install '.[server]'": "tests/servers/package",
    }
    with alone(
        scene, not_run=not_run, sees=("Public key", "ready: ", "everything is as it was recorded")
    ) as story:
        yield story


@contextlib.contextmanager
def protect(scene: Scene) -> Iterator[Story]:
    """A database with TLS and an account for Glasshatch, as the page takes for granted."""
    server: PostgresServer = scene.request.getfixturevalue("postgres_tls")
    server.sql("CREATE DATABASE orders")
    server.sql(f"CREATE ROLE glasshatch LOGIN PASSWORD '{server.password}'")
    server.sql(
        "CREATE TABLE customers (id int PRIMARY KEY, email text);"
        "INSERT INTO customers SELECT n, 'customer' || n || '@example.com' FROM generate_series(1, 9) n;"
        "GRANT SELECT ON customers TO glasshatch",
        database="orders",
    )
    try:
        with alone(
            scene,
            words={
                "5432": str(server.port), "/etc/ssl/certs/orders-ca.pem": str(server.ca_file),
                "ORDERS_PASSWORD=…": f"ORDERS_PASSWORD={server.password}",
                "audit.example.com/prod+…": lambda play: re.findall(r"audit\S+\+\S+", play.output)[0],
            },
            sees=("<EMAIL:", "statement.run", "everything is as it was recorded"),
        ) as story:  # fmt: skip
            scene.variables["ORDERS_PASSWORD"] = server.password
            yield story
    finally:
        server.sql("DROP DATABASE orders WITH (FORCE)")
        server.sql("DROP ROLE glasshatch")


@contextlib.contextmanager
def clickhouse(scene: Scene) -> Iterator[Story]:
    """There is no server to reach here: the page's lines are held against the keys that there are."""

    def read(_: Play, text: str) -> None:
        msgspec.convert({"version": 1} | tomllib.loads(text), Config)

    yield Story(add=read, sees=("CREATE TABLE", "ON CLUSTER 'main'", "ReplicatedMergeTree"))


@contextlib.contextmanager
def alerts(scene: Scene) -> Iterator[Story]:
    with in_the_house(
        scene,
        words={
            "3fc1": lambda _: newest(scene.house, "alerts", "ls"),
            "https://alerts.example.com": f"http://127.0.0.1:{free_port()}",
        },
        sees=("bulk-personal-read", "acknowledged"),
    ) as story:
        yield story


@contextlib.contextmanager
def write_a_rule(scene: Scene) -> Iterator[Story]:
    """The reader keeps the page's records and its first rule as the files that it names."""
    page = PAGES["docs/guides/write-a-rule.md"].read_text()
    (scene.work / "rules").mkdir()
    for form, file in (("json", "calls.jsonl"), ("yaml", "rules/trail-stopped.yml")):
        found = re.search(rf"```{form}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        assert found
        (scene.work / file).write_text(found[1])
    with in_the_house(
        scene, sees=("2 tests hold", "6c9e1f80-0001-4a5b-9c3d-000000000001", "The trail was stopped, by")
    ) as story:
        yield story


@contextlib.contextmanager
def backup(scene: Scene) -> Iterator[Story]:
    """The server runs; the master key is kept elsewhere, and so is the newest checkpoint somebody saw."""
    house = scene.house
    master, seen = scene.folder / "master.key", scene.folder / "seen.checkpoint"
    shutil.copy2(house.home / "keys" / "master.key", master)
    shutil.copy2(house.home / "ledgers" / "default" / "checkpoint", seen)
    words = {
        "/backup/glasshatch": str(scene.folder / "backup"), "/etc/glasshatch/master.key": str(master),
        "/srv/restored": str(scene.folder / "restored"), "/mnt/elsewhere/seen.checkpoint": str(seen),
        "PUBLICKEY": public_key(house),
    }  # fmt: skip
    with in_the_house(scene, words=words, sees=("everything is as it was recorded",)) as story:
        yield story


def public_key(house: House) -> str:
    """The ledger's public key, as `glasshatch prove` writes it."""
    file = house.home.parent / "ledger.pub"
    event = house.jsonl("events", "--limit", "1", person="dana")[0]["event"]["id"]
    proof = ("prove", event, "-o", str(house.home.parent / "event.proof"), "--key-out", str(file))
    assert house.command(*proof, person="dana").returncode == 0
    return file.read_text().strip()


@contextlib.contextmanager
def upgrade(scene: Scene) -> Iterator[Story]:
    made = run("init", str(scene.data), "--token-out", str(scene.work / "admin.token"))
    assert made.returncode == 0, made.stderr
    with alone(scene) as story:
        yield story


@contextlib.contextmanager
def keys(scene: Scene) -> Iterator[Story]:
    """The master key lies where the page moves it to."""
    house = scene.house
    master = scene.folder / "master.key"
    shutil.copy2(house.home / "keys" / "master.key", master)
    rewrap = (
        'glasshatch keys rewrap --to file:/etc/glasshatch/new.key --reason "new host" --data /srv/glasshatch'
    )
    with in_the_house(
        scene,
        words={"/etc/glasshatch/master.key": str(master), "KEYID": lambda _: kept_signing_key(house)},
        not_run={rewrap: "tests/faults/keys and tests/servers/keys: the server of the pages runs on"},
        sees=("in use", "retired"),
    ) as story:
        yield story


def kept_signing_key(house: House) -> str:
    """The id of a signing key before the newest, which still signs along."""
    listed = house.jsonl("keys", "list", person="dana")
    return str(next(one["id"] for one in listed if (one["kind"], one["state"]) == ("signing", "kept")))


@contextlib.contextmanager
def retention(scene: Scene) -> Iterator[Story]:
    with in_the_house(scene, sees=("nothing to prune",)) as story:
        yield story


@contextlib.contextmanager
def workers(scene: Scene) -> Iterator[Story]:
    serve = "glasshatch serve --config /srv/glasshatch/glasshatch.toml --workers 4"
    elsewhere = "tests/servers/serve/test_workers.py"
    with in_the_house(scene, not_run={serve: elsewhere}) as story:
        yield story


@contextlib.contextmanager
def deploy(scene: Scene) -> Iterator[Story]:
    elsewhere = "tests/servers/package installs the wheel in the same versions"
    with alone(
        scene,
        not_run={
            "python3 -m venv /opt/glasshatch": elsewhere,
            "/opt/glasshatch/bin/pip install --require-hashes -r requirements/server.lock -r "
            "requirements/bootstrap.lock": elsewhere,
            "/opt/glasshatch/bin/pip install --no-deps --no-build-isolation .": elsewhere,
        },
    ) as story:
        yield story


@contextlib.contextmanager
def feed(scene: Scene) -> Iterator[Story]:
    """Files to deliver, and the cluster's token."""
    if missing := missing_packages("story"):
        pytest.skip(f"needs {', '.join(missing)} (story)")
    house = scene.house
    events = [
        f'{{"id": "{name}", "action": "order.created", "message": "order {name}"}}\n' for name in "abcd"
    ]
    (scene.work / "events.jsonl").write_text("".join(events[:2]))
    (scene.work / "more.jsonl").write_text(events[2])
    with gzip.open(scene.work / "app.log.gz", "wt") as log:
        log.write(events[3] + "not an event\n")
    (scene.work / "old").mkdir()
    with gzip.open(scene.work / "old" / "one.gz", "wt") as old:
        old.write("".join(events))
    audit = importlib.resources.files("glasshatch.app.demo") / "kubernetes-audit.jsonl.gz"
    (scene.work / "audit.log").write_bytes(gzip.decompress(audit.read_bytes()))
    with in_the_house(
        scene,
        words={"https://audit.example.com": house.url},
        sees=('"accepted":2,"duplicates":0', "intake.quarantined"),
    ) as story:
        for command in (
            ("actors", "add", "cluster", "--type", "service"),
            ("tokens", "issue", "cluster", "--for", "1h", "--scope", "ingest:kubernetes/prod",
             "--out", str(scene.work / "k.token")),
        ):  # fmt: skip
            done = house.command(*command)
            assert done.returncode == 0, done.stderr
        yield story


@contextlib.contextmanager
def sources(scene: Scene, **more: Any) -> Iterator[Story]:
    """What other systems left behind, as they name it; recordings of real ones."""
    assets = ROOT / "tests" / "assets"
    for file in (assets / "postgres-real").glob("*.gz"):
        shutil.copy2(file, scene.work)
    (scene.work / "trail").mkdir()
    for file in (assets / "cloudtrail").glob("*.gz"):
        shutil.copy2(file, scene.work / "trail")
    audit = gzip.decompress((assets / "k8s-real" / "audit.log.gz").read_bytes())
    (scene.work / "audit.log").write_bytes(b"".join(audit.splitlines(keepends=True)[:300]))
    shutil.copy2(assets / "syslog-real" / "auth.log", scene.work)
    (scene.work / "some.jsonl").write_text('{"id": "some"}\nnothing\n')
    done = scene.house.command("ingest", "json", str(scene.work / "some.jsonl"), person="dana")
    assert done.returncode == 0, done.stderr
    receiver = {"127.0.0.1:5514": f"127.0.0.1:{(port := free_port())}", "--port 5514": f"--port {port}"}
    with in_the_house(scene, words=receiver, **more) as story:
        yield story


FOLLOW = (
    "glasshatch ingest kubernetes /var/log/kubernetes/audit.log --follow --name prod"
    " --server https://audit.example.com"
)


def source_page(*sees: str, **more: Any) -> Any:
    """A page of a source, on which these must be seen."""
    return lambda scene: sources(scene, sees=sees, **more)


@contextlib.contextmanager
def otlp(scene: Scene) -> Iterator[Story]:
    """The page's own program, and what a collector wrote."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGES["docs/sources/otlp.md"].read_text(), re.DOTALL)
    (scene.work / "shop.py").write_text(program)
    (scene.work / "shop_grpc.py").write_text(program.replace(".proto.http.", ".proto.grpc."))
    example = msgspec.json.decode((ROOT / "tests" / "assets" / "otlp" / "logs.json").read_bytes())
    (scene.work / "logs.json").write_bytes(msgspec.json.encode(example) + b"\nnothing\n")
    # The installed program's own Python has no SDK of OpenTelemetry.
    python = scene.folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    words = {"python": str(python), "127.0.0.1:4317": f"127.0.0.1:{free_port()}"}
    with in_the_house(
        scene, words=words, sees=("order.refunded", "otlp/shop +live", "OTLP in JSON")
    ) as story:
        yield story


@contextlib.contextmanager
def mapped(scene: Scene) -> Iterator[Story]:
    """Logs of services as they are exported, and an empty folder for a mapping of one's own."""
    for kind, file in (
        ("github", "audit.json.gz"),
        ("okta", "system-log.jsonl"),
        ("gcp", "activity.json.gz"),
    ):
        lines = b"".join(msgspec.json.encode(item) + b"\n" for item in mapped_items(kind))
        (scene.work / file).write_bytes(gzip.compress(lines) if file.endswith(".gz") else lines)

    def add(_: Play, text: str) -> None:
        (scene.work / "acme.toml").write_text(text, encoding="utf-8")

    with in_the_house(scene) as story:
        yield msgspec.structs.replace(story, add=add)


@contextlib.contextmanager
def by_hand(scene: Scene) -> Iterator[Story]:
    """Events are typed with curl."""
    if missing := missing_packages("story"):
        pytest.skip(f"needs {', '.join(missing)} (story)")
    with in_the_house(scene, sees=('"accepted":1', "order.paid")) as story:
        yield story


@contextlib.contextmanager
def capture(scene: Scene) -> Iterator[Story]:
    """An application that runs under the page's policy."""
    with in_the_house(scene, sees=("capture.loaded", "recording.dropped.*sampled", "cart.changed")) as story:

        def add(_: Play, text: str) -> None:
            policy = scene.work / "capture.toml"
            policy.write_text(text, encoding="utf-8")
            house, token = scene.house, (scene.work / "dana.token").read_text().strip()
            with Recorder(
                "checkout", server=house.url, token=lambda: token, spool=scene.work / "spool", capture=policy
            ) as recorder:
                for action in ("page.viewed", "cart.changed", "cache.read", "health.checked") * 40:
                    recorder.record(action, actor="u1", outcome="success")
                assert recorder.flush(60)

        yield msgspec.structs.replace(story, add=add)


@contextlib.contextmanager
def page(scene: Scene) -> Iterator[Story]:
    """Carol has no token yet, and a proof was downloaded."""
    house = scene.house
    key = public_key(house)
    shutil.copy2(house.home.parent / "event.proof", scene.work / "event-768.proof")
    with in_the_house(scene, words={"KEY": key}) as story:
        (scene.work / "carol.token").unlink()
        yield story


@contextlib.contextmanager
def search(scene: Scene) -> Iterator[Story]:
    house = scene.house
    session = "0199a3c2-7d10-7e4b-9d0a-5b2f6d1c0e11"
    with in_the_house(
        scene, words={session: lambda _: newest(house, "sessions")}, sees=("statement.run",)
    ) as story:
        yield story


@contextlib.contextmanager
def witness(scene: Scene) -> Iterator[Story]:
    """Folders for the witness and the anchors; whoever reads on waits until the witness has agreed once."""
    house = scene.house
    repository, folder, port = scene.folder / "anchors", scene.folder / "witness", free_port()
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    witnessed = house.home / "witnessed" / "default" / "checkpoint"
    key = house.home / "ledgers" / "default" / "key.vkey"

    def settle(_: Play) -> None:
        house.settle()
        deadline_s = time.monotonic() + 60
        while "[[witnesses]]" in house.config.read_text() and not witnessed.exists():
            assert time.monotonic() < deadline_s, "no witness agreed"
            time.sleep(0.1)

    with in_the_house(
        scene,
        words={
            "/var/lib/witness": str(folder), "127.0.0.1:8610": f"127.0.0.1:{port}",
            "https://witness.example.com": f"http://127.0.0.1:{port}",
            "witness.example.com/w1+3c64d0f5+BN2v…": lambda _: (folder / "key.vkey").read_text().strip(),
            "audit.example.com/prod+65e1c573+ATAt…": key.read_text().strip(),
            "/mnt/elsewhere/audit.checkpoints": str(scene.folder / "audit.checkpoints"),
            "/srv/anchors": str(repository),
            "ledger.vkey": str(key), "witness.vkey": str(folder / "key.vkey"),
            "019a…": lambda _: house.jsonl("events", person="dana")[0]["event"]["id"],
            "https://HOST": house.url, "/srv/www/log": str(scene.folder / "www"),
            "/var/lib/glasshatch": str(house.home),
        },
        sees=("1 of 1 at size", "witnessed by witness.example.com/w1", "first .*from here on",
              "everything is as it was recorded"),
    ) as story:  # fmt: skip
        yield msgspec.structs.replace(story, before=settle)


@contextlib.contextmanager
def seal(scene: Scene) -> Iterator[Story]:
    house = scene.house

    def waiting(_: Play) -> str:
        kinds = ("sealed/", "subject/")
        pending = house.jsonl("requests", person="dana")
        return next(str(one["id"]) for one in pending if one["resource"].startswith(kinds))

    orders = ("events", "--action", "order.placed")
    words = {
        "KEY": public_key(house), "REQUEST": waiting,
        "EVENT": lambda _: house.jsonl(*orders, person="dana")[-1]["event"]["id"],
        "HOLD": lambda _: house.jsonl("hold", "list", person="dana")[-1]["id"],
    }  # fmt: skip
    with in_the_house(scene, words=words, sees=("commitment", "erased", "a legal hold", "proven")) as story:
        yield story


@contextlib.contextmanager
def reveal(scene: Scene) -> Iterator[Story]:
    """Alice asks for one value; the page's requests are hers."""
    house = scene.house

    def asked(_: Play) -> str:
        every = house.jsonl("requests", "--state", "all", person="dana")
        return next(str(one["id"]) for one in every[::-1] if one["reveal"])

    sees = (r"<EMAIL:", r"public\.customers\.email \(EMAIL", r"shown once, and recorded", r"\w@\w+\.")
    with in_the_house(scene, words={"REQUEST": asked}, sees=sees) as story:
        yield story


@contextlib.contextmanager
def evidence(scene: Scene) -> Iterator[Story]:
    with in_the_house(scene, words={"KEY": public_key(scene.house)}, sees=("proven",)) as story:
        yield story


@contextlib.contextmanager
def incident(scene: Scene) -> Iterator[Story]:
    """Somebody worked in the house before, and the page's incident is the newest."""
    house = scene.house
    words = {
        "KEY": public_key(house),
        "INCIDENT": lambda _: str(house.jsonl("incidents", "list", person="dana")[-1]["number"]),
    }
    with in_the_house(scene, words=words, sees=("incident 1", "graph LR", "proven")) as story:
        yield story


@contextlib.contextmanager
def policies(scene: Scene) -> Iterator[Story]:
    """The page's rules and cases become the files that it says they are."""
    house, folder = scene.house, scene.work / "policies"
    page = (ROOT / "docs/guides/test-a-policy.md").read_text(encoding="utf-8")
    folder.mkdir()
    (folder / "shop.cedar").write_text(page.partition("```cedar\n")[2].partition("```")[0])

    def add(_: Play, text: str) -> None:
        if "[[case]]" in text:
            (folder / "cases.toml").write_text(text)
            return
        # The server starts with the set in which the page's next command puts its files.
        shutil.copy2(folder / "base.cedar", house.home / "policies")
        house.add(text)

    with in_the_house(scene) as story:
        yield msgspec.structs.replace(story, add=add)


@contextlib.contextmanager
def review(scene: Scene) -> Iterator[Story]:
    """Alice's statement and the undo of it are requests; bob judges both."""
    house = scene.house

    def statement(_: Play, *, undoes: bool = False) -> str:
        asked = [one for one in house.jsonl("requests", "--state", "all", person="dana") if one["statement"]]
        return next(str(one["id"]) for one in asked[::-1] if bool(one["statement"]["undoes"]) is undoes)

    imaged = ("events", "--action", "statement.imaged")
    words = {
        "REQUEST": statement, "UNDO": lambda play: statement(play, undoes=True),
        "IMAGE": lambda _: house.jsonl(*imaged, person="dana")[-1]["event"]["id"],
    }  # fmt: skip
    sees = ("rows, counted", "before-image of 5 rows", "undoes ", "done: 5 rows changed")
    with in_the_house(scene, words=words, sees=sees) as story:
        yield story


@contextlib.contextmanager
def first_day(scene: Scene) -> Iterator[Story]:
    """psql without a terminal reads what the page types into it: nothing."""
    with in_the_house(scene, sees=("<EMAIL:", "postgresql://alice:gh_", "production.everyday")) as story:
        scene.variables["GLASSHATCH_TOKEN_FILE"] = "alice.token"
        yield story


@contextlib.contextmanager
def first_judging(scene: Scene) -> Iterator[Story]:
    """The channel's receiver is nobody, and its secret lies in a file."""
    secret = scene.house.home / "chat.secret"
    secret.touch(mode=0o600)
    secret.write_text("0123456789abcdef" * 2)
    words = {
        "env:CHAT_SECRET": f"file:{secret}", "https://chat.example.com": f"http://127.0.0.1:{free_port()}",
    }  # fmt: skip
    with in_the_house(scene, words=words, sees=("approved", "revoked")) as story:
        yield story


@contextlib.contextmanager
def break_glass(scene: Scene) -> Iterator[Story]:
    """Alice uses her first sheet as soon as it is printed, so that there is something to review."""
    house, file, used = scene.house, scene.work / "sheets.txt", list[str]()

    def use(_: Play) -> None:
        house.settle()
        if file.exists() and not used:
            used.extend(re.findall(r"ghb-(\d+)-", file.read_text()))
            secret = re.findall(r"ghb-\S+", file.read_text())[0]
            where = f"host=127.0.0.1 port={house.gateway_port} dbname=shop user=alice sslmode=require"
            psycopg.connect(where, password=f"{secret} an exercise of this page").close()

    with in_the_house(
        scene, sees=("sheet 1, 2 of alice", "revoked", "unreviewed|open", "justified|reviewed"),
        not_run={"lp sheets.txt": "there is no printer"},
    ) as story:  # fmt: skip
        shutil.copy2(house.home.parent / "admin.token", scene.work)
        yield msgspec.structs.replace(story, before=use)


STORIES = {
    "docs/operate/break-glass.md": break_glass, "docs/guides/first-day-approver.md": first_judging,
    "docs/guides/first-day-engineer.md": first_day,
    "README.md": readme, "docs/guides/protect-a-database.md": protect, "docs/guides/alerts.md": alerts,
    "docs/guides/write-a-rule.md": write_a_rule,
    "docs/operate/backup.md": backup, "docs/operate/upgrade.md": upgrade, "docs/operate/keys.md": keys,
    "docs/operate/retention.md": retention, "docs/operate/workers.md": workers,
    "docs/operate/clickhouse.md": clickhouse,
    "docs/operate/deploy.md": deploy, "docs/guides/feed.md": feed, "docs/guides/page.md": page,
    "docs/guides/capture-policy.md": capture, "docs/guides/record-over-http.md": by_hand,
    "docs/sources/README.md": source_page(
        "QUARANTINED", '"source":', not_run={FOLLOW: "tests/faults/feeds/test_following.py: it does not end"}
    ),
    "docs/sources/kubernetes.md": source_page("wrote audit-policy.yaml", "403"),
    "docs/sources/pgaudit.md": source_page("statement.role"),
    "docs/sources/syslog.md": source_page("login.refused", "nightly backup", "backup.finished"),
    "docs/sources/otlp.md": otlp,
    "docs/sources/cloudtrail.md": source_page("AccessDenied|UnauthorizedOperation|failure"),
    "docs/guides/incident.md": incident, "docs/guides/search.md": search, "docs/guides/witness.md": witness,
    "docs/guides/evidence.md": evidence, "docs/guides/seal-and-erase.md": seal,
    "docs/guides/review-a-statement.md": review, "docs/guides/test-a-policy.md": policies,
    "docs/guides/redact.md": alone, "docs/guides/reveal-a-value.md": reveal,
    **{f"docs/sources/{name}.md": mapped for name in ("github", "okta", "gcp", "mapping")},
}  # fmt: skip
"""Pages that need more than the house; every other page is played in it as it stands."""

ELSEWHERE = {"docs/start.md": "test_demo.py, with the demo that the page starts"}
"""Pages that are played by another test."""


@pytest.mark.parametrize("page", sorted(PAGES.keys() - ELSEWHERE.keys()))
def test_every_step_of_a_page_works(page: str, open_directory: Path, request: pytest.FixtureRequest) -> None:
    folder = open_directory / re.sub(r"\W", "-", page)
    folder.mkdir()
    scene = Scene(folder, request)
    with STORIES.get(page, in_the_house)(scene) as story:
        shipped = request.getfixturevalue("postgres").psql.parent if shutil.which("psql") is None else BIN
        terminal = Terminal(scene.work, [BIN, shipped], **scene.variables)
        play = Play(story, terminal, open_directory)
        try:
            play.run(read_page(PAGES[page].read_text(encoding="utf-8")))
        finally:
            terminal.close()


def test_pages_that_are_told_apart_are_there() -> None:
    assert not (STORIES.keys() | ELSEWHERE.keys()) - PAGES.keys()


def test_no_page_shows_a_command_where_it_is_not_run() -> None:
    """A command in an indented or unnamed block would be run by nobody."""
    strange = re.compile(
        r"^(?:```(?:sh|bash|shell)?\n\$? ?|    \$ |    )(?:glasshatch|psql) [^─]", re.MULTILINE
    )
    written = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    found = [str(page.relative_to(ROOT)) for page in written if strange.search(page.read_text())]
    assert not found, "write a ```console block with `$ ` before the command"
