"""The webhook's signature and payload, and the addresses it refuses."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from fixtures.detecting import BEGIN_NS, numbered, read_of
from glasshatch.clock import ManualClock
from glasshatch.detect import Detector, Webhook, load_rules, payload, sign, verify_signature
from glasshatch.errors import ConfigError

Open = Callable[..., Detector]
SECRET = b"a secret of the two of us"
NOW_S = BEGIN_NS // 1_000_000_000


def test_a_good_signature_is_accepted_and_every_change_is_not() -> None:
    body, timestamp = b'{"id":"x"}', str(NOW_S)
    signature = sign(SECRET, timestamp, body)
    assert verify_signature(SECRET, timestamp, body, signature, BEGIN_NS)
    assert verify_signature(SECRET, timestamp, body, f"v1=00, {signature}", BEGIN_NS)
    for changed in (
        (SECRET + b"x", timestamp, body, signature),
        (SECRET, str(NOW_S + 1), body, signature),
        (SECRET, timestamp, body + b" ", signature),
        (SECRET, timestamp, body, signature[:-1]),
        (SECRET, timestamp, body, signature.removeprefix("v1=")),
        (SECRET, timestamp, body, ""),
        (SECRET, "", body, signature),
        (SECRET, "soon", body, signature),
        (SECRET, "٣", body, signature),
        (SECRET, timestamp, body, "v1=é"),
    ):
        assert not verify_signature(*changed, BEGIN_NS)


def test_the_signature_is_the_documented_one() -> None:
    # Made with: printf '1700000000.{}' | openssl dgst -sha256 -hmac key
    expected = "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
    assert sign(b"key", "1700000000", b"{}") == expected


def test_an_old_delivery_is_refused() -> None:
    signature = sign(SECRET, str(NOW_S), b"{}")
    minute_ns = 60 * 1_000_000_000
    assert verify_signature(SECRET, str(NOW_S), b"{}", signature, BEGIN_NS + 5 * minute_ns)
    assert not verify_signature(SECRET, str(NOW_S), b"{}", signature, BEGIN_NS + 6 * minute_ns)
    assert not verify_signature(SECRET, str(NOW_S), b"{}", signature, BEGIN_NS - 6 * minute_ns)


def test_the_payload_has_the_documented_members(open_detector: Open) -> None:
    (alert,) = open_detector(*load_rules()).apply(numbered(read_of(0, 1.5, 5_000)))
    document = msgspec.json.decode(payload(alert, "hook"))
    assert document["id"] == alert.id
    assert document["rule"]["id"] == "bulk-personal-read"
    assert document["startsAt"] == "2023-11-14T22:13:21.500000000Z"
    assert document["events"] == [alert.trigger]
    assert document["indices"] == [0]
    assert document["labels"] == {
        "alertname": "bulk-personal-read",
        "severity": "high",
        "tenant": "acme",
        "actor": "alice",
        "session": "s1",
    }
    assert document["annotations"]["description"] == alert.reason
    assert document["delivery"] != msgspec.json.decode(payload(alert, "other"))["delivery"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "http://127.0.0.1.example.com/x",
        "ftp://127.0.0.1/x",
        "https://user:pa55@example.com/x",
        "https://example.com/x#y",
        "https:///x",
        "https://example.com:port/x",
        "https://exa mple.com/x",
        "https://example.com/\r\nX: y",
        "not an address",
        "",
    ],
)
def test_a_bad_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Webhook("hook", url, lambda: SECRET, ManualClock())
    assert refused.value.key == "alerts.hook.url"
    assert "pa55" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://example.com/x", "http://127.0.0.1:9/", "http://[::1]:9/x?y", "http://localhost/"]
)
def test_a_good_address_is_taken(url: str) -> None:
    assert Webhook("hook", url, lambda: SECRET, ManualClock()).name == "hook"


def test_a_short_secret_is_refused(open_detector: Open) -> None:
    (alert,) = open_detector(*load_rules()).apply(numbered(read_of(0, 0, 5_000)))
    with pytest.raises(ConfigError, match="fewer than 16"):
        Webhook("hook", "http://127.0.0.1:9/", lambda: b"short", ManualClock()).deliver(alert)
