"""Real log lines from a folder of public data sets; what is personal in them is taken into account."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .scoring import Found, family_of

# No ids, cards or phones; of what is left, types of no labelled family are numbers of other countries.
OTHERS = {"email", "ip", "mac", "secret"}
_NO_IDS = {"POSTAL_CODE", "COORDINATES", "WINDOWS_SID", "DEVICE_ID", "ADDRESS", "SSID", "SERIAL_NUMBER"}
_ENDS = (
    ".log",
    ".log.gz",
    ".json",
    ".json.gz",
    ".jsonl",
    ".jsonl.gz",
    ".csv",
    ".csv.gz",
    ".out",
    ".sql",
    ".yaml",
)
# What its recorders put in on purpose: found, these are right. Looked at one by one.
KNOWN = {
    *("+1-202-555-0143", "+1-202-555-0199", "+44 20 7946 0958", "+1234567890", "1234567891", "555-0100"),
    *("4111111111111111", "5500005555555559", "378282246310005"),
}
_MOST_PER_FILE = 400
_LONGEST = 20_000


def read(folder: Path) -> list[str]:
    """Lines of every data set; records of JSON arrays count as lines. At most 400 of one file."""
    lines: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name.endswith(_ENDS):
            lines += [line for line in _lines(path) if line.strip() and len(line) <= _LONGEST][
                :_MOST_PER_FILE
            ]
    return lines


def _lines(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")
    if ".json" in path.name and text.lstrip()[:1] in "[{" and "\n{" not in text:
        try:
            yield from (json.dumps(one, ensure_ascii=False) for one in _records(json.loads(text)))
            return
        except ValueError:
            pass
    yield from text.splitlines()


def _records(value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict) and isinstance(value.get("Records"), list):
        return list(value["Records"])
    return [value]


def report(lines: Sequence[str], found: Sequence[Sequence[Found]]) -> dict[str, Any]:
    """Alarms of ids, cards and phones per 1,000 real lines, and what of every type was found."""
    kinds: Counter[str] = Counter()
    suspects: Counter[str] = Counter()
    for line, ones in zip(lines, found, strict=True):
        for one in ones:
            kinds[one.kind] += 1
            told = family_of(one.kind) in OTHERS or one.kind in _NO_IDS
            if not told and line[one.start : one.end] not in KNOWN:
                suspects[one.kind] += 1
    per = 1000 / max(1, len(lines))
    return {
        "lines": len(lines),
        "ids_cards_phones_per_1000": round(sum(suspects.values()) * per, 3),
        "suspects": dict(suspects.most_common()),
        "found_per_1000": {kind: round(count * per, 2) for kind, count in kinds.most_common()},
    }
