"""A data subject as somebody names it, turned into the tokens that the record knows it by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import ConfigError
from ..masking import TOKEN, Tokens

_NAMED = re.compile(r"([A-Z][A-Z0-9_]{1,30}):(.+)", re.DOTALL)
_HINT = "a token as events show it, <EMAIL:…>, or the value on standard input, as in EMAIL:anna@example.com"


def subject_tokens(
    subject: str, tokens: Tokens, redactions: Sequence[Callable[[str], str]]
) -> tuple[str, ...]:
    """The tokens of a data subject under every epoch's key, the current one first; its value goes no further.

    Args:
        subject: A token; `TYPE:value`; or a value alone, if it is of a type that is recognised.
        redactions: How a text is redacted under each epoch's key, the current one first.

    Raises:
        ConfigError: It is none of these, or a secret, which nobody may compare. Does not repeat it.
    """
    given = subject.strip()
    token = TOKEN.fullmatch(given)
    if token is not None:
        return _comparable(token[1], token[2] or "", (given,))
    named = _NAMED.fullmatch(given)
    if named is not None and named[2].strip():
        return _comparable(named[1], "x", tokens.lookup(named[1], named[2]))
    found = [TOKEN.fullmatch(redact(given)) for redact in redactions]
    known = tuple(dict.fromkeys(one[0] for one in found if one is not None and one[2]))
    if not known:
        raise ConfigError(
            "is neither a token nor a value of a type that is recognised", key="subject", hint=_HINT
        )
    return _comparable(known[0][1:].partition(":")[0], "x", known)


def _comparable(type: str, digest: str, tokens: tuple[str, ...]) -> tuple[str, ...]:
    if type == "SECRET" or not digest:
        raise ConfigError("is a secret, or stands for any value of its type", key="subject", hint=_HINT)
    return tokens
