"""What the record keeps: by type, by feed, by place; never a secret, and it says what was taken out."""

from __future__ import annotations

from typing import Any

import pytest

from glasshatch.events import Actor, Event, RawPrincipal, Resource, Source
from glasshatch.masking import Engine, MaskingPolicy, MaskRule, Redactor, StoredRule, Tokens

MAIL, IP, CARD = "alice@example.com", "203.0.113.9", "4111111111111111"


def event(kind: str = "json", name: str = "shop", **members: Any) -> Event:
    return Event(id="1", time="1", action="x.y", source=Source(kind=kind, name=name), **members)


def stored(
    engine: Engine, tokens: Tokens, rules: list[StoredRule], one: Event, feed: str = "json/shop"
) -> Event:
    redactor = Redactor(engine, tokens, frozenset(), MaskingPolicy((), rules))
    (clean,) = redactor.events([one], feed)
    assert redactor.event(one, feed) == clean
    return clean


def test_a_type_can_be_kept_for_one_feed(engine: Engine, tokens: Tokens) -> None:
    rules = [StoredRule(operator="keep", type="IP", source="json/edge")]
    dirty = event(attrs={"peer": f"from {IP}", "mail": MAIL})
    here = stored(engine, tokens, rules, dirty, "json/edge")
    assert here.attrs["peer"] == f"from {IP}"
    assert here.attrs["mail"] == tokens.token("EMAIL", MAIL)
    assert here.redaction is not None
    assert here.redaction.counts == {"EMAIL": 1}
    # What an event says of its own source does not count.
    there = stored(engine, tokens, rules, event(name="edge", attrs={"peer": f"from {IP}"}))
    assert IP not in there.attrs["peer"]


def test_what_is_masked_without_a_token_is_counted_too(engine: Engine, tokens: Tokens) -> None:
    rules = [StoredRule(operator="partial", type="EMAIL"), StoredRule(operator="redact", type="CARD")]
    clean = stored(engine, tokens, rules, event(native={"a": f"{MAIL} {MAIL} {CARD}"}))
    assert clean.native == {"a": "a***@example.com a***@example.com <CARD>"}
    assert clean.redaction is not None
    assert clean.redaction.counts == {"CARD": 1, "EMAIL": 2}


def test_a_place_can_be_kept_or_made_coarse(engine: Engine, tokens: Tokens) -> None:
    rules = [
        StoredRule(operator="keep", path=("native.owner.mail", "native.lines[*].note")),
        StoredRule(operator="bucket", path="native.owner.born", type="BIRTHDATE"),
        StoredRule(operator="token", path="native.owner.badge", type="BADGE"),
    ]
    native = {
        "owner": {"mail": MAIL, "born": "1980-08-12", "badge": "B7", "other": MAIL},
        "lines": [{"note": f"card {CARD}"}, {"note": "password=hunter2222"}],
    }
    clean = stored(engine, tokens, rules, event(native=native))
    assert clean.native == {
        "owner": {
            "mail": MAIL, "born": "1980", "badge": tokens.token("BADGE", "B7"),
            "other": tokens.token("EMAIL", MAIL),
        },
        "lines": [{"note": f"card {CARD}"}, {"note": clean.native["lines"][1]["note"]}],
    }  # fmt: skip
    assert "hunter2222" not in clean.native["lines"][1]["note"]
    assert clean.redaction is not None
    assert clean.redaction.counts == {"BADGE": 1, "BIRTHDATE": 1, "EMAIL": 1, "SECRET": 1}


@pytest.mark.parametrize(
    "native",
    [
        {"password": "hunter2"},
        {"db": {"api_key": "x"}},
        {"a": "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYz12c"},
    ],
)
def test_no_place_keeps_a_secret(engine: Engine, tokens: Tokens, native: Any) -> None:
    paths = ("native.password", "native.db.api_key", "native.a")
    clean = stored(engine, tokens, [StoredRule(operator="keep", path=paths)], event(native=native))
    assert "<SECRET>" in str(clean.native)


def test_what_people_may_see_does_not_count_for_the_record(engine: Engine, tokens: Tokens) -> None:
    policy = MaskingPolicy([MaskRule(operator="keep", type="EMAIL")])
    redactor = Redactor(engine, tokens, frozenset(), policy)
    assert MAIL not in str(redactor.event(event(native={"a": MAIL})))
    assert MAIL in redactor.met_by(policy.view()).text(MAIL)[0]
    assert MAIL not in redactor.sql(f"select '{MAIL}'", [])


def test_a_feed_of_the_workforce_keeps_its_actors(engine: Engine, tokens: Tokens) -> None:
    redactor = Redactor(engine, tokens, frozenset(), None, ["json/hr*"])
    actor = Actor(id="u1", name="Bob", raw=RawPrincipal(namespace="hr", principal=MAIL))
    one = event(actor=actor, resource=Resource(type="file", id=f"file/{MAIL}"), attrs={"to": MAIL})
    (here,), (there,) = redactor.events([one], "json/hr-eu"), redactor.events([one], "json/shop")
    assert here.actor == actor
    assert MAIL not in str(there.actor)
    for clean in (here, there):
        assert MAIL not in str((clean.resource, clean.attrs))
    assert redactor.events([one], "json/hr-eu") == [here]


def test_another_token_key_reaches_all_that_is_made(engine: Engine) -> None:
    old, new = Tokens({1: b"a" * 32}, 1, "t"), Tokens({1: b"a" * 32, 2: b"b" * 32}, 2, "t")
    redactor = Redactor(engine, old, frozenset(), MaskingPolicy((), [StoredRule(operator="keep", type="IP")]))
    first = redactor.events([event(attrs={"a": MAIL})], "json/shop")[0]
    redactor.renew(new)
    second = redactor.events([event(attrs={"a": MAIL})], "json/shop")[0]
    assert (first.attrs["a"], second.attrs["a"]) == (old.token("EMAIL", MAIL), new.token("EMAIL", MAIL))
