"""The database under the control store: connections, transactions and whose fault an error is.

SQLite in WAL mode with a full sync at each commit: a write that returned survives power loss.
"""

from __future__ import annotations

import mmap
import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from ..errors import ConfigError, Conflict, Unavailable, VerificationError
from . import schema
from .turns import Turns

_PATIENCE_SECONDS = 10.0
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",
    # A file somebody tampered with must not run functions from its schema.
    "PRAGMA trusted_schema=OFF",
    "PRAGMA secure_delete=ON",
    # No image of a row, deleted or not, goes through a temporary file.
    "PRAGMA temp_store=MEMORY",
)


class Database:
    """Short transactions on one SQLite file, safe from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self.turns = Turns()

    @classmethod
    def create(cls, path: Path) -> Database:
        """An empty file, readable by its owner only.

        Raises:
            Conflict: The file exists.
            ConfigError: The folder does not exist or may not be written.
        """
        try:
            # SQLite gives its -wal and -shm files the mode of the main file.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            raise Conflict(f"{path} exists already", hint="open it, or choose another directory") from None
        except OSError as error:
            raise ConfigError(f"cannot be created: {error.strerror}", file=str(path)) from None
        return cls(path)

    @classmethod
    def open(cls, path: Path, *, older: bool = False) -> Database:
        """An existing store of this version's schema, or an older one if asked, its structure checked.

        Raises:
            ConfigError: No such file, open to others, or of another schema version.
            VerificationError: The file is damaged, or holds triggers or views nobody here made.
        """
        _check_file(path)
        database = cls(path)
        try:
            database._check_version(older)
            database._check_structure()
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view."""
        with (
            self._translated(), self.turns.shared(), self._engine.connect() as connection, connection.begin()
        ):  # fmt: skip
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All or nothing: committed and synced when the block ends, undone if it raises."""
        with self._translated(), self.turns.shared(), self._engine.connect() as plain:
            connection = plain.execution_options(glasshatch_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()

    def scrub(self, gone: Sequence[bytes], *, rewrite: bool = False) -> None:
        """Leave nothing of deleted rows in the files: no old image in the log, none of `gone` in a page.

        Args:
            rewrite: Write the whole file anew, for when it is not known what to look for.

        Raises:
            Unavailable: Other connections kept the old images too long; the call may be repeated.
        """
        with self._translated():
            self._empty_log()
            # Deleted cells are zeroed (secure_delete); what moved when a page was split may have left a copy.
            if rewrite or self._holds(gone):
                self._outside_transactions("VACUUM")
                self._empty_log()
            if self._holds(gone):
                raise Unavailable(f"{self.path} still holds what was deleted", hint="give the command again")

    def _empty_log(self) -> None:
        deadline_s = time.monotonic() + _PATIENCE_SECONDS
        while self._outside_transactions("PRAGMA wal_checkpoint(TRUNCATE)")[0]:
            if time.monotonic() > deadline_s:
                raise Unavailable(
                    f"the log of {self.path} is in use and cannot be emptied", hint="give the command again"
                )
            time.sleep(0.02)

    def _outside_transactions(self, statement: str) -> tuple[Any, ...]:
        connection = self._engine.raw_connection()
        try:
            return tuple(connection.cursor().execute(statement).fetchone() or ())
        except sqlite3.OperationalError as error:
            raise Unavailable(
                f"the control store {self.path} cannot be used now: {_sqlite_name_of(error)}",
                hint="check free disk space, permissions and other processes that hold the file",
            ) from None
        finally:
            connection.close()

    def _holds(self, needles: Sequence[bytes]) -> bool:
        """Whether any of these byte strings stands anywhere in the files."""
        for suffix in ("", "-wal"):
            file = self.path.with_name(self.path.name + suffix)
            if not needles or not file.exists() or not file.stat().st_size:
                continue
            with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as bytes_:
                if any(bytes_.find(needle) >= 0 for needle in needles):
                    return True
        return False

    def revision(self) -> str:
        """The newest migration applied to the file; empty if there is none."""
        with self.read() as connection:
            if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                return ""
            return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")

    def _check_version(self, older: bool) -> None:
        found = self.revision()
        if not found:
            raise ConfigError("is not a control store", file=str(self.path), hint="run: glasshatch init")
        if found > schema.REVISION:
            raise ConfigError(
                f"control schema {found} is newer than {schema.REVISION}",
                file=str(self.path),
                hint="upgrade glasshatch",
            )
        if found < schema.REVISION and not older:
            raise ConfigError(
                f"control schema {found} is older than {schema.REVISION}",
                file=str(self.path),
                hint=f"stop the server, then run: glasshatch migrate {self.path.parent}",
            )

    def _check_structure(self) -> None:
        with self.read() as connection:
            sound = connection.execute(text("PRAGMA quick_check(1)")).scalar()
            extra = connection.execute(
                text("SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')")
            ).scalar()
        if sound != "ok":
            raise _damaged(self.path)
        if extra:
            # A trigger could undo a revocation behind our back while every row still verifies.
            raise VerificationError(
                "holds triggers or views that Glasshatch did not make",
                expected="0",
                found=str(extra),
                where=str(self.path),
                hint="restore the control store from a backup",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        # SQLAlchemy's messages quote statements and parameters: none of them may get out.
        try:
            yield
        except IntegrityError:
            raise Conflict(
                "the change contradicts what is stored: the name or id is taken, or what it refers to is gone"
            ) from None
        except OperationalError as error:
            raise Unavailable(
                f"the control store {self.path} cannot be used now: {_sqlite_name(error)}",
                hint="check free disk space, permissions and other processes that hold the file",
            ) from None
        except DatabaseError:
            raise _damaged(self.path) from None


def _engine(path: Path) -> Engine:
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        pool_size=4,
        max_overflow=16,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # Python's sqlite3 would begin transactions by its own lights; ours begin below.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that read first could not upgrade under contention.
        write = connection.get_execution_options().get("glasshatch_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"cannot be opened: {error.strerror}", file=str(path), hint="run: glasshatch init"
        ) from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError("can be read by others", file=str(path), hint=f"chmod 600 {path}")


def _sqlite_name(error: DatabaseError) -> str:
    cause = error.orig
    return _sqlite_name_of(cause) if isinstance(cause, sqlite3.Error) else "unknown"


def _sqlite_name_of(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", ""))


def _damaged(path: Path) -> VerificationError:
    return VerificationError(
        "is damaged or is no SQLite file",
        expected="a sound SQLite database",
        found="damage",
        where=str(path),
        hint="restore the control store from a backup",
    )
