"""Every attack on the record: how it is done, and which mechanism finds it. And which does not.

The expected sets are exact, so they also say where a mechanism is blind; docs/concepts/ledger.md has the
same table for people.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.counts import tell
from fixtures.logs import SMALL, ask, copy, entries, fill, make_keyring, make_witness, shown_size
from fixtures.pruning import pruned_event, recording
from glasshatch.clock import ManualClock
from glasshatch.errors import VerificationError
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerReader, Published, check_anchors, verify_directory, verify_proof
from glasshatch.ledger.anchors import ANCHORS
from glasshatch.ledger.log import Succession, check_consistency, open_checkpoint, pruning_links, sign_note
from glasshatch.ledger.monitor import Monitor
from glasshatch.ledger.witness import Witness

ROOT = Path(__file__).resolve().parents[3]
HONEST, EARLIER = 600, 200


class World(msgspec.Struct):
    """An honest ledger of 600 entries, and what others remember of it."""

    folder: Path
    ledger: Path
    earlier: Path
    keyring: Keyring
    key: str
    witness: Witness
    state: Path
    anchors: dict[str, Path]


@pytest.fixture
def world(tmp_path: Path) -> World:
    keyring = make_keyring(tmp_path)
    log = fill(tmp_path / "ledger", keyring, entries(EARLIER))
    earlier = copy(log.directory, "earlier")
    fill(log.directory, keyring, entries(HONEST - EARLIER, EARLIER))
    key = log.key()
    witness = make_witness(tmp_path / "witness", log).open(ManualClock())
    assert ask(witness, log, 0).status == 200
    assert Monitor(log, key, tmp_path / "state").look().finding == "first"
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "repository")], check=True)
    anchors = {"file": tmp_path / "anchor", "git": tmp_path / "repository"}
    for kind, place in anchors.items():
        ANCHORS[kind].open(place, key.name).keep(log.note())
    return World(
        tmp_path, log.directory, earlier, keyring, str(key), witness, tmp_path / "state", anchors
    )  # fmt: skip


def finders(world: World) -> set[str]:
    """Who notices something about the ledger as it is now."""
    found = set()
    report = verify_directory(world.ledger, world.key)
    if not report.ok:
        found.add("verify")
    if not verify_directory(world.ledger, world.key, world.keyring.envelope).ok:
        found.add("verify with data key")
    if any("anchor" in p.what or p.file in map(str, world.anchors.values()) for p in anchored(world, report)):
        found.add("anchor")
    shown = Published(world.ledger)
    if Monitor(shown, open_key(world), world.state).look().alarm:
        found.add("monitor")
    if refused(world.witness, shown):
        found.add("witness")
    return found


def anchored(world: World, report: object) -> list[object]:
    assert isinstance(report, msgspec.Struct)
    problems = []
    for place in world.anchors.values():
        after = check_anchors(report, world.ledger, [place]).problems  # type: ignore[arg-type]
        problems.append(after[len(report.problems) :])  # type: ignore[attr-defined]
    assert bool(problems[0]) == bool(problems[1]), "both kinds of anchor see the same"
    return list(problems[0])


def open_key(world: World) -> object:
    from glasshatch.ledger import VerifierKey

    return VerifierKey.parse(world.key)


def refused(witness: Witness, shown: Published) -> bool:
    """Whether the witness denies its cosignature to the newest checkpoint, from the size that it knows."""
    size = min(HONEST, shown_size(shown))
    return ask(witness, shown, size).status != 200


def restore(world: World) -> None:
    shutil.rmtree(world.ledger)
    shutil.copytree(world.earlier, world.ledger)


def nothing(world: World) -> None:
    """The honest ledger goes on."""
    fill(world.ledger, world.keyring, entries(50, HONEST))


def rolled_back(world: World) -> None:
    """The whole directory is put back to an older copy of itself."""
    restore(world)


def rolled_back_and_grown(world: World) -> None:
    """Put back, then used until it is longer than it ever was."""
    restore(world)
    fill(world.ledger, world.keyring, entries(700, EARLIER, "other"))


def rewritten(world: World) -> None:
    """The holder of all keys leaves one entry out, and makes and signs the whole ledger anew."""
    shutil.rmtree(world.ledger)
    changed = [b"nothing happened" if entry == b"entry 7" else entry for entry in entries(HONEST)]
    fill(world.ledger, world.keyring, changed)


def truncated(world: World) -> None:
    """The newest entries are cut off the log's files."""
    segments = sorted((world.ledger / "wal").iterdir())
    last = [segment for segment in segments if b"GHFR" in segment.read_bytes()][-1]
    data = last.read_bytes()
    last.write_bytes(data[:64].ljust(len(data), b"\0"))


def swapped_pack(world: World) -> None:
    """A pack is replaced by one with other entries, well-formed and sealed under the right key."""
    fill(world.folder / "forge", world.keyring, entries(HONEST, 0, "forged"))
    pack = "entries/00000000.pack"
    shutil.copyfile(world.folder / "forge" / pack, world.ledger / pack)


def moved_pack(world: World) -> None:
    """Two packs of the ledger change places."""
    first, second = (world.ledger / "entries" / f"0000000{number}.pack" for number in (0, 1))
    first.rename(world.folder / "aside")
    second.rename(first)
    (world.folder / "aside").rename(second)


def replaced_key(world: World) -> None:
    """All of it is made anew under another key that signs in the same name."""
    shutil.rmtree(world.ledger)
    fill(world.ledger, make_keyring(world.folder, name="other"), entries(HONEST + 10))


def forged_succession(world: World) -> None:
    """Who wrote a new key into the directory signs that it follows the old one, which it does not hold."""
    other = make_keyring(world.folder, name="other")
    shutil.rmtree(world.ledger)
    log = fill(world.ledger, other, entries(HONEST + 10))
    old, new = open_key(world), log.key()
    text = f"{new.name}\nglasshatch key succession v1\n{old}\n{new}\n{HONEST}\n1\n".encode()  # type: ignore[attr-defined]
    (world.ledger / "succession").write_bytes(sign_note(text, new.name, other.signing_key))


def retired_key(world: World) -> None:
    """A key that was stolen and then taken out of service signs the ledger's next entries alone."""
    stolen, new = world.keyring.signing_key, Ed25519PrivateKey.generate()
    with Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL) as ledger:
        ledger.succeed_key(new, lambda _: None, at_once=True)
    # The thief has the files of that moment too, and lets the ledger go on in the name of the old key.
    statements = (world.ledger / "succession").read_bytes()
    (world.ledger / "succession").unlink()
    (world.ledger / "key.vkey").write_text(f"{world.key}\n")
    assert world.keyring.signing_key is stolen
    fill(world.ledger, world.keyring, entries(10, HONEST))
    (world.ledger / "succession").write_bytes(statements)
    (world.ledger / "key.vkey").write_text(f"{Succession.read(statements, open_key(world)).newest}\n")  # type: ignore[arg-type]


def pruned(world: World) -> None:
    """The honest ledger prunes under its policy."""
    with Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL) as ledger:
        ledger.prune(256, recording(ledger))


def packs_deleted(world: World) -> None:
    """Somebody who may write to the files takes the oldest entries away."""
    (world.ledger / "entries" / "00000000.pack").unlink()


def packs_deleted_with_a_forged_minimum(world: World) -> None:
    """And puts a file beside them that says they were pruned, with the true proof of another entry."""
    with Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL) as ledger:
        proof = ledger.prove(HONEST - 1)
    forged = msgspec.structs.replace(proof, entry=pruned_event(pruning_links(256, 1)))
    packs_deleted(world)
    (world.ledger / "pruned").write_bytes(forged.encode())


def packs_deleted_with_an_older_minimum(world: World) -> None:
    """The ledger was pruned before; packs beyond that go, under the file that was true then."""
    pruned(world)
    (world.ledger / "entries" / "00000001.pack").unlink()


OUTSIDE = {"anchor", "monitor", "witness"}
OFFLINE = {"verify", "verify with data key"}
ATTACKS: dict[str, tuple[Callable[[World], None], set[str]]] = {
    "none": (nothing, set()),
    "directory rolled back": (rolled_back, OUTSIDE),
    "rolled back, then grown past it": (rolled_back_and_grown, OUTSIDE),
    "history rewritten by the key holder": (rewritten, OUTSIDE),
    "truncated tail": (truncated, OFFLINE),
    "swapped pack": (swapped_pack, {"verify with data key"}),
    "packs exchanged": (moved_pack, OFFLINE),
    "pruned under its policy": (pruned, set()),
    "packs deleted": (packs_deleted, OFFLINE),
    "packs deleted, with a forged minimum": (packs_deleted_with_a_forged_minimum, OFFLINE),
    "packs deleted, with an older minimum put back": (packs_deleted_with_an_older_minimum, OFFLINE),
    "replaced key": (replaced_key, OUTSIDE | OFFLINE),
    "forged succession": (forged_succession, OUTSIDE | OFFLINE),
    "retired key signs on": (retired_key, {"monitor", "anchor"} | OFFLINE),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_found_by_exactly_these(world: World, name: str) -> None:
    attack, expected = ATTACKS[name]
    attack(world)
    found = finders(world)
    tell(f"attack, {name}: found by {', '.join(sorted(found)) or 'nobody'}")
    assert found == expected


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (packs_deleted, "a pack is missing"),
        (packs_deleted_with_a_forged_minimum, "the log records no such pruning: entries were taken away"),
        (packs_deleted_with_an_older_minimum, "between the packs and the log are missing"),
    ],
)
def test_a_ledger_does_not_open_on_packs_that_were_taken_away(
    world: World, attack: Callable[[World], None], says: str
) -> None:
    attack(world)
    with pytest.raises(VerificationError, match=says):
        Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL)
    with pytest.raises(VerificationError, match=says):
        LedgerReader(world.ledger, world.keyring)


def test_a_ledger_with_a_cut_tail_does_not_open(world: World) -> None:
    truncated(world)
    with pytest.raises(VerificationError, match="below a signed checkpoint are missing"):
        Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL)


def test_two_views_shown_to_two_clients_get_one_cosignature(world: World) -> None:
    """Each view is consistent for who sees only it; the witness cosigns one, and demanding that tells."""
    one, other = Published(world.ledger), Published(copy(world.ledger, "other"))
    key = open_key(world)
    states = [Path(shutil.copyfile(world.state, world.folder / name)) for name in ("ann", "bob")]
    fill(one.directory, world.keyring, entries(20, HONEST, "for ann"))
    fill(other.directory, world.keyring, entries(20, HONEST, "for bob"))
    assert [Monitor(*view).look().finding for view in ((one, key, states[0]), (other, key, states[1]))] == [
        "grown", "grown",
    ]  # fmt: skip
    cosigned = ask(world.witness, one, HONEST)
    assert cosigned.status == 200
    assert ask(world.witness, other, HONEST).status == 409

    class With:
        """A view with what the witness said of it, if anything."""

        def __init__(self, view: Published, lines: bytes) -> None:
            self.view, self.lines = view, lines

        def fetch(self, path: str) -> bytes | None:
            found = self.view.fetch(path)
            return found + self.lines if found is not None and path == "checkpoint" else found

    demanding = [world.witness.key]
    assert not Monitor(With(one, cosigned.body), key, states[0], demanding).look().alarm
    seen = Monitor(With(other, b""), key, states[1], demanding).look()
    assert (seen.finding, seen.alarm) == ("unwitnessed", True)
    # And whenever the two compare what they saw, the two checkpoints alone are the proof.
    assert Monitor(other, key, states[0]).look().finding == "fork"
    tell("fork seen by two clients: 2 views, 1 cosigned, found by who demands it and by who compares")


def test_a_receipt_kept_by_a_producer_shows_that_history_was_rewritten(world: World) -> None:
    with Ledger.open(world.ledger, world.keyring, ManualClock(), SMALL) as ledger:
        receipt = ledger.prove(7).encode()
    rewritten(world)
    proven, now = verify_proof(receipt, world.key), Published(world.ledger).checkpoint()
    assert proven.entry == b"entry 7"
    with pytest.raises(VerificationError, match="differ"):
        check_consistency(proven.checkpoint.size, now.size, proven.checkpoint.root, now.root, ())
    assert open_checkpoint(proven.checkpoint.note, open_key(world)).size == now.size  # type: ignore[arg-type]


def test_the_documentation_has_the_same_table() -> None:
    page = (ROOT / "docs/concepts/ledger.md").read_text()
    columns = ["verify", "verify with data key", "witness", "monitor", "anchor"]
    for name, (_, expected) in ATTACKS.items():
        if expected:
            marks = " | ".join("found" if column in expected else "–" for column in columns)
            assert f"| {name} | {marks} |" in page, name
