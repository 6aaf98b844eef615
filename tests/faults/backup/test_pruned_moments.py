"""Taking pruned entries out of earlier moments: whole or not at all, however often it is interrupted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fixtures.counts import tell
from fixtures.logs import SMALL, make_keyring
from fixtures.pruning import append_events, recording
from glasshatch.app.backup.moments import MANIFEST, BackupFile, Moment, encode_moment, moments, read_moment
from glasshatch.app.backup.retaining import prune_moments
from glasshatch.clock import ManualClock
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerCut, verify_directory

FOLDER = "ledgers/default"


def take_moment(place: Path, ledger: Ledger) -> Path:
    """A moment of a ledger, as a backup makes it; packs are shared with the one before."""
    before = moments(place)
    ledger.checkpoint(fresh=True)
    cut = LedgerCut(ledger.directory, ledger.size)
    moment, files = place / f"{ledger.size:015d}-20260101T000000Z", []
    for file in cut.files:
        target = moment / FOLDER / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (
            before
            and file.path.endswith(".pack") | file.path.startswith("blobs/")
            and (before[-1] / FOLDER / file.path).exists()
        ):
            os.link(before[-1] / FOLDER / file.path, target)
        else:
            target.write_bytes(cut.read(file, 0, file.bytes).ljust(file.extent, b"\0"))
        files.append(BackupFile(f"{FOLDER}/{file.path}", file.bytes, file.extent))
    listed = Moment(
        version=1, made="1", program="0", tenant="default", origin=cut.key.name, size=cut.checkpoint.size,
        checkpoint=cut.checkpoint.note.decode(), master_key=False, files=tuple(files),
    )  # fmt: skip
    (moment / MANIFEST).write_bytes(encode_moment(listed))
    cut.close()
    return moment


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return make_keyring(tmp_path)


@pytest.fixture
def place(tmp_path: Path, keyring: Keyring) -> Path:
    """Four moments: two with a log from before the minimum, one with packs from before it, one pruned."""
    place = tmp_path / "backup"
    place.mkdir()
    with Ledger.create(tmp_path / "ledger", keyring, ManualClock(), SMALL) as ledger:
        append_events(ledger, 100, large_every=90)
        take_moment(place, ledger)
        append_events(ledger, 400, large_every=90)
        take_moment(place, ledger)
        append_events(ledger, 900, large_every=90)
        take_moment(place, ledger)
        ledger.prune(512, recording(ledger))
        take_moment(place, ledger)
    return place


def restorable(moment: Path, keyring: Keyring, tmp_path: Path) -> int:
    """The minimum of the ledger that a moment's list gives, verified with every entry opened."""
    out = tmp_path / "restored"
    shutil.rmtree(out, ignore_errors=True)
    for part in ("wal", "entries", "hashes", "checkpoints"):
        (out / part).mkdir(parents=True)
    for file in read_moment(moment).files:
        data = (moment / file.path).read_bytes()[: file.bytes].ljust(file.extent, b"\0")
        target = out / file.path.removeprefix(f"{FOLDER}/")
        target.parent.mkdir(exist_ok=True, parents=True)
        target.write_bytes(data)
    return verify_directory(out, data_key=keyring.envelope).require().pruned


def test_packs_go_from_every_moment_and_what_is_left_can_be_restored(
    place: Path, keyring: Keyring, tmp_path: Path
) -> None:
    *early, third, newest = moments(place)
    assert prune_moments(place, newest, [FOLDER]) == (1, 2)
    assert moments(place) == [third, newest]
    assert not any(moment.exists() for moment in early)
    assert [restorable(moment, keyring, tmp_path) for moment in moments(place)] == [512, 512]
    assert min(int(path.stem) for path in place.rglob("*.pack")) == 2
    assert len(list(third.glob(f"{FOLDER}/blobs/*/*"))) == len(range(540, 1_400, 90))
    assert prune_moments(place, newest, [FOLDER]) == (0, 0)


def test_interrupted_at_any_step_each_moment_is_as_it_was_or_without_what_was_pruned(
    place: Path, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = interrupted = 0
    while True:
        steps += 1
        work = tmp_path / "work"
        shutil.copytree(place, work)
        newest, calls = moments(work)[-1], 0

        def strike(real: object, *arguments: object, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls == steps:  # noqa: B023
                raise KeyboardInterrupt
            return real(*arguments, **more)  # type: ignore[operator]

        with monkeypatch.context() as broken:
            for name in ("rename", "unlink"):
                real = getattr(Path, name)
                broken.setattr(
                    Path, name, lambda self, *a, real=real, **k: strike(real, self, *a, **k)
                )  # fmt: skip
            try:
                prune_moments(work, newest, [FOLDER])
                done = True
            except KeyboardInterrupt:
                done = False
        for moment in moments(work):
            assert restorable(moment, keyring, tmp_path) in (0, 512)
        interrupted += not done
        prune_moments(work, newest, [FOLDER])
        assert [restorable(moment, keyring, tmp_path) for moment in moments(work)] == [512, 512]
        assert min(int(path.stem) for path in work.rglob("*.pack") if ".partial" not in path.parts) == 2
        shutil.rmtree(work)
        if done:
            break
    tell(f"pruned entries taken out of a backup, interrupted at each of {interrupted} steps: always whole")
    assert interrupted >= 4
