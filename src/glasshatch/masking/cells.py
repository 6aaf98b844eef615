"""What stands for the value of one cell: of the cell's type, or NULL.

A value is looked at once; a bounded number of verdicts is remembered for the columns of later answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

import msgspec

from .choosing import NOBODY, MaskingView
from .columns import ColumnFacts, ColumnPlan
from .documents import put
from .engine import Finding
from .gathering import count_tokens
from .operators import ValueKind, masked
from .pgshapes import CONTAINERS, transform
from .pgtypes import DATE, FLOAT4, FLOAT8, INTEGERS, JSONB, NUMERIC, TIMESTAMP, TIMESTAMPTZ, ValueType
from .pgvalues import readable, typed, utf8, utf8_each
from .redact import Redactor
from .tokens import TOKEN, UNSCANNED

Shown = bytes | bool | None
"""Bytes, None for NULL, True for the value itself."""

JSON_HINTS = frozenset(
    {"SECRET", "EMAIL", "SSN", "CARD", "IBAN", "PHONE", "NAME", "BIRTHDATE", "ADDRESS", "IP"}
)
"""Types that the keys of a JSON document in an answer are believed."""

_REMEMBERED = 16_384
_REMEMBERED_BYTES = 256
_CELLS = 256
_SAMPLE = 16
"""So many values, all of one type, are enough to plan a chunk of a column as that type."""
# These never give a value of a type without room for text, so that it need not be tried.
_TEXT_ONLY = frozenset({"token", "redact", "null", "partial", "seal"})


class Verdict(msgspec.Struct, frozen=True):
    """What is shown, whose token the value is, and the types of what was found in it.

    `clear`: something was found in it that the actor may see. `would`: a dry run lets it pass.
    """

    shown: Shown
    subject: str = ""
    found: tuple[str, ...] = ()
    clear: bool = False
    would: bool = False


class Cell:
    """Judges the values of one kind of column; in a dry run only secrets are masked."""

    def __init__(
        self,
        facts: ColumnFacts,
        plan: ColumnPlan,
        redactor: Redactor,
        view: MaskingView = NOBODY,
        *,
        dry_run: bool = False,
    ) -> None:
        self.spares = dry_run and not plan.secret
        """Whether a dry run lets values pass that are not known to be secret."""
        self._type = facts.value_type
        self._format = facts.format
        self._oid = facts.type_oid
        self._plan = plan
        self._redactor = redactor.met_by(view, plan.name)
        self._subject_of = redactor.tokens.maker(plan.type)
        self._remembered: dict[bytes, Verdict] = {}
        is_token = plan.action == "mask" and plan.operator == "token" and plan.type != "SECRET"
        plain = is_token and self._type.kind == "text" and not self.spares
        self._stamp = redactor.tokens.stamp(plan.type) if plain else None
        self.always_null = (
            plan.action == "mask" and not plan.subject and not self.spares and self._never_fits()
        )

    def tokens(self, values: list[bytes]) -> list[bytes] | None:
        """The tokens that stand for the values, if that is all there is to judge; None to ask `judge`."""
        if self._stamp is None:
            return None
        try:
            made = self._stamp(values)
            if None not in made:
                return made  # type: ignore[return-value]
            return [
                self._subject_of(utf8(value)).encode() if token is None else token
                for value, token in zip(values, made, strict=True)
            ]
        except Exception:
            # One by one, so that only the value that causes it becomes NULL.
            return None

    def judge(self, values: Sequence[bytes]) -> list[Verdict]:
        """A verdict for each value, in order. Never raises; what goes wrong is NULL."""
        known = list(map(self._remembered.get, values))
        fresh = [value for value, one in zip(values, known, strict=True) if one is None]
        if fresh:
            made = self._scanning(fresh) if self._plan.action == "scan" else list(map(self._decided, fresh))
            self._remember(fresh, made)
            if len(fresh) == len(values):
                return made
            in_order = iter(made)
            return [next(in_order) if one is None else one for one in known]
        return [one for one in known if one is not None]

    def _remember(self, values: list[bytes], made: list[Verdict]) -> None:
        if len(self._remembered) + len(values) > _REMEMBERED:
            self._remembered.clear()
        pairs = zip(values[:_REMEMBERED], made, strict=False)
        if max(map(len, values)) <= _REMEMBERED_BYTES:
            self._remembered.update(pairs)
        else:
            self._remembered.update((value, one) for value, one in pairs if len(value) <= _REMEMBERED_BYTES)

    # -- columns that are decided ---------------------------------------------------------------

    def _never_fits(self) -> bool:
        kind = self._type.kind
        return kind == "opaque" or (kind == "fixed" and self._plan.operator in _TEXT_ONLY)

    def _decided(self, value: bytes) -> Verdict:
        try:
            subject = self._subject_of(self._text(value)) if self._plan.subject else ""
            if self._plan.action == "keep" or self.spares:
                return Verdict(True, subject)
            return Verdict(transform(value, self._type, self._format, self._masked), subject)
        except Exception:
            # NULL is of every type. What went wrong is ours to find; the value stays here.
            return Verdict(None)

    def _text(self, value: bytes) -> str:
        return readable(value, self._format, self._oid)

    def _masked(self, value: bytes, type: ValueType, format: int) -> bytes | None:
        if type.kind == "opaque":
            return None
        plan, text = self._plan, readable(value, format, type.oid)
        if plan.operator == "token" and plan.type != "SECRET":
            shown: str | None = self._subject_of(text)
        else:
            kind = _value_kind(type)
            shown = masked(plan.chosen, plan.type, text, self._redactor.tokens, kind=kind)
        return None if shown is None else _of_type(shown, type, format)

    # -- text that nothing decides --------------------------------------------------------------

    def _scanning(self, values: list[bytes]) -> list[Verdict]:
        made = self._scan(values)
        return list(map(self._spared, made)) if self.spares else made

    def _spared(self, verdict: Verdict) -> Verdict:
        """What a dry run makes of a verdict: the value itself, unless a secret is in it or may be."""
        if verdict.shown is True or not verdict.found or {"SECRET", "UNSCANNED"} & set(verdict.found):
            return verdict
        return Verdict(True, verdict.subject, verdict.found, clear=True, would=True)

    def _scan(self, values: list[bytes]) -> list[Verdict]:
        if self._type.kind in CONTAINERS:
            return [self._scan_parts(value) for value in values]
        texts = self._texts(values)
        is_json = self._type.kind == "json"
        return [
            CLEAN if found == [] and not is_json else self._scanned(value, text, found)
            for value, text, found in zip(values, texts, self._redactor.findings(texts), strict=True)
        ]

    def _texts(self, values: list[bytes]) -> list[str]:
        if self._type.kind == "text":
            # One decoding for all: values of text hold no NUL.
            joined = b"\0".join(values)
            if joined.count(b"\0") == len(values) - 1:
                return utf8_each(joined, values)
            return list(map(utf8, values))
        return [readable(value, self._format, self._oid) for value in values]

    def sampled(self, values: list[bytes]) -> list[Verdict]:
        """Verdicts on one chunk's new values of text that nothing decides.

        If all of the first ones are, whole, of one type, the chunk is planned as that: the others are
        masked too, also where a scan would find nothing. The next chunk is sampled again. Nothing of it is
        remembered, for in another column such a value may be harmless.
        """
        if self._type.kind != "text" or self.spares or len(values) <= _SAMPLE:
            return self.judge(values)
        first, others = values[:_SAMPLE], values[_SAMPLE:]
        whole = self._whole(self._texts(first))
        if whole is None:
            return self.judge(values)
        judged = self.judge(first)
        return [*judged, *(self._as_found(value, whole) for value in others)]

    def _whole(self, texts: list[str]) -> Finding | None:
        """The finding that all of the texts are, from end to end, and that is masked; else None."""
        kinds: dict[str, Finding] = {}
        for text, found in zip(texts, self._redactor.findings(texts), strict=True):
            if not found or len(found) != 1 or found[0].end - found[0].start != len(text):
                return None
            kinds[found[0].detector] = found[0]
        if len(kinds) != 1:
            return None
        (one,) = kinds.values()
        return None if self._redactor.stand_in(one) == one.value else one

    def _as_found(self, value: bytes, like: Finding) -> Verdict:
        text = utf8(value)
        if not text.strip():
            return CLEAN
        try:
            finding = msgspec.structs.replace(like, start=0, end=len(text), value=text)
            return Verdict(self._redactor.stand_in(finding).encode("utf-8", "replace"), found=(like.type,))
        except Exception:
            return Verdict(None, found=(like.type,))

    def _scanned(self, value: bytes, text: str, found: list[Finding] | None) -> Verdict:
        is_document = self._type.kind == "json" and text.startswith(("{", "["))
        # Keys of a document tell what a scan of its text cannot see.
        if not found and found is not None and not is_document:
            return CLEAN
        try:
            shown = _spliced(text, found, self._type, self._format, self._redactor)
        except Exception:
            shown = None
        if shown == value:
            return Verdict(True, found=_types(None, found), clear=True) if found else CLEAN
        return Verdict(shown, found=_types(shown, found))

    def _scan_parts(self, value: bytes) -> Verdict:
        """Every part of a container; one that cannot be taken apart is scanned as it reads."""
        texts: list[str] = []

        def collect(part: bytes, type: ValueType, format: int) -> bytes:
            texts.append(readable(part, format, type.oid))
            return part

        try:
            rebuilt = transform(value, self._type, self._format, collect)
        except Exception:
            rebuilt = None
        if rebuilt is None:
            text = utf8(value)
            found = self._redactor.findings([text])[0]
            return CLEAN if found == [] else Verdict(None, found=_types(None, found))
        return self._replace_parts(value, texts)

    def _replace_parts(self, value: bytes, texts: list[str]) -> Verdict:
        findings = self._redactor.findings(texts)
        in_order: Iterator[tuple[str, list[Finding] | None]] = iter(zip(texts, findings, strict=True))
        touched: list[Finding] = []
        changed = False

        def replace(part: bytes, type: ValueType, format: int) -> bytes | None:
            nonlocal changed
            text, found = next(in_order)
            if found == [] and not (type.kind == "json" and text.startswith(("{", "["))):
                return part
            shown = _spliced(text, found, type, format, self._redactor)
            changed |= shown != part
            touched.extend(found or ())
            return shown

        try:
            shown = transform(value, self._type, self._format, replace)
        except Exception:
            return Verdict(None, found=_types(None, None))
        if not changed:
            return Verdict(True, found=_types(None, touched), clear=True) if touched else CLEAN
        return Verdict(shown, found=_types(shown, touched))


CLEAN = Verdict(True)
"""The value itself; nothing was found in it."""


def _value_kind(type: ValueType) -> ValueKind:
    """What can stand in a place of a type."""
    if type.kind != "fixed":
        return "text"
    if type.oid in INTEGERS:
        return "integer"
    if type.oid in (FLOAT4, FLOAT8, NUMERIC):
        return "number"
    if type.oid == DATE:
        return "date"
    return "timestamp" if type.oid in (TIMESTAMP, TIMESTAMPTZ) else "other"


def _types(shown: bytes | None, found: Sequence[Finding] | None) -> tuple[str, ...]:
    if found is None:
        return ("UNSCANNED",)
    told = count_tokens([utf8(shown)]) if shown else {}
    return tuple(sorted({*told, *(one.type for one in found)}))


def _of_type(shown: str, type: ValueType, format: int) -> bytes | None:
    """A text that masking wrote, as a value of a type; None if it can be none."""
    if type.kind == "json":
        return _jsonb_mark(type, format) + msgspec.json.encode(shown)
    if type.kind == "xml":
        return shown.replace("&", "&amp;").replace("<", "&lt;").encode()
    if type.kind == "bytea":
        return shown.encode() if format == 1 else b"\\x" + shown.encode().hex().encode()
    if type.kind == "text":
        return shown.encode("utf-8", "replace")
    return typed(shown, format, type.oid)


def _spliced(
    text: str, found: list[Finding] | None, type: ValueType, format: int, redactor: Redactor
) -> bytes | None:
    """A scanned text with its findings replaced, of the same type, or NULL."""
    kind = type.kind
    if found is None:
        return UNSCANNED.encode() if kind == "text" else None
    if kind == "text":
        return redactor.splice(text, found).encode("utf-8", "replace")
    if kind == "json":
        return _cleaned_json(text, type, format, redactor)
    if kind == "xml":
        return TOKEN.sub(lambda token: "&lt;" + token[0][1:], redactor.splice(text, found)).encode()
    if kind == "bytea" and all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return _of_type(redactor.splice(text, found), type, format)
    return None


def _cleaned_json(text: str, type: ValueType, format: int, redactor: Redactor) -> bytes | None:
    """The document with its strings and long numbers cleaned one by one, so that it stays JSON."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    without, puts = redactor.take_out(document)
    cleaned = redactor.tree(without, JSON_HINTS)
    shown = msgspec.json.encode(cleaned).decode()
    # What was found only across members (a key and its value) has no place of its own. The letters of tokens
    # are chance, and no words that tell of what follows them.
    rest = redactor.findings([TOKEN.sub(lambda token: f"<{token[1]}>", shown)])[0]
    if rest is None or any(redactor.marks(one.type) for one in rest):
        return None
    for place, value in puts:
        cleaned = put(cleaned, place, value)
    if puts:
        shown = msgspec.json.encode(cleaned).decode()
    if msgspec.json.decode(shown) == document:
        shown = text
    return _jsonb_mark(type, format) + shown.encode()


def _jsonb_mark(type: ValueType, format: int) -> bytes:
    """Binary jsonb begins with its version."""
    return b"\x01" if format == 1 and type.oid == JSONB else b""


class _Shelf:
    def __init__(self, tokens: object) -> None:
        self.tokens = tokens
        self.cells: dict[tuple[object, ...], Cell] = {}


_SHELVES: WeakKeyDictionary[Redactor, _Shelf] = WeakKeyDictionary()


def cell_of(
    facts: ColumnFacts,
    plan: ColumnPlan,
    redactor: Redactor,
    view: MaskingView = NOBODY,
    *,
    dry_run: bool = False,
) -> Cell:
    """The cell for such columns: one for all answers, until the tokens change."""
    shelf = _SHELVES.get(redactor)
    if shelf is None or shelf.tokens is not redactor.tokens:
        shelf = _SHELVES[redactor] = _Shelf(redactor.tokens)
    key = (
        plan.action,
        plan.type,
        plan.operator,
        plan.subject,
        facts.value_type,
        facts.type_oid,
        facts.format,
        plan.chosen,
        plan.secret,
        dry_run,
        None if view.empty else (view, plan.name),
    )
    found = shelf.cells.get(key)
    if found is None:
        if len(shelf.cells) >= _CELLS:
            shelf.cells.clear()
        found = shelf.cells[key] = Cell(facts, plan, redactor, view, dry_run=dry_run)
    return found
