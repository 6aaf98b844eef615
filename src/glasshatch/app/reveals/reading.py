"""The one row that is asked for: understood, judged by policy, and read again at the database."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence

import msgspec

from ...errors import ConfigError, GlasshatchError
from ...events import Outcome
from ...gateway import GuardedResource
from ...gateway.errands import ClearRow, Upstream, read_catalogue, read_clear
from ...identity import Identity
from ...statements import Statement, analyze_sql, read_change
from ..changes.judging import Judged, judge_understood, require_not_denied
from ..house import House
from .recording import ReadSession

_BRIEF = {"lock_timeout": "1s", "statement_timeout": "10s"}
_READING = frozenset({"read", "select"})


class Looked(msgspec.Struct, frozen=True):
    """Policy's word on the statement, and the row."""

    judged: Judged
    row: ClearRow


def understand_select(text: str) -> Statement:
    """A text that is one statement which reads and does nothing else.

    Raises:
        ConfigError: It is something else; says what.
    """
    statement = analyze_sql(text)
    if {"unknown_syntax", "too_complex"} & set(statement.risks):
        raise ConfigError("it is not understood", key="statement", hint="is it one statement of PostgreSQL?")
    if statement.commands != 1 or not statement.verbs or not set(statement.verbs) <= _READING:
        raise ConfigError(
            "a masked value is read by one SELECT and nothing else", key="statement",
            hint="for example: SELECT email FROM customers WHERE id = 7",
        )  # fmt: skip
    change = read_change(text)
    if change is not None and change.parameters:
        raise ConfigError(
            "it has places for values, such as $1", key="statement",
            hint="write the values into it: what is approved is exactly this text",
        )  # fmt: skip
    return statement


def look(
    house: House,
    caller: Identity,
    resource: GuardedResource,
    text: str,
    wanted: Sequence[str],
    session: ReadSession,
) -> Looked:
    """Read the row, if policy lets the caller read it at all; recorded before the statement is sent.

    When this returns the session is open: whoever asked ends it. When it raises, it is ended.

    Raises:
        Denied: Policy refuses the statement; no approval changes that.
        Conflict: It does not give exactly one row.
        ConfigError: A column is not there, not masked, derived, or a secret.
        Unavailable: The database does not answer.
    """
    statement = understand_select(text)
    with Upstream(resource.target, os.urandom, application=session.application, settings=_BRIEF) as upstream:
        catalogue = read_catalogue(upstream, resource)
        judged = judge_understood(house, caller, resource, text, statement, read_change(text), catalogue)
        if judged.decision.effect == "deny":
            session.denied(judged)
        require_not_denied(judged)
        # Without the purpose of any grant: what one of theirs shows them already needs no reveal.
        roles = house.control.actors.current(caller.id).roles
        view = resource.masking.view(resource=resource.facts.id, roles=roles)
        session.ran(judged)
        try:
            return Looked(judged, read_clear(upstream, catalogue, house.redactor, text, wanted, view))
        except GlasshatchError as error:
            # What was typed as the name of a column may be anything.
            why = "no column that could be shown" if isinstance(error, ConfigError) else error.message
            session.ended(Outcome(status="failure", code=error.code, reason=why))
            raise


def digest_of(row: ClearRow, key: bytes) -> str:
    """What tells later whether these are still the same values of the same columns."""
    told = [[one.column for one in row.columns], list(row.values)]
    return hmac.digest(key, msgspec.json.encode(told), hashlib.sha256).hex()
