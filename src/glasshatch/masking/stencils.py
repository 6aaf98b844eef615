"""Drafts of events made ready to be stored: what a form shares is redacted and encoded once for all of them.

What comes out equals, byte for byte, the redacted event encoded whole; whatever cannot be made this way is
given back, for the long way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from ..events import (
    HOLES,
    MAX_ENTRY_BYTES,
    Client,
    Draft,
    Form,
    HoleKind,
    Redaction,
    blank,
    encode_whole,
    filled,
)
from .redact import Redactor
from .tokens import TOKEN, Tokens

_SHORT_INTEGER = 10**6
"""A number of more digits is scanned as a text (see `eventfields`)."""
_LONGEST_TEXT = 4_096
_MANY, _MANY_BYTES = 8_192, 8 << 20
_REDACTION = "redaction"
_encode = msgspec.json.Encoder(order="sorted").encode

Clean = tuple[str, Counter[str]]
"""A text as JSON, without what was found in it, and the counts of what was taken out."""


class Stencils:
    """Fills in forms for one redactor; for one thread."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._tokens: Tokens | None = None
        self._texts: dict[str, Clean] = {}
        self._clients: dict[Client, Clean] = {}
        self._ends: dict[tuple[tuple[str, int], ...], str] = {}
        self._bytes = 0

    def entries(self, drafts: Sequence[Draft]) -> list[bytes | None]:
        """The bytes of each draft's event as it may be stored; None for one that goes the long way."""
        self._forget()
        stencils = [self._stencil(draft.form) for draft in drafts]
        missing: dict[str, None] = {}
        for draft, stencil in zip(drafts, stencils, strict=True):
            if stencil is not None and stencil.scanned:
                self._note_missing(draft, stencil, missing)
        if missing:
            self._learn(list(missing))
        return [
            None if stencil is None else self._fill(stencil, draft.values)
            for draft, stencil in zip(drafts, stencils, strict=True)
        ]

    def _forget(self) -> None:
        """Under another token key everything is another; and what is remembered stays in its bound."""
        tokens = self._redactor.tokens
        if tokens is not self._tokens or self._bytes > _MANY_BYTES or len(self._texts) > _MANY:
            self._tokens, self._bytes = tokens, 0
            self._texts.clear()
            self._clients.clear()
            self._ends.clear()

    def _stencil(self, form: Form) -> _Stencil | None:
        held: _Stencil | None = form.prepared
        if held is None or held.tokens is not self._tokens:
            held = form.prepared = _cut(form, self._redactor, self._tokens)
            held.end = self._redaction(held.counts)
        return held if held.usable else None

    def _note_missing(self, draft: Draft, stencil: _Stencil, missing: dict[str, None]) -> None:
        for place, kind in stencil.scanned:
            value = draft.values[place]
            for text in (value,) if kind == "text" else value:
                if text not in self._texts:
                    missing[text] = None

    def _learn(self, texts: list[str]) -> None:
        """One scan for all that is new and no token of ours, in which nothing is found anyway."""
        new = []
        for text in texts:
            token = TOKEN.fullmatch(text) if text[:1] == "<" else None
            if token is not None and token[2]:
                self._texts[text] = _text(text), Counter({token[1]: 1})
                self._bytes += 300
            else:
                new.append(text)
        if not new:
            return
        for text, (clean, counts) in zip(new, self._redactor.stored(new), strict=True):
            if len(text) <= _LONGEST_TEXT:
                self._texts[text] = _text(clean), counts
                self._bytes += 2 * len(text) + 200

    def _fill(self, stencil: _Stencil, values: Sequence[Any]) -> bytes | None:
        shown = list(stencil.pick((*values, "")))
        for at in stencil.numbers:
            if not -_SHORT_INTEGER < shown[at] < _SHORT_INTEGER:
                return None
        counts = stencil.counts
        for at, kind in stencil.others:
            found = self._other(kind, shown[at])
            if found is None:
                return None
            shown[at] = found[0]
            if found[1]:
                counts = counts + found[1]
        # By now all is seen that is counted.
        shown[stencil.last] = stencil.end if counts is stencil.counts else self._redaction(counts)
        whole = (stencil.template % tuple(shown)).encode()
        return whole if len(whole) <= MAX_ENTRY_BYTES else None

    def _other(self, kind: HoleKind, value: Any) -> Clean | None:
        """What stands in a hole that may hold something personal."""
        if kind == "text":
            return self._texts.get(value) if value else None
        if kind == "texts":
            known = [self._texts.get(text) for text in value]
            if None in known:
                return None
            counts: Counter[str] = Counter()
            for one in known:
                if one is not None and one[1]:
                    counts += one[1]
            return "[" + ",".join([one[0] for one in known if one is not None]) + "]", counts
        if isinstance(value, Client):
            return self._client(value)
        # Of what was exposed only these two are texts that somebody wrote.
        if value is None or value.purpose or value.recipient:
            return None
        return _text(value), _NOTHING

    def _client(self, client: Client) -> Clean:
        held = self._clients.get(client)
        if held is None:
            names = [name for name in ("geo", "device", "user_agent") if getattr(client, name)]
            found = self._redactor.stored([getattr(client, name) for name in names])
            counts: Counter[str] = Counter()
            for _, more in found:
                counts += more
            clean = {name: text for name, (text, _) in zip(names, found, strict=True)}
            held = self._clients[client] = _text(msgspec.structs.replace(client, **clean)), counts
            self._bytes += 1_000
        return held

    def _redaction(self, counts: Counter[str]) -> str:
        key = tuple(sorted(counts.items())) if counts else ()
        held = self._ends.get(key)
        if held is None:
            held = _text(Redaction(counts=dict(key), pack_hash=self._redactor.engine.pack_hash))
            self._ends[key] = held
            self._bytes += 500
        return held


_NOTHING: Counter[str] = Counter()


def _plain(piece: bytes) -> str:
    return piece.decode().replace("%", "%%")


def _text(value: Any) -> str:
    return _encode(value).decode()


class _Stencil:
    """A form's bytes around its holes. `counts` is what was taken out of what is shared."""

    __slots__ = (
        "counts", "end", "last", "numbers", "others", "pick", "scanned", "template", "tokens", "usable",
    )  # fmt: skip

    def __init__(self, tokens: Tokens | None) -> None:
        self.tokens = tokens
        self.usable = False
        self.template = ""
        self.pick: Callable[[Sequence[Any]], tuple[Any, ...]] = tuple
        """Puts values, and behind them one for the redaction, into the order of the holes."""
        self.last = 0
        """Which of the holes is that of the redaction, in this order."""
        self.numbers: tuple[int, ...] = ()
        self.others: tuple[tuple[int, HoleKind], ...] = ()
        self.end = ""
        """The redaction where nothing is taken out but what is shared."""
        self.counts: Counter[str] = Counter()
        self.scanned: list[tuple[int, HoleKind]] = []


def _cut(form: Form, redactor: Redactor, tokens: Tokens | None) -> _Stencil:
    """Redact and encode what a form shares; not usable where the bytes could not be told apart."""
    stencil = _Stencil(tokens)
    if form.event.links or not redactor.stores_plainly:
        return stencil
    shared = redactor.event(blank(form))
    if shared.redaction is None or shared.attrs.keys() != form.event.attrs.keys():
        return stencil
    marks = [f"~hole-{place}~" for place in range(len(form.holes) + 1)]
    marked = filled(shared, form.holes, marks[:-1])
    whole = encode_whole(msgspec.structs.replace(marked, redaction=marks[-1]))
    places: list[tuple[int, int, int, HoleKind | None]] = []
    for place, mark in enumerate(marks):
        kind = HOLES[form.holes[place]] if place < len(form.holes) else None
        sought = (mark if kind == "own" else f'"{mark}"').encode()
        if whole.count(mark.encode()) != 1 or sought not in whole:
            return stencil
        places.append((whole.index(sought), len(sought), place, kind))
    done = 0
    ordered = sorted(places)
    for start, size, _, kind in ordered:
        stencil.template += whole[done:start].decode().replace("%", "%%") + (
            "%d" if kind == "number" else "%s"
        )
        done = start + size
    stencil.template += _plain(whole[done:])
    stencil.pick = itemgetter(*[place for _, _, place, _ in ordered])
    kinds = [kind for _, _, _, kind in ordered]
    stencil.last = kinds.index(None)
    stencil.numbers = tuple(at for at, kind in enumerate(kinds) if kind == "number")
    stencil.others = tuple(
        (at, kind) for at, kind in enumerate(kinds) if kind is not None and kind not in ("own", "number")
    )
    stencil.counts = Counter(shared.redaction.counts)
    stencil.scanned = [(place, kind) for _, _, place, kind in places if kind in ("text", "texts")]
    stencil.usable = True
    return stencil
