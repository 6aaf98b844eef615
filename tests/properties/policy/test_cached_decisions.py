"""A decision out of memory is the one that would be made anew, whatever the policy and whatever changed."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from glasshatch.identity import Identity
from glasshatch.policy import Ask, PolicySet, Source, suppose_ask, suppose_resource
from glasshatch.policy.access import DEEDS, AccessRules
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
    'principal.roles.contains("dba")', 'principal in Role::"engineer"', 'principal.kind == "agent"',
    'principal.on_behalf_of == ""', 'resource.env == "staging"', 'resource.roles.isEmpty()',
    'resource.hasTag("team") && resource.getTag("team") == "web"', 'context.verbs.contains("update")',
    "context.ungranted.isEmpty()", 'context.risks.contains("bulk_read")', "context.masked.isEmpty()",
    "context.masked_guesses.isEmpty()", "context.lineage_known", "context.commands < 2",
    'context.tables.contains("customers")', 'context.columns.contains("email")', 'context.kind == "sql"',
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
)  # fmt: skip
asks = st.builds(
    suppose_ask,
    st.sampled_from(STATEMENTS), st.sampled_from(PEOPLE), st.sampled_from(PLACES), st.sampled_from(GRANTS),
    st.sampled_from([(), ("public.customers.email",)]),
)  # fmt: skip


def text_of(some: list[tuple[str, list[str], bool]]) -> tuple[Source, ...]:
    lines = []
    for number, (effect, conditions, negated) in enumerate(some):
        joined = " && ".join(f"({one})" for one in conditions)
        notes = f'@id("r.{number}") @reason("r")'
        how = "unless" if negated else "when"
        head = f'{notes} {effect}(principal, action == Action::"statement.run", resource)'
        lines.append(f"{head} {how} {{ {joined} }};")
    return (Source("own.cedar", "\n".join(lines)),)


@given(st.lists(rules, min_size=1, max_size=5), st.lists(asks, min_size=2, max_size=12))
def test_a_statements_decision_out_of_memory_is_the_one_made_anew(
    some: list[tuple[str, list[str], bool]], asked: list[Ask]
) -> None:
    kept, anew = PolicySet("own", text_of(some)), PolicySet("own", text_of(some))
    for ask in [*asked, *asked]:
        # A grant that ran out makes another question, though nothing else of it changed.
        for asking in (ask, msgspec.structs.replace(ask, now_ns=10)):
            anew.forget()
            assert kept.decide(asking) == anew.decide(asking)


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
