"""Redaction: everything personal out of events, statements and bind values before they are stored.

Nothing here raises for what a text holds: what cannot be scanned becomes `[UNSCANNED]`.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, TypeVar

import msgspec

from ..events import Event, Redaction
from ..statements import Span
from .batches import FOREIGN, FOREIGN_BUT_ACTOR, VOUCHED, Batches, Canonical
from .choosing import MaskingPolicy, MaskingView
from .documents import Place, take_out
from .embedded import OPENINGS
from .engine import Engine, Finding
from .eventfields import OWN_KINDS, Change, change_texts, change_tree, closed
from .gathering import Gathered, count_tokens
from .kernel import splice
from .literals import clear_number, looked_at, pieces, short_number
from .pgtypes import BOOL, FLOATS, INTEGERS, NUMERIC
from .pgvalues import TRUTHS, format_of, readable
from .storing import Places, settled
from .tokens import TOKEN, UNSCANNED, Tokens, written
from .ways import Ways

_T = TypeVar("_T")
_MANY = 4_096
_NOTHING: Counter[str] = Counter()
"""Shared, and never added to."""
_OWN_FEED = "gateway"
"""Whose stored rules hold for statements and bind values."""


class Redactor:
    """Takes personal data and secrets out of what is about to be recorded or shown."""

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        workforce: frozenset[str] = frozenset(),
        policy: MaskingPolicy | None = None,
        workforce_feeds: Sequence[str] = (),
    ) -> None:
        """`workforce` names the kinds of source, besides our own, whose actors and resources stay in clear.

        `workforce_feeds` are patterns of further feeds, `kind/name`, of which only the actors do.
        `policy` says what the record keeps; without it, of everything what the packs say.
        """
        self.engine = engine
        self._workforce = workforce
        self._workforce_feeds = tuple(workforce_feeds)
        self._policy = policy if policy is not None else MaskingPolicy()
        self._places = Places(self._policy)
        self._view = self._policy.stored_view(_OWN_FEED)
        self._column = ""
        self._found_nothing = Redaction(pack_hash=engine.pack_hash)
        self._batches = Batches(engine)
        self.renew(tokens)

    def renew(self, tokens: Tokens) -> None:
        """Make other tokens from now on, as after a change of the token key."""
        self.tokens = tokens
        self._ways = Ways(self.engine.detectors, tokens, self._view, self._column)
        self._met: dict[tuple[MaskingView, str], Redactor] = {}

    def met_by(self, view: MaskingView, column: str = "") -> Redactor:
        """This one as somebody meets it: masking rules choose the operators, where they speak of a type.

        Args:
            column: `schema.table.column`, if all texts are of one column.
        """
        if (view is self._view or (view.empty and self._view.empty)) and (
            view.empty or column == self._column
        ):
            return self
        met = self._met.get((view, column))
        if met is None:
            met = copy.copy(self)
            met._view, met._column = view, column
            met.renew(self.tokens)
            if len(self._met) < _MANY:
                self._met[view, column] = met
        return met

    def take_out(self, document: Any) -> tuple[Any, list[tuple[Place, Any]]]:
        """A document without what masking rules name by its path, and what shall stand there instead."""
        if not self._view.has_paths:
            return document, []
        return take_out(document, self._view, self._column, self.findings, self.tokens)

    def marks(self, type: str) -> bool:
        """Whether a value of a type that was replaced is not found again, because a token stands there."""
        return self._ways.marks(type)

    def text(self, text: str) -> tuple[str, dict[str, int]]:
        """The text without what was found in it, and how many tokens of each type it now holds."""
        clean = self.texts([text])[0]
        return clean, count_tokens([clean])

    def texts(self, texts: Sequence[str]) -> list[str]:
        """Many texts in one scan; the same strings come back where nothing was found."""
        out = list(texts)
        try:
            for index, clean in self.engine.rewrite(texts, self._ways.of).items():
                out[index] = clean
            return out
        except Exception:
            out = list(texts)  # whatever it was, only the texts that cause it may suffer for it
        for index, findings in self.found(texts).items():
            out[index] = UNSCANNED if findings is None else self.splice(texts[index], findings)
        return out

    def found(self, texts: Sequence[str]) -> dict[int, list[Finding] | None]:
        """As `findings`, by number of the text, without the texts in which nothing is found."""
        try:
            return dict(self.engine.found(texts))
        except Exception:
            alone = ((index, self._alone(text)) for index, text in enumerate(texts))
            return {index: one for index, one in alone if one is None or one}

    def findings(self, texts: Sequence[str]) -> list[list[Finding] | None]:
        """The findings of each text; None for one that could not be scanned."""
        try:
            return list(self.engine.scan(texts))
        except Exception:
            # Whatever it was, only the texts that cause it may suffer for it.
            return [self._alone(text) for text in texts]

    def _alone(self, text: str) -> list[Finding] | None:
        try:
            return self.engine.scan([text])[0]
        except Exception:
            return None

    def splice(self, text: str, findings: Sequence[Finding]) -> str:
        """The text with every finding replaced."""
        return splice(text, findings, self._ways.of) if findings else text

    def stand_in(self, finding: Finding) -> str:
        """What is written in the place of a finding: never the value, never nothing."""
        return self._ways.of[finding.detector](finding.value)

    def event(self, event: Event, feed: str = "") -> Event:
        """The event as it may be stored: one scan over all its texts, counts and pack hash set.

        Args:
            feed: Who brought it, `kind/name`; by default our own kind of source, whatever it says of itself.
        """
        feed = feed or (event.source.kind if event.source.kind in OWN_KINDS else "")
        storing = self.met_by(self._policy.stored_view(feed))
        try:
            clean = storing._together([event], feed)[0]
            return self._settled(event, clean, feed)
        except Exception:
            redaction = Redaction(counts={"UNSCANNED": 1}, pack_hash=self.engine.pack_hash)
            return msgspec.structs.replace(closed(event), redaction=redaction)

    def events(self, events: Sequence[Event], feed: str = "") -> list[Event]:
        """Many events of one feed as by `event`, in one scan over the texts of all."""
        storing = self.met_by(self._policy.stored_view(feed))
        try:
            clean = storing._together(events, feed)
            if not self._places.of(feed):
                return clean
            return [self._settled(*both, feed) for both in zip(events, clean, strict=True)]
        except Exception:
            return [self.event(event, feed) for event in events]

    def encoded(self, events: Sequence[Event | Canonical], feed: str = "") -> list[bytes | None]:
        """The bytes of each event as `events` makes it, where a compiled kernel can say so; None where not.

        What an event holds of others must have gone through `foreign`, as for `encode`.
        """
        storing = self.met_by(self._policy.stored_view(feed))
        if not self._batches.at_work or storing._ways.unmarked or self._places.of(feed):
            return [None] * len(events)
        other = FOREIGN_BUT_ACTOR if self._is_workforce(feed) else FOREIGN
        kinds = (event.source.kind if isinstance(event, Event) else event.kind for event in events)
        vouched = self._vouched_by(feed)
        walks = [VOUCHED if kind in vouched else other for kind in kinds]
        return self._batches.encoded(events, walks, storing._ways, storing._told, storing.found)

    def _settled(self, before: Event, after: Event, feed: str) -> Event:
        rules = self._places.of(feed)
        return settled(before, after, rules, self.findings, self.tokens) if rules else after

    def _vouched_by(self, feed: str) -> frozenset[str]:
        """The kinds of source whose events' names stay in clear. A feed speaks for its own kind alone: an
        application's event that claims another one is an application's event."""
        if not feed:
            return OWN_KINDS | self._workforce
        return OWN_KINDS | (self._workforce & {feed.partition("/")[0]})

    def _is_workforce(self, feed: str) -> bool:
        return bool(self._workforce_feeds) and any(fnmatchcase(feed, one) for one in self._workforce_feeds)

    @property
    def stores_plainly(self) -> bool:
        """Whether no rule names places in our own events, so that each of their texts is redacted alone."""
        return not self._places.of(_OWN_FEED)

    def stored(self, texts: Sequence[str]) -> list[tuple[str, Counter[str]]]:
        """Texts of our own events as `event` stores them, and what is counted as taken out of each."""
        storing = self.met_by(self._policy.stored_view(_OWN_FEED))
        if storing._all_clean(texts):
            return [(text, _NOTHING) for text in texts]
        gathered = Gathered(storing._ways)
        for text in texts:
            gathered.take(text, "")
        found = storing.findings(gathered.texts)
        clean = map(storing._told, gathered.texts, gathered.hints, found)
        unmarked = storing._unmarked(found) if storing._ways.unmarked else [[]] * len(texts)
        return [
            (text, Counter(count_tokens([text])) + Counter(types))
            for text, types in zip(clean, unmarked, strict=True)
        ]

    def _all_clean(self, texts: Sequence[str]) -> bool:
        """Whether nothing is in any of these texts, neither something personal nor what stands for it."""
        return not (
            any("<" in text or UNSCANNED in text or text[:1] in OPENINGS for text in texts)
            or self.found(texts)
        )

    def _together(self, events: Sequence[Event], feed: str) -> list[Event]:
        gathered = Gathered(self._ways)
        vouched, actor_clear = self._vouched_by(feed), self._is_workforce(feed)
        walk = partial(change_texts, vouched=vouched, actor_clear=actor_clear)
        ends: list[int] = []
        for event in events:
            walk(event, gathered.take)
            ends.append(len(gathered.originals))
        found = self.found(gathered.texts)
        clean = self._clean(gathered, found)
        every = (found.get(place, ()) for place in range(len(clean)))
        unmarked = self._unmarked(every) if self._ways.unmarked else None
        return [
            self._replaced(
                event, walk, gathered.originals[start:end], clean[start:end], unmarked and unmarked[start:end]
            )
            for event, start, end in zip(events, [0, *ends], ends, strict=False)
        ]

    def _clean(self, gathered: Gathered, found: dict[int, list[Finding] | None]) -> list[str]:
        """The texts as they may stand; only those with a finding or a telling key are looked at once more."""
        texts, hints = gathered.texts, gathered.hints
        clean = list(texts)
        for place in {*found, *(place for place, hint in enumerate(hints) if hint)}:
            clean[place] = self._told(texts[place], hints[place], found.get(place, []))
        return clean

    def _unmarked(self, found: Iterable[Sequence[Finding] | None]) -> list[list[str]]:
        """For each text the types of what was replaced by something that is no token."""
        types = self._ways.unmarked
        return [
            [
                one.type
                for one in some or ()
                # What an operator cannot do is a placeholder, which is counted where it stands.
                if one.detector in types and not TOKEN.fullmatch(self.stand_in(one))
            ]
            for some in found
        ]

    def _replaced(
        self,
        event: Event,
        walk: Callable[[Event, Change], Event],
        texts: list[str],
        clean: list[str],
        unmarked: list[list[str]] | None,
    ) -> Event:
        if clean != texts:
            in_order = iter(clean)
            event = walk(event, lambda _text, _hint: next(in_order))
        counts = count_tokens(clean)
        if unmarked:
            more = Counter(counts)
            more.update(type for types in unmarked for type in types)
            counts = dict(sorted(more.items()))
        redaction = msgspec.structs.replace(self._found_nothing, counts=counts)
        return msgspec.structs.replace(event, redaction=redaction if counts else self._found_nothing)

    def tree(self, value: Any, hints: frozenset[str]) -> Any:
        """A JSON-like value without what is found in its texts or told by its keys."""
        return self.tree_texts(value, lambda tree, change: change_tree(tree, change, hints))[0]

    def tree_texts(self, value: _T, walk: Callable[[_T, Change], _T]) -> tuple[_T, list[str]]:
        """Walk a value twice: collect its texts, scan them at once, put them back; and the texts."""
        gathered = Gathered(self._ways)
        walk(value, gathered.take)
        clean = self._clean(gathered, self.found(gathered.texts))
        if clean == gathered.originals:
            return value, clean
        in_order = iter(clean)
        return walk(value, lambda _text, _hint: next(in_order)), clean

    def _told(self, text: str, hint: str, found: list[Finding] | None) -> str:
        if found is None:
            return UNSCANNED
        token = TOKEN.fullmatch(text)
        if not hint or (token and written(token, {*self.engine.types, hint})):
            return self.splice(text, found) if found else text
        return self._ways.whole("SECRET", text) if hint == "SECRET" else self.value(hint, text, found)

    def sql(self, text: str, literals: Sequence[Span], known: Sequence[str] | None = None) -> str:
        """The statement with every constant replaced, comments dropped and names scanned.

        A constant in which something is found becomes its tokens, any other a `TEXT` or `NUMBER`
        token; a number of up to six digits stays; a password becomes `'<SECRET>'`.

        Args:
            known: What `sql_code` gave for a text that differs in constants only.
        """
        try:
            code, spans = pieces(text, literals)
        except ValueError:
            return UNSCANNED
        shown = known if known is not None and len(known) == len(code) else self._code(code)
        raws = [text[span.start : span.end] for span in spans]
        values = [looked_at(span.kind, raw) for span, raw in zip(spans, raws, strict=True)]
        found = iter(self.findings([value for value in values if value]) if any(values) else ())
        out = [shown[0]]
        for index, (span, value) in enumerate(zip(spans, values, strict=True)):
            one = next(found) if value else ()
            out += (self._constant(span.kind, raws[index], value, one), shown[index + 1])
        return "".join(out)

    def sql_code(self, text: str, literals: Sequence[Span]) -> list[str] | None:
        """The code around the constants as it may be recorded; None if they do not belong to the text."""
        try:
            return self._code(pieces(text, literals)[0])
        except ValueError:
            return None

    def _code(self, code: Sequence[str]) -> list[str]:
        found = self.findings(code)
        return [
            UNSCANNED if one is None else self.splice(piece, one)
            for piece, one in zip(code, found, strict=True)
        ]

    def _constant(self, kind: str, raw: str, value: str, found: Sequence[Finding] | None) -> str:
        if kind == "comment":
            return " "
        if kind == "password":
            return "'<SECRET>'"
        if kind == "number" and clear_number(raw):
            return raw
        if not value:
            return "''"
        return "'" + self.value("NUMBER" if kind == "number" else "TEXT", value, found) + "'"

    def value(self, type: str, value: str, found: Sequence[Finding] | None) -> str:
        """What stands for a whole value: the tokens of what was found in it, else one of `type`."""
        if found is None:
            return UNSCANNED
        return " ".join(map(self.stand_in, found)) if found else self._ways.whole(type, value)

    def bind(
        self, values: Sequence[bytes | None], formats: Sequence[int], type_oids: Sequence[int]
    ) -> list[str]:
        """Bind values as they may be recorded: tokens, short numbers, `true`, `false` and `NULL`.

        Args:
            formats: As in the Bind message: none (all text), one for all, or one for each.
            type_oids: The types of the parameters as far as they are known; 0 or missing if not.
        """
        oids = [type_oids[index] if index < len(type_oids) else 0 for index in range(len(values))]
        texts = [
            "" if value is None else readable(value, format_of(formats, index), oids[index])
            for index, value in enumerate(values)
        ]
        if all(map(short_number, texts, oids)):
            return texts
        found = self.findings(texts)
        return [
            "NULL" if value is None else self._bound(text, oid, one)
            for value, text, oid, one in zip(values, texts, oids, found, strict=True)
        ]

    def _bound(self, text: str, oid: int, found: list[Finding] | None) -> str:
        numeric = oid in INTEGERS or oid in FLOATS or oid == NUMERIC
        if oid == BOOL and text.lower() in TRUTHS:
            return TRUTHS[text.lower()]
        if numeric and clear_number(text.lstrip("-")):
            return text
        return self.value("NUMBER" if numeric else "TEXT", text, found) if text else "''"
