"""Tokens, kept: issued, revoked, proven."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from ..errors import ConfigError, Denied
from ..identity import (
    Ending,
    Identity,
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
from .people import Actors, unrecorded
from .sealed import Row, SealedTable

_PRUNED = 1_000


class Tokens:
    """Access tokens: issued, revoked, and what they prove."""

    def __init__(
        self,
        database: Database,
        table: SealedTable,
        actors: Actors,
        random: Random,
        ended: Callable[[Ending], None],
    ) -> None:
        self._database = database
        self._table = table
        self._actors = actors
        self._random = random
        self._ended = ended
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
        row["scopes"] = msgspec.json.encode(token.scopes).decode()
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
        self._ended(Ending(row["actor_id"], id, "its token was revoked"))
        return _token(row)

    def prune(self, before_ns: int, *, record: Callable[[int], object] = unrecorded) -> int:
        """Forget tokens that ended before a moment, a thousand at most; how many. `record` hears of it.

        To whoever still holds one it is unknown then, where it was said to have expired.
        """
        with self._database.write() as connection:
            rows = self._table.find(connection, self._table.columns.expires_ns < before_ns, newest=_PRUNED)
            self._table.remove(connection, rows)
            if rows:
                record(len(rows))
        return len(rows)

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
                refused = TokenRefused("disabled", "the actor is disabled", token_id=token.id)
                refused.holder = actor.id
                raise refused
        return actor, token

    def forget(self) -> None:
        """Forget every proof; the next use of each token is verified in full."""
        self._proven.clear()

    def _verify(self, token: Token | None, presented: TokenText, text: str, now_ns: int) -> Token:
        known, held = token is not None and self._proven.holds(text, token.hash), token
        try:
            token = verify_token(token, presented, now_ns, self._hasher, proven=known)
        except TokenRefused as refused:
            # That it is over is found out behind the proof, so it is known whose it was.
            if held is not None and refused.kind in ("revoked", "expired"):
                refused.holder = held.actor_id
            raise
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


def _token(row: Row) -> Token:
    return msgspec.convert({**row, "scopes": msgspec.json.decode(row["scopes"])}, Token)
