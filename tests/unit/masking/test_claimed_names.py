"""A name that nobody vouches for is typed text, and is redacted like any other."""

from __future__ import annotations

from glasshatch.events import Actor, Event, RawPrincipal, Resource, Source
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
