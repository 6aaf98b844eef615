"""The judge itself: labels lie where the values are, the halves share nothing, figures mean what they say."""

from __future__ import annotations

import itertools

import pytest

from quality_sets.build import FAMILIES, Builder, Half, Sample, Span
from quality_sets.encodings import ENCODINGS
from quality_sets.scoring import Found, Score, alarms, family_of

HALVES = ["dev", "held", "fresh", "strange"]


def labelled(name: str, seed: int = 1, count: int = 600) -> list[Sample]:
    return Builder(Half(name), seed).labelled(count)


@pytest.mark.parametrize("name", HALVES)
def test_every_family_encoding_and_kind_of_text_is_in_a_half(name: str) -> None:
    samples = labelled(name)
    assert {span.family for sample in samples for span in sample.spans} == set(FAMILIES)
    assert {span.encoding for sample in samples for span in sample.spans if span.encoding} <= set(ENCODINGS)
    assert {sample.domain for sample in samples} == set("audit log sql shell http k8s chat files".split())
    assert len(Half(name).clean) >= 50
    assert len(set(Builder(Half(name), 1).clean(2_000))) >= 1_000


@pytest.mark.parametrize("name", HALVES)
def test_labels_lie_inside_of_the_text_and_apart(name: str) -> None:
    for sample in labelled(name):
        end = 0
        for span in sorted(sample.spans, key=lambda span: span.outer_start):
            assert end <= span.outer_start <= span.start < span.end <= span.outer_end <= len(sample.text)
            assert not sample.text[span.start : span.end].isspace()
            end = span.outer_end


def test_a_seed_draws_the_same_and_another_one_other_values() -> None:
    assert labelled("dev", 1) == labelled("dev", 1)
    texts = {sample.text for sample in labelled("dev", 1)} & {sample.text for sample in labelled("dev", 2)}
    assert not texts


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(HALVES, 2)))
def test_two_sets_share_no_template(one: str, other: str) -> None:
    for part in ("plain", "carriers", "clean"):
        first, second = ({text for _, text in getattr(Half(name), part)} for name in (one, other))
        assert not first & second


def test_the_fresh_set_is_wide() -> None:
    fresh = Half("fresh")
    assert len({text for _, text in fresh.plain}) >= 150
    assert len({text for _, text in fresh.clean}) >= 120


def perfect(sample: Sample) -> list[Found]:
    return [Found(span.start, span.end, span.family.upper()) for span in sample.spans]


def test_finding_everything_is_one_and_finding_nothing_leaks_all() -> None:
    full, none = Score(), Score()
    for sample in labelled("held"):
        full.add(sample, perfect(sample))
        none.add(sample, [])
    assert full.figures()["strict"]["f1"] == 1.0
    assert (full.figures()["leaked_values"], full.figures()["encoded_covered"]) == (0.0, 1.0)
    assert none.figures()["strict"]["recall"] == 0.0
    assert (none.figures()["leaked_values"], none.figures()["leaked_characters"]) == (1.0, 1.0)


SAMPLE = Sample("mail ada@example.org!", (Span(5, 20, "email", "email", "", 5, 20),), "chat")


@pytest.mark.parametrize(
    ("found", "strict", "lenient", "leaked"),
    [
        (Found(5, 20, "EMAIL_ADDRESS"), 1.0, 1.0, 0.0),
        (Found(5, 21, "EMAIL_ADDRESS"), 0.0, 1.0, 0.0),
        (Found(5, 19, "EMAIL_ADDRESS"), 0.0, 1.0, 1.0),
        (Found(5, 20, "PHONE"), 0.0, 0.0, 0.0),
        (Found(0, 4, "EMAIL"), 0.0, 0.0, 1.0),
    ],
)
def test_a_figure_says_how_exact_a_finding_is(
    found: Found, strict: float, lenient: float, leaked: float
) -> None:
    score = Score()
    score.add(SAMPLE, [found])
    figures = score.figures()
    assert (figures["strict"]["f1"], figures["lenient"]["f1"]) == (strict, lenient)
    assert figures["leaked_values"] == leaked


def test_alarms_are_counted_by_thousand_lines() -> None:
    figures, misses = alarms(["a", "b", "c", "d"], [[], [Found(0, 1, "CARD"), Found(0, 1, "URL")], [], []])
    assert (figures["per_1000"], figures["per_1000_of_any_type"], len(misses)) == (250.0, 500.0, 2)


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("EMAIL", "email"), ("EMAIL_ADDRESS", "email"), ("US_SSN", "national_id"), ("PHONE_NUMBER", "phone"),
        ("CREDIT_CARD", "card"), ("IP", "ip"), ("IP_ADDRESS", "ip"), ("MAC_ADDRESS", "mac"), ("URL", "other"),
        ("US_DRIVER_LICENSE", "licence"), ("UK_PASSPORT", "passport"), ("BR_CPF", "national_id"),
        ("IN_PAN", "national_id"), ("BIRTHDATE", "dob"), ("DATE_OF_BIRTH", "dob"), ("SECRET", "secret"),
    ],
)  # fmt: skip
def test_types_of_detectors_belong_to_families(kind: str, family: str) -> None:
    assert family_of(kind) == family
