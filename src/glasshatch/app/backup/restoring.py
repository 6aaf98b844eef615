"""Putting a backup back: only into an empty directory, only if it verifies, never older than is known."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ...clock import Clock, SystemClock
from ...control import ControlStore, Erasure
from ...errors import ConfigError, Conflict, Unavailable, VerificationError
from ...events import Actor, Outcome
from ...keys import Keyring, open_master_key
from ...ledger import Ledger, Published, VerifierKey, open_checkpoint
from ...ledger.log import PRUNED_ACTION
from ...masking import Redactor
from ..config import LoadedConfig, load_config
from ..home import LEDGER, Home
from ..inspect import public_keys, verify_home
from ..local import local_operator
from ..opening import config_of, load_engine, make_tokens
from ..recorder import EventMaker, Recorder
from .copying import LEDGER_PARTS, copy_share
from .cursors import renew_cursors
from .forgetting import CONTROL, known_erasures
from .known import BackedUp, with_newest_known
from .moments import Moment, find_moment, moments, read_moment, sync, sync_tree

Progress = Callable[[int, int], None]
_MARK = ".glasshatch-restoring"
"""In a directory whose restoring did not end. Without the file `format` no server takes it either."""


class Restored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was put back, and what of it is missing against the newest that is known.

    size, known: of the default ledger; ledgers: the sizes of the others; missing: in all of them.
    """

    moment: str
    directory: str
    size: int
    known: int
    missing: int
    master_key: str
    """Where the server expects its master key, if it is not there yet."""
    ledgers: dict[str, int] = {}
    exports: dict[str, str] = {}
    """From where each export goes on; what had left since leaves again."""


def restore_home(
    backup: Path,
    directory: Path,
    *,
    master: str = "",
    newer_than: Sequence[Path] = (),
    accept_older: bool = False,
    reason: str = "",
    progress: Progress | None = None,
) -> Restored:
    """Make `directory` the data directory that was backed up; recorded in its ledger, ready to be served.

    Killed at any time, `directory` is not a data directory, and the same call begins again.

    Args:
        master: Reference of the master key; by default the configuration's own.
        newer_than: Checkpoint notes, anchors, states of monitors, or the old data directory: what the backup
            must not be older than. Newer moments of the same backup count by themselves.
        accept_older: Restore it though it is older; `reason` then stands in the record.

    Raises:
        Conflict: `directory` is not empty, or the backup is older than what is known.
        ConfigError: There is no whole backup, or no master key at hand.
        VerificationError: The backup is damaged, does not fit its master key, or is of a ledger that a known
            checkpoint contradicts. Nothing of it stays.
    """
    moment_folder = find_moment(backup)
    moment = read_moment(moment_folder)
    _check_empty(directory)
    keyring, reference = _open_keys(moment_folder, moment, master)
    ledgers = with_newest_known(moment_folder, _backed_up(moment_folder, moment, keyring), newer_than)
    _check_age(ledgers, accept_older, reason)
    try:
        with _cleared(directory):
            _copy(moment_folder, moment, directory, progress)
            missing_key = _place_master(directory, reference)
            _check(directory, ledgers, public_keys(keyring), reference, progress)
            places = [one for one in moments(moment_folder.parent) if one != moment_folder]
            places += [one for one in newer_than if (one / CONTROL).is_file()]
            erased = known_erasures(places, reference)
            sizes = {one.name: one.signed.size for one in ledgers}
            exports = renew_cursors(
                Home(directory).exports, load_config(config_of(directory)).config, sizes, time.time_ns()
            )
            _record(directory, keyring, moment, ledgers, reason if accept_older else "", erased, exports)
            _finish(directory)
    except OSError as error:
        raise Unavailable(
            f"{directory} cannot be restored: {error.strerror or type(error).__name__}",
            hint="nothing stays there; check space and permissions, then give the command again",
        ) from None
    default, *others = ledgers
    return Restored(
        moment=str(moment_folder), directory=str(directory), size=default.signed.size, known=default.newest,
        missing=sum(one.missing for one in ledgers), master_key=missing_key,
        ledgers={one.name: one.signed.size for one in others}, exports=exports,
    )  # fmt: skip


def _backed_up(folder: Path, moment: Moment, keyring: Keyring) -> list[BackedUp]:
    """The ledgers on the backup's list, the default one first."""
    keys, found = public_keys(keyring), []
    for name, note in moment.checkpoints().items():
        if name not in keys:
            keyring.ledger(name)  # says what is wrong
        succession = Published(Home(folder).ledger_of(name)).keys(VerifierKey.parse(keys[name]))
        found.append(BackedUp(name, succession, open_checkpoint(note.encode(), succession)))
    return found


def _check_empty(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()) and not (directory / _MARK).exists():
        raise Conflict(
            f"{directory} is not empty", hint="give an empty or new directory; nothing was written"
        )


def _open_keys(folder: Path, moment: Moment, master: str) -> tuple[Keyring, str]:
    """The keyring out of the backup, and the reference of the master key that opens it."""
    loaded = load_config(config_of(folder))
    reference = master or loaded.reference(loaded.config.keys.master)
    kind, _, place = reference.partition(":")
    if not master and kind == "file" and not Path(place).is_file():
        raise ConfigError(
            "the backup holds no master key, and without it nothing can be read",
            file=str(folder), hint="give --master-key file:PATH or env:NAME",
        )  # fmt: skip
    return Keyring.open(Home(folder).keyring(moment.tenant), open_master_key(reference)), reference


def _check_age(ledgers: Sequence[BackedUp], accept_older: bool, reason: str) -> None:
    if accept_older and len(reason.strip()) < 3:
        raise ConfigError("is needed to accept an older backup", key="--reason", hint="it is recorded")
    older = [one for one in ledgers if one.missing]
    if older and not accept_older:
        says = f"{older[0].signed.size} entries, and {older[0].newest} are known to have been recorded"
        if len(ledgers) > 1:
            each = ", ".join(f"{one.signed.size} of {one.newest} in {one.name}" for one in older)
            says = f"fewer entries than are known to have been recorded: {each}"
        raise Conflict(
            f"the backup holds {says}",
            hint="restore a newer one; if there is none: --accept-older --reason TEXT, which is recorded",
        )


@contextlib.contextmanager
def _cleared(directory: Path) -> Iterator[None]:
    """The directory with nothing in it but our mark; emptied again if the block fails."""
    existed = directory.exists()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    _empty(directory)
    (directory / _MARK).touch(0o600)
    sync(directory)
    try:
        yield
    except BaseException:
        _empty(directory)
        if not existed:
            directory.rmdir()
        raise


def _empty(directory: Path) -> None:
    # The mark goes last: a kill in between leaves a directory that the next call may clear.
    for path in sorted(directory.iterdir(), key=lambda path: path.name == _MARK):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _copy(source: Path, moment: Moment, directory: Path, progress: Progress | None) -> None:
    total, done = sum(file.bytes for file in moment.files), 0
    for file in moment.files:
        target = directory / file.path
        for parent in reversed(target.relative_to(directory).parents[:-1]):
            (directory / parent).mkdir(mode=0o700, exist_ok=True)
        if file.path == "format":
            target = target.with_name(f"format{_MARK}")
        try:
            found = copy_share(source / file.path, target, file)
        except FileNotFoundError:
            raise VerificationError("is missing in the backup", where=file.path) from None
        if file.sha256 and found != file.sha256:
            raise VerificationError(
                "is not what was backed up", where=file.path, expected=file.sha256, found=found,
                hint="restore another moment",
            )  # fmt: skip
        done += file.bytes
        if progress is not None:
            progress(done, total)
    ledgers = {file.path.split("/")[1] for file in moment.files if file.path.startswith("ledgers/")}
    parts = [f"ledgers/{name}/{part}" for name in ledgers for part in LEDGER_PARTS]
    for folder in ("cache", "run", "policies", *parts):
        (directory / folder).mkdir(mode=0o700, exist_ok=True)


def _place_master(directory: Path, reference: str) -> str:
    """Put the master key where the configuration looks for it, if that is in the directory.

    Answers where it still has to be put, or nothing.
    """
    loaded = load_config(config_of(directory))
    expected = loaded.reference(loaded.config.keys.master)
    kind, _, place = expected.partition(":")
    if kind != "file" or Path(place).is_file():
        return ""
    if reference.startswith("file:") and Path(place).is_relative_to(directory.resolve()):
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Path(reference.removeprefix("file:")).read_bytes())
            file.flush()
            os.fsync(file.fileno())
        return ""
    return expected


def _check(
    directory: Path,
    ledgers: Sequence[BackedUp],
    keys: Mapping[str, str],
    reference: str,
    progress: Progress | None,
) -> None:
    report = verify_home(directory, [keys[one.name] for one in ledgers], reference, progress)
    report.require()
    sizes = {Path(one.directory).name: one.size for one in report.ledgers}
    for one in ledgers:
        if sizes.pop(one.name, -1) != one.signed.size:
            raise VerificationError(
                "the ledger is not the one on the backup's list", where=str(directory / "ledgers" / one.name),
                expected=f"{one.signed.size} entries", found=str(sizes.get(one.name)),
            )  # fmt: skip
    if sizes:
        raise VerificationError("a ledger is not on the backup's list", found=", ".join(sorted(sizes)))


def _record(
    directory: Path,
    keyring: Keyring,
    moment: Moment,
    ledgers: Sequence[BackedUp],
    reason: str,
    erased: Sequence[Erasure],
    exports: Mapping[str, str],
) -> None:
    """Open what was restored as a server would, and make the restoring part of the record.

    It stands in the default ledger, and in every other one that misses something. Subjects that were erased
    after the backup was made are erased in it again.
    """
    loaded: LoadedConfig = load_config(config_of(directory))
    home, clock = Home(directory.absolute()), SystemClock()
    store = ControlStore.open(
        home.control_db, tenant=keyring.tenant, mac_key=keyring.control_mac_key, random=os.urandom
    )
    with contextlib.closing(store):
        again = _erase_again(store, erased, {one.name: one.signed.size for one in ledgers}, clock)
    redactor = Redactor(load_engine(loaded), make_tokens(keyring))
    maker = EventMaker(clock, tenant=keyring.tenant, instance=str(os.getpid()))
    actor = local_operator(keyring.tenant).as_actor()
    for one in ledgers:
        if one.name != LEDGER and not one.missing:
            continue
        with Ledger.open(home.ledger_of(one.name), keyring.ledger(one.name), clock) as ledger:
            recorder = Recorder(ledger, redactor)
            recorder.record(maker.make(
                "backup.restored", actor=actor,
                outcome=Outcome(status="success", reason=reason),
                attrs=_told(one, ledgers, moment, reason, again, exports),
            ))  # fmt: skip
            if ledger.pruned.entry >= one.signed.size:
                _renew_pruning(ledger, recorder, maker, actor)


def _renew_pruning(ledger: Ledger, recorder: Recorder, maker: EventMaker, actor: Actor) -> None:
    """What it was pruned by lies in what is missing: now this log says it itself."""
    ledger.renew_pruning(lambda links: recorder.record(maker.make(
        PRUNED_ACTION, actor=actor, links=links,
        outcome=Outcome(status="success", reason="pruned already when this state was restored"),
    )))  # fmt: skip


def _told(
    one: BackedUp, ledgers: Sequence[BackedUp], moment: Moment, reason: str, again: int,
    exports: Mapping[str, str],
) -> dict[str, str]:  # fmt: skip
    told = {"size": str(one.signed.size), "made": moment.made, "known": str(one.newest)}
    if one.missing:
        told |= {"missing": str(one.missing), "accepted_because": reason}
    if one.name == LEDGER and len(ledgers) > 1:
        others = (f"{other.name}: {other.signed.size} of {other.newest}" for other in ledgers[1:])
        told["ledgers"] = ", ".join(others)
    if one.name == LEDGER and again:
        told["erased_again"] = str(again)
    if one.name == LEDGER and exports:
        told["exports"] = "; ".join(f"{name} from {where}" for name, where in exports.items())
    return told


def _erase_again(
    store: ControlStore, erased: Sequence[Erasure], restored: dict[str, int], clock: Clock
) -> int:
    """Carry out erasures that the store does not know; how many."""
    known = {one.id for one in store.erasures.list()}
    missing = [one for one in erased if one.id not in known]
    for one in missing:
        # What comes behind the restored entries is new, and not what was erased.
        sizes = {name: min(at, restored.get(name, 0)) for name, at in one.at_sizes.items()}
        again = msgspec.structs.replace(one, done_ns=0, at_sizes=sizes)
        store.erasures.carry_out(again, clock.now_ns())
    return len(missing)


def _finish(directory: Path) -> None:
    sync_tree(directory)
    # From this rename on it is a data directory.
    (directory / f"format{_MARK}").rename(directory / "format")
    (directory / _MARK).unlink()
    sync(directory)
