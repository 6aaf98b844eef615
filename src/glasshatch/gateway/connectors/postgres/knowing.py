"""What is remembered of texts, for all sessions of a resource: clients say the same things again and again.

Nothing here depends on who asks, on values bound later, or on the catalogue, but where it says so.
"""

from __future__ import annotations

import re
from collections import OrderedDict

import msgspec

from ....masking import LONGEST_CLEAR_NUMBER, Redactor, Tokens
from ....statements import Statement, plain_numbers, read_sql
from .questions import Kin, Question, akin, question_of

_OWN_STATE = frozenset(
    {"prepare", "cursor", "execute", "fetch", "set", "unknown", "copy_in", "copy_out", "do", "call"}
)
"""Of these the text or the session says more than the code does."""
_TEXTS, _KINS = 2_048, 1_024
_CHARACTERS = 4_096
_WEIGHT = 8 << 20
_NUMBERS = re.compile(rf"(?<![A-Za-z0-9_.])([0-9]{{1,{LONGEST_CLEAR_NUMBER}}})(?![A-Za-z0-9_.])")
"""As `plain_numbers` finds them, of those that are recorded as they are."""


class Known:
    """Questions by their text, kins by their code; bounded by number and by weight.

    All of it is forgotten when the token key changes: redacted texts hold tokens.
    """

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._questions: OrderedDict[str, Question] = OrderedDict()
        self._kins: OrderedDict[str, Kin] = OrderedDict()
        self._weight = 0
        self._frames: dict[str, Kin] = {}

    def plainly(self, redactor: Redactor, text: str) -> tuple[Kin, str] | None:
        """The kin of a text that differs from a known one in short numbers only, and its redacted form.

        A number that is short enough stays as it is; see `Redactor.sql`. Nothing else is in such a text
        that could be a constant; see `plain_numbers`.
        """
        if redactor.tokens is not self._tokens:
            return None
        parts = _NUMBERS.split(text)
        kin = self._frames.get("\0".join(parts[::2]))
        if kin is None or kin.pieces is None:
            return None
        out = list(parts)
        out[::2] = kin.pieces
        return kin, "".join(out)

    def question(self, redactor: Redactor, resource: str, text: str) -> Question:
        """What a text asks, on a resource, `type/name`; its redacted form is made here."""
        if redactor.tokens is not self._tokens:
            self._tokens = redactor.tokens
            self._forget()
        held = self._questions.get(text)
        if held is not None:
            self._questions.move_to_end(text)
            return held
        question = self._understood(redactor, resource, text)
        if len(text) <= _CHARACTERS:
            self._questions[text] = question
            self._weight += 2 * len(text) + 1_000
            if len(self._questions) > _TEXTS or self._weight > _WEIGHT:
                gone, _ = self._questions.popitem(last=False)
                self._weight -= 2 * len(gone) + 1_000
        return question

    def _forget(self) -> None:
        self._questions.clear()
        self._kins.clear()
        self._frames.clear()
        self._weight = 0

    def _understood(self, redactor: Redactor, resource: str, text: str) -> Question:
        statement, code, told = read_sql(text)
        kin = self._kins.get(code) if code else None
        if kin is not None and kin.pieces is not None:
            self._kins.move_to_end(code)
            if told:
                self._frame(text, statement, kin)
            return akin(redactor, text, statement, kin)
        question = question_of(redactor, resource, text, statement)
        if not code or len(code) > _CHARACTERS or not _OWN_STATE.isdisjoint(statement.verbs):
            return question
        if kin is None:
            kin = self._kins[code] = _kin_of(redactor, resource, text, statement)
            if len(self._kins) > _KINS:
                self._kins.popitem(last=False)
        return msgspec.structs.replace(question, statement=kin.statement, kin=kin)

    def _frame(self, text: str, statement: Statement, kin: Kin) -> None:
        """Know the kin by its text without numbers, where these are all that texts can differ in."""
        plain = plain_numbers(text)
        if plain is None or plain.literals != statement.literals:
            return
        if len(self._frames) >= _KINS:
            self._frames.clear()
        self._frames[plain.frame] = kin


def _kin_of(redactor: Redactor, resource: str, text: str, statement: Statement) -> Kin:
    plain = msgspec.structs.replace(statement, literals=())
    if any(span.kind == "comment" for span in statement.literals):
        return Kin(
            resource, plain, None
        )  # a comment may stand anywhere, so the code does not tell the pieces
    return Kin(resource, plain, redactor.sql_code(text, statement.literals))
