"""Events redacted from bytes to bytes are those of the long way, and what is no event makes nothing."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.masking import REDACTORS, differences, of_real_logs
from glasshatch.events import Event, Source, encode_whole, foreign
from glasshatch.events.model import (
    Access,
    Actor,
    Client,
    Data,
    DecisionMade,
    Link,
    Outcome,
    RawPrincipal,
    Redaction,
    Resource,
    StatementText,
)  # fmt: skip
from glasshatch.masking import UNSCANNED, Engine, Redactor
from glasshatch.masking.batches import _TREES, FOREIGN
from glasshatch.masking.eventfields import EVENT_HINTS
from glasshatch.masking.kernel import EVENTS
from glasshatch.masking.telling import told_by

pytestmark = pytest.mark.skipif(EVENTS is None, reason="the event kernel is not compiled")

PIECES = [
    "ada@example.com", "4111 1111 1111 1111", "203.0.113.9", "+1 415 555 2671", "<EMAIL:abcdefghijkl>",
    "<SECRET>", "<NAME>", "[UNSCANNED]", "[UNSC", "\x00", '"', "\\", "\n", "\x1f", "\x7f", "{", "[",
    "é", "日本", "İ", "😀", "password=hunter22", "YWRhQGV4YW1wbGUuY29t", "%40", "ada%40example.com",
    "\\u0040", "０", "--token", "Secret", '{"password":"hunter22"}', '[{"first_name":"Ada"}]',
    '{"a":"ada@example.com"}', '["-p","x"]', "AKIAIOSFODNN7EXAMPLE",
]  # fmt: skip
NAMES = [
    "kind", "name", "value", "Value", "key", "Name", "Key", "header", "field", "parameterKey",
    "parameterValue", "password", "first_name", "birthdate", "authorization", "items", "data",
    "stringData", "labels", "id", "redaction", "ada@example.com", "<EMAIL:abcdefghijkl>", 'a"b',
    "a\\b\n", "203.0.113.9", "x" * 200, "", "a", "é", "message",
]  # fmt: skip
pieces = st.sampled_from(PIECES) | st.text(string.printable, max_size=9) | st.text(max_size=9)
texts = st.lists(pieces, max_size=4).map("".join) | st.sampled_from(
    [*PIECES, "", "plain", "order.paid", "x" * 300]
)
names = st.sampled_from(NAMES) | st.text(string.ascii_letters + "._-", max_size=9) | texts
numbers = (
    st.integers()
    | st.sampled_from([0, 999_999, 1_000_000, -1_000_000, 4111111111111111, 10**15])
    | st.floats()
)
leaves = st.none() | st.booleans() | numbers | texts | texts
words = st.sampled_from(
    ["--password", "-p", "mysql", "Authorization", "sshpass", "hunter22", "plain", "name"]
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(words | leaves, max_size=4)
        | st.dictionaries(names, inner, max_size=6)
        | st.fixed_dictionaries({"kind": st.sampled_from(["Secret", "SecretList", "Pod"]), "data": inner})
        | st.fixed_dictionaries({"name": names, "value": inner})
    ),
    max_leaves=25,
).map(foreign)
kinds = st.sampled_from(["json", "gateway", "kubernetes"])
clean = texts.map(foreign)
some = st.lists(clean, max_size=2).map(tuple)


def events_with(names: st.SearchStrategy[str], trees: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    labels = st.dictionaries(names, clean, max_size=3).map(foreign)
    resources = st.builds(Resource, type=clean, id=clean, name=clean, env=clean, labels=labels)
    source = st.builds(Source, kind=kinds, name=clean, instance=clean)
    actor = st.builds(
        Actor, id=st.just("") | clean, name=clean, roles=some, idp=clean, on_behalf_of=clean,
        raw=st.none() | st.builds(RawPrincipal, namespace=clean, principal=clean),
    )  # fmt: skip
    client = st.builds(Client, ip=clean, port=st.integers(0, 65535), geo=clean, user_agent=clean)
    access = st.builds(Access, approvers=some, reason=clean, ticket=clean, break_glass=st.booleans())
    data = st.builds(Data, rows=st.integers(0, 10**9), columns=some, purpose=clean, recipient=clean)
    decision = st.builds(DecisionMade, effect=st.just("deny"), rule=clean, reason=clean)
    return st.builds(
        Event,
        id=clean, time=st.just("1"), action=clean, tenant=clean, session_id=clean, request_id=clean,
        source=source,
        outcome=st.none() | st.builds(Outcome, code=clean, reason=clean),
        severity=st.integers(0, 6),
        actor=st.none() | actor,
        client=st.none() | client,
        resource=st.none() | resources,
        resources=st.lists(resources, max_size=2).map(tuple),
        access=st.none() | access,
        data=st.none() | data,
        statement=st.none() | st.builds(StatementText, text=clean, shape=clean, hash=clean),
        decision=st.none() | decision,
        redaction=st.none() | st.builds(Redaction, counts=st.just({"EMAIL": 3}), pack_hash=clean),
        links=st.lists(st.builds(Link, rel=clean, id=clean), max_size=2).map(tuple),
        labels=labels, attrs=st.dictionaries(names, trees, max_size=5).map(foreign), native=trees,
    )  # fmt: skip


plain_names = st.sampled_from(
    ["password", "first_name", "birthdate", "message", "labels", "kind", "name", "id", "order.number"]
) | st.text(string.ascii_letters + "._-", max_size=9)
plain_trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_names, inner, max_size=6),
    max_leaves=25,
).map(foreign)
events = events_with(names, trees) | events_with(plain_names, plain_trees)
feeds = st.sampled_from(["json/shop", "kubernetes/prod", "staff/x", ""])


@given(st.lists(events, min_size=1, max_size=4), feeds, st.sampled_from(sorted(REDACTORS)))
def test_every_event_has_the_bytes_of_the_long_way(batch: list[Event], feed: str, name: str) -> None:
    # Twice: the second time some texts and names are known.
    assert differences(REDACTORS[name], batch * 2, feed) == []
    assert differences(REDACTORS[name], batch, feed) == []


@pytest.mark.parametrize("kind", ["kubernetes", "cloudtrail", "pgaudit", "otlp", "syslog", "github", "json"])
def test_real_logs_have_the_bytes_of_the_long_way(kind: str) -> None:
    found = of_real_logs(kind)
    assert differences(REDACTORS["plain"], found, f"{kind}/x") == []
    made = REDACTORS["plain"].encoded(found, f"{kind}/x")
    assert sum(one is not None for one in made) > 0.8 * len(found)


def test_deep_trees_have_the_bytes_of_the_long_way() -> None:
    tree: Any = "ada@example.com"
    batch = []
    for depth in range(70):
        tree = [tree] if depth % 2 else {"a": tree}
        batch.append(_event(attrs={"tree": tree}, native=tree))
    assert differences(REDACTORS["plain"], batch, "json/x") == []


def test_what_is_large_has_the_bytes_of_the_long_way() -> None:
    long = "to ada@example.com " * 70_000
    batch = [_event(native=long), *[_event(native=f"{number} {long[:30_000]}") for number in range(60)]]
    assert differences(REDACTORS["plain"], batch, "json/x") == []


canonical = events.map(encode_whole)


@example(b'{"native":"a"}', 0, b"", FOREIGN)
@given(canonical, st.integers(0, 5_000), st.binary(max_size=6) | pieces.map(str.encode), st.integers(-1, 3))
def test_bytes_of_any_kind_do_no_harm(whole: bytes, place: int, junk: bytes, walk: int) -> None:
    place %= len(whole) + 1
    for data in (
        whole[:place],
        whole[:place] + junk + whole[place:],
        whole[:place] + junk + whole[place + 7 :],
        junk,
    ):
        batch = EVENTS.Batch(REDACTORS["plain"]._batches._rules, str)
        try:
            kept = batch.add(data, walk)
        except ValueError:
            kept = False
        batch.rewrite({}, [()] * len(batch.others), lambda text, *_: text, lambda text, *_: text)
        assert [one is not None for one in batch.finish(b"{}", lambda _: b"{}")] in ([kept], [False])


def test_without_the_kernel_every_event_goes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasshatch.masking.batches.EVENTS", None)
    redactor = Redactor(REDACTORS["plain"].engine, REDACTORS["plain"].tokens)
    assert redactor.encoded([_event(native="a text")] * 2, "json/x") == [None, None]


def test_a_scan_that_fails_sends_the_batch_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine.load(("core",))
    redactor = Redactor(engine, REDACTORS["plain"].tokens)
    monkeypatch.setattr(engine, "_found_joined", _fail)
    assert redactor.encoded([_event(native="to ada@example.com")], "json/x") == [None]
    assert redactor.events([_event(native="to ada@example.com")], "json/x")[0].native == UNSCANNED


def _fail(*_: object) -> None:
    raise OverflowError


def test_a_finding_beyond_the_texts_is_refused() -> None:
    batch = EVENTS.Batch(REDACTORS["plain"]._batches._rules, str)
    assert batch.add(encode_whole(_event(native="a text")), FOREIGN)
    with pytest.raises(ValueError, match="beyond"):
        batch.rewrite({len(batch): []}, [], str, str)
    with pytest.raises(ValueError, match="nothing was scanned"):
        batch.finish(b"{}", str)


def test_only_labels_have_names_of_others_within_a_part() -> None:
    parts = [
        Source,
        Outcome,
        Actor,
        RawPrincipal,
        Client,
        Resource,
        Access,
        Data,
        StatementText,
        DecisionMade,
        Link,
    ]
    found = {name for part in parts for name, kind in part.__annotations__.items() if "dict" in kind}
    assert found == set(_TREES)


def test_a_telling_name_is_met_in_this_test() -> None:
    assert {told_by(name) for name in NAMES} >= EVENT_HINTS


def _event(**members: Any) -> Event:
    return Event(id="1", time="1", action="order.paid", source=Source(kind="json"), **members)
