"""Detection behind the ledger: rules as data, alerts, and their delivery."""

from .alerts import Alert, AlertStanding, AlertState, Route
from .checking import RuleTestResult, check_rules, untested
from .delivery import Channel, Delivery, Patience
from .desk import Alerts
from .detector import Detector, DetectorStanding, RuleStanding
from .rule import Rule, parse_rule
from .rulebook import load_rules, read_folder
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
    "Route",
    "Rule",
    "RuleStanding",
    "RuleTestResult",
    "Store",
    "Webhook",
    "check_rules",
    "load_rules",
    "parse_rule",
    "payload",
    "read_folder",
    "sign",
    "untested",
    "verify_signature",
]
