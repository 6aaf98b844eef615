"""What is sealed: paths that say exactly where, tokens in its place, never a secret."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from glasshatch.errors import ConfigError, VerificationError
from glasshatch.events import Actor, Client, Event, Source, commitment, foreign
from glasshatch.keys import Envelope
from glasshatch.masking import (
    Redactor,
    Sealing,
    SealRule,
    SubjectCipher,
    Taken,
    parse_path,
    spell,
    unwrap_key,
    wrap_key,
    wrapping_envelope,
)


def event(kind: str = "json", name: str = "shop", **members: Any) -> Event:
    return Event(id="e-1", time="1", action="order.placed", source=Source(kind=kind, name=name), **members)


def taken(
    redactor: Redactor, one: Event, *fields: str, feed: str = "json/shop", **rule: str
) -> tuple[Event, dict[str, Taken]]:
    """The event without what is sealed, and that by its field."""
    sealing = Sealing([SealRule(source=rule.pop("source", "json"), fields=fields, **rule)], redactor)
    before = copy.deepcopy(one)
    events, found = sealing.take([one], feed)
    assert one == before, "the event that was handed in stays as it was"
    return events[0], {value.field: value for value in found.get(0, ())}


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("native.customer.email", "native.customer.email"),
        ("attrs.lines[*].note", "attrs.lines[*].note"),
        ("attrs.lines[3][0]", "attrs.lines[3][0]"),
        ('attrs."enduser.id"', 'attrs."enduser.id"'),
        ('attrs."plain"', "attrs.plain"),
        ('labels."a \\" b"', 'labels."a \\" b"'),
        ("client.ip", "client.ip"),
        ("actor.name", "actor.name"),
    ],
)
def test_a_path_has_one_spelling(text: str, spelled: str) -> None:
    assert spell(parse_path(text)) == spelled
    assert parse_path(spelled) == parse_path(text)


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "native", "native.", "native..a", ".native.a", "native a", "native.a]", "native[*",
        "native.*", "native.a.", "attrs.a[-1]", 'attrs."', 'attrs.""', 'attrs."a\\u0000b"', "attrs.a\0b",
        "id", "time",
        "tenant.x", "source.name", "client.port", "client.ip.x", "redaction.sealed", "statement.text",
        "labels.dedup", "data.subjects[*]", "nowhere.a", "native.ü",
    ],
)  # fmt: skip
def test_what_is_no_path_or_leads_where_nothing_is_sealed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_path(text)
    assert refused.value.hint


def test_a_path_to_one_field_has_no_star() -> None:
    with pytest.raises(ConfigError):
        parse_path("attrs.a[*]", every=False)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"source": "gateway", "fields": ("client.ip",)}, "are not sealed"),
        ({"source": "glasshatch/x", "fields": ("client.ip",)}, "are not sealed"),
        ({"source": "Json Shop", "fields": ("client.ip",)}, "is no source"),
        ({"source": "json", "fields": ()}, "names no field"),
        ({"source": "json", "fields": ("a",)}, "nothing can be sealed"),
        ({"source": "json", "fields": ("client.ip",), "subject": "a"}, "nothing can be sealed"),
        ({"source": "json", "fields": ("client.ip",), "subject_type": "CUSTOMER"}, "needs a subject"),
        (
            {"source": "json", "fields": ("client.ip",), "subject": "attrs.id", "subject_type": "SECRET"},
            "no type of a data subject",
        ),
        (
            {"source": "json", "fields": ("client.ip",), "subject": "attrs.id", "subject_type": "customer"},
            "no type of a data subject",
        ),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        SealRule(**rule)


def test_a_value_is_replaced_by_the_token_that_redaction_would_write(redactor: Redactor) -> None:
    one = event(native={"customer": {"email": "Anna@Example.com"}})
    sealed, found = taken(redactor, one, "native.customer.email")
    token = redactor.tokens.token("EMAIL", "anna@example.com")
    assert sealed.native == {"customer": {"email": token}} == redactor.event(one).native
    assert found["native.customer.email"].value == "Anna@Example.com"
    assert found["native.customer.email"].names == redactor.tokens.lookup("EMAIL", "anna@example.com")
    assert len(found["native.customer.email"].names) == 2, "one for each live epoch"


def test_free_text_is_sealed_whole(redactor: Redactor) -> None:
    sealed, found = taken(redactor, event(attrs={"note": "write to anna@example.com at night"}), "attrs.note")
    assert sealed.attrs["note"].startswith("<TEXT:")
    assert found["attrs.note"].value == "write to anna@example.com at night"


def test_every_element_has_its_own_field_and_its_own_subject(redactor: Redactor) -> None:
    guests = [{"id": number, "mail": f"guest{number}@example.com"} for number in range(3)]
    sealed, found = taken(
        redactor, event(native={"rooms": [{"guests": guests}]}), "native.rooms[0].guests[*].mail",
        subject="native.rooms[0].guests[*].id", subject_type="GUEST",
    )  # fmt: skip
    assert list(found) == [f"native.rooms[0].guests[{number}].mail" for number in range(3)]
    assert [one.names for one in found.values()] == [
        redactor.tokens.lookup("GUEST", str(number)) for number in range(3)
    ]
    assert [guest["id"] for guest in sealed.native["rooms"][0]["guests"]] == [
        redactor.tokens.token("GUEST", str(number)) for number in range(3)
    ]


def test_what_names_a_subject_is_a_token_also_where_nothing_is_sealed(redactor: Redactor) -> None:
    one = event(attrs={"customer": {"id": "cust-7"}, "total": 12})
    sealed, found = taken(
        redactor, one, "attrs.customer.email", subject="attrs.customer.id", subject_type="CUSTOMER"
    )
    token = redactor.tokens.token("CUSTOMER", "cust-7")
    assert (sealed.attrs, found) == ({"customer": {"id": token}, "total": 12}, {})
    guessed, _ = taken(redactor, event(attrs={"who": "anna@example.com"}), "attrs.note", subject="attrs.who")
    assert guessed.attrs == {"who": redactor.tokens.token("EMAIL", "anna@example.com")}


def test_a_secret_that_is_said_to_name_a_subject_is_none(redactor: Redactor) -> None:
    sealed, _ = taken(
        redactor, event(attrs={"password": "hunter2hunter2"}), "attrs.note", subject="attrs.password",
        subject_type="CUSTOMER",
    )  # fmt: skip
    assert sealed.attrs == {"password": "<SECRET>"}


def test_without_its_subject_a_value_is_its_own(redactor: Redactor) -> None:
    _, found = taken(
        redactor, event(attrs={"mail": "a@example.com"}), "attrs.mail", subject="attrs.id", subject_type="X1"
    )
    assert found["attrs.mail"].names == redactor.tokens.lookup("EMAIL", "a@example.com")


def test_numbers_and_truth_values_keep_their_type_in_the_vault(redactor: Redactor) -> None:
    sealed, found = taken(
        redactor, event(attrs={"n": 7, "yes": True, "none": None, "empty": "", "deep": {"x": 1}}),
        "attrs.n", "attrs.yes", "attrs.none", "attrs.empty", "attrs.deep", "attrs.missing",
    )  # fmt: skip
    assert {field: one.value for field, one in found.items()} == {"attrs.n": 7, "attrs.yes": True}
    assert sealed.attrs == {
        "n": redactor.tokens.token("TEXT", "7"), "yes": "<BOOLEAN>", "none": None, "empty": "",
        "deep": {"x": 1},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("attrs", "field"),
    [
        ({"password": "a correct horse"}, "attrs.password"),
        ({"secret": {"inner": "a correct horse"}}, "attrs.secret.inner"),
        ({"note": "use AKIAQYLPMN5HFIQR7XYA for it"}, "attrs.note"),
    ],
)
def test_a_secret_is_never_sealed_only_redacted(
    redactor: Redactor, attrs: dict[str, Any], field: str
) -> None:
    one = event(attrs=attrs)
    sealed, found = taken(redactor, one, field)
    assert (sealed, found) == (one, {})
    assert "horse" not in str(redactor.event(sealed).attrs)
    assert "AKIA" not in str(redactor.event(sealed).attrs)


def test_the_members_that_people_are_told_by_can_be_sealed(redactor: Redactor) -> None:
    one = event(actor=Actor(id="c-17", name="Anna Berg"), client=Client(ip="10.1.2.3", user_agent="curl"))
    sealed, found = taken(redactor, one, "actor.name", "client.ip", "client.user_agent", "client.geo")
    assert set(found) == {"actor.name", "client.ip", "client.user_agent"}
    assert sealed.client is not None
    assert sealed.client.ip == redactor.tokens.token("IP", "10.1.2.3")
    assert sealed.actor is not None
    assert "Berg" not in sealed.actor.name


def test_the_rules_of_the_feed_apply_whatever_an_event_says_of_itself(redactor: Redactor) -> None:
    one = event(kind="claimed", name="other", attrs={"mail": "a@example.com"})
    for source, feed, sealed in (
        ("json/shop", "json/shop", True), ("json/s*", "json/shop", True), ("json", "json/any", True),
        ("*", "json/any", True), ("json/shop", "json/shop2", False), ("kubernetes", "json/shop", False),
        ("claimed", "json/shop", False), ("*", "", False),
    ):  # fmt: skip
        _, found = taken(redactor, one, "attrs.mail", source=source, feed=feed)
        assert bool(found) == sealed, (source, feed)


def test_the_first_rule_for_a_field_decides_and_other_events_are_the_same_objects(
    redactor: Redactor,
) -> None:
    rules = [
        SealRule(source="json", fields=("attrs.mail",), subject="attrs.id", subject_type="FIRST"),
        SealRule(source="json", fields=("attrs.mail",)),
    ]
    plain, one = event(attrs={"x": 1}), event(attrs={"mail": "a@example.com", "id": 5})
    events, found = Sealing(rules, redactor).take([plain, one], "json/shop")
    assert events[0] is plain
    assert [value.names for value in found[1]] == [redactor.tokens.lookup("FIRST", "5")]
    assert Sealing(rules, redactor).take([plain], "json/shop")[0][0] is plain


def test_names_that_are_not_ascii_are_found_as_they_are_stored(redactor: Redactor) -> None:
    one = event(attrs=foreign({"n\u00e4me": "Anna Berg"}))
    _, found = taken(redactor, one, 'attrs."n\u00e4me"')
    assert [value.value for value in found.values()] == ["Anna Berg"]


def test_the_commitment_is_what_the_documentation_says() -> None:
    salt = bytes(range(32))
    for value, text in (('a\u00e9"', b'"a\xc3\xa9\\""'), (7, b"7"), (True, b"true")):
        expected = hashlib.sha256(salt + b"attrs.n" + b"\0" + text).hexdigest()
        assert commitment(salt, "attrs.n", value) == expected
    assert commitment(salt, "attrs.n", "7") != commitment(salt, "attrs.n", 7)
    for wrong in (b"", bytes(31)):
        with pytest.raises(ValueError, match="32 bytes"):
            commitment(wrong, "attrs.n", "x")
    with pytest.raises(ValueError, match="zero byte"):
        commitment(salt, "attrs\0n", "x")


def counting(start: int = 0) -> Any:
    """Randomness that a test can tell."""
    return lambda count: bytes((start + at) % 256 for at in range(count))


def test_a_sealed_value_opens_only_as_the_field_it_was() -> None:
    cipher, salt = SubjectCipher(b"k" * 32, "key-1", "acme"), b"s" * 32
    sealed = cipher.seal("e-1", "attrs.n", salt, "Anna", counting())
    committed = commitment(salt, "attrs.n", "Anna")
    assert cipher.open("e-1", "attrs.n", sealed, committed).value == "Anna"
    assert "Anna" not in repr(cipher.open("e-1", "attrs.n", sealed, committed))
    others = {
        "event": (cipher, "e-2", "attrs.n"), "field": (cipher, "e-1", "attrs.m"),
        "key": (SubjectCipher(b"x" * 32, "key-1", "acme"), "e-1", "attrs.n"),
        "key id": (SubjectCipher(b"k" * 32, "key-2", "acme"), "e-1", "attrs.n"),
        "tenant": (SubjectCipher(b"k" * 32, "key-1", "other"), "e-1", "attrs.n"),
    }  # fmt: skip
    for one, event_id, field in others.values():
        with pytest.raises(VerificationError, match="does not open"):
            one.open(event_id, field, sealed, committed)
    for at in range(0, len(sealed), 5):
        other = "A" if sealed[at] != "A" else "B"
        with pytest.raises(VerificationError):
            cipher.open("e-1", "attrs.n", sealed[:at] + other + sealed[at + 1 :], committed)
    with pytest.raises(VerificationError, match="committed"):
        cipher.open("e-1", "attrs.n", sealed, commitment(salt, "attrs.n", "Berta"))


def test_a_subjects_key_unwraps_only_in_its_place() -> None:
    wrapping = wrapping_envelope(Envelope(b"d" * 32, "data-1"))
    wrapped = wrap_key(b"k" * 32, wrapping, "acme", "key-1", "<EMAIL:aaaaaaaaaaaa>")
    assert unwrap_key(wrapped, wrapping, "acme", "key-1", "<EMAIL:aaaaaaaaaaaa>") == b"k" * 32
    for place in (
        ("other", "key-1", "<EMAIL:aaaaaaaaaaaa>"), ("acme", "key-2", "<EMAIL:aaaaaaaaaaaa>"),
        ("acme", "key-1", "<EMAIL:bbbbbbbbbbbb>"),
    ):  # fmt: skip
        with pytest.raises(VerificationError):
            unwrap_key(wrapped, wrapping, *place)
    with pytest.raises(VerificationError, match="base64"):
        unwrap_key("not base64", wrapping, "acme", "key-1", "<EMAIL:aaaaaaaaaaaa>")
