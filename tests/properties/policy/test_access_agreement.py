"""What somebody sees by a search is what Cedar permits event by event, whatever the rules say.

Rules are put together at random of everything a rule may ask of an event; each event is judged three ways:
by Cedar as a whole, by the sight that is left of the rules, and by the query that narrows a search.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from glasshatch.app.access.facts import facts_of
from glasshatch.app.access.narrowing import query_of
from glasshatch.events import Actor, Event, Resource, Source, uuid7
from glasshatch.identity import Identity
from glasshatch.index.columns import placed
from glasshatch.investigate.query import compile_predicate
from glasshatch.policy import Source as Text
from glasshatch.policy.access import AccessRules, fits

NOW_NS = 1_795_519_440_000_000_000
WORDS = (
    "alice",
    "somebody-of-these-roles",
    "somebody-behind-an-agent",
    "postgres/orders",
    "kubernetes",
    "statement.run",
    "hr",
    "Übung",
    "a.b",
    "x[1]",
    "50%_",
    "",
)
ROLES = ("auditor", "admin", "support")
ATTRIBUTES = ("ledger", "source", "feed", "action", "actor", "on_behalf_of", "resource")

words = st.sampled_from([*WORDS, "ALICE"])
quoted = words.map(lambda word: f'"{word}"')
patterns = st.lists(
    st.sampled_from(["*", "a", "s", "post", "gres/", ".", "[", "Ü", "%", "A"]), max_size=4
).map(lambda pieces: '"' + "".join(pieces) + '"')
attribute = st.sampled_from(ATTRIBUTES).map(lambda name: f"resource.{name}")
known = st.sampled_from(["principal.id", "principal.on_behalf_of", "context.reason"]) | quoted
ages = st.integers(-2, 400).map(str)
comparisons = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
leaves = st.one_of(
    st.builds(lambda one, op, other: f"{one} {op} {other}", attribute, st.sampled_from(["==", "!="]), known),
    st.builds(lambda one, op, other: f"{other} {op} {one}", attribute, st.sampled_from(["==", "!="]), known),
    st.builds(lambda one, pattern: f"{one} like {pattern}", attribute, patterns),
    st.builds(
        lambda some, one: f"[{', '.join(some)}].contains({one})", st.lists(quoted, min_size=1), attribute
    ),
    st.builds(lambda word: f"resource.resources.contains({word})", quoted),
    st.builds(
        lambda how, some: f"resource.resources.{how}([{', '.join(some)}])",
        st.sampled_from(["containsAny", "containsAll"]), st.lists(quoted, min_size=1, max_size=3),
    ),
    st.builds(lambda op, age: f"resource.age_s {op} {age}", comparisons, ages),
    st.builds(lambda op, age: f"{age} {op} resource.age_s", comparisons, ages),
    st.sampled_from([
        'principal.roles.contains("admin")', 'principal in Role::"support"', 'principal.kind == "agent"',
        "resource has action", "resource is Event", "true", "false", 'context.reason != ""',
        "principal.roles.contains(resource.ledger)", 'principal.id == "alice"', 'principal == User::"hr"',
        "resource.resources.contains(principal.id)", 'principal.name == "n"', 'principal.on_behalf_of == ""',
    ]),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a} && {b})", inner, inner),
        st.builds(lambda a, b: f"({a} || {b})", inner, inner),
        st.builds(lambda a: f"!({a})", inner),
        st.builds(lambda a, b, c: f"(if {a} then {b} else {c})", inner, inner, inner),
    ),
    max_leaves=6,
)
scopes = st.sampled_from(["principal", *(f'principal in Role::"{role}"' for role in ROLES)])
actions = st.sampled_from(['action == Action::"record.read"', 'action in [Action::"record.read"]'])
one_rule = st.tuples(
    st.sampled_from(["permit", "permit", "forbid"]), scopes, actions, st.sampled_from(["when", "unless"]),
    conditions,
)  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> str:
    rules = draw(st.lists(one_rule, min_size=1, max_size=4))
    return "\n".join(
        f'@id("r.{number}") @reason("r")\n{effect}({scope}, {action}, resource) {how} {{ {condition} }};'
        for number, (effect, scope, action, how, condition) in enumerate(rules)
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    number = draw(st.integers(0, 10**6))
    event = Event(
        id=uuid7(number, bytes(10)), time=str(NOW_NS - draw(st.integers(-10**9, 450 * 10**9))),
        action=draw(words), source=Source(kind=draw(words), name=draw(words)),
        actor=draw(st.none() | st.builds(lambda id, other: Actor(id=id, on_behalf_of=other), words, words)),
        resource=draw(st.none() | st.builds(lambda id: Resource(type="t", id=id), words)),
        resources=tuple(draw(st.lists(st.builds(lambda id: Resource(type="t", id=id), words), max_size=2))),
    )  # fmt: skip
    return placed(event, draw(st.sampled_from(["default", "hr", "HR"])))


people = st.builds(
    lambda id, roles, kind, other, disabled: Identity(
        id=id or "nobody", tenant="default", type=kind, name="n", roles=tuple(roles), on_behalf_of=other,
        disabled=disabled,
    ),
    words, st.lists(st.sampled_from(ROLES), unique=True), st.sampled_from(["human", "agent"]), words,
    st.booleans(),
)  # fmt: skip


@given(
    policies(),
    people,
    st.lists(events(), min_size=1, max_size=6),
    st.sampled_from(["", "alice", "somebody-of-these-roles"]),
)
def test_a_search_shows_what_cedar_permits(text: str, who: Identity, some: list[Event], reason: str) -> None:
    rules = AccessRules("own", (Text("own.cedar", text),))
    sight, kept = rules.sight(who, reason), rules.kept_from(who, reason)
    within = compile_predicate(query_of(sight, NOW_NS), NOW_NS)
    for event in some:
        facts = facts_of(event, getattr(event, "ledger", "default"), NOW_NS)
        verdict = rules.event(who, facts, reason)
        permitted = verdict.effect == "allow"
        assert fits(kept, facts) is (not permitted and verdict.rule != "policy.default"), (text, facts)
        assert fits(sight, facts) is permitted, (text, facts)
        assert within(event) is permitted, (text, facts)
