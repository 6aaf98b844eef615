"""Sheets: what is printed and sealed, how it is typed, and where each stands."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from ...errors import ConfigError
from .records import Printed, Record, Reviewed, Revoked, Used

PREFIX = "ghb-"
_SECRET_BYTES = 15
_TOKEN = re.compile(r"ghb-?(\d{1,6})-?((?:[a-z2-7]-?){24})(?=\s|$)", re.IGNORECASE)
_DIGEST = b"glasshatch/break-glass/sheet/v1\0"


class Typed(msgspec.Struct, frozen=True):
    """What somebody typed: one sheet or two, and why."""

    sheets: tuple[tuple[int, str], ...]
    reason: str

    def __repr__(self) -> str:
        return f"Typed({[number for number, _ in self.sheets]})"


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One sheet and what became of it. first_ns: its first use; 0 for none."""

    printed: Printed
    revoked: bool = False
    first_ns: int = 0
    ends_ns: int = 0
    uses: int = 0
    reason: str = ""
    resource: str = ""
    overrides: int = 0
    """The number of the sheet that this one's use was an override for."""
    review: Reviewed | None = None

    @property
    def number(self) -> int:
        """Its number."""
        return self.printed.number

    @property
    def unreviewed(self) -> bool:
        """Whether it was used and nobody has looked at that."""
        return bool(self.first_ns) and self.review is None


def is_sheet(secret: str) -> bool:
    """Whether a password is meant as a sheet and its reason."""
    return secret.lstrip()[:4].lower() == PREFIX


def read_typed(secret: str) -> Typed | None:
    """Take a password apart: a sheet, perhaps a second one, and a reason; None if it has another form."""
    sheets: list[tuple[int, str]] = []
    rest = secret.strip()
    while len(sheets) < 2 and (found := _TOKEN.match(rest)):
        sheets.append((int(found[1]), found[2].replace("-", "").lower()))
        rest = rest[found.end() :].strip()
    return Typed(tuple(sheets), rest) if sheets else None


def make_secret(random: Callable[[int], bytes]) -> str:
    """120 random bits, as they are typed."""
    return base64.b32encode(random(_SECRET_BYTES)).decode("ascii").lower()


def spell(number: int, secret: str) -> str:
    """A sheet's text: in groups, so that it can be read aloud."""
    return "-".join([f"ghb-{number:04}", *(secret[at : at + 4] for at in range(0, len(secret), 4))])


def digest_of(number: int, secret: str) -> bytes:
    """What the book keeps of a secret. It has 120 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(_DIGEST + f"{number}:{secret}".encode()).digest()


def opens(sheet: Sheet | None, secret: str) -> bool:
    """Whether a secret is the sheet's."""
    number = sheet.number if sheet is not None else 0
    known = sheet.printed.digest if sheet is not None else b"\0" * 32
    return hmac.compare_digest(known, digest_of(number, secret)) and sheet is not None


def sheets_of(records: Iterable[Record]) -> dict[int, Sheet]:
    """Every sheet by its number, as the book tells it."""
    found: dict[int, Sheet] = {}
    replace = msgspec.structs.replace
    for record in records:
        if isinstance(record, Printed):
            found[record.number] = Sheet(printed=record)
        elif isinstance(record, Revoked) and record.number in found:
            found[record.number] = replace(found[record.number], revoked=True)
        elif isinstance(record, Reviewed) and record.number in found:
            found[record.number] = replace(found[record.number], review=record)
        elif isinstance(record, Used):
            _take_use(found, record)
    return found


def _take_use(found: dict[int, Sheet], used: Used) -> None:
    replace = msgspec.structs.replace
    sheet = found.get(used.number)
    if sheet is not None:
        fresh = {"first_ns": used.at_ns, "ends_ns": used.until_ns} if used.first else {}
        found[used.number] = replace(
            sheet, uses=sheet.uses + 1, reason=used.reason, resource=used.resource, **fresh
        )
    other = found.get(used.override)
    if other is not None and not other.first_ns:
        found[used.override] = replace(
            other, first_ns=used.at_ns, ends_ns=used.at_ns, uses=1, reason=used.reason,
            resource=used.resource, overrides=used.number,
        )  # fmt: skip


def check_patterns(resources: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a sheet that would open nothing.

    Raises:
        ConfigError: A pattern fits no resource.
    """
    from ...policy import resource_matches

    for pattern in resources:
        if not any(resource_matches(pattern, one) for one in known):
            raise ConfigError(
                f"{pattern} is no resource here",
                key="--resource",
                hint=f"there are: {', '.join(known) or 'none'}",
            )
