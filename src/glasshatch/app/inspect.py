"""Looking at a data directory from outside: verify every ledger in it. Needs no server dependency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError, GlasshatchError
from ..keys import Envelope, Keyring, open_master_key
from ..ledger import check_anchors
from ..ledger.verify import Problem, VerifyReport, verify_directory

Progress = Callable[[int, int], None]


class HomeReport(msgspec.Struct, frozen=True):
    """The result for all ledgers of a directory; a problem's file is relative to `ledgers/`."""

    ok: bool
    unfinished: bool
    """Nothing is damaged, and starting the server once mends what a crash left."""
    entries_compared: bool
    """Whether the data key was at hand, so that every entry was decrypted and compared."""
    ledgers: tuple[VerifyReport, ...]
    problems: tuple[Problem, ...]


def verify_home(
    directory: Path,
    verifier_key: str = "",
    master: str = "",
    progress: Progress | None = None,
    anchors: Sequence[Path] = (),
) -> HomeReport:
    """Verify a data directory, or one ledger's directory; writes nothing and takes no lock.

    Args:
        verifier_key: The public key to trust; without it a ledger vouches for itself only.
        master: Reference of the master key; by default `keys/master.key` if it can be read.
        anchors: Files or git repositories with checkpoints kept elsewhere, which must all be in the ledger.

    Raises:
        ConfigError: There is no ledger, or a key is malformed.
    """
    folders = _ledgers(directory)
    envelope = _data_keys(directory, master)
    reports = tuple(verify_directory(folder, verifier_key or None, envelope, progress) for folder in folders)
    if anchors:
        reports = tuple(
            check_anchors(report, folder, anchors) for report, folder in zip(reports, folders, strict=True)
        )
    problems = tuple(
        msgspec.structs.replace(problem, file=f"{folder.name}/{problem.file}")
        for folder, report in zip(folders, reports, strict=True)
        for problem in report.problems
    )
    return HomeReport(
        ok=not problems,
        unfinished=bool(problems) and all(report.ok or report.unfinished for report in reports),
        entries_compared=envelope is not None,
        ledgers=reports,
        problems=problems,
    )


def _ledgers(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise ConfigError("there is no such directory", file=str(directory))
    inside = directory / "ledgers"
    folders = sorted(path for path in inside.iterdir() if path.is_dir()) if inside.is_dir() else [directory]
    if not folders:
        raise ConfigError("holds no ledger", file=str(inside), hint="glasshatch init DIR makes one")
    return folders


def _data_keys(directory: Path, master: str) -> Callable[[str], Envelope] | None:
    """How to find a data key by id; None if the keys are not at hand, which is no error."""
    keys = directory / "keys"
    if not master:
        if not (keys / "master.key").is_file():
            return None
        master = f"file:{keys / 'master.key'}"
    opened = open_master_key(master)
    keyrings = [Keyring.open(file, opened) for file in sorted(keys.glob("*.json"))]

    def find(key_id: str) -> Envelope:
        problem: GlasshatchError | None = None
        for keyring in keyrings:
            try:
                return keyring.envelope(key_id)
            except GlasshatchError as error:
                problem = error
        raise problem or ConfigError("there is no keyring", file=str(keys))

    return find
