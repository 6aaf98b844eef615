"""The ledger for outsiders, over real HTTP: tiles, witnesses, anchors, receipts and monitors."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.glasshatch import RunningServer, run
from fixtures.witness import RunningWitness
from glasshatch.ledger.log import decode_bundle, leaf_hashes, split_notes

pytestmark = pytest.mark.slow


def until(met: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def get(url: str, token: str = "") -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[RunningWitness]:
    witness = RunningWitness(tmp_path / "witness")
    yield witness
    if witness.process is not None and witness.process.poll() is None:
        witness.stop()


def public_key(server: RunningServer) -> str:
    return (server.home / "ledgers/default/key.vkey").read_text().strip()


def status(server: RunningServer) -> dict[str, object]:
    found: dict[str, object] = server.jsonl("status")[0]
    return found


def size_of(notes: Path) -> int:
    """The size of the last checkpoint in a file of them; -1 if there is none."""
    found, _ = split_notes(notes.read_bytes() if notes.exists() else b"")
    return int(found[-1].split(b"\n")[1]) if found else -1


def test_tiles_are_public_when_the_operator_says_so_and_entries_never(tmp_path: Path) -> None:
    server = RunningServer(tmp_path, '[tlog]\naccess = "public"\n').start()
    prefix = f"{server.url}/tlog/default"
    try:
        auditor = server.invite("ann", "auditor")
        engineer = server.invite("eve", "engineer")
        code, note, headers = get(f"{prefix}/checkpoint")
        assert (code, headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert headers["cache-control"] == "public, max-age=1"
        size = int(note.split(b"\n")[1])
        assert 0 < size < 256
        code, tile, headers = get(f"{prefix}/tile/0/000.p/{size}")
        assert (code, headers["content-type"], len(tile)) == (200, "application/octet-stream", 32 * size)
        assert "immutable" in headers["cache-control"]
        for outside in ("tile/0/000", "tile/0/001", "tile/00/000.p/1", "tile/0/000.p/0", "tile/9/000", "x"):
            assert get(f"{prefix}/{outside}")[0] == 404, outside
        assert get(f"{server.url}/tlog/other/checkpoint")[0] == 404
        bundle = f"{prefix}/tile/entries/000.p/{size}"
        assert get(bundle)[0] == 401
        assert get(bundle, engineer)[0] == 403
        code, data, headers = get(bundle, auditor)
        assert (code, headers["cache-control"]) == (200, "no-store")
        assert b"".join(leaf_hashes(decode_bundle(data, size))) == tile
        assert get(f"{prefix}/tile/entries/009.p/1", auditor)[0] == 404
        reads = [line["event"] for line in server.jsonl("events", "--action", "record.read", person="ann")]
        assert [event["actor"]["name"] for event in reads if event["attrs"]["what"] == "bundle"] == ["ann"]
        watch = ("monitor", prefix, "--key", public_key(server), "--state", str(tmp_path / "seen"))
        assert run(*watch).returncode == 0
        server.jsonl("sessions")  # is recorded, so the log grows
        until(lambda: "grown" in run(*watch).stdout, "the monitor saw no growth")
        exported = run("export", "tlog", str(tmp_path / "out"), "--data", str(server.home))
        assert exported.returncode == 0, exported.stderr
        assert run("monitor", str(tmp_path / "out"), *watch[2:]).returncode == 0
        verifies_from_outside(server, tmp_path, note)
    finally:
        server.stop()


def verifies_from_outside(server: RunningServer, tmp_path: Path, kept: bytes) -> None:
    """`verify URL`: tiles for everybody, entries for an auditor, extending a checkpoint that was kept."""
    key, prefix = ("--key", public_key(server)), f"{server.url}/tlog/default"
    (tmp_path / "kept").write_bytes(kept)
    stranger = json.loads(run("verify", prefix, *key, "--json", "--since", str(tmp_path / "kept")).stdout)
    assert stranger["ok"] is True
    assert (stranger["since"], stranger["entries_compared"]) == (int(kept.split(b"\n")[1]), 0)
    assert stranger["entries_withheld"] > 0
    token = ("--token-file", str(tmp_path / "ann.token"))
    (tmp_path / "ann.token").touch(mode=0o600)
    (tmp_path / "ann.token").write_text(server.invite("ann2", "auditor"))
    auditor = run("verify", prefix, *key, *token)
    assert auditor.returncode == 0, auditor.stderr
    assert "not handed out" not in auditor.stdout
    forged = run("verify", prefix, "--key", f"{key[1][:-2]}AA", "--json")
    assert forged.returncode in (2, 5)
    assert run("verify", prefix).returncode == 2, "a log needs its key"
    out = run("verify", str(tmp_path / "out"), *key, "--json", "--since", str(tmp_path / "kept"))
    assert json.loads(out.stdout)["ok"] is True
    home = run("verify", str(server.home), *key, "--since", str(tmp_path / "kept"))
    assert home.returncode == 0, home.stdout
    (tmp_path / "other").write_bytes(kept.replace(b"default", b"another", 1))
    assert run("verify", str(server.home), "--since", str(tmp_path / "other")).returncode == 2


def test_without_that_a_token_is_needed_for_everything(tmp_path: Path) -> None:
    server = RunningServer(tmp_path).start()
    prefix = f"{server.url}/tlog/default"
    try:
        assert [get(f"{prefix}/{path}")[0] for path in ("checkpoint", "tile/0/000.p/1")] == [401, 401]
        code, _, headers = get(f"{prefix}/checkpoint", server.admin_token.read_text().strip())
        assert (code, headers["cache-control"]) == (200, "private, max-age=1")
        watch = ["monitor", prefix, "--key", public_key(server), "--state", str(tmp_path / "seen")]
        assert run(*watch).returncode == 3
        assert run(*watch, "--token-file", str(server.admin_token)).returncode == 0
    finally:
        server.stop()


def test_checkpoints_are_witnessed_anchored_and_receipts_carry_it(
    tmp_path: Path, witness: RunningWitness
) -> None:
    repository, anchor = tmp_path / "anchors", tmp_path / "anchor.notes"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    kept = "".join(
        f'[[anchors]]\ntype = "{kind}"\npath = "{path}"\nevery_seconds = 0\n'
        for kind, path in (("git", repository), ("file", anchor))
    )
    server = RunningServer(tmp_path, witness.setting + kept + '[tlog]\naccess = "public"\n')
    key = public_key(server)
    assert run("witness", "trust", str(witness.directory), key).returncode == 0
    witness.start()
    server.start()
    try:
        until(lambda: "1 of 1 at size" in str(status(server)["witnessed"]), "no witness agreed")
        first = server.jsonl("events", "--limit", "1")[0]["event"]["id"]
        proof = tmp_path / "p.tlog-proof"

        def proven_with_cosignature() -> bool:
            assert server.command("prove", first, "-o", str(proof)).returncode == 0
            return run("verify", str(proof), "--key", key, "--witness", witness.key).returncode == 0

        until(proven_with_cosignature, "no cosigned receipt")
        assert b"witness.example/w1" in proof.read_bytes()
        shown = json.loads(run("verify", str(proof), "--key", key, "--witness", witness.key, "--json").stdout)
        assert shown["witnesses"][0]["name"] == "witness.example/w1"
        cosigned = server.home / "witnessed/default/checkpoint"
        assert get(f"{server.url}/tlog/default/checkpoint.witnessed")[0] == 200
        watch = run(
            "monitor", f"{server.url}/tlog/default", "--key", key, "--state", str(tmp_path / "seen"),
            "--witness", witness.key, "--format", "jsonl",
        )  # fmt: skip
        assert json.loads(watch.stdout)["witnesses"] == ["witness.example/w1"], watch.stderr
        until(anchor.exists, "nothing anchored")
        assert cosigned.exists()
    finally:
        assert server.stop() == 0
    checked = run("verify", str(server.home), "--anchor", str(anchor), "--anchor", str(repository))
    assert checked.returncode == 0, checked.stdout


def test_a_server_on_a_rolled_back_directory_is_found_by_everybody(
    tmp_path: Path, witness: RunningWitness
) -> None:
    anchor = tmp_path / "anchor.notes"
    kept = f'[[anchors]]\ntype = "file"\npath = "{anchor}"\nevery_seconds = 0\n'
    server = RunningServer(tmp_path, witness.setting + kept + '[tlog]\naccess = "public"\n')
    key, earlier = public_key(server), tmp_path / "earlier"
    watch = ("monitor", f"{server.url}/tlog/default", "--key", key, "--state", str(tmp_path / "seen"))
    assert run("witness", "trust", str(witness.directory), key).returncode == 0
    witness.start()
    server.start()
    server.invite("ann", "auditor")
    assert server.stop() == 0
    shutil.copytree(server.home, earlier)
    server.start(ready=False)
    try:
        server.wait_for("ready:", times=2)
        token = server.admin_token.read_text().strip()
        for _ in range(60):  # each read is recorded
            assert get(f"{server.url}/v1/default/sessions", token)[0] == 200
        until(lambda: size_of(server.home / "witnessed/default/checkpoint") > 60, "unseen by the witness")
        until(lambda: size_of(anchor) > 60, "unseen by the anchor")
        assert run(*watch).returncode == 0
        assert server.stop() == 0
        shutil.rmtree(server.home)
        shutil.copytree(earlier, server.home)
        server.start(ready=False)
        server.wait_for("ready:", times=3)
        refused = lambda: server.jsonl("events", "--action", "witness.refused")  # noqa: E731
        until(lambda: bool(refused()), "no refusal recorded")
        assert refused()[0]["event"]["attrs"]["kind"] == "rollback"
        alerts = lambda: server.jsonl("alerts", "ls", person="ann")  # noqa: E731
        until(lambda: bool(alerts()), "no alert")
        assert (alerts()[0]["rule"], alerts()[0]["severity"]) == ("witness-refused", 6)
        seen = run(*watch)
        assert (seen.returncode, "rollback" in seen.stdout) == (5, True)
    finally:
        server.stop()
    checked = run("verify", str(server.home), "--key", key, "--anchor", str(anchor))
    assert checked.returncode == 5
    assert "rolled back" in checked.stdout
    assert run("verify", str(server.home), "--key", key).returncode == 0, "alone it looks sound"


def test_a_witness_that_is_away_or_refuses_holds_nothing_up_and_is_said(
    tmp_path: Path, witness: RunningWitness
) -> None:
    server = RunningServer(tmp_path, witness.setting).start()
    try:
        began = time.monotonic()
        server.invite("ann", "auditor")
        assert time.monotonic() - began < 30
        assert "not yet" in str(status(server)["witnessed"])
        witness.start()  # it does not know the ledger yet
        refused = lambda: server.jsonl("events", "--action", "witness.refused")  # noqa: E731
        until(lambda: bool(refused()), "no refusal recorded")
        assert refused()[0]["event"]["attrs"]["kind"] == "unknown"
        until(lambda: bool(server.jsonl("alerts", "ls", person="ann")), "no alert")
        assert server.jsonl("alerts", "ls", person="ann")[0]["rule"] == "witness-refused"
        witness.stop()
        assert run("witness", "trust", str(witness.directory), public_key(server)).returncode == 0
        witness.start()
        until(lambda: bool(server.jsonl("events", "--action", "witness.recovered")), "did not recover", 90)
        assert len(refused()) == 1
    finally:
        server.stop()
