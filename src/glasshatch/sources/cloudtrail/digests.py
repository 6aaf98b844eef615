"""CloudTrail's digest files: which log files a trail delivered in an hour, each with its hash. AWS,
"CloudTrail digest file structure"."""

from __future__ import annotations

from typing import Any, Final

from ...events import Event, Resource, Source, foreign
from ..parsed import Arrival, Parsed, Rejected, time_ns

ACTION: Final = "digest.delivered"
_FILES: Final = 100
_FILES_KEPT: Final = ("s3Object", "hashValue", "hashAlgorithm", "newestEventTime", "oldestEventTime")


def is_digest(value: dict[str, Any]) -> bool:
    """Whether this lists log files, and is no record of a call."""
    return "digestEndTime" in value and "logFiles" in value and "eventName" not in value


def parse_digest(value: dict[str, Any], arrival: Arrival) -> Parsed | Rejected:
    """The event of a digest file, with all its members; of more than 100 log files only how many."""
    ended, files = value.get("digestEndTime"), value.get("logFiles")
    ended_ns = time_ns(ended) if isinstance(ended, str) else None
    if ended_ns is None or not isinstance(files, list):
        return Rejected("is a digest file of CloudTrail without a time or a list of log files")
    account, place = str(value.get("awsAccountId") or "account"), str(value.get("digestS3Object") or "")
    rest = {name: item for name, item in value.items() if name != "logFiles"}
    kept = [_short(one) for one in files] if len(files) <= _FILES else []
    event = Event(
        id=arrival.new_id(), time=str(ended_ns), action=ACTION, severity=1,
        source=Source(kind="cloudtrail", name=arrival.name),
        resource=Resource(type="aws", id=f"aws/{account}/cloudtrail", name="cloudtrail"),
        attrs={"log_files": len(files)}, labels={} if kept or not files else {"truncated": "true"},
        native=foreign({**rest, "logFiles": kept}),
    )  # fmt: skip
    return Parsed(event, f"digest {value.get('digestS3Bucket')}/{place}" if place else "")


def _short(file: Any) -> Any:
    return {name: file[name] for name in _FILES_KEPT if name in file} if isinstance(file, dict) else None
