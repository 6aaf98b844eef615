"""Another master key for a data directory: every keyring is wrapped anew, all of them or none.

    keys/rewrap.new/    being filled; a crash leaves it, and nothing has happened
    keys/rewrap/        filled and durable: every keyring under the new master key, and its reference
    keys/rewrap/recorded  the record has `master.rewrapped`: from here on it is only carried out, never undone

Whoever opens the directory next carries out what is recorded, and throws away what is not. The keyrings hold
everything else: no other file is sealed under the master key itself.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import ConfigError, Conflict, Unavailable, VerificationError
from ..events import Actor, Outcome, decode
from ..keys import Keyring, MasterKey, open_master_key, rewrapped
from .config import LoadedConfig, load_config
from .home import Home

if TYPE_CHECKING:
    from .house import House

ACTION = "master.rewrapped"
_NEW, _WHOLE, _RECORDED, _PLAN = "rewrap.new", "rewrap", "recorded", "plan"
_LOOK_BACK = 100


class Rewrapped(msgspec.Struct, frozen=True):
    """What was done: ids of the master keys, how many keyrings, and whether the configuration says it too."""

    before: str
    after: str
    keyrings: int
    reference: str
    configured: bool


class _Plan(msgspec.Struct, frozen=True):
    before: str
    after: str
    reference: str


def rewrap(house: House, reference: str, reason: str, actor: Actor) -> Rewrapped:
    """Wrap every keyring of the directory under the master key behind `reference`.

    Killed at any time, the directory opens under the old master key or under the new one, whole.

    Raises:
        Conflict: It is the one in use.
        ConfigError, Unavailable: The new master key cannot be used; nothing was changed.
    """
    new = open_master_key(reference)
    _try_out(new)
    if new.id == house.master.id:
        raise Conflict("the keys are under this master key already", hint="give another one")
    plan = _Plan(house.master.id, new.id, reference)
    keys = house.home.keys
    try:
        count = _stage(keys, house.master, new, plan)
        house.note(ACTION, **_told(plan, reason), actor=actor)
        configured = _carry_out(house.home, house.loaded)
    except OSError as error:
        raise Unavailable(
            f"the keys cannot be wrapped anew: {error.strerror}",
            hint="check the disk; the next start undoes this, or finishes it if it is recorded",
        ) from None
    return Rewrapped(plan.before, plan.after, count, reference, configured)


def settle_rewrap(loaded: LoadedConfig) -> LoadedConfig:
    """Carry out a recorded rewrap that was interrupted, before anything is opened; the configuration then.

    Raises:
        Conflict: Another process holds the directory.
        ConfigError: The configuration names the old master key and cannot be changed; says the new one.
    """
    home = Home(loaded.data)
    if not (home.keys / _WHOLE / _RECORDED).exists():
        return loaded
    lock = home.lock(brief=True)
    try:
        return _continue(home, loaded)
    finally:
        lock.release()


def finish_rewrap(house: House) -> None:
    """After a crash between the last two steps: carry it out if the record says so, else forget it."""
    keys = house.home.keys
    shutil.rmtree(keys / _NEW, ignore_errors=True)
    if not (keys / _WHOLE).exists():
        return
    plan = _read_plan(keys)
    newest = house.ledger.scan(max(0, house.ledger.size - _LOOK_BACK))
    if not any(b'"%s"' % ACTION.encode() in data and _is_of(data, plan) for _, data in newest):
        shutil.rmtree(keys / _WHOLE)
        return
    house.loaded = _continue(house.home, house.loaded)
    house.master = open_master_key(house.loaded.reference(house.loaded.config.keys.master))


def _continue(home: Home, loaded: LoadedConfig) -> LoadedConfig:
    reference = _read_plan(home.keys).reference
    if not _carry_out(home, loaded):
        raise ConfigError(
            f"names the master key of before; the keys were wrapped under another: {reference}",
            file=str(loaded.file), key="keys.master", hint=f'set it to "{reference}"',
        )  # fmt: skip
    return load_config(loaded.file)


def _stage(keys: Path, old: MasterKey, new: MasterKey, plan: _Plan) -> int:
    staged = keys / _NEW
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(mode=0o700)
    rings = sorted(keys.glob("*.json"))
    for ring in rings:
        _write(staged / ring.name, rewrapped(ring, old, new))
        Keyring.open(staged / ring.name, new)  # what does not open is not put in the place of what does
    _write(staged / _PLAN, msgspec.json.encode(plan))
    _sync(staged)
    staged.rename(keys / _WHOLE)
    _sync(keys)
    return len(rings)


def _carry_out(home: Home, loaded: LoadedConfig) -> bool:
    """Put the keyrings in their places; each step may be repeated. Whether the configuration fits then."""
    whole = home.keys / _WHOLE
    reference = _read_plan(home.keys).reference
    _write(whole / _RECORDED, b"")
    _sync(whole)
    for ring in sorted(whole.glob("*.json")):
        ring.rename(home.keys / ring.name)
    _sync(home.keys)
    configured = set_master(loaded, reference)
    if configured:
        # Only now: until the configuration fits, every opening comes here and says what to do.
        shutil.rmtree(whole)
        _sync(home.keys)
    return configured


def set_master(loaded: LoadedConfig, reference: str) -> bool:
    """Make the configuration name this master key; false, and untouched, if that is not safely possible."""
    if loaded.reference(load_config(loaded.file).config.keys.master) == reference:
        return True
    text = loaded.file.read_text(encoding="utf-8")
    quoted = msgspec.json.encode(reference).decode()
    section = re.search(r"(?ms)^\[keys\][^\n]*\n(.*?)(?=^\[|\Z)", text)
    if section is None:
        changed = f"{text.rstrip()}\n\n[keys]\nmaster = {quoted}\n"
    else:
        body, count = re.subn(r'(?m)^(\s*master\s*=\s*)"[^"\n]*"', lambda one: one[1] + quoted, section[1])
        body = body if count else f"master = {quoted}\n{body}"
        changed = text[: section.start(1)] + body + text[section.end(1) :]
    try:
        if tomllib.loads(changed).get("keys", {}).get("master") != reference:
            return False
        _replace(loaded.file, changed.encode())
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return True


def _try_out(master: MasterKey) -> None:
    """A master key that wraps and cannot unwrap would lock everybody out."""
    if master.unwrap(master.wrap(b"glasshatch" * 3, b"a trial"), b"a trial") != b"glasshatch" * 3:
        raise VerificationError("the new master key does not unwrap what it wrapped")


def _read_plan(keys: Path) -> _Plan:
    try:
        return msgspec.json.decode((keys / _WHOLE / _PLAN).read_bytes(), type=_Plan)
    except (OSError, msgspec.DecodeError):
        raise VerificationError(
            "what an interrupted rewrap left is damaged", where=str(keys / _WHOLE),
            hint="restore the folder keys from a backup",
        ) from None  # fmt: skip


def _told(plan: _Plan, reason: str) -> dict[str, object]:
    attrs = {"before": plan.before, "after": plan.after}
    return {"outcome": Outcome(status="success", reason=reason), "attrs": attrs}


def _is_of(entry: bytes, plan: _Plan) -> bool:
    event = decode(entry)
    return event.action == ACTION and event.attrs == {"before": plan.before, "after": plan.after}


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, data: bytes) -> None:
    path = path.resolve()  # a link to the configuration stays one
    temporary = path.with_name(f".{path.name}.tmp")
    _write(temporary, data)
    temporary.chmod(path.stat().st_mode & 0o777)
    temporary.rename(path)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
