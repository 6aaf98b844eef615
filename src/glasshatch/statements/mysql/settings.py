"""SET: of this session, or of the server; and settings that change how text is read or what is logged."""

from __future__ import annotations

import re

from ..findings import Findings
from ..words import words
from .nodes import Nodes, is_sign, split, word_at
from .tokens import Token

_HARMLESS = words(
    """
        autocommit time_zone wait_timeout interactive_timeout net_read_timeout net_write_timeout
        lock_wait_timeout innodb_lock_wait_timeout max_execution_time max_statement_time
        group_concat_max_len sql_select_limit sort_buffer_size join_buffer_size read_buffer_size
        tmp_table_size max_heap_table_size lc_time_names optimizer_switch optimizer_search_depth
        optimizer_trace profiling profiling_history_size tx_isolation transaction_isolation tx_read_only
        transaction_read_only sql_safe_updates collation_connection sql_auto_is_null sql_big_selects
        sql_notes sql_warnings sql_quote_show_create max_join_size explicit_defaults_for_timestamp
        information_schema_stats_expiry use_secondary_engine div_precision_increment session_track_gtids
        session_track_schema session_track_state_change timestamp insert_id last_insert_id
        default_week_format eq_range_index_dive_limit cte_max_recursion_depth max_sort_length
    """
)
_AUDIT = re.compile(
    r"^(?:general_log\w*|slow_query_log\w*|log_\w+|long_query_time|min_examined_row_limit|audit_\w+|server_audit\w*|sql_log_bin|sql_log_off|binlog_\w+|performance_schema\w*)$"
)
_READING = words("""
        sql_mode character_set_client character_set_connection character_set_results
        foreign_key_checks unique_checks old_mode
    """)
_CHARSETS = re.compile(r"^(?:utf8\w*|latin1|ascii|binary|default)$", re.IGNORECASE)


def read(nodes: Nodes, findings: Findings) -> None:
    """Note what a SET sets."""
    findings.note("set")
    first, second = word_at(nodes, 1), word_at(nodes, 2)
    if first in ("PASSWORD", "ROLE") or (first, second) == ("DEFAULT", "ROLE"):
        findings.note((), "privilege_change")
    elif "TRANSACTION" in (first, second):
        findings.note((), "server_setting" if first == "GLOBAL" else "")
    elif first in ("NAMES", "CHARSET") or (first, second) == ("CHARACTER", "SET"):
        _charset(nodes[2 if first != "CHARACTER" else 3 :], findings)
    elif (first, second) == ("RESOURCE", "GROUP") or first == "STATEMENT":
        findings.unknown("unknown_setting")
    else:
        for piece in split(nodes[1:], ","):
            _assigned(piece, findings)


def _charset(nodes: Nodes, findings: Findings) -> None:
    """Some character sets hide quotes within letters."""
    name = nodes[0] if nodes else None
    if not isinstance(name, Token) or not _CHARSETS.match(name.value):
        findings.note((), "session_setting")


def _assigned(piece: Nodes, findings: Findings) -> None:
    scope, at = "SESSION", 0
    if word_at(piece, 0) in ("GLOBAL", "PERSIST", "PERSIST_ONLY", "SESSION", "LOCAL"):
        scope, at = word_at(piece, 0), 1
    name = piece[at] if at < len(piece) else None
    if not isinstance(name, Token) or not any(is_sign(node, "=", ":=") for node in piece):
        findings.unknown("unknown_setting")
        return
    if name.kind == "variable" and not name.value.startswith("@@"):
        return
    text = name.value.lower().lstrip("@")
    prefix, _, rest = text.partition(".")
    if prefix in ("global", "persist", "persist_only", "session", "local") and rest:
        scope, text = prefix.upper(), rest
    if text == "sql_mode" and scope in ("SESSION", "LOCAL") and _keeps_quotes(piece):
        return
    if scope in ("SESSION", "LOCAL") and _is_usual(text, piece):
        return
    _judged(scope, text, findings)


def _is_usual(name: str, piece: Nodes) -> bool:
    """Whether a setting is given the value that it has anyway, as drivers do and dumps at their end."""
    value = piece[-1]
    if not isinstance(value, Token) or not is_sign(piece[-2], "=", ":="):
        return False
    text = value.value.upper()
    if name in ("foreign_key_checks", "unique_checks"):
        return text in ("1", "ON", "TRUE", "DEFAULT")
    return name == "character_set_results" and (text == "NULL" or _CHARSETS.match(value.value) is not None)


_MODES = words(
    """
    TRADITIONAL STRICT_TRANS_TABLES STRICT_ALL_TABLES ONLY_FULL_GROUP_BY NO_ZERO_DATE NO_ZERO_IN_DATE
    ERROR_FOR_DIVISION_BY_ZERO NO_ENGINE_SUBSTITUTION NO_AUTO_VALUE_ON_ZERO NO_UNSIGNED_SUBTRACTION
    ALLOW_INVALID_DATES NO_AUTO_CREATE_USER PAD_CHAR_TO_FULL_LENGTH NO_DIR_IN_CREATE TIME_TRUNCATE_FRACTIONAL
"""
)


def _keeps_quotes(piece: Nodes) -> bool:
    """Whether a sql_mode is one in which text is read as it is read here."""
    value = piece[-1]
    if not isinstance(value, Token) or value.kind != "string" or not is_sign(piece[-2], "=", ":="):
        return False
    return all(mode.strip().upper() in _MODES for mode in value.value.split(",") if mode.strip())


def _judged(scope: str, name: str, findings: Findings) -> None:
    if _AUDIT.match(name):
        findings.note((), "audit_change")
    if scope in ("GLOBAL", "PERSIST", "PERSIST_ONLY"):
        findings.note((), "server_setting")
    elif name in _READING:
        findings.note((), "session_setting")
    elif name not in _HARMLESS and not _AUDIT.match(name):
        findings.note((), "unknown_setting")
