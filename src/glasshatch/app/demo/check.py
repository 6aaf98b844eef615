"""`glasshatch demo --check`: the day, played alone and judged, one JSON field a step."""

from __future__ import annotations

import base64
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import GlasshatchError
from . import day, use
from .clean import Searcher, find_planted
from .day import NotSo, demand
from .stage import Say, Stage, glasshatch_command, run

FLIPS = 40
Step = Callable[[Stage], dict[str, Any]]


def check_day(root: Path, say: Say) -> dict[str, Any]:
    """Play the day on a fresh stage under `root` and say of each step whether it was so.

    A step that fails does not stop the others. The stage is stopped when this returns.
    """
    stage = Stage(root, say)
    result: dict[str, Any] = {}
    details: dict[str, Any] = {}
    started_s = time.monotonic()
    try:
        stage.start()
        play(DAY | JUDGEMENT, stage, say, result, details)
    finally:
        stage.stop()
    return result | {"seconds": round(time.monotonic() - started_s, 1), "details": details}


def play(
    steps: dict[str, Step], stage: Stage, say: Say, result: dict[str, Any], details: dict[str, Any]
) -> None:
    """Steps in their order; fills `result` and `details` by step name."""
    for name, step in steps.items():
        started_s = time.monotonic()
        try:
            details[name] = step(stage)
            result[name] = True
        except (NotSo, GlasshatchError) as error:
            details[name] = {"not_so": str(error)}
            result[name] = False
        details[name]["seconds"] = round(time.monotonic() - started_s, 1)
        say(f"{'[green]✓[/]' if result[name] else '[red]✗[/]'} {name}: {_summary(details[name])}")


def clean(stage: Stage) -> dict[str, Any]:
    """Nothing planted is in any byte under the data directory, and the search can find things."""
    planted = day.typed(stage)
    stage.stop_server()
    try:
        sample = base64.b64encode(f"… {planted[0]} …".encode())
        demand(bool(Searcher(planted).search(sample)), "the search finds a value that was hidden on purpose")
        hits, searched = find_planted(stage.home.directory, planted)
    finally:
        stage.start_server()
    where = ", ".join(sorted({f"{hit.where} as {hit.encoding}" for hit in hits})[:5])
    demand(not hits, f"{len(hits)} planted values were found: {where}")
    return {"values": len(planted), "bytes_searched": searched}


def verified(stage: Stage) -> dict[str, Any]:
    """The whole ledger verifies, every flipped bit is found and named, a proof stands alone."""
    proof = _prove_one(stage)
    stage.stop_server()
    try:
        whole = run([*glasshatch_command(), "verify", str(stage.home.directory), "--json"], {}, 120)
        demand(whole.status == 0, f"the ledger verifies: {whole.out}{whole.err}")
        found = _flip_bits(stage.home.directory)
    finally:
        stage.start_server()
    missed = [flip for flip, named in found.items() if not named]
    demand(not missed, f"{len(missed)} of {FLIPS} flipped bits were not found and named: {missed[:3]}")
    return {"flips_found": len(found), "proof": proof}


def _prove_one(stage: Stage) -> str:
    """Prove one of alice's statements and verify the proof in a place that has nothing else."""
    event = day.events_of(stage, "alice", "--action", "statement.run", "--limit", "1")[0]
    with tempfile.TemporaryDirectory(prefix="glasshatch-proof-") as folder:
        proof, key = Path(folder) / "event.proof", Path(folder) / "ledger.pub"
        made = stage.command("carol", "prove", event["id"], "-o", str(proof), "--key-out", str(key))
        demand(made.status == 0, f"carol can prove an event: {made.err}")
        checked = run(
            [*glasshatch_command(), "verify", str(proof), "--key", str(key)], {"GLASSHATCH_DATA": ""}, 60
        )
        demand(checked.status == 0, f"the proof verifies with the public key alone: {checked.err}")
        text = proof.read_text(encoding="utf-8")
        proof.write_text(text.replace(text[len(text) // 2], "~", 1), encoding="utf-8")
        forged = run([*glasshatch_command(), "verify", str(proof), "--key", str(key)], {}, 60)
        demand(forged.status == 5, "a changed proof is refused")
    return str(event["id"])


def _flip_bits(directory: Path) -> dict[str, bool]:
    """Flip one random bit at a time in a copy; says of each whether it was found in that very file."""
    from ..inspect import verify_home

    found: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="glasshatch-flips-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("run"))
        files = [
            file for file in sorted((copy / "ledgers").rglob("*")) if file.is_file() and file.stat().st_size
        ]
        for _ in range(FLIPS):
            file = random.choice(files)  # noqa: S311 - which bit is flipped is no secret
            data = bytearray(file.read_bytes())
            at, bit = random.randrange(len(data)), random.randrange(8)  # noqa: S311
            data[at] ^= 1 << bit
            file.write_bytes(data)
            report = verify_home(copy)
            name = str(file.relative_to(copy / "ledgers"))
            found[f"{name} byte {at} bit {bit}"] = any(
                name.endswith(problem.file) for problem in report.problems
            )
            data[at] ^= 1 << bit
            file.write_bytes(data)
    return found


def _summary(detail: dict[str, Any]) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in detail.items() if not isinstance(value, dict)
    )


DAY: dict[str, Step] = {
    "masked": day.masked, "blocked": day.blocked, "granted": day.granted,
    "timeline": use.timeline, "alert": use.alert, "kubernetes": use.kubernetes, "durable": day.durable,
}  # fmt: skip
"""What happens on the day; at its end the server is up."""

JUDGEMENT: dict[str, Step] = {"audited": use.audited, "clean": clean, "verified": verified}
"""What is found of it in the files afterwards. Each step stops the server for a while."""
