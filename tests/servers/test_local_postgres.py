"""The demo's PostgreSQL: locked down, survives a kill, says clearly why it cannot start."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.servers import Database, PostgresServer
from glasshatch.app.binaries import shipped_binaries
from glasshatch.app.postgres import LocalPostgres
from glasshatch.app.unprivileged import Account, open_substitute
from glasshatch.errors import ConfigError, Conflict, Unavailable


@pytest.fixture
def directory(open_directory: Path, request: pytest.FixtureRequest) -> Path:
    return open_directory / request.node.name


@pytest.fixture
def server(directory: Path) -> Iterator[LocalPostgres]:
    with LocalPostgres(directory, os.urandom, fsync=False) as server:
        yield server


def psql(server: LocalPostgres, text: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [server.psql_path, "-XAtq", "-h", server.host, "-p", str(server.port), "-U", server.user, "postgres"],
        input=text,
        env={"PGPASSWORD": server.password if password is None else password},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_wrong_password_is_refused_even_on_loopback(server: LocalPostgres) -> None:
    done = psql(server, "SELECT 1", password="guess")
    assert done.returncode != 0
    assert "password authentication failed" in done.stderr


def test_there_is_no_unix_socket_and_no_door_but_loopback(server: LocalPostgres) -> None:
    assert psql(server, "SHOW unix_socket_directories").stdout == "\n"
    listening = subprocess.run(["/bin/cat", "/proc/net/unix"], capture_output=True, text=True, check=True)
    assert f".PGSQL.{server.port}" not in listening.stdout
    assert psql(server, "SHOW listen_addresses").stdout == "127.0.0.1\n"


def test_it_never_runs_as_root_and_its_secret_is_private(server: LocalPostgres) -> None:
    assert server.pid
    assert Path(f"/proc/{server.pid}").stat().st_uid == Account.choose().uid != 0
    assert (server.directory / "password").stat().st_mode & 0o777 == 0o600
    assert not (server.directory / "initdb-password").exists()
    command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert server.password.encode() not in command
    assert server.password not in repr(server)


def test_our_environment_does_not_reach_the_server(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_MASTER_KEY", "secret")
    with LocalPostgres(directory, os.urandom, fsync=False) as server:
        assert b"GLASSHATCH_MASTER_KEY" not in Path(f"/proc/{server.pid}/environ").read_bytes()


def test_committed_rows_survive_a_kill(server: LocalPostgres) -> None:
    psql(server, "CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    server.kill()
    assert not server.running
    server.start()
    assert psql(server, "SELECT count(*) FROM kept").stdout == "1000\n"


def test_a_second_owner_is_turned_away(server: LocalPostgres) -> None:
    with pytest.raises(Conflict, match="held by another process"):
        LocalPostgres(server.directory, os.urandom).start()


def test_a_server_left_behind_by_a_killed_owner_is_replaced(directory: Path) -> None:
    script = (
        "import os, sys, pathlib; from glasshatch.app.postgres import LocalPostgres;"
        "s = LocalPostgres(pathlib.Path(sys.argv[1]), os.urandom, fsync=False); s.start();"
        "print(s.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    owner = subprocess.run(
        [sys.executable, "-c", script, directory], capture_output=True, text=True, check=False
    )
    orphan = int(owner.stdout)
    assert Path(f"/proc/{orphan}/cwd").exists()
    with LocalPostgres(directory, os.urandom, fsync=False) as server:
        assert server.pid != orphan
        assert not Path(f"/proc/{orphan}/cwd").exists()
        assert psql(server, "SELECT 1").stdout == "1\n"


def test_a_fixed_port_in_use_is_named(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=f"port {port} on 127.0.0.1 is in use"):
            LocalPostgres(directory, os.urandom, port=port, fsync=False).start()


def test_a_bad_setting_is_explained_from_the_log(directory: Path) -> None:
    server = LocalPostgres(directory, os.urandom, fsync=False, settings={"max_connections": "many"})
    with pytest.raises(Unavailable, match='invalid value for parameter "max_connections"') as caught:
        server.start()
    assert str(server.log_path) in caught.value.hint
    # The failed start let go of everything: the mended one works.
    with LocalPostgres(directory, os.urandom, fsync=False) as mended:
        assert psql(mended, "SELECT 1").stdout == "1\n"


def test_under_a_closed_parent_the_server_works_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    preferred = tmp_path / "inside"
    server = LocalPostgres(preferred, os.urandom, fsync=False)
    with server:
        place = server.data_directory.parent
        # Only root hands over to another account; for anybody else their own directory is open.
        assert place.parent == (Path("/var/tmp") if os.geteuid() == 0 else tmp_path)
        psql(server, "CREATE TABLE kept AS SELECT 1")
    with server:
        assert psql(server, "SELECT count(*) FROM kept").stdout == "1\n"
    shutil.rmtree(preferred)
    with LocalPostgres(preferred, os.urandom, fsync=False) as anew:
        assert "does not exist" in psql(anew, "SELECT count(*) FROM kept").stderr
    anew.discard()
    assert not place.exists()
    assert not preferred.exists()


def test_a_substitute_of_somebody_else_is_refused(tmp_path: Path) -> None:
    substitute = open_substitute(tmp_path / "inside")
    try:
        assert open_substitute(tmp_path / "inside") == substitute
        substitute.chmod(0o777)
        with pytest.raises(ConfigError, match="nobody else can write"):
            open_substitute(tmp_path / "inside")
    finally:
        substitute.rmdir()


def test_binaries_that_the_account_cannot_reach_are_copied(directory: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    package = shipped_binaries().parent.parent
    (tmp_path / package.name).symlink_to(package)
    (tmp_path / f"{package.name}.libs").symlink_to(package.with_name(f"{package.name}.libs"))
    closed = tmp_path / package.name / "pginstall" / "bin"
    with LocalPostgres(directory, os.urandom, binaries=closed, fsync=False) as server:
        assert psql(server, "SELECT 1").stdout == "1\n"
        program = Path(f"/proc/{server.pid}/exe").readlink()
    if os.geteuid() == 0:
        assert program.is_relative_to(directory / "runtime")


def test_each_test_gets_a_database_of_its_own(fresh_database: Database, postgres: PostgresServer) -> None:
    assert fresh_database.sql("SELECT current_database()") == fresh_database.name
    assert fresh_database.name in postgres.sql("SELECT datname FROM pg_database")


@pytest.mark.needs("postgres-tls")
def test_the_tls_server_speaks_tls_only_and_audits(
    fresh_tls_database: Database, postgres_tls: PostgresServer
) -> None:
    assert fresh_tls_database.sql("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == "TLSv1.3"
    assert "no pg_hba.conf entry" in postgres_tls.run("SELECT 1", PGSSLMODE="disable").stderr
    fresh_tls_database.sql("CREATE EXTENSION pgaudit; CREATE TABLE audited (a int)")
    assert "AUDIT: SESSION" in postgres_tls.audit.read_text()
