"""How much a tool is asked for, and of how many things it changes something: by its arguments."""

from __future__ import annotations

import json
import re
from typing import Any

from ..findings import Findings
from ..redis.amounts import note_amount
from ..redis.commands import KNOWN as REDIS_COMMANDS
from ..redis.keys import holds_people
from ..shell import paths
from ..words import words
from .names import looks_only, parts_of

MAX_LISTED = 200
"""So many people may be listed at once."""

MAX_ROWS = 10_000
"""So many of anything else."""

_PEOPLE = words(
    """
    user users customer customers client clients patient patients employee employees member members contact
    contacts person persons people lead leads subscriber subscribers student students guest guests account
    accounts profile profiles applicant applicants candidate candidates
"""
)
_INTIMATE = words(
    """
    salary salaries payroll payslip payslips wages compensation medical diagnosis diagnoses prescription
    prescriptions biometric biometrics ssn passport passports
"""
)
_FIELDS = words("fields columns select attributes properties include projection")
_ALL = words("all every bulk batch many mass everything")
_DOCUMENTS = words(
    """mongo mongodb collection collections documents document docs firestore dynamodb cosmos couchdb es
    elasticsearch opensearch"""
)
_CHANGING = words(
    "update delete remove set patch modify edit replace write upsert change close archive move assign"
    " restart reboot scale redeploy rotate"
)
_LIMITS = words(
    "limit size max count top take first maxresults max_results page_size per_page pagesize max_items n rows"
)
_FILTERS = words("filter query where criteria condition selector match conditions filters predicate")
_CHOICES = words(
    "ids id keys key items records names name documents entries updates tickets issues issue_ids"
)
_WRITING_STAGES = ("$out", "$merge")
_OPENING = (("private", False), ("public", True), ("is_public", True), ("anonymous", True))
_EVERYTHING = ("", "*", "%", "*:*", ".*", "true", "1=1", "all", "{}")
_FORWARDS = words("forward_to forwarding_address redirect_to forward_address auto_forward")


def note_amounts(name: str, arguments: dict[str, Any], findings: Findings) -> None:
    """Note what a call reads of many people, and what it changes without saying of which."""
    found = parts_of(name)
    given = {"_".join(parts_of(member)) or member: value for member, value in arguments.items()}
    looks = looks_only(name) or found[:1] == ["fetch"]
    people = not _PEOPLE.isdisjoint(found) or _names_people(given)
    if looks and (_intimate(found, given) or (people and _wants_all(found, given))):
        findings.note("read", "bulk_read")
    if _limit(given) > (MAX_LISTED if people and looks else MAX_ROWS) and (looks or people):
        findings.note("read", "bulk_read")
    if not _DOCUMENTS.isdisjoint(found) or "collection" in given:
        _documents(found, given, findings)
    elif not looks and not _ALL.isdisjoint(found) and not _CHANGING.isdisjoint(found) and not _chosen(given):
        findings.note("update", "unbounded_write")
    if any(
        member in _FORWARDS or (member == "forward" and "@" in str(value)) for member, value in given.items()
    ):
        findings.note("update", "network")
    if not looks and any(given.get(member) is value for member, value in _OPENING):
        findings.note("update", "privilege_change")
    if "level" in given and "log" in found and str(given["level"]).lower() in ("off", "none", "disabled"):
        findings.note("update", "audit_change")
    _redis(found, given, findings)


def _names_people(given: dict[str, Any]) -> bool:
    named = (
        given.get(member) for member in ("collection", "table", "index", "object", "object_type", "entity")
    )
    return any(isinstance(value, str) and holds_people(value) for value in named)


def _intimate(found: list[str], given: dict[str, Any]) -> bool:
    """What of one person is nobody's business is, of all, a bulk read."""
    if any(_names_intimate(value) for member, value in given.items() if member in _FIELDS):
        return not _chosen(given)
    records = "records" in found and not _PEOPLE.isdisjoint(found)
    return (records or not _INTIMATE.isdisjoint(found)) and not _chosen(given)


def _names_intimate(value: Any) -> bool:
    """Whether a list of fields has one that is nobody's business."""
    named = value if isinstance(value, list) else re.split(r"[,\s]+", value) if isinstance(value, str) else []
    return any(isinstance(one, str) and not _INTIMATE.isdisjoint(parts_of(one)) for one in named)


def _chosen(given: dict[str, Any]) -> bool:
    """Whether the call says which things it means: an id, a list of them, a filter that is not empty."""
    for member, value in given.items():
        last = member.rpartition("_")[2]
        if (member in _CHOICES or last in ("id", "ids", "key", "email")) and value not in (
            "",
            [],
            {},
            None,
            "*",
            "all",
        ):
            return True
        if member in _FILTERS and not _is_everything(value):
            return True
    return False


def _is_everything(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _EVERYTHING
    if isinstance(value, dict):
        return (
            not value
            or set(value) == {"match_all"}
            or (set(value) == {"query"} and _is_everything(value["query"]))
        )
    return value in (None, [])


def _wants_all(found: list[str], given: dict[str, Any]) -> bool:
    """`get_all_users`, `search_contacts {"query": "*"}`; a listing by itself gives a page."""
    if not _chosen(given) and not _ALL.isdisjoint(found):
        return _limit(given) == 0 or _limit(given) > MAX_LISTED
    asked = [value for member, value in given.items() if member in _FILTERS or member == "q"]
    if any(value in ("*", "", "%", "*:*") for value in asked) and _limit(given) == 0:
        return True
    return any(value is True and ("all" in parts_of(member)) for member, value in given.items())


def _limit(given: dict[str, Any]) -> int:
    """The largest size that is given; 0 for none."""
    sizes = [value for member, value in given.items() if member.lower() in _LIMITS]
    numbers = [
        int(size) for size in sizes if isinstance(size, (int, str)) and re.fullmatch(r"\d{1,12}", str(size))
    ]
    return max(numbers, default=0)


def _documents(found: list[str], given: dict[str, Any], findings: Findings) -> None:
    """A store of documents: an empty filter finds, changes and deletes all of them."""
    filters = [value for member, value in given.items() if member in _FILTERS]
    everything = all(map(_is_everything, filters)) or _is_tautology(filters)
    if "one" in found or ("by" in found and "query" not in found) or given.get("id") or given.get("_id"):
        return
    if not _CHANGING.isdisjoint(found) and everything and ("collection" in given or filters):
        findings.note("update", "unbounded_write")
    stages = given.get("pipeline")
    written = json.dumps(stages) if isinstance(stages, (list, dict)) else str(stages or "")
    if any(stage in written for stage in _WRITING_STAGES):
        findings.note("update", "copies_rows unbounded_write")
    finds = not {"find", "scan", "documents"}.isdisjoint(found) and "count" not in found
    if (
        finds
        and (filters or _names_people(given))
        and everything
        and _limit(given) == 0
        and "pipeline" not in given
    ):
        findings.note("read", "bulk_read")


def _is_tautology(filters: list[Any]) -> bool:
    """`{"_id": {"$exists": true}}`, `{"_id": {"$ne": null}}`."""
    text = json.dumps(filters)
    return (
        re.search(r'"_id": \{"(?:\$exists": true|\$ne": (?:null|""|0)|\$gt": (?:""|0))\}', text) is not None
    )


def _redis(found: list[str], given: dict[str, Any], findings: Findings) -> None:
    """`redis_hgetall` with the name of a key is that command."""
    command = next((part.upper() for part in found if part.upper() in REDIS_COMMANDS), "")
    key = given.get("key") or given.get("name")
    if found[:1] in (["redis"], ["valkey"], ["keydb"]) and command and isinstance(key, str):
        ends = [str(given[one]) for one in ("start", "stop") if one in given]
        note_amount(command, [key, *ends], findings)


def takes_data(name: str, path: str) -> bool:
    """Whether a tool that looks at files, or at objects of a store, takes a dump of rows along."""
    stores = {"s3", "gcs", "bucket", "blob", "object", "drive", "storage"}.intersection(parts_of(name))
    named = re.search(
        r"export|dump|backup|snapshot|customers|users|patients|employees|payroll", path, re.IGNORECASE
    )
    return bool(stores) and named is not None and paths.holds_rows(path)
