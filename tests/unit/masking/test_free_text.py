"""Names in free text: what a model finds is replaced, what it did not look at is not kept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from glasshatch.errors import ConfigError
from glasshatch.events import Event, Source
from glasshatch.masking import FreeTextRule, FreeTexts, NameSpan

RULE = FreeTextRule(source="json/support*", fields=("attrs.note", "attrs.lines[*].text"))


def event(action: str = "ticket.opened", **attrs: object) -> Event:
    source = Source(kind="json", name="support")
    return Event(id="1", time="1", tenant="default", action=action, source=source, attrs=attrs)


def ada(texts: Sequence[str]) -> list[list[NameSpan] | None]:
    """Knows one name, and does not look at what it finds too long."""
    found: list[list[NameSpan] | None] = []
    for text in texts:
        at = text.find("Ada Lovelace")
        found.append(None if len(text) > 100 else [(at, at + 12, "NAME")] if at >= 0 else [])
    return found


def clean(one: Event, feed: str = "json/support-eu") -> Event:
    (answer,) = FreeTexts([RULE], ada, lambda kind, value: f"<{kind}:{len(value)}>").clean([one], feed)
    return answer


def test_a_name_becomes_its_token_wherever_a_rule_says_that_there_is_text() -> None:
    found = clean(
        event(note="call Ada Lovelace at noon", lines=[{"text": "Ada Lovelace", "n": 1}, {"text": "x"}])
    )
    assert found.attrs["note"] == "call <NAME:12> at noon"
    assert found.attrs["lines"] == [{"text": "<NAME:12>", "n": 1}, {"text": "x"}]
    assert found.labels == {"ner": "scanned"}


def test_what_nobody_looked_at_is_not_kept_and_said() -> None:
    found = clean(event(note="Ada Lovelace " * 20, lines=[{"text": "Ada Lovelace"}]))
    assert found.attrs == {"note": "[UNSCANNED]", "lines": [{"text": "<NAME:12>"}]}
    assert found.labels == {"ner": "unscanned"}


def test_a_label_of_the_client_does_not_stand_for_ours() -> None:
    claimed = Event(
        id="1", time="1", tenant="default", action="a.b", source=Source(kind="json"),
        labels={"ner": "scanned"},        attrs={"note": "Ada " * 50},
    )  # fmt: skip
    assert clean(claimed).labels == {"ner": "unscanned"}


def test_of_a_quarantined_item_only_the_names_of_members_stay() -> None:
    found = clean(event("intake.quarantined", item={"note": "Ada Lovelace"}, excerpt="Ada", members=["note"]))
    assert found.attrs["members"] == ["note"]
    assert "Ada" not in str(found.attrs)


def test_other_feeds_and_events_without_text_are_left_as_they_are() -> None:
    other = event(note="Ada Lovelace")
    assert clean(other, "json/shop") is other
    assert clean(other, "kubernetes/support") is other
    plain = event(note=7, other="Ada Lovelace")
    assert clean(plain) == plain


def test_spans_that_overlap_are_replaced_once() -> None:
    def find(texts: Sequence[str]) -> list[list[NameSpan] | None]:
        return [[(4, 16, "NAME"), (0, 7, "NAME"), (8, 16, "PLACE")] for _ in texts]

    texts = FreeTexts([RULE], find, lambda kind, value: f"<{kind}:x>")
    (found,) = texts.clean([event(note="Dr. Ada Lovelace came")], "json/support")
    assert found.attrs["note"] == "<NAME:x> <PLACE:x> came"


@pytest.mark.parametrize(
    ("source", "fields", "says"),
    [
        ("gateway/shop", ("attrs.note",), "no free text of others"),
        ("json/shop", (), "names no field"),
        ("json/shop", ("nothing.here",), "nothing can be sealed"),
    ],
)
def test_a_rule_that_could_never_fit_is_refused(source: str, fields: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        FreeTextRule(source=source, fields=fields)
