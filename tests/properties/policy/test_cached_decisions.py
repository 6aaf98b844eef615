"""A decision out of memory is the one that would be made anew, whatever the policy and whatever changed."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from glasshatch.identity import Identity
from glasshatch.policy import Ask, PolicySet, Source, suppose_ask, suppose_resource
from glasshatch.policy.access import DEEDS, REVIEW, AccessRules
from glasshatch.policy.access.rules import _DESK
from glasshatch.policy.facts import granted_by, statement_asked
from glasshatch.statements import analyze

STATEMENTS = [
    analyze("sql", text)
    for text in (
        "SELECT name FROM customers WHERE id = 7", "SELECT * FROM customers", "SELECT email FROM customers",
        "UPDATE orders SET x = 1 WHERE id = 7", "DELETE FROM orders", "BEGIN", "not sql at all",
        "SELECT email FROM customers WHERE email LIKE 'a%'", "COPY customers TO STDOUT",
    )
]  # fmt: skip
CONDITIONS = [
    'principal.roles.contains("dba")',
    'principal in Role::"engineer"',
    'principal.kind == "agent"',
    'principal.on_behalf_of == ""',
    'resource.env == "staging"',
    "resource.roles.isEmpty()",
    'resource.hasTag("team") && resource.getTag("team") == "web"',
    'context.verbs.contains("update")',
    "context.ungranted.isEmpty()",
    'context.risks.contains("bulk_read")',
    "context.masked.isEmpty()",
    "context.masked_guesses.isEmpty()",
    "context.lineage_known",
    "context.commands < 2",
    'context.tables.contains("customers")',
    'context.columns.contains("email")',
    'context.kind == "sql"',
    # Who it is, in every form: equal roles are not enough for an equal answer then.
    'principal.name == "u1"',
    '"u1" != principal.on_behalf_of',
    'principal.on_behalf_of != ""',
    'principal == User::"u1"',
    'principal in [User::"u3", User::"u1"]',
    '[principal.name].contains("u3")',
    '{kind: principal.name, Value: 1}.kind == "u3"',
    '(if true then principal else principal).name like "u*3"',
    "principal.name == resource.name",
    'principal has name && principal is User in Role::"dba"',
    'principal.name == "somebody-of-these-roles"',
    'principal.on_behalf_of == "somebody-behind-an-agent"',
]
SCOPES = [
    "principal", "principal is User", 'principal == User::"u1"', 'principal in Role::"dba"',
    'principal in User::"u3"', 'principal is User in Role::"engineer"',
]  # fmt: skip
PEOPLE = [
    Identity(id=id, tenant="default", type=kind, name=id, roles=roles, on_behalf_of=other, disabled=disabled)
    for id, kind, roles, other, disabled in (
        ("u1", "human", ("engineer",), "", False), ("u1", "human", ("engineer", "dba"), "", False),
        ("u1", "human", ("engineer",), "", True), ("u2", "agent", ("engineer",), "u1", False),
        ("u2", "agent", ("engineer",), "u3", False), ("u3", "human", (), "", False),
    )
]  # fmt: skip
PLACES = [
    suppose_resource("postgres/orders"), suppose_resource("postgres/orders", env="staging"),
    suppose_resource("postgres/orders", labels={"roles": "dba", "team": "web"}),
    suppose_resource("postgres/orders", labels={"team": "ops"}),
]  # fmt: skip
GRANTS = [(), ("write",), ("update",), ("delete", "update")]

rules = st.tuples(
    st.sampled_from(["permit", "permit", "forbid", '@effect("review") forbid']),
    st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3), st.booleans(),
    st.sampled_from([*SCOPES[:1] * 5, *SCOPES]),
)  # fmt: skip
asks = st.builds(
    suppose_ask,
    st.sampled_from(STATEMENTS), st.sampled_from(PEOPLE), st.sampled_from(PLACES), st.sampled_from(GRANTS),
    st.sampled_from([(), ("public.customers.email",)]),
)  # fmt: skip


Ruled = tuple[str, list[str], bool, str]


def text_of(some: list[Ruled]) -> tuple[Source, ...]:
    lines = []
    for number, (effect, conditions, negated, scope) in enumerate(some):
        joined = " && ".join(f"({one})" for one in conditions)
        notes = f'@id("r.{number}") @reason("r")'
        how = "unless" if negated else "when"
        head = f'{notes} {effect}({scope}, action == Action::"statement.run", resource)'
        lines.append(f"{head} {how} {{ {joined} }};")
    return (Source("own.cedar", "\n".join(lines)),)


@given(st.lists(rules, min_size=1, max_size=5), st.lists(asks, min_size=2, max_size=12))
def test_a_statements_decision_out_of_memory_is_the_one_made_anew(
    some: list[Ruled], asked: list[Ask]
) -> None:
    kept, anew = PolicySet("own", text_of(some)), PolicySet("own", text_of(some))
    for ask in [*asked, *asked]:
        # A grant that ran out makes another question, though nothing else of it changed.
        for asking in (ask, msgspec.structs.replace(ask, now_ns=10)):
            anew.forget()
            found = kept.decide(asking)
            assert found == anew.decide(asking)
            assert (found.effect, found.rule) == asked_directly(anew, asking)


def asked_directly(some: PolicySet, ask: Ask) -> tuple[str, str]:
    """What Cedar says of this very person, without any memory and with nobody in their place."""
    grant = granted_by(ask)
    found = some._book.judge(*statement_asked(ask, ask.actor, grant.verbs if grant is not None else ()))
    return found.effect, found.rule


ROLED = [
    msgspec.structs.replace(who, roles=(*who.roles, role)) for who in PEOPLE for role in ("admin", "auditor")
]
deeds = st.tuples(st.sampled_from([*PEOPLE, *ROLED]), st.sampled_from(DEEDS), st.sampled_from(["", "why"]))
ACCESS_RULES = AccessRules.load("roles")


@given(st.lists(deeds, min_size=2, max_size=12))
def test_a_deed_out_of_memory_is_the_one_judged_anew(some: list[tuple[Identity, str, str]]) -> None:
    for who, deed, reason in [*some, *some]:
        kept = ACCESS_RULES.deed(who, deed, reason), ACCESS_RULES.sight(who, reason)
        ACCESS_RULES.forget()
        assert kept == (ACCESS_RULES.deed(who, deed, reason), ACCESS_RULES.sight(who, reason))
        assert kept[0] == ACCESS_RULES._judge(who, deed, _DESK, [], reason)
        assert kept[1] == ACCESS_RULES._sight(who, reason)


OWN_DEED = """
@id("own.named") @reason("r") permit(principal, action == Action::"key.list", resource)
when {{ {condition} }};
@id("own.any") @reason("r") permit(principal in Role::"admin", action, resource)
unless {{ principal.name == "u1" && principal.kind == "agent" }};
"""


@given(
    st.sampled_from(['principal.id == "u2"', 'principal.name like "u3*"', 'principal == User::"u1"',
                     'principal.on_behalf_of == ""', 'principal.on_behalf_of == "u3"']),
    st.lists(deeds, min_size=2, max_size=8),
)  # fmt: skip
def test_a_deed_that_hangs_on_a_person_is_judged_for_that_person(
    condition: str, some: list[tuple[Identity, str, str]]
) -> None:
    own = AccessRules("own", (Source("own.cedar", OWN_DEED.format(condition=condition)),))
    for who, deed, reason in some:
        for asked in (deed, "key.list"):
            if asked != REVIEW:
                assert own.deed(who, asked, reason) == own._judge(who, asked, _DESK, [], reason)
