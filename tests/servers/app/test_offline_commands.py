"""Commands on a data directory that no server holds, as a user types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glasshatch.errors import VerificationError
from glasshatch.ledger.verify import verify_proof


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One `glasshatch` command in a process of its own."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GLASSHATCH")}
    return subprocess.run(
        [sys.executable, "-m", "glasshatch", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("offline") / "home"
    made = run("init", str(directory), "--token-out", str(directory.parent / "admin.token"))
    assert made.returncode == 0, made.stderr
    assert "gh_" not in made.stdout + made.stderr
    return directory


def events(home: Path, *filters: str) -> list[dict[str, object]]:
    listed = run("events", "--data", str(home), "--format", "jsonl", *filters)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line)["event"] for line in listed.stdout.splitlines()]


def test_init_refuses_a_directory_in_use(home: Path) -> None:
    again = run("init", str(home))
    assert again.returncode == 6
    assert "not empty" in again.stderr


def test_secrets_are_closed_to_others(home: Path) -> None:
    for name in ("keys/master.key", "keys/default.json", "tls/gateway.key", "control.db"):
        assert (home / name).stat().st_mode & 0o077 == 0, name
    assert (home.parent / "admin.token").stat().st_mode & 0o777 == 0o600


def test_the_configuration_is_explained(home: Path) -> None:
    checked = run("config", "check", "--config", str(home / "glasshatch.toml"), "--format", "jsonl")
    findings = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.returncode == 0
    assert {finding["key"] for finding in findings} >= {"server.data", "keys.master", "policy.set"}
    assert all(finding["ok"] for finding in findings)


def test_a_bad_rule_and_a_channel_without_a_secret_are_found_before_the_start(
    home: Path, tmp_path: Path
) -> None:
    config = tmp_path / "glasshatch.toml"
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "odd.toml").write_text('id = "odd"\nkind = "wishful"\n')
    config.write_text(
        f'version = 1\n[server]\ndata = "{home}"\n[keys]\nmaster = "file:{home}/keys/master.key"\n'
        '[detect]\nuser_rules = ["rules"]\n'
        '[alerts.oncall]\ntype = "webhook"\nurl = "https://example.com/a"\nsecret = "env:NOT_SET_HERE"\n'
    )
    checked = run("config", "check", "--config", str(config), "--format", "jsonl")
    findings = {one["key"]: one for one in map(json.loads, checked.stdout.splitlines())}
    assert checked.returncode == 2
    assert not findings["detect.user_rules"]["ok"]
    assert "odd.toml" in findings["detect.user_rules"]["says"]
    assert not findings["alerts"]["ok"]
    assert "oncall" in findings["alerts"]["says"]


def test_every_read_is_itself_recorded(home: Path) -> None:
    before = len(events(home, "--action", "record.read"))
    events(home, "--actor", "admin")
    reads = events(home, "--action", "record.read")
    assert len(reads) == before + 2
    last = reads[-1]
    assert last["attrs"]["filter"]["actor"] == "admin"  # type: ignore[index]
    assert last["actor"]["id"] == f"os:{os.getuid()}"  # type: ignore[index]


def test_people_and_tokens_can_be_managed_without_a_server(home: Path, tmp_path: Path) -> None:
    added = run("actors", "add", "dora", "--role", "engineer", "--data", str(home))
    assert added.returncode == 0, added.stderr
    assert "dora" in run("actors", "ls", "--data", str(home)).stdout
    token = tmp_path / "dora.token"
    issued = run("tokens", "issue", "dora", "--for", "15m", "--out", str(token), "--data", str(home))
    assert issued.returncode == 0, issued.stderr
    assert token.read_text().startswith("gh_")
    twice = run("actors", "add", "dora", "--data", str(home))
    assert twice.returncode != 0
    recorded = {str(event["action"]) for event in events(home)}
    assert {"ledger.created", "actor.created", "token.issued"} <= recorded


def test_an_event_is_proven_to_somebody_with_nothing_but_the_key(home: Path, tmp_path: Path) -> None:
    first = events(home)[0]
    proof, key = tmp_path / "e.proof", tmp_path / "ledger.pub"
    made = run("prove", str(first["id"]), "-o", str(proof), "--key-out", str(key), "--data", str(home))
    assert made.returncode == 0, made.stderr
    good = run("verify", str(proof), "--key", str(key), "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["event"] == first
    assert run("verify", str(proof), "--key", key.read_text().strip()).returncode == 0
    assert run("verify", str(proof)).returncode == 2
    text = proof.read_text()
    for at in range(0, len(text), max(1, len(text) // 200)):
        forged = text[:at] + chr(33 + (ord(text[at]) - 32) % 90) + text[at + 1 :]
        with pytest.raises(VerificationError):
            verify_proof(forged.encode(), key.read_text())
    proof.write_text(forged)
    assert run("verify", str(proof), "--key", str(key)).returncode == 5


def test_the_ledger_verifies_and_a_flipped_bit_does_not(home: Path) -> None:
    good = run("verify", str(home), "--json")
    assert good.returncode == 0, good.stdout
    assert json.loads(good.stdout)["entries_compared"] is True
    file = next((home / "ledgers" / "default" / "wal").iterdir())
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    try:
        bad = run("verify", str(home), "--json")
        assert bad.returncode in (5, 9)
        assert any(file.name in problem["file"] for problem in json.loads(bad.stdout)["problems"])
    finally:
        data[len(data) // 2] ^= 1
        file.write_bytes(data)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("events",), 2, "--data"),
        (("events", "--data", "/nonexistent"), 2, "no such file"),
        (("show", "no-such-event", "--data", "HOME"), 2, "no event"),
        (("events", "--since", "yesterday", "--data", "HOME"), 2, "is no time"),
        (("tokens", "issue", "nobody", "--data", "HOME"), 2, "no actor"),
        (("tokens", "issue", "admin", "--for", "soon", "--data", "HOME"), 2, "is no duration"),
        (
            ("request", "postgres/x", "--verb", "update", "--reason", "because", "--data", "HOME"),
            2,
            "no resource",
        ),
        (("serve", "--config", "/nonexistent.toml"), 2, "glasshatch init"),
        (("events", "--server", "unix:/nonexistent", "--token-file", "/nonexistent"), 2, "cannot be read"),
    ],
)
def test_bad_input_is_named_with_its_cure(
    home: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = run(*(str(home) if argument == "HOME" else argument for argument in arguments))
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_ledger_may_be_named_before_it_is_made(home: Path, tmp_path: Path) -> None:
    config = home / "glasshatch.toml"
    before = config.read_text()
    config.write_text(before + '\n[ledgers.orders]\nsources = ["json/orders"]\n')
    order = tmp_path / "orders.jsonl"
    order.write_text('{"id": "1", "action": "order.placed"}\n')
    deliver = ("ingest", "json", str(order), "--name", "orders", "--data", str(home), "--format", "jsonl")
    refused = run(*deliver)
    assert refused.returncode != 0, "it must not go to another ledger meanwhile"
    assert "there is no ledger 'orders'" in refused.stderr
    made = run("ledger", "create", "orders", "--data", str(home))
    assert made.returncode == 0, made.stderr
    delivered = run(*deliver)
    assert delivered.returncode == 0, delivered.stderr
    listed = run("ledger", "list", "--data", str(home), "--format", "jsonl")
    assert {one["name"]: one["size"] for one in map(json.loads, listed.stdout.splitlines())}["orders"] == 2
    config.write_text(before)
