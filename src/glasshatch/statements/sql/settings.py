"""What changing a session setting means: harmless, a change of privilege, of the audit trail, or unknown."""

from __future__ import annotations

import re

from ..words import words

_HARMLESS = words(
    """
    application_name array_nulls backend_flush_after bytea_output check_function_bodies
    client_connection_check_interval client_min_messages commit_delay commit_siblings constraint_exclusion
    cursor_tuple_fraction datestyle deadlock_timeout default_statistics_target default_toast_compression
    default_transaction_deferrable default_transaction_isolation default_transaction_read_only
    effective_cache_size effective_io_concurrency escape_string_warning exit_on_error extra_float_digits
    from_collapse_limit geqo gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier
    idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit join_collapse_limit
    lc_messages lc_monetary lc_numeric lc_time lock_timeout logical_decoding_work_mem
    maintenance_io_concurrency maintenance_work_mem max_parallel_maintenance_workers max_parallel_workers
    max_parallel_workers_per_gather min_parallel_index_scan_size min_parallel_table_scan_size
    parallel_leader_participation parallel_setup_cost parallel_tuple_cost password_encryption
    plan_cache_mode quote_all_identifiers random_page_cost recursive_worktable_factor search_path seed
    seq_page_cost server_version statement_timeout stats_fetch_consistency synchronous_commit temp_buffers
    time zone timezone timezone_abbreviations trace_notify transaction transaction_deferrable
    transaction_isolation transaction_read_only transaction_timeout transform_null_equals
    vacuum_buffer_usage_limit work_mem xmlbinary xmloption default_tablespace default_table_access_method
    temp_tablespaces gin bytea cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost ssl_renegotiation_limit
    createrole_self_grant synchronize_seqscans restrict_nonsystem_relation_kind
"""
) | {"session characteristics", "transaction snapshot", "default_with_oids"}
_HARMLESS_PREFIXES = ("enable_", "geqo_", "jit_", "vacuum_cost_", "cpu_")
_PRIVILEGE = words(
    """
    role session_authorization row_security session_replication_role local_preload_libraries
    session_preload_libraries dynamic_library_path allow_system_table_mods is_superuser lo_compat_privileges
"""
)
_AUDIT = re.compile(
    r"log_|track_|pgaudit\.|auto_explain\.|pg_stat_statements\.|debug_|trace_|compute_query_id|event_triggers"
    r"|update_process_title|syslog_|logging_|zero_damaged_pages|ignore_|wal_|fsync|full_page_writes"
)
# Settings that change how the text itself is read: what was analysed would not be what runs.
_READING = {
    "standard_conforming_strings": ("on", "true", "1", ""),
    "backslash_quote": ("off", "false", "0", "safe_encoding", ""),
}
# Encodings whose multi-byte characters never swallow an ASCII quote or backslash.
_SAFE_ENCODINGS = re.compile(r"utf_?8|unicode|sql_?ascii|latin_?\d+|iso_?8859_?\d+|win_?125\d|default|")


def risk_of_setting(name: str, value: str | None) -> str:
    """The risk of setting `name`; `value` is None where it is not a plain constant."""
    name = name.lower()
    if name == "jit_provider":
        return "privilege_change"
    if name in _HARMLESS or name.startswith(_HARMLESS_PREFIXES):
        return ""
    if name in _PRIVILEGE:
        return "privilege_change"
    if name in _READING:
        return "" if value in _READING[name] else "session_setting"
    if name in ("client_encoding", "names"):
        plain = (value or "").lower().replace("-", "_")
        return "" if value is not None and _SAFE_ENCODINGS.fullmatch(plain) else "session_setting"
    if _AUDIT.match(name):
        return "audit_change"
    return "unknown_setting"
