"""Kubernetes objects as audit events hold them, in requests, answers, patches, lists and tables."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from .statuses import clean_status
from .texts import (
    HIDDEN,
    LONGEST_KNOWN_NAME,
    clean_annotation,
    clean_inner,
    clean_message,
    clean_text,
    is_simple,
    tells_secret,
    without_leaves,
)

Mode = Literal["plain", "contents", "identity"]
"""plain: secrets stand in known places. contents: all is secret but what names it, as in a Secret or a
ConfigMap. identity: only known members are kept, as of a token's review or a certificate's request."""

_IDENTITY_RESOURCES = frozenset(("tokenreviews", "tokenrequests", "certificatesigningrequests"))
_IDENTITY_KINDS = frozenset(("tokenreview", "tokenrequest", "certificatesigningrequest"))
_COMMANDS = frozenset("command commands args cmd script scripts entrypoint commandline shell".split())
_VARIABLES = frozenset(
    "env envs environment environments envvars environmentvariables extraenv extraenvs extraenvvars"
    " httpheaders headers volumeattributes parameters options stringdata binarydata".split()
)
_NAMES = frozenset(
    "kind apiversion name namespace uid resourceversion generation type immutable op path from group apigroup"
    " fieldpath controller blockownerdeletion propagationpolicy graceperiodseconds dryrun fieldmanager"
    " orphandependents status reason code".split()
)
_LISTS = frozenset("items rows object".split())
_IDENTITY = frozenset(
    "audiences audience expirationseconds expirationtimestamp authenticated username groups signername usages"
    " issuer lastupdatetime lasttransitiontime creationtimestamp".split()
)
_IDENTITY_PARTS = frozenset("spec status user conditions boundobjectref items rows object".split())
_SPECIAL = frozenset("metadata data annotations extra cabundle raw terminated waiting message note".split())
"""Names of which `_member` says what becomes of what stands under them."""

_MANAGED = "managedFields"
_MOST_KNOWN = 8_192
_common: set[str] = set()
"""Names of which it is known that they say nothing. It only grows, up to a limit."""
_SHORTEST_TOLD = 8
_MAX_DEPTH = 60


def mode_of(resource: str, subresource: str = "") -> Mode:
    """How objects of a resource are looked at."""
    resource = resource.lower()
    if "secret" in resource or resource == "configmaps":
        return "contents"
    return "identity" if resource in _IDENTITY_RESOURCES or subresource == "token" else "plain"


def clean_object(value: Any, mode: str = "plain", depth: int = 0) -> Any:
    """A part of an object without what is secret in it."""
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, list):
        if mode == "plain":
            return [
                (one if is_simple(one) else _text(one)) if type(one) is str else _item(one, mode, depth + 1)
                for one in value
            ]
        return [_item(one, mode, depth + 1) for one in value]
    if isinstance(value, str):
        # Where an object should stand, a text is one in a form that this does not read.
        return _text(value) if mode == "plain" and depth else HIDDEN
    if not isinstance(value, dict):
        return value if mode == "plain" else HIDDEN
    kind = value.get("kind")
    mode = _stricter(mode, kind.lower()) if isinstance(kind, str) else mode
    if kind == "Status":
        return clean_status(value, mode)
    if mode == "plain" and "value" in value and isinstance(value.get("name"), str):
        value = {**value, "value": without_leaves(value["value"])}
    if kind == "Event":
        # What a container or its runtime said, a command's own words among them.
        value = {name: HIDDEN if name in ("message", "note") else one for name, one in value.items()}
    if mode != "plain":
        return {name: _member(name, one, mode, depth) for name, one in value.items() if name != _MANAGED}
    # Most members are texts under names that say nothing: a call for each of them would take twice the time.
    return {
        name: (
            (one if is_simple(one) else _text(one))
            if type(one) is str
            else clean_object(one, mode, depth + 1)
        )
        if name in _common or _says_nothing(name)
        else _member(name, one, mode, depth)
        for name, one in value.items()
        if name != _MANAGED
    }


def _says_nothing(name: str) -> bool:
    """Whether a member of this name is like any other in an object whose secrets stand in known places."""
    told = name.lower()
    if told in _SPECIAL or told in _COMMANDS or told in _VARIABLES or tells_secret(name):
        return False
    if len(name) <= LONGEST_KNOWN_NAME and len(_common) < _MOST_KNOWN:
        _common.add(name)
    return True


def _stricter(mode: str, kind: str) -> str:
    if mode != "plain":
        return mode
    if "secret" in kind or kind in ("configmap", "configmaplist"):
        return "contents"
    return "identity" if kind.removesuffix("list") in _IDENTITY_KINDS else mode


def _member(name: str, item: Any, mode: str, depth: int) -> Any:
    told = name.lower()
    if told == "metadata" and isinstance(item, dict):
        return _metadata(item, mode, depth)
    if mode == "contents":
        return _kept(told, item, mode, depth, _NAMES, _LISTS)
    if mode == "identity":
        return _kept(told, item, mode, depth, _NAMES | _IDENTITY, _IDENTITY_PARTS)
    if told in _COMMANDS:
        return without_leaves(item)
    if told in _VARIABLES:
        return _variables(item, depth)
    if told == "data" and isinstance(item, dict) and all(isinstance(one, str) for one in item.values()):
        # As in a Secret, whatever this says that it is.
        return without_leaves(item)
    if told == "annotations" and isinstance(item, dict):
        return _annotations(item, mode)
    if told == "extra" or told in ("cabundle", "raw"):
        return without_leaves(item)
    if told in ("terminated", "waiting") and isinstance(item, dict):
        item = {key: HIDDEN if key == "message" else one for key, one in item.items()}
    if told in ("message", "note") and isinstance(item, str):
        return clean_message(item)
    if tells_secret(name) and _is_plain(item):
        return without_leaves(item)
    return clean_object(item, mode, depth + 1)


def _is_plain(item: Any) -> bool:
    """A text, a number, or a list of them: what stands in an object has names of its own."""
    if isinstance(item, list):
        return not any(isinstance(one, (dict, list)) for one in item)
    return not isinstance(item, dict)


def _kept(told: str, item: Any, mode: str, depth: int, names: frozenset[str], parts: frozenset[str]) -> Any:
    """A member in a strict mode: kept if its name is known, else hidden."""
    if told in parts and isinstance(item, (dict, list)):
        return clean_object(item, mode, depth + 1)
    if told in names and _is_plain(item):
        return [_text(one) if isinstance(one, str) else one for one in item] if isinstance(item, list) else (
            _text(item) if isinstance(item, str) else item
        )  # fmt: skip
    return without_leaves(item)


def _metadata(value: dict[str, Any], mode: str, depth: int) -> Any:
    """Names, labels and owners; annotations by what they are."""
    clean: dict[str, Any] = {}
    for name, item in value.items():
        if name == "annotations" and isinstance(item, dict):
            clean[name] = _annotations(item, mode)
        elif name != _MANAGED:
            text = type(item) is str
            clean[name] = _text(item) if text else clean_object(item, "plain", depth + 2)
    return clean


def _annotations(value: dict[str, Any], mode: str) -> dict[str, Any]:
    if mode != "plain":
        return dict.fromkeys(map(str, value), HIDDEN)
    return {str(name): _annotation(str(name), item) for name, item in value.items()}


def _annotation(name: str, item: Any) -> Any:
    return (
        clean_annotation(name, item, _clean_inner_object) if isinstance(item, str) else without_leaves(item)
    )


def _variables(value: Any, depth: int) -> Any:
    """Environment variables and headers: their names and where they come from, never their values."""
    if not isinstance(value, list):
        return without_leaves(value)
    return [_variable(one, depth + 2) for one in value]


def _variable(one: Any, depth: int) -> Any:
    if not isinstance(one, dict):
        return HIDDEN
    return {
        str(name): item
        if name == "name" and isinstance(item, str)
        else clean_object(item, "plain", depth)
        if name in ("valueFrom", "$patch")
        else without_leaves(item)
        for name, item in one.items()
    }


def _item(item: Any, mode: str, depth: int) -> Any:
    """An item of a list; a step of a JSON patch says in its path what its value is."""
    if not (isinstance(item, dict) and "op" in item and isinstance(item.get("path"), str)):
        return clean_object(item, mode, depth)
    parts = [part.replace("~1", "/").replace("~0", "~") for part in item["path"].split("/") if part]
    hides = mode != "plain" or any(_hides(part) for part in parts)
    clean = {str(name): _text(part) if isinstance(part, str) else without_leaves(part)
             for name, part in item.items() if name != "value"}  # fmt: skip
    if "value" in item:
        value = item["value"]
        last = parts[-1] if parts else ""
        clean["value"] = without_leaves(value) if hides else _member(last, value, mode, depth)
    return clean


def _hides(part: str) -> bool:
    told = part.lower()
    return told in _COMMANDS or told in _VARIABLES or told == "annotations" or tells_secret(part)


def _text(text: str) -> str:
    if "!" <= text[:1] <= "z" and text[0] != "[":  # no object in JSON begins so
        return clean_text(text) if len(text) >= _SHORTEST_TOLD else text
    inner = clean_inner(text, _clean_inner_object)
    return clean_text(text) if inner is None else inner


_clean_inner_object = partial(clean_object, depth=1)
