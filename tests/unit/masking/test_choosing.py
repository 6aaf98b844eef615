"""Masking rules: the first that fits decides, roles count for answers only, mistakes are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.rows import masked as as_masked
from glasshatch.errors import ConfigError
from glasshatch.masking import (
    ColumnFacts,
    ColumnRule,
    MaskingPolicy,
    MaskRule,
    Redactor,
    StoredRule,
    plan_columns,
)

MAIL = "alice@example.com"
POLICY = MaskingPolicy(
    [
        MaskRule(operator="keep", type="EMAIL", role="privacy", purpose="erasure"),
        MaskRule(operator="null", column="public.hr.*", resource="postgres/staff"),
        MaskRule(operator="partial", type=("EMAIL", "CARD"), role=("support", "sales")),
        MaskRule(operator="redact", path="address.*"),
    ]
)


@pytest.mark.parametrize(
    ("asked", "operator"),
    [
        ({"type": "EMAIL"}, "token"),
        ({"type": "EMAIL", "roles": ("support",)}, "partial"),
        ({"type": "NAME", "roles": ("support",)}, "token"),
        ({"type": "EMAIL", "roles": ("privacy",)}, "token"),
        ({"type": "EMAIL", "roles": ("privacy",), "purpose": "erasure"}, "keep"),
        ({"type": "EMAIL", "roles": ("support", "privacy"), "purpose": "erasure"}, "keep"),
        ({"type": "NAME", "column": "Public.HR.note", "resource": "postgres/staff"}, "null"),
        ({"type": "NAME", "column": "public.hr.note", "resource": "postgres/shop"}, "token"),
        ({"type": "NAME", "path": "address.street"}, "redact"),
        ({"type": "SECRET", "roles": ("support",)}, "redact"),
    ],
)
def test_the_first_rule_that_fits_decides(asked: dict[str, Any], operator: str) -> None:
    assert POLICY.operator_for(**asked).operator == operator


def test_only_a_rule_that_names_secrets_speaks_of_them() -> None:
    everything = MaskingPolicy([MaskRule(operator="keep", type="*")])
    assert everything.operator_for(type="EMAIL").operator == "keep"
    assert everything.operator_for(type="SECRET").operator == "redact"
    assert (
        MaskingPolicy([MaskRule(operator="null", type="SECRET")]).operator_for(type="SECRET").operator
        == "null"
    )


def shown(redactor: Redactor, facts: ColumnFacts, value: str, policy: MaskingPolicy, *roles: str) -> Any:
    rules = (ColumnRule("*.email", "EMAIL", subject=True),)
    view = policy.view(resource="postgres/shop", roles=roles)
    plan = plan_columns([facts], rules, redactor, False, view)
    return as_masked(plan, [[value.encode()]])[0][0], plan.exposure()


def test_an_answer_is_masked_for_its_actor(redactor: Redactor) -> None:
    column = ColumnFacts("email", 25, 0, "public.customers", "email")
    assert shown(redactor, column, MAIL, POLICY)[0].startswith(b"<EMAIL:")
    cell, data = shown(redactor, column, MAIL, POLICY, "support")
    assert (cell, data.masked, data.clear) == (b"a***@example.com", 1, 0)
    keeping = MaskingPolicy([MaskRule(operator="keep", type="EMAIL", role="dpo")])
    cell, data = shown(redactor, column, MAIL, keeping, "dpo")
    assert (cell, data.masked, data.clear, data.classes) == (MAIL.encode(), 0, 1, ("EMAIL",))
    assert len(data.subjects) == 1


def test_found_in_text_and_documents_it_is_masked_for_the_actor_too(redactor: Redactor) -> None:
    text = ColumnFacts("notes", 25, 0, "public.t", "notes")
    assert shown(redactor, text, f"to {MAIL}", POLICY, "support")[0] == b"to a***@example.com"
    document = ColumnFacts("doc", 3802, 0, "public.t", "doc")
    assert shown(redactor, document, f'{{"a":"{MAIL}"}}', POLICY, "support")[0] == b'{"a":"a***@example.com"}'
    keeping = MaskingPolicy([MaskRule(operator="keep", type="EMAIL")])
    cell, data = shown(redactor, document, f'{{"a":"{MAIL}","password":"x1"}}', keeping)
    assert cell == f'{{"a":"{MAIL}","password":"<SECRET>"}}'.encode()
    assert data.classes == ("EMAIL", "SECRET")


def test_a_path_names_a_value_in_a_document(redactor: Redactor) -> None:
    policy = MaskingPolicy(
        [
            MaskRule(operator="keep", path="owner.city", role="support"),
            MaskRule(operator="null", path="owner.*", type="NAME"),
            MaskRule(operator="bucket", path=("ages", "born")),
            MaskRule(operator="keep", path="login.*"),
        ]
    )
    document = ColumnFacts("doc", 3802, 0, "public.t", "doc")
    text = (
        '{"owner":{"city":"12 Main St, call +14155552671","first_name":"Ann"},"ages":[41,7],'
        f'"born":"1980-01-02",'
        f'"login":{{"password":"pw","note":"password=hunter2222","mail":"{MAIL}"}},"{MAIL}":1}}'
    )
    cell = json.loads(shown(redactor, document, text, policy, "support")[0])
    assert cell["owner"] == {"city": "12 Main St, call +14155552671", "first_name": None}
    assert (cell["ages"], cell["born"]) == (["40-49", "0-9"], "1980")
    assert cell["login"]["mail"] == MAIL
    assert cell["login"]["password"] == "<SECRET>"
    assert "hunter2222" not in str(cell)
    assert MAIL not in cell
    other = json.loads(shown(redactor, document, text, policy)[0])
    assert "+1415" not in other["owner"]["city"]


def test_what_is_derived_is_clear_only_if_all_its_sources_are(redactor: Redactor) -> None:
    derived = ColumnFacts("e", 25, 0, sources=("public.customers.email", "public.customers.first_name"))
    keeping = MaskingPolicy([MaskRule(operator="keep", type="EMAIL", role="dpo")])
    assert shown(redactor, derived, "alice", keeping, "dpo")[0].startswith(b"<MASKED:")
    both = MaskingPolicy([MaskRule(operator="keep", type=("EMAIL", "NAME"), role="dpo")])
    assert shown(redactor, derived, "alice", both, "dpo")[0] == b"alice"
    assert shown(redactor, derived, "alice", both)[0].startswith(b"<MASKED:")


def test_a_rule_can_mask_a_column_that_nothing_else_masks(redactor: Redactor) -> None:
    policy = MaskingPolicy([MaskRule(operator="null", column="*.remark", role="guest")])
    remark = ColumnFacts("remark", 25, 0, "public.t", "remark")
    assert shown(redactor, remark, "tall", policy)[0] == b"tall"
    assert shown(redactor, remark, "tall", policy, "guest")[0] is None
    derived = ColumnFacts("upper", 25, 0, sources=("public.t.remark",))
    assert shown(redactor, derived, "TALL", policy)[0] == b"TALL"
    assert shown(redactor, derived, "TALL", policy, "guest")[0] == b"<MASKED>"
    assert policy.may_mask("postgres/shop", "public.t.remark")
    assert not policy.may_mask("postgres/shop", "public.t.other")


@pytest.mark.parametrize(
    ("rule", "members", "words"),
    [
        (MaskRule, {"operator": "keep", "type": "SECRET"}, "never revealed"),
        (MaskRule, {"operator": "partial", "type": ("EMAIL", "SECRET")}, "never revealed"),
        (MaskRule, {"operator": "shred", "type": "EMAIL"}, "no operator"),
        (MaskRule, {"operator": "keep", "type": "email"}, "is no type"),
        (MaskRule, {"operator": "keep"}, "speaks of everything"),
        (MaskRule, {"operator": "seal", "type": "EMAIL"}, "not sealed"),
        (MaskRule, {"operator": "bucket", "type": "AGE", "bucket": 1}, "no width"),
        (MaskRule, {"operator": "date-shift", "type": "DATE", "days": 0}, "no distance"),
        (StoredRule, {"operator": "keep", "type": "EMAIL", "role": "dpo"}, "because of who asked"),
        (StoredRule, {"operator": "keep", "type": "*"}, "everything in clear"),
        (StoredRule, {"operator": "format-preserving", "type": "CARD"}, "nothing for the record"),
        (StoredRule, {"operator": "keep", "path": "actor.roles"}, "nothing can be sealed"),
        (StoredRule, {"operator": "keep", "type": "SECRET"}, "never revealed"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: Any, members: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        rule(**members)


GOOD = """
format = 1
[[rules]]
operator = "partial"
type = ["EMAIL", "PHONE"]
role = "support"
[[stored]]
operator = "keep"
type = "IP"
source = "json/edge"
"""


def test_a_policy_can_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "masking.toml"
    file.write_text(GOOD)
    policy = MaskingPolicy.load(file)
    assert policy.operator_for(type="PHONE", roles=["support"]).operator == "partial"
    assert policy.stored[0].source == "json/edge"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format = 2", "format 2"),
        ("rules = []", "format"),
        ("format = 1\n[[rules]]\noperator = 'keep'\nrolle = 'x'", "rolle"),
        ("format = 1\n[[rules]]\noperator = 'keep'\ntype = 'SECRET'", "never revealed"),
        ("format = 1\n[[rules", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "masking.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        MaskingPolicy.load(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_dry_run_shows_everything_but_secrets_and_counts(redactor: Redactor) -> None:
    facts = [
        ColumnFacts("email", 25, 0, "public.t", "email"),
        ColumnFacts("notes", 25, 0, "public.t", "notes"),
        ColumnFacts("password", 25, 0, "public.t", "password"),
        ColumnFacts("unknown", 25, 0),
    ]
    plan = plan_columns(facts, (), redactor, True, dry_run=True)
    rows = [
        [MAIL.encode(), f"to {MAIL}".encode(), b"hunter2", b"x"],
        [None, b"password=hunter2222 for bob@example.com", None, None],
    ]
    first, second = as_masked(plan, rows)
    assert first[:3] == [MAIL.encode(), f"to {MAIL}".encode(), b"<SECRET>"]
    # What nobody knows the origin of may be a secret.
    assert (first[3] or b"").startswith(b"<MASKED:")
    assert b"hunter2222" not in (second[1] or b"")
    data = plan.exposure()
    assert plan.would_mask == 2
    assert (data.masked, data.clear, set(data.classes)) == (3, 2, {"EMAIL", "MASKED", "SECRET"})
