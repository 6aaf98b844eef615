"""What calling a function means: which reach files or the network, run text as SQL, or give rows away."""

from __future__ import annotations

import re
from pathlib import Path

from ..words import words

# Names of the functions that a stock PostgreSQL (15 to 18) and its common read-only extensions define.
# A function outside this list was made by somebody, and what it does cannot be read off its name.
KNOWN = frozenset(Path(__file__).with_name("known_functions.txt").read_text().split())

_RISKS = {
    "server_file": """pg_read_file pg_read_file_old pg_read_binary_file pg_stat_file pg_ls_dir pg_ls_logdir
        pg_ls_waldir pg_ls_tmpdir pg_ls_archive_statusdir pg_ls_logicalmapdir pg_ls_logicalsnapdir
        pg_ls_replslotdir pg_ls_summariesdir pg_file_read pg_file_write pg_file_unlink pg_file_rename
        pg_file_sync pg_file_length pg_logdir_ls pg_rotate_logfile pg_rotate_logfile_old lo_import lo_export
        pg_hba_file_rules pg_ident_file_mappings pg_show_all_file_settings pg_get_wal_records_info
        lo_from_bytea lo_put""",
    "network": """dblink dblink_connect dblink_connect_u dblink_exec dblink_open dblink_fetch
        dblink_send_query dblink_get_result dblink_build_sql_insert http http_get http_post http_put
        http_patch http_delete http_head invoke query_export_to_s3 table_import_from_s3
        pg_sync_replication_slots""",
    "dynamic_sql": """query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml
        cursor_to_xmlschema ts_stat ts_rewrite crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby
        xpath_table exec execute_sql pg_background_launch cron_schedule schedule schedule_in_database""",
    "bulk_read": """table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema
        database_to_xml database_to_xml_and_xmlschema pg_logical_slot_get_changes
        pg_logical_slot_peek_changes pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes
        get_raw_page heap_page_items heap_page_item_attrs tuple_data_split lo_get loread""",
    "cluster_control": """pg_promote pg_wal_replay_pause pg_create_logical_replication_slot
        pg_create_physical_replication_slot
        pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_replication_slot_advance
        pg_replication_origin_advance pg_replication_origin_create pg_replication_origin_drop
        pg_replication_origin_session_setup pg_replication_origin_session_reset
        pg_replication_origin_xact_setup pg_replication_origin_xact_reset
        pg_wal_replay_resume pg_log_standby_snapshot pg_reload_conf pg_switch_wal pg_create_restore_point
        pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_logical_emit_message
        pg_stop_making_pinned_objects pg_import_system_collations pg_nextoid""",
    "server_control": "pg_terminate_backend pg_cancel_backend pg_log_backend_memory_contexts",
    "side_effect": """setval lo_create lo_creat lowrite pg_restore_attribute_stats pg_restore_relation_stats
        pg_clear_attribute_stats pg_clear_relation_stats""",
    "audit_change": """pg_stat_reset pg_stat_reset_shared pg_stat_reset_slru pg_stat_reset_backend_stats
        pg_stat_reset_single_table_counters pg_stat_reset_single_function_counters
        pg_stat_reset_replication_slot pg_stat_reset_subscription_stats pg_stat_statements_reset""",
    "destructive": """pg_drop_replication_slot lo_unlink lo_truncate lo_truncate64 vacuumlo lo_manage
        heap_force_kill heap_force_freeze""",
}
RISKS = {name: risk for risk, names in _RISKS.items() for name in names.split()}

CHANGES = words("""setval lo_put lowrite lo_create lo_creat lo_from_bytea pg_notify""")
"""Functions that change data or tell others: they count as the verb `update`."""

CONDENSING = words(
    """
    sum avg min max stddev stddev_pop stddev_samp variance var_pop var_samp bool_and bool_or every bit_and
    bit_or bit_xor corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy percentile_cont percentile_disc mode any_value
"""
)
"""Aggregates whose answer is one value, however many rows went in."""

PICKING = words("min max mode any_value percentile_disc")
"""Aggregates whose answer is one of the values: one for each group is many of them."""

DECRYPTING = words(
    """pgp_sym_decrypt pgp_sym_decrypt_bytea pgp_pub_decrypt pgp_pub_decrypt_bytea decrypt decrypt_iv
    crypto_secretbox_open crypto_aead_det_decrypt"""
)
"""Functions whose answer is what somebody took care to hide, whatever the column is called."""

GATHERING = words(
    """
    array_agg string_agg xmlagg json_agg json_agg_strict jsonb_agg jsonb_agg_strict json_object_agg
    json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_object_agg
    jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict range_agg multirange_agg
    st_collect
"""
)
"""Aggregates whose one answer holds every value that went in: a LIMIT does not make it smaller."""

VALUELESS = words("""count row_number rank dense_rank pg_typeof pg_column_size num_nulls num_nonnulls""")
"""Functions whose answer holds nothing of their arguments' values."""

GUESSING = words(
    """
    ascii get_byte get_bit strpos position starts_with regexp_like regexp_count regexp_instr levenshtein
    levenshtein_less_equal similarity word_similarity strict_word_similarity hashtext hashtextextended crc32
    crc32c bit_count soundex difference metaphone dmetaphone textlike texticlike textregexeq texticregexeq
    textnlike textregexne text_lt text_le text_gt text_ge texteq textne like notlike
"""
)
"""Functions whose answer, though no text, gives a text away piece by piece."""

NORMALISING = words("lower upper trim btrim ltrim rtrim")
"""Functions that a lookup by equality may wrap around its column."""

_SENSITIVE = re.compile(
    r"""^(?:.*_)?(?:ssn|social_security(?:_(?:number|no|num))?|passw(?:or)?d|passwd|pwd|pass_?hash|password_\w+
    |passcode|passphrase|secret|\w*_secret|secret_\w+|api_?key|private_?key|access_?key|(?:access|refresh|auth|session|api)_token
    |credit_?card\w*|card_?(?:number|no|num)|cc_?(?:number|no|num)|pan|cvv2?|cvc2?|iban|bank_account\w*
    |account_number|routing_number|tax_?id|tin|national_?id|passport(?:_?(?:number|no))?|driv\w+_licen[cs]e\w*
    |mfa_seed|totp_\w+|otp|pin|pin_code|diagnosis|medical_record\w*
    |(?:tele|mobile_?|cell_?)?phone(?:_?(?:number|no))?|msisdn|dob|date_?of_?birth|birth_?(?:date|day)|salary|wage
    |(?:home|street|postal|billing|mailing)_address\d?)(?:_(?:enc|encrypted|crypt|cipher|ciphertext|hash))?$""",
    re.VERBOSE,
)
_PERSONAL = re.compile(
    r"""^(?:.*_)?(?:e_?mail(?:_?addr(?:ess)?)?|mobile|fax|(?:shipping|delivery)_address\d?|address(?:_line)?_?\d?
    |ethnicity|religion|gender|maiden_name)$""",
    re.VERBOSE,
)


def is_sensitive(column: str) -> bool:
    """Whether a column's name alone says that its values are secrets or identify a person for good."""
    return _SENSITIVE.match(column.lower()) is not None


def is_personal(column: str) -> bool:
    """Whether a column by its name holds what may be read of a person, but not of everybody at once."""
    return _PERSONAL.match(column.lower()) is not None


def is_known(schema: str, name: str) -> bool:
    """Whether the function is PostgreSQL's own or of a common extension."""
    if schema in ("pg_catalog", "information_schema"):
        return True
    return schema in ("", "public", "extensions") and (name in KNOWN or name.startswith("st_"))


def risk_of(schema: str, name: str) -> str:
    """The risk of calling the function; empty for those that only compute."""
    if schema in ("aws_s3", "aws_lambda", "net", "http") or name.startswith(("dblink", "http_")):
        return "network"
    if schema == "cron":
        return "dynamic_sql"
    return RISKS.get(name, "")
