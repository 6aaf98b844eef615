"""The stage of the demo: a real PostgreSQL, a real Glasshatch server, and people with tokens.

Everything runs as a user would run it: the server is `glasshatch serve` in a process of its own,
people use psql and the `glasshatch` command, tokens are files that only their owner can read.

    ROOT/postgres/    the shop's database, outside Glasshatch's directory
    ROOT/glasshatch/  the data directory        ROOT/tokens/   one token file a person
    ROOT/shop.secret  the upstream password     ROOT/server.log  what the server says
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from ...api.sockets import connect_unix
from ...errors import Unavailable
from ..home import Home
from ..ports import ATTEMPTS, LOOPBACK, free_port
from ..postgres import LocalPostgres
from .complaint import last_complaint
from .receiver import Receiver
from .shop import Shop

Say = Callable[[str], None]
RESOURCE = "shop"
SERVICES = ("web", "orders", "payments")
"""The small programs of the shop that record with the SDK."""

_PEOPLE = {"alice": ("engineer",), "bob": ("engineer", "approver"), "carol": ("auditor",)}

READS = {
    "events": "events", "show": "event", "sessions": "sessions", "search": "search", "stats": "stats",
    "timeline": "timeline", "alerts ls": "alerts",
}  # fmt: skip
"""Commands that read the record, and what the `record.read` event of each says was read."""

_UPSTREAM_USER = "glasshatch"
_START_SECONDS = 60

_CONFIG = """\
# Written anew at every start of the demo: the ports change. `glasshatch init` writes a commented one.
version = 1

[server]
api = "127.0.0.1:{api_port}"

[alerts.demo]
type = "webhook"
url = "http://127.0.0.1:{hook_port}/alerts"
secret = "file:{hook_secret}"

[gateway]
postgres = "127.0.0.1:{port}"
tls_certificate = "tls/gateway.crt"
tls_key = "tls/gateway.key"

[policy]
set = "production"

[resources.{resource}]
type = "postgres"
env = "production"
host = "127.0.0.1"
port = {upstream_port}
database = "shop"
user = "{upstream_user}"
password = "file:{secret}"
tls = "disable"  # loopback, and the demo's PostgreSQL has no TLS
"""
_COLUMNS = (
    ("public.customers.email", "EMAIL", True),
    ("public.customers.phone", "PHONE", False),
    ("public.customers.first_name", "NAME", False),
    ("public.customers.last_name", "NAME", False),
    ("public.payments.card_number", "CARD", False),
    ("public.payments.card_holder", "NAME", False),
)
_COLUMN = """
[[resources.{resource}.columns]]
pattern = "{pattern}"
type = "{type}"
operator = "token"
subject = {subject}
"""


class Finished(msgspec.Struct, frozen=True):
    """What a command of a person printed, and how it ended."""

    out: str
    err: str
    status: int


class Stage:
    """Starts and stops the demo's processes; keeps nothing in memory that a restart would need."""

    def __init__(self, root: Path, say: Say) -> None:
        self.root = root.absolute()
        self.home = Home(self.root / "glasshatch")
        self.tokens = self.root / "tokens"
        self.shop = Shop()
        self.database = LocalPostgres(self.root / "postgres", os.urandom)
        self.gateway_port = self.api_port = 0
        self.webhook = Receiver()
        self.reads: Counter[tuple[str, str]] = Counter()
        """How often each person read what, by commands that were answered."""
        self._say = say
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring everything up; what an earlier run left is kept and used.

        Raises:
            Unavailable: A process did not come up; says which, its last complaint, and where its log is.
        """
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.webhook.start(self.root / "hook.secret")
        self._say("starting PostgreSQL …")
        self.database.start()
        self._fill_shop()
        if not self.home.format_file.exists():
            self._say("making Glasshatch's data directory …")
            self._create_home()
        self._say("starting Glasshatch …")
        self.start_server()
        self._say("inviting alice (engineer), bob (approver), carol (auditor) and the shop's services …")
        self._invite_all()

    def stop(self) -> None:
        """Stop all that was started, the server first, so that it can drain."""
        self.stop_server()
        self.database.stop()
        self.webhook.stop()

    @property
    def page(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.api_port}/"

    @property
    def server_running(self) -> bool:
        """Whether the server process is alive."""
        return self._server is not None and self._server.poll() is None

    def start_server(self) -> None:
        """Start `glasshatch serve` on free ports and wait until it accepts connections.

        Raises:
            Unavailable: The server ended or was not ready in time; names the log and its last complaint.
        """
        for attempt in range(1, ATTEMPTS + 1):
            complaint = self._complaint_of_start()
            if not complaint:
                return
            # Another program may take a free port between our look and the server's bind.
            if "Address already in use" not in complaint or attempt == ATTEMPTS:
                raise Unavailable(
                    f"the Glasshatch server did not start: {complaint}", hint=f"see {self._server_log}"
                )

    def _complaint_of_start(self) -> str:
        """Start the server once and wait for it; what it complained of, or nothing where it serves."""
        self.gateway_port, self.api_port = free_port(), free_port()
        self._write_config()
        with self._server_log.open("ab") as out:
            begun = out.tell()
            self._server = subprocess.Popen(
                [*glasshatch_command(), "serve", "--config", str(self.home.config_file)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not (_accepts(self.gateway_port) and _answers(self.home.socket)):
            if not self.server_running or time.monotonic() > deadline:
                return last_complaint(self._server_log, begun) or f"not ready within {_START_SECONDS} s"
            time.sleep(0.05)
        return ""

    @property
    def _server_log(self) -> Path:
        return self.root / "server.log"

    def stop_server(self) -> None:
        """Ask the server to stop and wait for it."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGTERM)
            try:
                self._server.wait(30)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        self._server = None

    def kill_server(self) -> None:
        """End the server as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def psql(self, person: str, sql: str, *options: str, timeout_s: float = 60) -> Finished:
        """Run SQL as a person through the gateway, with psql and their token as the password."""
        process = self.open_psql(person, *options)
        return _finish(process, sql, timeout_s)

    def psql_as(self, user: str, password: str, sql: str) -> Finished:
        """Run SQL through the gateway under a made-up name and password."""
        return _finish(self._psql(self.gateway_port, user, RESOURCE, password, []), sql, 60)

    def open_psql(self, person: str, *options: str) -> subprocess.Popen[str]:
        """A psql of a person, waiting for SQL on its standard input."""
        return self._psql(
            self.gateway_port, person, RESOURCE, self.token(person), ["-v", "ON_ERROR_STOP=0", *options]
        )

    def behind(self, sql: str) -> str:
        """What the database itself answers, past the gateway, to check what really happened.

        Raises:
            Unavailable: The database refused the statement.
        """
        process = self._psql(
            self.database.port, self.database.user, "shop", self.database.password, ["-v", "ON_ERROR_STOP=1"]
        )
        done = _finish(process, sql, 120)
        if done.status != 0:
            raise Unavailable("the shop's database refused a statement of the demo", hint="make demo-reset")
        return done.out.strip()

    def command(self, person: str, *arguments: str, timeout_s: float = 60) -> Finished:
        """Run a `glasshatch` command as a person, against the running server."""
        environment = {
            "GLASSHATCH_DATA": str(self.home.directory),
            "GLASSHATCH_TOKEN_FILE": str(self.tokens / f"{person}.token"),
            "NO_COLOR": "1",
        }
        done = run([*glasshatch_command(), *arguments], environment, timeout_s)
        what = READS.get(arguments[0]) or READS.get(" ".join(arguments[:2]))
        if what and done.status == 0:
            self.reads[person, what] += 1
        return done

    def token(self, person: str) -> str:
        """The token of a person."""
        return (self.tokens / f"{person}.token").read_text(encoding="ascii").strip()

    def psql_program(self) -> Path:
        """The machine's psql if it has one, else the one that was installed with the server."""
        found = shutil.which("psql")
        return Path(found) if found else self.database.psql_path

    def _psql(
        self, port: int, user: str, database: str, password: str, options: Sequence[str]
    ) -> subprocess.Popen[str]:
        environment = os.environ | {
            "PGHOST": LOOPBACK, "PGPORT": str(port), "PGUSER": user, "PGDATABASE": database,
            "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10", "PGCLIENTENCODING": "UTF8",
        }  # fmt: skip
        return subprocess.Popen(
            [self.psql_program(), "-X", "-q", "-A", "-t", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="replace", env=environment,
        )  # fmt: skip

    def _fill_shop(self) -> None:
        """Fill the database once; the upstream account's password is drawn anew at every start."""
        admin = ["-v", "ON_ERROR_STOP=1"]
        process = self._psql(
            self.database.port, self.database.user, "postgres", self.database.password, admin
        )
        done = _finish(process, "SELECT count(*) FROM pg_database WHERE datname = 'shop'", 60)
        if done.out.strip() == "0":
            self._say("filling the shop: customers, orders, payments …")
            process = self._psql(
                self.database.port, self.database.user, "postgres", self.database.password, admin
            )
            _finish(process, "CREATE DATABASE shop", 60)
        if self.behind("SELECT count(*) FROM pg_tables WHERE tablename = 'payments'") == "0":
            self.behind("".join(self.shop.sql()))
            self.behind(
                f"CREATE ROLE {_UPSTREAM_USER} LOGIN;"
                f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {_UPSTREAM_USER}"
            )
            # The owner, so that a DROP would really work if the gateway let it through.
            for table in ("customers", "orders", "payments"):
                self.behind(f"ALTER TABLE {table} OWNER TO {_UPSTREAM_USER}")
        password = os.urandom(24).hex()
        _write_private(self.root / "shop.secret", password)
        self.behind(f"ALTER ROLE {_UPSTREAM_USER} PASSWORD '{password}'")

    def _create_home(self) -> None:
        self.tokens.mkdir(mode=0o700, exist_ok=True)
        token = self.tokens / "admin.token"
        token.unlink(missing_ok=True)
        made = run(
            [*glasshatch_command(), "init", str(self.home.directory), "--token-out", str(token)], {}, 60
        )
        if made.status != 0:
            raise Unavailable(f"glasshatch init failed: {made.err.strip()}", hint="make demo-reset")

    def _write_config(self) -> None:
        text = _CONFIG.format(
            port=self.gateway_port, api_port=self.api_port, hook_port=self.webhook.port,
            hook_secret=self.webhook.secret_file, resource=RESOURCE, upstream_port=self.database.port,
            upstream_user=_UPSTREAM_USER, secret=self.root / "shop.secret",
        )  # fmt: skip
        for pattern, kind, subject in _COLUMNS:
            text += _COLUMN.format(
                resource=RESOURCE, pattern=pattern, type=kind, subject=str(subject).lower()
            )
        self.home.config_file.write_text(text, encoding="utf-8")

    def _invite_all(self) -> None:
        """Make everybody known, once, and give them fresh tokens."""
        listed = self.command("admin", "actors", "ls", "--format", "jsonl")
        _expect(listed)
        known = {msgspec.json.decode(line)["name"] for line in listed.out.splitlines()}
        for person, roles in _PEOPLE.items():
            if person not in known:
                named = [f"--role={role}" for role in roles]
                _expect(self.command("admin", "actors", "add", person, *named))
            self._issue(person, "*")
        for service in SERVICES:
            if service not in known:
                _expect(self.command("admin", "actors", "add", service, "--type=service"))
            self._issue(service, f"ingest:json/{service}")

    def _issue(self, person: str, scope: str) -> None:
        file = self.tokens / f"{person}.token"
        file.unlink(missing_ok=True)
        issue = ("tokens", "issue", person, "--for", "8h", "--scope", scope, "--out", str(file))
        _expect(self.command("admin", *issue))


def glasshatch_command() -> list[str]:
    """How to run the `glasshatch` of this very installation."""
    return [sys.executable, "-m", "glasshatch"]


def run(command: Sequence[str | Path], environment: Mapping[str, str], timeout_s: float) -> Finished:
    """Run a command to its end with some variables added to the environment."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        encoding="utf-8", errors="replace", env=os.environ | dict(environment),
    )  # fmt: skip
    return _finish(process, "", timeout_s)


def _finish(process: subprocess.Popen[str], text: str, timeout_s: float) -> Finished:
    try:
        out, err = process.communicate(text, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return Finished(out, err, process.returncode)


def _expect(done: Finished) -> None:
    if done.status != 0:
        raise Unavailable(f"a command of the demo failed: {done.err.strip()}", hint="make demo-reset")


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(path: Path) -> bool:
    try:
        connect_unix(path, 1).close()
    except OSError:
        return False
    return True


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text + "\n")
