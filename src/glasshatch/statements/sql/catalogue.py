"""Relations of the server itself: which hold no rows of anybody, and which must not be read."""

from __future__ import annotations

from ..words import words

_CREDENTIALS = words("pg_authid pg_shadow pg_hba_file_rules user_mapping_options _pg_user_mappings")
_SAMPLES = words(
    """pg_statistic pg_stats pg_statistic_ext_data pg_stats_ext pg_stats_ext_exprs pg_largeobject"""
)


def is_catalogue(relation: str) -> bool:
    """Whether a relation is the server's own, which holds no personal rows."""
    schema, _, name = relation.rpartition(".")
    return schema in ("pg_catalog", "information_schema") or (not schema and name.startswith("pg_"))


def holds_credentials(relation: str) -> bool:
    """Whether it holds password hashes or the like, whichever of its columns are read."""
    return relation.rpartition(".")[2] in _CREDENTIALS


def holds_samples(relation: str) -> bool:
    """Whether it holds copies of users' values: statistics and large objects."""
    return relation.rpartition(".")[2] in _SAMPLES
