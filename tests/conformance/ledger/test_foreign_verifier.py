"""Go's own transparency-log packages, as Debian ships them, accept our logs and refuse changed ones."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.counts import tell
from fixtures.logs import SMALL, ask, copy, entries, fill, make_keyring, make_witness
from fixtures.pruning import make_pruned
from glasshatch.clock import ManualClock
from glasshatch.keys import Keyring
from glasshatch.ledger import Ledger, LedgerReader, Published, export_tlog

pytestmark = [pytest.mark.needs("foreign-verifier"), pytest.mark.slow]

SOURCE = Path(__file__).with_name("foreign.go")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier, built from Debian's packages alone: no module is downloaded."""
    folder = tmp_path_factory.mktemp("foreign")
    environment = {
        "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }  # fmt: skip
    subprocess.run(
        ["/usr/bin/go", "build", "-o", str(folder / "foreign"), str(SOURCE)],
        env=environment, check=True, timeout=280,
    )  # fmt: skip
    return folder / "foreign"


_verdicts: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _told() -> Iterator[None]:
    yield
    tell(f"Go's sumdb packages as oracle: {_verdicts['accepted']} accepted, {_verdicts['refused']} refused")


def asked(foreign: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    done = _ask(foreign, *arguments)
    _verdicts["refused" if done.returncode else "accepted"] += 1
    return done


def _ask(foreign: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(foreign), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return make_keyring(tmp_path)


def export(log: Published, keyring: Keyring, out: Path) -> Path:
    with LedgerReader(log.directory, keyring) as reader:
        export_tlog(log, out, lambda start, stop: [entry for _, entry in reader.scan(start, stop)])
    return out


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_it_accepts_checkpoint_tiles_entries_and_cosignature(
    tmp_path: Path, keyring: Keyring, foreign: Path, size: int
) -> None:
    log = fill(tmp_path / "log", keyring, entries(size))
    out = export(log, keyring, tmp_path / "out")
    done = asked(foreign, "log", out, log.key())
    assert done.stdout == f"size {size}\n", done.stderr
    witness = make_witness(tmp_path / "witness", log).open(ManualClock())
    (out / "checkpoint").write_bytes(log.note() + ask(witness, log, 0).body)
    done = asked(foreign, "log", out, log.key(), witness.key)
    assert done.stdout == f"size {size}\n", done.stderr


def test_it_accepts_a_checkpoint_that_two_keys_signed_under_either(
    tmp_path: Path, keyring: Keyring, foreign: Path
) -> None:
    """While a new signing key follows an old one, and after the old one is retired under the new one only."""
    first = fill(tmp_path / "log", keyring, entries(300)).key()
    new = Ed25519PrivateKey.generate()
    with Ledger.open(tmp_path / "log", keyring, ManualClock(), SMALL) as ledger:
        second = ledger.succeed_key(new, lambda _: None).newest
        ledger.append(b"under both keys")
        ledger.checkpoint(fresh=True)
        log, out = Published(tmp_path / "log"), tmp_path / "out"
        export_tlog(log, out, lambda start, stop: [entry for _, entry in ledger.scan(start, stop)])
        for key in (first, second):
            assert asked(foreign, "log", out, key).stdout == "size 301\n"
        ledger.retire_key(first, lambda _: None)
        ledger.append(b"under the new key")
        ledger.checkpoint(fresh=True)
        export_tlog(log, out, lambda start, stop: [entry for _, entry in ledger.scan(start, stop)])
    assert asked(foreign, "log", out, second).stdout == "size 302\n"
    assert asked(foreign, "log", out, first).returncode == 1


def test_it_accepts_a_pruned_log_whose_hashes_are_all_there(
    tmp_path: Path, keyring: Keyring, foreign: Path
) -> None:
    with make_pruned(tmp_path / "log", keyring, 1_100) as ledger:
        key, proof = ledger.key, ledger.prove(ledger.minimum).encode()
    log = Published(tmp_path / "log")
    out = export(log, keyring, tmp_path / "out")
    assert not (out / "tile/entries/000").exists()
    assert (out / "tile/0/000").exists()
    (tmp_path / "p.tlog-proof").write_bytes(proof)
    done = asked(foreign, "proof", tmp_path / "p.tlog-proof", key)
    assert done.stdout == "entry 512 of 1101\n", done.stderr
    done = asked(foreign, "pruned", out, key, 512)
    assert done.stdout == "size 1101\n", done.stderr
    assert asked(foreign, "pruned", out, key, 256).returncode == 1, (
        "entries are kept from 512 on, not from 256"
    )
    tile = out / "tile/0/000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert asked(foreign, "pruned", out, key, 512).returncode == 1


def test_it_refuses_every_kind_of_change(tmp_path: Path, keyring: Keyring, foreign: Path) -> None:
    log = fill(tmp_path / "log", keyring, entries(700))
    out = export(log, keyring, tmp_path / "out")
    for name in ("checkpoint", "tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"):
        whole = (out / name).read_bytes()
        (out / name).write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
        done = asked(foreign, "log", out, log.key())
        assert (done.returncode, done.stderr[:8]) == (1, "REFUSED:"), name
        (out / name).write_bytes(whole)
    assert asked(foreign, "log", out, log.key()).returncode == 0
    other = fill(tmp_path / "other", make_keyring(tmp_path, name="other"), entries(1))
    assert asked(foreign, "log", out, other.key()).returncode == 1


def test_it_accepts_our_proofs_and_refuses_changed_ones(
    tmp_path: Path, keyring: Keyring, foreign: Path
) -> None:
    fill(tmp_path / "log", keyring, entries(400))
    file = tmp_path / "p.tlog-proof"
    with Ledger.open(tmp_path / "log", keyring, ManualClock(), SMALL) as ledger:
        for index in (0, 1, 255, 256, 399):
            file.write_bytes(ledger.prove(index).encode())
            done = asked(foreign, "proof", file, ledger.key)
            assert done.stdout == f"entry {index} of 400\n", done.stderr
            file.write_bytes(file.read_bytes().replace(b"index %d\n" % index, b"index %d\n" % (index ^ 2)))
            assert asked(foreign, "proof", file, ledger.key).returncode == 1


def test_it_sees_growth_as_growth_and_a_fork_as_none(tmp_path: Path, keyring: Keyring, foreign: Path) -> None:
    log = fill(tmp_path / "log", keyring, entries(300))
    old = export(log, keyring, tmp_path / "old")
    fork = Published(copy(log.directory, "fork"))
    fill(log.directory, keyring, entries(500, 300))
    done = asked(foreign, "grow", old, export(log, keyring, tmp_path / "new"), log.key())
    assert done.stdout == "800 extends 300\n", done.stderr
    fill(fork.directory, keyring, entries(300, 300, "other"))
    forked = export(fork, keyring, tmp_path / "forked")
    assert asked(foreign, "grow", old, forked, log.key()).returncode == 0, "up to 300 it is the same"
    done = asked(foreign, "grow", forked, tmp_path / "new", log.key())
    assert (done.returncode, done.stderr[:8]) == (1, "REFUSED:")
