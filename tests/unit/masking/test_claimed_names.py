"""A name that nobody vouches for is typed text, and is redacted like any other."""

from __future__ import annotations

import uuid

import msgspec

from glasshatch.events import (
    Actor,
    Client,
    Data,
    Event,
    Link,
    RawPrincipal,
    Resource,
    Source,
    StatementText,
)
from glasshatch.masking import Engine, Redactor, Tokens

MAIL = "ada.lovelace@example.com"


def refused(actor: Actor) -> Event:
    return Event(
        id="e",
        time="1",
        action="session.refused",
        source=Source(kind="gateway"),
        actor=actor,
        resource=Resource(type="postgres", id=f"postgres/{MAIL}", name=MAIL),
    )


def test_a_claimed_name_is_redacted_and_a_known_one_stays() -> None:
    redactor = Redactor(Engine.load(), Tokens({1: bytes(32)}, 1, "default"))
    raw = RawPrincipal(namespace="postgres", principal=MAIL)
    unknown = redactor.event(refused(Actor(id="", name=MAIL, raw=raw)))
    assert MAIL not in str(unknown)
    assert unknown.actor is not None
    assert unknown.actor.name.startswith("<EMAIL:")
    known = redactor.event(refused(Actor(id="a1", type="human", name=MAIL)))
    assert known.actor is not None
    assert known.actor.name == MAIL


def test_of_an_application_every_name_is_redacted_and_of_the_workforce_none() -> None:
    tokens = Tokens({1: bytes(32)}, 1, "default")
    redactor = Redactor(Engine.load(), tokens, workforce=frozenset({"kubernetes"}))
    event = Event(
        id="e", time="1", action=f"sent.{MAIL}", source=Source(kind="json", name=MAIL, instance="pod-7"),
        actor=Actor(id=MAIL, type="human", name=MAIL, roles=(MAIL,), raw=RawPrincipal(principal=MAIL)),
        resource=Resource(type="cart", id=f"cart/{MAIL}", name=MAIL, labels={"of": MAIL}),
        resources=(Resource(type="mail", id=MAIL),), links=(Link(rel="sent_to", id=MAIL),),
        session_id=f"session-{MAIL}", request_id=MAIL, data=Data(subjects=(MAIL,), columns=(MAIL,)),
        statement=StatementText(text=MAIL, hash=MAIL), client=Client(ip="192.0.2.7", user_agent=MAIL),
    )  # fmt: skip
    stored = redactor.event(event)
    assert MAIL not in str(stored)
    assert stored.actor is not None
    assert stored.actor.id == stored.actor.name == tokens.token("EMAIL", MAIL)
    assert stored.source.instance == "pod-7"
    assert stored.client == Client(ip="192.0.2.7", user_agent=tokens.token("EMAIL", MAIL))
    audit = msgspec.structs.replace(event, source=Source(kind="kubernetes"))
    kept = redactor.event(audit)
    assert kept.actor == event.actor


def test_a_feed_speaks_for_its_own_kind_alone() -> None:
    """An application that claims to be CloudTrail would otherwise have its customers' names kept."""
    tokens = Tokens({1: bytes(32)}, 1, "default")
    redactor = Redactor(Engine.load(), tokens, workforce=frozenset({"cloudtrail"}))
    event = Event(
        id="e", time="1", action="sent", source=Source(kind="cloudtrail"), actor=Actor(id=MAIL, name=MAIL)
    )
    assert redactor.events([event], "cloudtrail/main")[0].actor == event.actor
    for feed in ("json/shop", "syslog/cloudtrail", "x"):
        assert MAIL not in str(redactor.events([event], feed)[0])
        assert MAIL not in str(redactor.event(event, feed))
        made = redactor.encoded([event], feed)[0]
        assert made is None or MAIL.encode() not in made


def test_ids_of_applications_stay_what_they_are() -> None:
    redactor = Redactor(Engine.load(), Tokens({1: bytes(32)}, 1, "default"))
    ids = ["u-1842", "order/4711", "0192c5e4-8a1b-7c3d-9e2f-123456789abc", "checkout", "cart/7", "req_8f3a"]
    for text in [*ids, *(str(uuid.uuid5(uuid.NAMESPACE_DNS, str(n))) for n in range(2_000))]:
        event = Event(
            id="e", time="1", action="order.paid", source=Source(kind="app"),
            actor=Actor(id=text, name=text), session_id=text,
        )  # fmt: skip
        assert redactor.event(event).session_id == text
