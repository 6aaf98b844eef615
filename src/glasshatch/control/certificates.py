"""Certificates of clients, kept: which were issued, and the authority that signs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, NotAuthenticated
from ..identity import Ending, Identity
from .database import Database
from .people import Actors, unrecorded
from .sealed import Row, SealedTable


class IssuedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate. id: its serial number in hex. fingerprint: SHA-256 of it in hex."""

    id: str
    actor_id: str
    fingerprint: str
    created_ns: int
    expires_ns: int
    label: str = ""
    issued_by: str = ""
    revoked_ns: int = 0


class KeptAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs. certificate: PEM. sealed: its private key in base64 under the data key `key_id`."""

    id: str
    certificate: str
    sealed: str
    key_id: str
    created_ns: int

    def __repr__(self) -> str:
        return f"KeptAuthority({self.id!r})"


class Certificates:
    """The certificates of one tenant. Blocks on the disk; safe from any thread."""

    def __init__(
        self,
        database: Database,
        table: SealedTable,
        authorities: SealedTable,
        actors: Actors,
        ended: Callable[[Ending], None],
    ) -> None:
        self._database = database
        self._table = table
        self._authorities = authorities
        self._actors = actors
        self._ended = ended

    def authority(self) -> KeptAuthority | None:
        """The newest authority."""
        with self._database.read() as connection:
            rows = self._authorities.find(connection)
        found = [_of(row, KeptAuthority) for row in rows]
        return max(found, key=lambda one: one.created_ns, default=None)

    def keep_authority(
        self, authority: KeptAuthority, *, record: Callable[[KeptAuthority], object] = unrecorded
    ) -> None:
        """Store a new one."""
        with self._database.write() as connection:
            self._authorities.insert(connection, msgspec.structs.asdict(authority))
            record(authority)

    def keep(
        self, issued: IssuedCertificate, *, record: Callable[[IssuedCertificate], object] = unrecorded
    ) -> None:
        """Store that one was issued; until this returns it opens nothing."""
        with self._database.write() as connection:
            self._table.insert(connection, msgspec.structs.asdict(issued))
            record(issued)

    def authenticate(self, serial: str, fingerprint: str, now_ns: int) -> tuple[Identity, IssuedCertificate]:
        """Who holds this certificate, whose key the TLS handshake has proven.

        Raises:
            NotAuthenticated: It is none that was issued here, ended or was revoked, or the actor is disabled.
        """
        with self._database.read() as connection:
            row = self._table.get(connection, serial)
            if row is None or row["fingerprint"] != fingerprint:
                # A signature of the authority alone opens nothing: what it issued, stands here.
                raise NotAuthenticated("the certificate is not accepted", hint=_HINT)
            if row["revoked_ns"]:
                raise _over(row, "the certificate was revoked")
            if now_ns >= row["expires_ns"]:
                raise _over(row, "the certificate has expired")
            actor = self._actors.read(connection, row["actor_id"])
            if not self._actors.enabled(connection, actor.id):
                raise _over(row, "the actor is disabled", "an admin can enable it")
        return actor, _of(row, IssuedCertificate)

    def list(self, actor_id: str = "") -> list[IssuedCertificate]:
        """All of them, or those of one actor, by serial number."""
        where = [self._table.columns.actor_id == actor_id] if actor_id else []
        with self._database.read() as connection:
            return [_of(row, IssuedCertificate) for row in self._table.find(connection, *where)]

    def revoke(
        self, serial: str, now_ns: int, *, record: Callable[[IssuedCertificate], object] = unrecorded
    ) -> IssuedCertificate:
        """End one now; one that was revoked before stays as it is.

        Raises:
            ConfigError: There is no such certificate.
        """
        with self._database.write() as connection:
            row = self._read(connection, serial)
            found: IssuedCertificate = _of(row, IssuedCertificate)
            if not found.revoked_ns:
                found = _of(self._table.replace(connection, row, revoked_ns=now_ns), IssuedCertificate)
                record(found)
        self._ended(Ending(found.actor_id, serial, "its certificate was revoked"))
        return found

    def prune(self, before_ns: int, *, record: Callable[[int], object] = unrecorded) -> int:
        """As `Tokens.prune`; a certificate that is not known is refused."""
        with self._database.write() as connection:
            rows = self._table.find(connection, self._table.columns.expires_ns < before_ns, newest=_PRUNED)
            self._table.remove(connection, rows)
            if rows:
                record(len(rows))
        return len(rows)

    def _read(self, connection: Connection, serial: str) -> Row:
        row = self._table.get(connection, serial)
        if row is None:
            raise ConfigError("there is no certificate with this serial number", key="certificate")
        return row


_PRUNED = 1_000
_HINT = "get a new one with: glasshatch login --certificate"


def _over(row: Row, message: str, hint: str = _HINT) -> NotAuthenticated:
    refused = NotAuthenticated(message, hint=hint)
    refused.holder = row["actor_id"]
    return refused


def _of(row: Row, type: Any) -> Any:
    return msgspec.convert({name: row[name] for name in type.__struct_fields__}, type)
