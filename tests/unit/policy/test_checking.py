"""`check` names everything that is wrong with a policy at once, and never what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasshatch.policy import Problem, Source, check, check_sources, shipped_sets

OPEN = '@id("open") @reason("r") permit(principal, action, resource);\n'


def problems(text: str) -> list[Problem]:
    return list(check_sources("own", (Source("own.cedar", text),)).problems)


def rule(when: str, *, name: str = "x", effect: str = "") -> str:
    note = f' @effect("{effect}")' if effect else ""
    head = f'@id("{name}") @reason("r"){note}\nforbid(principal, action == Action::"statement.run", resource)'
    return f"{head}\nwhen {{ {when} }};\n"


@pytest.mark.parametrize("name", shipped_sets())
def test_the_shipped_sets_are_good(name: str) -> None:
    checked = check(name)
    assert checked.problems == ()
    assert len(checked.rules) > 10


def test_everything_is_named_at_once_each_with_its_line_and_a_cure() -> None:
    text = (
        OPEN
        + rule('context.verbz.contains("drop")', name="a")  # line 4
        + "permit(principal, action, resource);\n"  # line 5
        + OPEN  # line 6
        + '@id("b") @reason("r") permit(principal, axtion, resource);\n'  # line 7
        + rule('context.risks.contains("destructiv")', name="c")  # line 10
    )
    found = problems(text)
    assert [(one.file, one.line, one.level) for one in found] == [
        ("own.cedar", 4, "error"),
        ("own.cedar", 5, "error"),
        ("own.cedar", 6, "error"),
        ("own.cedar", 7, "error"),
        ("own.cedar", 10, "warning"),
    ]
    assert found[0].hint == "did you mean verbs?"
    assert found[4].hint == "context.risks: did you mean destructive?"
    assert all(one.message and one.hint for one in found)


def test_a_session_has_no_statement_to_ask_about() -> None:
    text = (
        '@id("x") @reason("r")\nforbid(principal, action, resource)\nwhen { context.verbs.contains("drop") };'
    )
    (found,) = problems(OPEN + text)
    assert found.line == 4
    assert "statement.run" in found.hint


def test_an_empty_file_is_a_mistake() -> None:
    (found,) = problems("// nothing yet\n")
    assert (found.level, found.line) == ("error", 1)


NEVER = [
    'principal.kind == "human" && principal.kind == "agent"',
    'context.verbs.contains("drop") && !context.verbs.contains("drop")',
    'context.masked.isEmpty() && context.masked.contains("a.b")',
    '["select"].containsAll(context.verbs) && context.verbs.containsAny(["drop", "alter"])',
    '!(principal.kind == "human" || principal.kind == "service" || principal.kind == "agent")',
    "false",
    "if context.lineage_known then false else (context.commands > 1 && !(context.commands > 1))",
    '["a"].containsAll(context.tables) && !["a", "b"].containsAll(context.tables)',
    'principal in Role::"dba" && !principal.roles.contains("dba")',
]
SOMETIMES = [
    'principal.kind == "human" || principal.kind == "agent"',
    'principal.kind != "human" && principal.kind != "agent"',
    '["select"].containsAll(context.verbs) && !context.verbs.contains("drop")',
    'resource.hasTag("team") && resource.getTag("team") like "s*"',
    "context.commands > 1 && !(context.commands > 2)",
    'context.risks.containsAll(["destructive", "network"])',
    '!["a", "b"].containsAll(context.tables) && context.tables.contains("a")',
    'context.kind == "sql" && context.verbs.contains("x")',
]


@pytest.mark.parametrize("when", NEVER)
def test_a_rule_whose_conditions_exclude_each_other_is_named(when: str) -> None:
    (found,) = problems(OPEN + rule(when))
    assert (found.level, found.rule) == ("warning", "x")
    assert "never fire" in found.message


@pytest.mark.parametrize("when", SOMETIMES)
def test_a_rule_that_may_fire_is_not(when: str) -> None:
    assert problems(OPEN + rule(when)) == []


def test_a_rule_that_another_always_outweighs_is_named_with_that_one() -> None:
    wide = rule('context.verbs.contains("drop")', name="wide")
    narrow = 'context.verbs.containsAll(["drop", "select"]) && principal.kind == "agent"'
    (found,) = problems(OPEN + wide + rule(narrow, name="late"))
    assert found.rule == "late"
    assert "wide (own.cedar:2)" in found.message
    assert problems(OPEN + rule(narrow, name="early") + wide) == []
    (found,) = problems(OPEN + rule(narrow, name="asked", effect="review") + wide)
    assert found.rule == "asked"


def test_a_permit_that_is_always_forbidden_is_named() -> None:
    (found,) = problems(OPEN + '@id("shut") @reason("r") forbid(principal, action, resource);')
    assert found.rule == "open"


def test_a_large_condition_is_given_up_on_and_not_called_wrong() -> None:
    parts = " && ".join(
        f'(context.tables.contains("a{n}") || context.verbs.contains("b{n}"))' for n in range(24)
    )
    assert problems(OPEN + rule(parts)) == []


def test_a_folder_is_looked_at_as_one_set(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text(OPEN)
    (tmp_path / "b.cedar").write_text("\n" + OPEN)
    (found,) = check(tmp_path).problems
    assert (found.file, found.line) == ("b.cedar", 2)
    assert "twice" in found.message
