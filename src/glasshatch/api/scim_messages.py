"""SCIM's messages (RFC 7644): what every answer and error looks like, patches, and filters."""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

import msgspec
from litestar import Response

from ..errors import ConfigError, Conflict, Denied, GlasshatchError, NotAuthenticated, Unavailable

MEDIA: Final = "application/scim+json"
CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0:"
OPT: Final = {"scope": "scim"}
MOST_RESULTS: Final = 1_000
_FILTER = re.compile(r'\s*(\w+)\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)


class ScimError(Exception):
    """The request cannot be carried out; `kind` is SCIM's own word for why (RFC 7644, table 9)."""

    def __init__(self, detail: str, kind: str = "invalidValue") -> None:
        super().__init__(detail)
        self.kind = kind


class Operation(msgspec.Struct, frozen=True):
    """One of a patch (RFC 7644, section 3.5.2)."""

    op: str
    path: str = ""
    value: Any = None


class Patch(msgspec.Struct, frozen=True):
    """A change of a resource."""

    operations: list[Operation] = msgspec.field(name="Operations")


def wanted(filter: str, *attributes: str) -> tuple[str, str]:
    """The attribute that a filter compares, in small letters, and with what; raises `ScimError`."""
    found = _FILTER.fullmatch(filter)
    name = found[1].lower() if found else ""
    if found is None or name not in {one.lower() for one in attributes}:
        which = " or ".join(f'{one} eq "..."' for one in attributes)
        raise ScimError(f"only {which} is taken as a filter", "invalidFilter")
    return name, re.sub(r"\\(.)", r"\1", found[2])


def decoded(body: bytes, type: Any) -> Any:
    """The body as one of these; raises `ScimError`."""
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.DecodeError:
        raise ScimError("the body is not understood", "invalidSyntax") from None


def listed(resources: list[dict[str, Any]], total: int, start: int) -> Response[bytes]:
    """Some resources of so many."""
    return answer(
        {
            "schemas": [MESSAGES + "ListResponse"], "totalResults": total, "startIndex": start,
            "itemsPerPage": len(resources), "Resources": resources,
        }
    )  # fmt: skip


def answer(value: object, status: int = 200) -> Response[bytes]:
    """Anything, as SCIM sends it."""
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(msgspec.json.encode(value), status_code=status, media_type=MEDIA, headers=headers)


def meta(kind: str, place: str, created: str, changed: str) -> dict[str, str]:
    """The member `meta` of a resource; times are nanoseconds in decimal."""
    return {
        "resourceType": kind, "created": _moment(created), "lastModified": _moment(changed),
        "location": place,
    }  # fmt: skip


def _moment(time_ns: str) -> str:
    moment = datetime.datetime.fromtimestamp(int(time_ns) // 10**9, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def explained(error: Exception) -> tuple[int, str, str]:
    """Status, SCIM's word and a sentence for an error."""
    if isinstance(error, ScimError):
        return 400, error.kind, str(error)
    if isinstance(error, NotAuthenticated):
        return 401, "", error.message
    if isinstance(error, Denied):
        return 403, "", error.message
    if isinstance(error, Conflict):
        return 409, "uniqueness", error.message
    if isinstance(error, Unavailable):
        return 503, "", error.message
    if isinstance(error, ConfigError):
        missing = "there is no such" in error.message or "no actor" in error.message
        return (404, "", error.message) if missing else (400, "invalidValue", str(error))
    if isinstance(error, GlasshatchError):
        return 500, "", error.message
    status = getattr(error, "status_code", 500)
    return (status, "", "the request is not acceptable") if status < 500 else (500, "", "an unexpected error")
