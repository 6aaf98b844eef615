"""What the gateway itself says to a client: refusals of its own, each with its cure."""

from __future__ import annotations

import re

from ....policy import Breach, Decision
from ....statements import Statement
from .answers import error_message

_LIMITS = "limits/"
_ENCODING_WORDS = re.compile(r"\b(client_encoding|names|standard_conforming_strings)\b", re.IGNORECASE)
_HARMLESS_SET = re.compile(
    r"\s*set\s+(?:session\s+)?(?:client_encoding\s*(?:=|to)\s*(?:'(?:utf-?8|unicode)'|utf8|unicode)"
    r"|names\s+'(?:utf-?8|unicode)'|standard_conforming_strings\s*(?:=|to)\s*(?:'on'|on))\s*",
    re.IGNORECASE,
)
_SETTING_CHARACTERS = 2_048
# A temporary table is no table of the catalogue's: what lies in it would be read in clear.
_COPIES = frozenset({"copies_rows", "temporary_copy"})
RECORDING_DOWN = error_message(
    "57P03",
    "the statement was not sent: recording is unavailable",
    hint="Nothing runs unrecorded. Try again; if it stays, look at the disk under the ledger.",
)
NOT_UTF8 = error_message(
    "22021", "the statement is not valid UTF-8", hint="Set the client's encoding to UTF8."
)
UNKNOWN_STATEMENT = error_message(
    "26000",
    "this prepared statement is not known to the gateway",
    hint="Prepare it through this session; what SQL PREPARE made is run with EXECUTE.",
)
UNKNOWN_PORTAL = error_message(
    "34000",
    "this portal is not known to the gateway",
    hint="Bind it through this session; read a cursor made by DECLARE with FETCH.",
)
TOO_MANY = error_message(
    "53000", "this session has too many prepared statements", hint="Close some, or reconnect."
)
FUNCTION_CALL = error_message(
    "0A000", "function call messages are not let through", hint="Call the function with SELECT."
)
BINARY_COPY = error_message(
    "42501",
    "COPY in binary format cannot be masked, so its data was kept back",
    hint="Use text or csv format.",
)
AFTER_SETTING = error_message(
    "0A000",
    "a text with a backslash or beyond ASCII may not follow a change of settings in the same batch",
    hint="Send Sync between them.",
)


def is_harmless_set(text: str) -> bool:
    """Whether a text sets what the gateway relies on, if at all, only to the value it relies on.

    It is cut at every semicolon, within strings and comments too, which can only refuse more: a piece that
    names such a setting must be nothing else than its setting to the right value.
    """
    if len(text) > _SETTING_CHARACTERS:
        return False
    pieces = [piece for piece in text.split(";") if _ENCODING_WORDS.search(piece)]
    return bool(pieces) and all(map(_HARMLESS_SET.fullmatch, pieces))


def house_rule(
    statement: Statement, masked: tuple[str, ...], *, harmless_set: bool, carries_out: bool, copy_masked: bool
) -> Decision | None:
    """What the gateway refuses whatever the policy says, because masking could not hold otherwise.

    Args:
        masked: The masked columns that it may touch.
        carries_out: Whether it hands values to a setting, a channel, a large object or another server.
        copy_masked: Whether the rows of its COPY are understood, so that they are masked on their way.
    """
    verbs = set(statement.verbs)
    if masked and "copy_out" in verbs and not copy_masked:
        return _deny("gateway/copy-of-masked", "this COPY would hand out masked columns unmasked")
    if masked and not _COPIES.isdisjoint(statement.risks):
        return _deny("gateway/copy-of-masked", "masked columns may not be copied into another table")
    if masked and carries_out:
        return _deny("gateway/copy-of-masked", "masked columns may not leave but in an answer")
    if "set" in verbs and not harmless_set and _ENCODING_WORDS.search(statement.shape):
        return _deny("gateway/reading-of-text", "the way the database reads text may not be changed")
    return None


def too_many_introduced() -> Decision:
    """More PREPAREd statements and cursors than the gateway can keep an eye on."""
    return _deny("gateway/too-many-prepared", "this session has prepared too many statements in SQL")


def over_allowance(breach: Breach) -> Decision:
    """A statement that a limit does not let run."""
    hint = f"; try again in {breach.again_s} s" if breach.again_s else ""
    return _deny(f"{_LIMITS}{breach.what}", f"{breach.reason}{hint}")


def over_limit(breach: Breach) -> str:
    """Why an answer ends before its last row."""
    return f"the rest of the answer was kept back: {breach.reason}"


def breach_message(breach: Breach) -> bytes:
    """What the client reads behind the last row that it was shown."""
    again = f"Try again in {breach.again_s} s, or ask" if breach.again_s else "Ask"
    return error_message(
        "54000",
        over_limit(breach),
        detail=f"Rule {_LIMITS}{breach.what}. The statement itself may have run to its end.",
        hint=f"{again} for fewer rows.",
    )


def code_of(decision: Decision) -> str:
    """The SQLSTATE of a refusal: what was forbidden, or what there was too much of."""
    if not decision.rule.startswith(_LIMITS):
        return "42501"
    return "53400" if decision.rule.endswith("per-minute") else "54000"


def refusal_message(decision: Decision, resource: str) -> bytes:
    """How a refused statement reads in the client."""
    request = f"glasshatch request {resource} --verb VERB --reason WHY"
    policy = f" of policy {decision.policy_hash[:12]}" if decision.policy_hash else ""
    detail = f"Rule {decision.rule}{policy}; decision {decision.id}."
    if decision.rule.startswith(_LIMITS):
        return error_message(code_of(decision), f"refused: {decision.reason}", detail=detail)
    if decision.effect == "review":
        return error_message(
            "42501",
            f"needs a review before it may run: {decision.reason}",
            detail=detail,
            hint=f"Ask for one: glasshatch request {resource} --statement FILE --reason WHY",
        )
    return error_message(
        "42501",
        f"refused by policy: {decision.reason}",
        detail=detail,
        hint=f"If you need it, ask: {request}",
    )


CANCELLED = error_message("57014", "canceling statement due to user request")


def denied_message(decision: Decision, reason: str, hint: str) -> bytes:
    """How a statement reads that a reviewer did not let run."""
    detail = f"Rule {decision.rule} asked for the review; decision {decision.id}."
    return error_message("42501", f"not approved: {reason}", detail=detail, hint=hint)


def _deny(rule: str, reason: str) -> Decision:
    return Decision(id="", effect="deny", rule=rule, reason=reason, policy_hash="")
