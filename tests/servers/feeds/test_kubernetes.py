"""Audit events with planted secrets, delivered and ingested: none of them is anywhere in the directory."""

from __future__ import annotations

import gzip
import json
import uuid
from importlib import resources
from pathlib import Path

from fixtures.audit import planted
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer, run
from glasshatch.app.demo.clean import find_planted
from glasshatch.app.demo.use import AUDIT_SECRETS

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = resources.files("glasshatch.app.demo").joinpath("kubernetes-audit.jsonl.gz").read_bytes()
RECORDED = ROOT.parent / "shared" / "data" / "k8s-real" / "audit.log.gz"


def test_nothing_planted_is_anywhere_in_the_directory(tmp_path: Path) -> None:
    """Delivered live, in lists, as a file, and broken in the middle."""
    words = {way: f"Zq{way}{uuid.uuid4().hex}" for way in ("live", "list", "file", "broken")}
    server = RunningServer(tmp_path).start()
    try:
        feeder = Feeder(server, invite_feeder(server, "ingest:kubernetes/prod"))
        path = "/v1/sources/kubernetes/prod"
        live = [json.dumps(value) for _, value in planted(words["live"])]
        assert sum(feeder.post("\n".join(live).encode(), path).counts) == len(live)
        listed = [value for _, value in planted(words["list"])]
        body = gzip.compress(json.dumps({"kind": "EventList", "items": listed}).encode())
        accepted, _, quarantined = feeder.post(body, path, Content_Encoding="gzip").counts
        assert (accepted, quarantined) == (len(listed) - 2, 2)
        broken = [json.dumps(value) for _, value in planted(words["broken"])]
        cut = [line[: line.index(words["broken"]) + 20] for line in broken if words["broken"] in line]
        assert feeder.post("\n".join(cut).encode(), path).counts == (0, 0, len(cut))
        file = tmp_path / "audit.log"
        file.write_text("\n".join(json.dumps(value) for _, value in planted(words["file"])))
        token = tmp_path / "k.token"
        token.write_text(feeder.token)
        token.chmod(0o600)
        done = run(
            "ingest", "kubernetes", str(file), "--name", "prod", "--data", str(server.home),
            "--token-file", str(token),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert server.invite("auditor", "auditor")
        assert int(server.jsonl("search", "source.kind:kubernetes", "--count", person="auditor")[0]) > len(
            live
        )
    finally:
        server.stop()
    hits, searched = find_planted(server.home, [*words.values(), words["broken"][:20]])
    assert searched > 1_000_000
    assert not hits
    assert not [word for word in words.values() if word in server.log.read_text()]


def test_a_real_audit_file_goes_in_whole_and_keeps_no_secret(tmp_path: Path) -> None:
    files = {"shipped": SHIPPED, **({"recorded": RECORDED.read_bytes()} if RECORDED.exists() else {})}
    for name, data in files.items():
        file, home = tmp_path / f"{name}.gz", tmp_path / name
        file.write_bytes(data)
        items = [json.loads(line) for line in gzip.decompress(data).splitlines()]
        facts = {(item["auditID"], item["stage"]) for item in items}
        done = run("ingest", "kubernetes", str(file), "--data", str(home), "--format", "jsonl")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)["result"]
        assert (found["accepted"], found["quarantined"]) == (len(facts), 0)
        count = run("search", "source.kind:kubernetes", "--count", "--data", str(home))
        assert count.stdout.strip() == str(len(facts))
        contents = {value for item in items for value in secret_values(item)}
        assert contents or name == "shipped"
        hits, _ = find_planted(home, [*AUDIT_SECRETS, *contents])
        assert not hits, name


def secret_values(item: dict[str, object]) -> set[str]:
    """What the Secrets of an audit event hold, as it stands there."""
    found: set[str] = set()
    for part in ("requestObject", "responseObject"):
        body = item.get(part)
        if isinstance(body, dict) and body.get("kind") == "Secret":
            for name in ("data", "stringData"):
                values = body.get(name) or {}
                found |= {value for value in values.values() if len(value) >= 12}
    return found
