"""Looking at a data directory from outside: verify every ledger in it. Needs no server dependency."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import ConfigError, GlasshatchError, VerificationError
from ..keys import DEFAULT_LEDGER, Envelope, Keyring, open_master_key
from ..ledger import LedgerReader, Published, VerifierKey, check_anchors, check_since
from ..ledger.log import parse_note
from ..ledger.verify import Problem, VerifyReport, verify_directory
from .creation import was_made

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

    def require(self) -> None:
        """Go on only if everything is as it was recorded; raises `VerificationError`."""
        for ledger in self.ledgers:
            ledger.require()
        for problem in self.problems:
            raise VerificationError(
                problem.what, where=problem.file, expected=problem.expected, found=problem.found
            )


def verify_home(
    directory: Path,
    verifier_keys: Sequence[str] = (),
    master: str = "",
    progress: Progress | None = None,
    anchors: Sequence[Path] = (),
    since: Sequence[Path] = (),
) -> HomeReport:
    """Verify a data directory, or one ledger's directory; writes nothing and takes no lock.

    Args:
        verifier_keys: The public keys to trust; a ledger without one vouches for itself only.
        master: Reference of the master key; by default `keys/master.key` if it can be read.
        anchors: Files or git repositories with checkpoints kept elsewhere, which must all be in the ledger.
        since: Files with one earlier checkpoint each, which its ledger must extend.

    Raises:
        ConfigError: There is no ledger, or a key is malformed.
    """
    folders = _ledgers(directory)
    given = _matched(folders, verifier_keys)
    keyrings = _keyrings(directory, master)
    reports = tuple(
        verify_directory(
            folder, given.get(folder), _data_keys(keyrings, folder.name) if keyrings else None, progress
        )
        for folder in folders
    )
    if anchors:
        reports = tuple(
            check_anchors(report, folder, anchors) for report, folder in zip(reports, folders, strict=True)
        )
    notes = [(file, read_note(file)) for file in since]
    _check_origins(notes, reports)
    reports = tuple(
        check_since(report, folder, notes) for report, folder in zip(reports, folders, strict=True)
    )
    problems = tuple(
        msgspec.structs.replace(problem, file=f"{folder.name}/{problem.file}")
        for folder, report in zip(folders, reports, strict=True)
        for problem in report.problems
    )
    missing = tuple(_missing(directory, folders, keyrings))
    return HomeReport(
        ok=not problems and not missing,
        unfinished=bool(problems) and not missing and all(one.ok or one.unfinished for one in reports),
        entries_compared=bool(keyrings),
        ledgers=reports,
        problems=(*problems, *missing),
    )


def read_note(file: Path) -> bytes:
    """A checkpoint that somebody kept in a file.

    Raises:
        ConfigError: It cannot be read, or is none.
    """
    try:
        note = file.read_bytes()
        parse_note(note)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None
    except VerificationError as error:
        raise ConfigError(
            f"is no checkpoint: {error.message}", file=str(file), hint="a file as /checkpoint serves it"
        ) from None
    return note


def _check_origins(notes: Sequence[tuple[Path, bytes]], reports: Sequence[VerifyReport]) -> None:
    origins = {report.origin for report in reports}
    for file, note in notes:
        origin = note.partition(b"\n")[0].decode("utf-8", "replace")
        if origin not in origins:
            raise ConfigError(
                f"is a checkpoint of {origin[:200]}", file=str(file), key="--since",
                hint=f"here is {', '.join(sorted(origins))}",
            )  # fmt: skip


def public_keys(keyring: Keyring) -> dict[str, str]:
    """The public key of every ledger that a keyring has keys for."""
    keys = {name: keyring.ledger(name) for name in keyring.ledgers}
    return {
        name: str(VerifierKey(one.origin, one.signing_key.public_key().public_bytes_raw()))
        for name, one in keys.items()
    }


def _missing(directory: Path, folders: list[Path], keyrings: Sequence[Keyring]) -> Iterator[Problem]:
    """Ledgers that were made and are not there; one that a crash left in the making was not promised."""
    there = {folder.name for folder in folders}
    for keyring in keyrings if folders != [directory] else ():
        for name in sorted(set(keyring.ledgers) - there):
            with LedgerReader(directory / "ledgers" / DEFAULT_LEDGER, keyring) as default:
                if was_made(name, default, directory / "ledgers"):
                    yield Problem(name, 0, "the ledger was made, and is missing")


def _ledgers(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise ConfigError("there is no such directory", file=str(directory))
    inside = directory / "ledgers"
    # What begins with a dot is a ledger in the making, which nobody has been promised anything of.
    folders = (
        sorted(path for path in inside.iterdir() if path.is_dir() and not path.name.startswith("."))
        if inside.is_dir()
        else [directory]
    )
    if not folders:
        raise ConfigError("holds no ledger", file=str(inside), hint="glasshatch init DIR makes one")
    return folders


def _matched(folders: list[Path], keys: Sequence[str]) -> dict[Path, str]:
    """Which key is given for which ledger: the one with its name; to a single ledger, the only key.

    Raises:
        ConfigError: A key is malformed or of none of several ledgers, or two are of one.
    """
    if len(folders) == 1 and len(keys) == 1:
        return {folders[0]: keys[0]}
    origins = {_origin(folder): folder for folder in folders}
    found: dict[Path, str] = {}
    for key in keys:
        name = _parsed(key).name
        folder = origins.get(name)
        if folder is None or folder in found:
            raise ConfigError(
                f"is of none of these ledgers: {name}" if folder is None else f"is given twice: {name}",
                key="--key", hint="there are: " + ", ".join(sorted(origins)),
            )  # fmt: skip
        found[folder] = key
    return found


def _parsed(key: str) -> VerifierKey:
    try:
        return VerifierKey.parse(key)
    except VerificationError as error:
        raise ConfigError(error.message, key="--key", hint="a key looks like name+hash+base64") from None


def _origin(folder: Path) -> str:
    try:
        return Published(folder).key().name
    except GlasshatchError:
        return folder.name  # damaged, which its verification tells


def _keyrings(directory: Path, master: str) -> list[Keyring]:
    """The keyrings; none if the master key is not at hand, which is no error."""
    keys = directory / "keys"
    if not master:
        master = _configured_master(directory)
        if not master:
            return []
    opened = open_master_key(master)
    found = [Keyring.open(file, opened) for file in sorted(keys.glob("*.json"))]
    if not found:
        raise ConfigError("there is no keyring", file=str(keys))
    return found


def _configured_master(directory: Path) -> str:
    """Where the directory's own configuration has its master key, if that lies in a file that is there.

    A program that it names is not run: whoever verifies did not ask for that.
    """
    try:
        configuration = tomllib.loads((directory / "glasshatch.toml").read_text(encoding="utf-8"))
        named = str(configuration.get("keys", {}).get("master", "file:keys/master.key"))
    except (OSError, ValueError, AttributeError):
        named = "file:keys/master.key"
    kind, _, place = named.partition(":")
    return f"file:{directory / place}" if kind == "file" and (directory / place).is_file() else ""


def _data_keys(keyrings: Sequence[Keyring], ledger: str) -> Callable[[str], Envelope]:
    """How to find a data key of a ledger by its id."""

    def find(key_id: str) -> Envelope:
        problem: GlasshatchError | None = None
        for keyring in keyrings:
            try:
                return keyring.ledger(ledger).envelope(key_id)
            except GlasshatchError as error:
                problem = error
        assert problem is not None
        raise problem

    return find
