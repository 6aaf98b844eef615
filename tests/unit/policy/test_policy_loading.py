"""Policy texts are checked when they are loaded, and refused with file, line and reason."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest

import glasshatch.policy as policy
from glasshatch.errors import ConfigError
from glasshatch.identity import Identity
from glasshatch.policy import Ask, PolicySet, ResourceFacts
from glasshatch.statements import analyze_sql

GOOD = """
// a comment; with a semicolon
@id("open") @reason("a \\"quoted\\"; reason")
permit(principal, action, resource);
"""
ORDERS = ResourceFacts(type="postgres", name="orders", labels={"team": "shop"})
ERIN = Identity(id="u1", tenant="default", type="human", name="erin", roles=("engineer",))


def load(tmp_path: Path, text: str) -> PolicySet:
    file = tmp_path / "own.cedar"
    file.write_text(text)
    return PolicySet.load(file)


def effect(policies: PolicySet, text: str) -> str:
    return policies.decide(Ask(actor=ERIN, resource=ORDERS, statement=analyze_sql(text))).effect


def test_the_hash_is_that_of_the_exact_file(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD).hash == hashlib.sha256(GOOD.encode()).hexdigest()
    shipped = Path(policy.__file__).parent / "sets" / "production.cedar"
    assert PolicySet.load("production").hash == hashlib.sha256(shipped.read_bytes()).hexdigest()


def test_a_folder_is_one_set_and_its_hash_that_of_its_checksums(tmp_path: Path) -> None:
    other = GOOD.replace('"open"', '"other"')
    (tmp_path / "b.cedar").write_text(other)
    (tmp_path / "a.cedar").write_text(GOOD)
    policies = PolicySet.load(tmp_path)
    sums = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
        for name, text in (("a.cedar", GOOD), ("b.cedar", other))
    )
    assert policies.hash == hashlib.sha256(sums.encode()).hexdigest()
    assert [rule.name for rule in policies.rules()] == ["open", "other"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (GOOD + "\n\npermit(principal, axtion, resource);", 7, "does not parse"),
        (GOOD + "permit(principal, action, resource) when {", 5, "does not parse"),
        (GOOD + "permit(principal, action, resource);", 5, "@id and @reason"),
        (GOOD + '@id("x") @reason("y") @effect("maybe")\nforbid(principal, action, resource);', 5, "@effect"),
        (
            GOOD + '@id("x") @reason("y") @effect("review")\npermit(principal, action, resource);',
            5,
            "@effect",
        ),
        (GOOD + '@id("open") @reason("y")\nforbid(principal, action, resource);', 5, "twice"),
        (
            '@id("x") @reason("y")\npermit(principal, action == Action::"statement.run", resource)\n'
            'when { context.verbz.contains("a") };',
            1,
            "asks for what there is not",
        ),
        ('@id("x") @reason("y") permit(principal == ?principal, action, resource);', 1, "slots"),
    ],
)
def test_a_broken_policy_names_file_line_and_reason(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        load(tmp_path, text)
    assert caught.value.file == f"own.cedar:{line}"


WHEN = '@id("a") @reason("b") permit(principal, action, resource) when {{ {} }};'
DEEP = {
    "brackets": lambda n: "(" * n + "true" + ")" * n,
    "sets": lambda n: "[" * n + "]" * n + " == 1",
    "records": lambda n: '{"a": ' * n + "1" + "}" * n + " == 1",
    "and": lambda n: " && ".join(["true"] * n),
    "choices": lambda n: "if true then " * n + "true" + " else false" * n,
    "points": lambda n: "principal" + ".name" * n,
    "sums": lambda n: " + ".join(["1"] * n) + " == 1",
    "signs": lambda n: "-" * n + "1 == 1",
    "negations": lambda n: "!" * n + "true",
}


@pytest.mark.parametrize("form", DEEP)
def test_what_would_end_the_native_parser_is_refused_before_it(tmp_path: Path, form: str) -> None:
    for count in range(30, 140, 5):
        # Some are accepted, some refused; between the two nothing else may happen.
        with contextlib.suppress(ConfigError):
            load(tmp_path, WHEN.format(DEEP[form](count)))
    # Twenty thousand of most of these are a segmentation fault.
    for count in (1_000, 20_000):
        with pytest.raises(ConfigError) as refused:
            load(tmp_path, WHEN.format(DEEP[form](count)))
        assert refused.value.file == "own.cedar:1"


def test_a_set_is_bounded_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too large"):
        load(tmp_path, "".join(GOOD.replace("open", f"open{n}") for n in range(2_001)))
    with pytest.raises(ConfigError, match="too large"):
        load(tmp_path, "//" + "x" * (4 << 20))


def test_of_several_faults_the_first_in_the_text_is_named(tmp_path: Path) -> None:
    unknown = GOOD.replace("resource);", "resource) when { resource.colour };").replace('"open"', '"unknown"')
    broken = GOOD.replace("permit(", "permit((").replace('"open"', '"broken"')
    with pytest.raises(ConfigError, match=r"own.cedar:7: .*asks for what there is not.*colour"):
        load(tmp_path, GOOD + unknown + broken)
    with pytest.raises(ConfigError, match=r"own.cedar:7: .*does not parse"):
        load(tmp_path, GOOD + broken + unknown)


def test_what_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="production"):
        PolicySet.load("productoin")
    with pytest.raises(ConfigError):
        PolicySet.load(tmp_path)
    (tmp_path / "empty.cedar").write_text("// nothing yet\n")
    with pytest.raises(ConfigError, match="no policy"):
        PolicySet.load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.cedar").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        PolicySet.load(tmp_path / "own.cedar")


def test_a_rule_that_fails_in_evaluation_denies(tmp_path: Path) -> None:
    text = GOOD + (
        '@id("x") @reason("y")\nforbid(principal, action == Action::"statement.run", resource)\n'
        "when { 9223372036854775807 + context.commands > 1 };"
    )
    policies = load(tmp_path, text)
    decision = policies.decide(Ask(actor=ERIN, resource=ORDERS, statement=analyze_sql("SELECT 1")))
    assert (decision.effect, decision.rule) == ("deny", "policy.error")


def test_without_a_permit_nothing_passes_and_nothing_is_worth_a_review(tmp_path: Path) -> None:
    text = '@id("x") @reason("y") @effect("review")\nforbid(principal, action, resource);'
    assert effect(load(tmp_path, text), "SELECT 1") == "deny"
    assert effect(load(tmp_path, GOOD + text), "SELECT 1") == "review"


def test_labels_tables_and_people_can_be_asked_about(tmp_path: Path) -> None:
    text = GOOD + (
        '@id("t") @reason("y")\nforbid(principal, action == Action::"statement.run", resource) when {\n'
        '  resource.hasTag("team") && resource.getTag("team") == "shop" &&\n'
        '  principal == User::"u1" && context.tables.contains("payroll") };'
    )
    policies = load(tmp_path, text)
    assert effect(policies, "SELECT a FROM payroll WHERE id = 1") == "deny"
    assert effect(policies, "SELECT a FROM orders WHERE id = 1") == "allow"


def test_names_that_could_break_out_of_a_policy_entity_are_only_names(tmp_path: Path) -> None:
    odd = Identity(id='u1"::\n\\', tenant="default", type="human", name="\u0000", roles=('engineer"',))
    decision = load(tmp_path, GOOD).decide(Ask(actor=odd, resource=ORDERS, statement=analyze_sql("SELECT 1")))
    assert decision.effect == "allow"
    assert PolicySet.load("production").authorise(odd, ORDERS).effect == "deny"
