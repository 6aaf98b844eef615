"""Actors and their tokens, kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from ..errors import ConfigError, Denied
from ..events import uuid7
from ..identity import (
    Identity,
    IdentityType,
    Random,
    Token,
    TokenHasher,
    TokenRefused,
    TokenText,
    issue_token,
    parse_token,
    verify_token,
)
from .database import Database
from .sealed import Row, SealedTable


def unrecorded(*_: object) -> None:
    """The default witness of a step: nobody is told."""


_ROLE = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_MAX_NAME_CHARS = 200


class Actors:
    """Who there is: humans, services and agents, by id and by name.

    Every step takes `record`, called within its transaction as in `Requests`.
    """

    def __init__(
        self, database: Database, table: SealedTable, random: Random, changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._table = table
        self._random = random
        self._changed = changed
        self._lock = threading.Lock()
        self._held: dict[str, Identity] = {}
        self._writes = 0

    def current(self, id: str) -> Identity:
        """The actor as they are now, from memory once asked for; `disabled` also if their human is.

        A statement's decision asks this, so a change of roles holds from the next statement on.

        Raises:
            ConfigError: There is none.
        """
        with self._lock:
            held, writes = self._held.get(id), self._writes
        if held is not None:
            return held
        with self._database.read() as connection:
            actor = self.read(connection, id)
            actor = msgspec.structs.replace(actor, disabled=not self.enabled(connection, id))
        with self._lock:
            # A write since the look may have changed the answer: then do not keep it.
            if writes == self._writes:
                self._held[id] = actor
        return actor

    def create(
        self,
        name: str,
        type: IdentityType = "human",
        roles: Iterable[str] = (),
        *,
        now_ns: int,
        on_behalf_of: str = "",
        record: Callable[[Identity], object] = unrecorded,
    ) -> Identity:
        """Add an actor.

        Args:
            on_behalf_of: For an agent, the id of the human behind it.

        Raises:
            ConfigError: The name, a role or the human behind an agent is not acceptable.
            Conflict: The name is taken.
        """
        if not (0 < len(name) <= _MAX_NAME_CHARS and name.isprintable() and name == name.strip()):
            raise ConfigError("a name has 1 to 200 printable characters", key="name")
        id = uuid7(now_ns, self._random(10))
        row: Row = {
            "id": id,
            "type": type,
            "name": name,
            "roles": _roles(roles),
            "on_behalf_of": on_behalf_of or None,
            "disabled": 0,
            "created_ns": now_ns,
            "changed_ns": now_ns,
        }
        with self._database.write() as connection:
            self._check_human(connection, type, on_behalf_of)
            self._table.insert(connection, row)
            actor = self.read(connection, id)
            record(actor)
        return actor

    def get(self, id: str) -> Identity:
        """The actor with this id.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            return self.read(connection, id)

    def named(self, name: str) -> Identity:
        """The actor with this name.

        Raises:
            ConfigError: There is none.
        """
        with self._database.read() as connection:
            rows = self._table.find(connection, self._table.columns.name == name)
        if not rows:
            raise ConfigError(
                "there is no actor of this name", key="actor", hint="list them: glasshatch actors ls"
            )
        return _identity(rows[0])

    def list(self) -> list[Identity]:
        """All actors, disabled ones too, oldest first."""
        with self._database.read() as connection:
            return [_identity(row) for row in self._table.find(connection)]

    def set_roles(
        self,
        id: str,
        roles: Iterable[str],
        now_ns: int,
        *,
        record: Callable[[Identity], object] = unrecorded,
    ) -> Identity:
        """Replace an actor's roles."""
        return self._change(id, now_ns, record, roles=_roles(roles))

    def set_disabled(
        self, id: str, disabled: bool, now_ns: int, *, record: Callable[[Identity], object] = unrecorded
    ) -> Identity:
        """Disable an actor, or enable one again. A disabled one authenticates and holds nothing."""
        return self._change(id, now_ns, record, disabled=int(disabled))

    def read(self, connection: Connection, id: str) -> Identity:
        """As `get`, within a transaction of the store."""
        row = self._table.get(connection, id)
        if row is None:
            raise ConfigError(
                "there is no actor with this id", key="actor", hint="list them: glasshatch actors ls"
            )
        return _identity(row)

    def enabled(self, connection: Connection, id: str) -> bool:
        """Whether the actor, and the human behind an agent, may act at all."""
        actor = self.read(connection, id)
        return not actor.disabled and (not actor.on_behalf_of or self.enabled(connection, actor.on_behalf_of))

    def _change(
        self, id: str, now_ns: int, record: Callable[[Identity], object], **changes: object
    ) -> Identity:
        with self._database.write() as connection:
            self.read(connection, id)
            row = self._table.find(connection, self._table.columns.id == id)[0]
            changed = _identity(self._table.replace(connection, row, changed_ns=now_ns, **changes))
            record(changed)
        with self._lock:
            self._writes += 1
            self._held.clear()
        self._changed()
        return changed

    def _check_human(self, connection: Connection, type: IdentityType, on_behalf_of: str) -> None:
        if not on_behalf_of:
            return
        # One level only: an agent stands for a human, never for another agent.
        if type != "agent" or self.read(connection, on_behalf_of).type != "human":
            raise ConfigError("only agents act for somebody, and only for a human", key="on_behalf_of")


class Tokens:
    """Access tokens: issued, revoked, and what they prove."""

    def __init__(self, database: Database, table: SealedTable, actors: Actors, random: Random) -> None:
        self._database = database
        self._table = table
        self._actors = actors
        self._random = random
        self._hasher = TokenHasher(random)
        self._proven = _Proven(random(32))

    def issue(
        self,
        actor_id: str,
        *,
        scopes: Sequence[str],
        lifetime_ns: int,
        now_ns: int,
        label: str = "",
        issued_by: str = "",
        record: Callable[[Token], object] = unrecorded,
    ) -> tuple[str, Token]:
        """A new token for an actor; its text is in the answer and nowhere else.

        Raises:
            ConfigError: No such actor, or scopes or lifetime are not acceptable.
            Denied: The actor is disabled.
        """
        actor = self._actors.get(actor_id)
        if actor.disabled:
            raise Denied("the actor is disabled", hint="an admin can enable it")
        text, token = issue_token(
            tenant=actor.tenant,
            actor_id=actor.id,
            scopes=scopes,
            lifetime_ns=lifetime_ns,
            now_ns=now_ns,
            hasher=self._hasher,
            random=self._random,
            label=label,
            issued_by=issued_by,
        )
        row = msgspec.structs.asdict(token)
        row["scopes"] = _json(token.scopes)
        with self._database.write() as connection:
            self._table.insert(connection, row)
            record(token)
        return text, token

    def revoke(self, id: str, now_ns: int, *, record: Callable[[Token], object] = unrecorded) -> Token:
        """End a token now; one that was revoked before stays as it is.

        Raises:
            ConfigError: There is no such token.
        """
        with self._database.write() as connection:
            row = self._table.get(connection, id)
            if row is None:
                raise ConfigError("there is no token with this id", key="token")
            if not row["revoked_ns"]:
                row = self._table.replace(connection, row, revoked_ns=now_ns)
                record(_token(row))
        self.forget()
        return _token(row)

    def find(self, id: str) -> Token | None:
        """The token with this id, whatever became of it; None if there is none."""
        with self._database.read() as connection:
            row = self._table.get(connection, id)
        return _token(row) if row is not None else None

    def list(self, actor_id: str = "") -> list[Token]:
        """All tokens, or those of one actor."""
        where = [self._table.columns.actor_id == actor_id] if actor_id else []
        with self._database.read() as connection:
            return [_token(row) for row in self._table.find(connection, *where)]

    def authenticate(self, text: str, now_ns: int) -> tuple[Identity, Token]:
        """Who holds this token, and the token.

        The first proof of a text costs an argon2id verification (about 15 ms); later ones are
        remembered, but the rows are read and verified each time, so a revocation holds at once.

        Raises:
            TokenRefused: Unknown, wrong, expired or revoked, or the actor is disabled.
            VerificationError: A row was tampered with; nobody is authenticated by it.
        """
        presented = parse_token(text)
        if presented is None:
            raise TokenRefused.unaccepted("unknown")
        with self._database.read() as connection:
            row = self._table.get(connection, presented.id)
        # The actor is read only after the proof: until then a known id must not cost more time.
        token = self._verify(_token(row) if row else None, presented, text, now_ns)
        with self._database.read() as connection:
            actor = self._actors.read(connection, token.actor_id)
            if not self._actors.enabled(connection, actor.id):
                raise TokenRefused("disabled", "the actor is disabled", token_id=token.id)
        return actor, token

    def forget(self) -> None:
        """Forget every proof; the next use of each token is verified in full."""
        self._proven.clear()

    def _verify(self, token: Token | None, presented: TokenText, text: str, now_ns: int) -> Token:
        known = token is not None and self._proven.holds(text, token.hash)
        token = verify_token(token, presented, now_ns, self._hasher, proven=known)
        self._proven.add(text, token.hash)
        return token


class _Proven:
    """Which texts have been proven against which hash; bounded, and of no use in a memory dump.

    Texts are kept as HMAC-SHA-256 under a key of this process.
    """

    _LIMIT = 4096

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashes: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, text: str, hash_: str) -> bool:
        with self._lock:
            return self._hashes.get(self._name(text)) == hash_

    def add(self, text: str, hash_: str) -> None:
        with self._lock:
            self._hashes[self._name(text)] = hash_
            self._hashes.move_to_end(self._name(text))
            if len(self._hashes) > self._LIMIT:
                self._hashes.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._hashes.clear()

    def _name(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), hashlib.sha256)


def _identity(row: Row) -> Identity:
    return msgspec.convert(
        {
            **{name: row[name] for name in ("id", "tenant", "type", "name")},
            "roles": msgspec.json.decode(row["roles"]),
            "on_behalf_of": row["on_behalf_of"] or "",
            "disabled": bool(row["disabled"]),
        },
        Identity,
    )


def _token(row: Row) -> Token:
    return msgspec.convert({**row, "scopes": msgspec.json.decode(row["scopes"])}, Token)


def _roles(roles: Iterable[str]) -> str:
    unique = sorted(set(roles))
    for role in unique:
        if not _ROLE.fullmatch(role):
            raise ConfigError("a role is a plain lower-case word", key="roles", hint="for example: approver")
    return _json(unique)


def _json(value: Sequence[str]) -> str:
    return msgspec.json.encode(list(value)).decode()
