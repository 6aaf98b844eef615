"""Detection behind the ledger: rules as data, alerts, and their delivery."""

from .alerts import Alert, AlertStanding, AlertState, Route
from .checking import check_rules, untested
from .delivery import Channel, Delivery, Patience
from .desk import Alerts
from .detector import MAX_GROUPS, Detector
from .observing import Place, believed_time_ns
from .publicrules import PublicFinding, PublicRules
from .rule import Rule, parse_rule
from .rulebook import load_rules, read_folder
from .ruletests import RuleTestResult
from .standing import DetectorStanding, RuleStanding
from .store import Store
from .webhook import (
    DELIVERY_HEADER,
    LEAST_SECRET_BYTES,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Webhook,
    payload,
    sign,
    verify_signature,
)

__all__ = [
    "DELIVERY_HEADER",
    "LEAST_SECRET_BYTES",
    "MAX_GROUPS",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "Alert",
    "AlertStanding",
    "AlertState",
    "Alerts",
    "Channel",
    "Delivery",
    "Detector",
    "DetectorStanding",
    "Patience",
    "Place",
    "PublicFinding",
    "PublicRules",
    "Route",
    "Rule",
    "RuleStanding",
    "RuleTestResult",
    "Store",
    "Webhook",
    "believed_time_ns",
    "check_rules",
    "load_rules",
    "parse_rule",
    "payload",
    "read_folder",
    "sign",
    "untested",
    "verify_signature",
]
