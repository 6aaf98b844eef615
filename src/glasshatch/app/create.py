"""`glasshatch init`: a data directory from nothing, all of it or none of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from pathlib import Path

import msgspec

from ..clock import Clock, SystemClock
from ..control import ControlStore
from ..events import Outcome
from ..identity import Identity
from ..keys import Keyring, create_master_key_file
from ..ledger import Ledger
from ..masking import Engine, Redactor
from .config import MaskingSection
from .home import Home
from .opening import make_tokens
from .recorder import EventMaker, Recorder
from .template import commented_config
from .tls import create_gateway_certificate

_DAY_NS = 24 * 3_600 * 10**9


class Created(msgspec.Struct, frozen=True):
    """What `init` made; the token's text is nowhere else."""

    config_file: Path
    verifier_key: str
    admin_token: str

    def __repr__(self) -> str:
        return f"Created({str(self.config_file)!r})"


def create_home(
    directory: Path,
    *,
    admin: str = "admin",
    tenant: str = "default",
    origin: str = "",
    clock: Clock | None = None,
) -> Created:
    """Make keys, control store, ledger, certificate, first admin and configuration.

    A failure removes what was made, so the same command can be given again.

    Raises:
        Conflict: The directory is not empty.
        ConfigError: It cannot be written, or a name is not acceptable.
    """
    home = Home(directory.absolute())
    existed = directory.exists()
    home.create()
    try:
        return _fill(
            home, admin, tenant, origin or f"{socket.gethostname()}/{tenant}", clock or SystemClock()
        )
    except BaseException:
        for entry in list(home.directory.iterdir()):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not existed:
            home.directory.rmdir()
        raise


def _fill(home: Home, admin: str, tenant: str, origin: str, clock: Clock) -> Created:
    master = create_master_key_file(home.keys / "master.key")
    keyring = Keyring.create(home.keyring(tenant), tenant, origin, master, os.urandom)
    create_gateway_certificate(home.directory / "tls", clock)
    engine = Engine.load(packs=MaskingSection().packs, cache_dir=home.cache)
    home.ledger.parent.mkdir(mode=0o700)
    ledger = Ledger.create(home.ledger, keyring, clock)
    with contextlib.closing(ledger):
        recorder = Recorder(ledger, Redactor(engine, make_tokens(keyring)))
        maker = EventMaker(clock, tenant=tenant, instance=str(os.getpid()))
        recorder.record(maker.make("ledger.created", attrs={"origin": origin}))
        token = _first_admin(home, keyring, admin, clock, recorder, maker)
        verifier_key = str(ledger.key)
    home.config_file.write_text(commented_config(tenant, str(home.config_file)), encoding="utf-8")
    return Created(home.config_file, verifier_key, token)


def _first_admin(
    home: Home, keyring: Keyring, name: str, clock: Clock, recorder: Recorder, maker: EventMaker
) -> str:
    """The one actor that nobody created; the record says so."""
    control = ControlStore.create(
        home.control_db, tenant=keyring.tenant, mac_key=keyring.control_mac_key, random=os.urandom
    )

    def note(action: str, actor: Identity, **attrs: object) -> None:
        success = Outcome(status="success")
        recorder.record(
            maker.make(action, actor=actor.as_actor(), outcome=success, attrs={"by": "init", **attrs})
        )

    with contextlib.closing(control):
        now_ns = clock.now_ns()
        actor = control.actors.create(
            name, roles=("admin",), now_ns=now_ns, record=lambda made: note("actor.created", made)
        )
        text, _ = control.tokens.issue(
            actor.id,
            scopes=("*",),
            lifetime_ns=_DAY_NS,
            now_ns=now_ns,
            record=lambda token: note("token.issued", actor, token=token.id, expires=str(token.expires_ns)),
        )
    return text
