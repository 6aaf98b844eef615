"""One suite for every form of the index: the same batches, the same questions, the same answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from forms import FORMS

from glasshatch.errors import Unavailable
from glasshatch.events import (
    Access,
    Actor,
    Client,
    Data,
    DecisionMade,
    Event,
    Outcome,
    Resource,
    Source,
    StatementText,
    encode,
)
from glasshatch.index import KEPT, Index, Place, ddl, restored
from glasshatch.index.embedded import Embedded
from glasshatch.index.rows import as_stored, rows
from glasshatch.index.schema import TABLE
from glasshatch.investigate.query import compile_predicate, compile_sql, parse

NOW_NS = 1_795_519_440_000_000_000
MONTH_NS = 31 * 86_400 * 10**9
STRANGE = "quo'te dou\"ble back\\slash tab\there new\nline cr\rhere zero\0byte {p0:String} %d $1 日本 ü 🙂"
OWN_ID = "01945f3a-7c11-7abc-8def-0123456789ab"


def event(number: int) -> Event:
    end = STRANGE if number == 3 else "x"
    return Event(
        id=OWN_ID if number == 7 else f"e{number}", time=str(NOW_NS - number % 5 * MONTH_NS - number),
        observed_time=str(NOW_NS + number), action=("order.paid", "order.read", "pod.get")[number % 3],
        source=Source(kind="app", name=f"shop{number % 2}"), severity=number % 5,
        outcome=Outcome(status="failure" if number % 7 == 0 else "success"),
        actor=Actor(id=f"a{number % 4}", name=f"Alice{number % 4}", roles=("engineer", "oncall")),
        client=Client(ip=f"10.0.{number % 3}.{number % 250}"), trace_id=f"{number // 4:032x}",
        session_id=f"s{number // 9}",
        resource=Resource(type="table", id=f"shop/orders/{number}", name="Orders"),
        resources=(Resource(type="table", id="shop/carts", name="carts"),) if number % 2 else (),
        data=Data(rows=number, classes=("email",)), access=Access(reason="ticket four", grant_id="g1"),
        decision=DecisionMade(effect="allow"),
        statement=StatementText(text=f"select note{number} from orders where {end}"),
        labels={"team": "Payments" if number % 3 else "web", "a=b": "c"},
        attrs={"ms": number * 1.5, "deep": {"verbs": ["get", "list"]}},
    )  # fmt: skip


def entries(start: int, stop: int) -> list[tuple[int, bytes]]:
    return [(number, encode(event(number))) for number in range(start, stop)]


@pytest.fixture(params=FORMS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return FORMS[request.param](tmp_path)


@pytest.fixture
def opened(place: Place, tmp_path: Path) -> Iterator[Callable[[], Index]]:
    """Opens the index, again if asked again: the one before is closed."""
    last: list[Index] = []

    def again() -> Index:
        while last:
            last.pop().close()
        last.append(Index.open(tmp_path / "index", "default", place))
        return last[0]

    yield again
    while last:
        last.pop().close()


SECRET = {"v": "secretword"}


def held(index: Index) -> list[int]:
    return [number for (number,) in index.select(f"SELECT `index` FROM {TABLE} ORDER BY `index`")]


def test_entries_come_back_as_they_were_and_the_watermark_with_them(opened: Callable[[], Index]) -> None:
    garbage = [(40, b"no event"), (41, b"\xff\x01\x02"), (42, b'{"id":"\\u0001","time":"1"}')]
    index = opened()
    index.apply([*entries(0, 40), *garbage])
    index.apply(entries(0, 8), "shop")
    index = opened()
    assert index.watermarks == {"default": 43, "shop": 8}
    assert index.follows(43, dict(garbage).__getitem__)
    kept = index.select(f"SELECT `index`, {KEPT} FROM {TABLE} WHERE ledger = 'default' ORDER BY `index`")
    assert [(number, restored(row)) for number, *row in kept] == [
        (number, as_stored(data)) for number, data in [*entries(0, 40), *garbage]
    ]


def test_a_batch_that_comes_again_changes_nothing(opened: Callable[[], Index]) -> None:
    index = opened()
    index.apply(entries(0, 20))
    index.apply(entries(0, 25))
    engine = index._ready()
    batch = rows("default", [("default", number, data) for number, data in entries(25, 30)])
    for _ in range(3):
        engine.insert(TABLE, batch, "token25")
    assert held(index) == list(range(30))
    assert opened().watermark == 30


def test_an_insert_of_unknown_end_is_repeated_and_doubles_nothing(
    opened: Callable[[], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of an insert was lost: some months' rows, or all of them, may be there."""
    index = opened()
    kind = type(index._ready())
    real = kind.insert
    for part in (0, 1, 5):

        def lost(engine: Embedded, table: str, found: object, token: str, part: int = part) -> None:
            months = sorted(set(found.column("month").to_pylist()))[:part]  # type: ignore[attr-defined]
            chosen = [at for at, month in enumerate(found.column("month").to_pylist()) if month in months]  # type: ignore[attr-defined]
            if chosen:
                real(engine, table, found.take(chosen), token)  # type: ignore[arg-type,attr-defined]
            raise Unavailable("the connection broke")

        start = index.watermark
        monkeypatch.setattr(kind, "insert", lost)
        with pytest.raises(Unavailable):
            index.apply(entries(start, start + 20))
        monkeypatch.setattr(kind, "insert", real)
        index.apply(entries(start, start + 27)) if start < index.watermark else index.apply(
            entries(index.watermark, start + 27)
        )
        assert held(index) == list(range(start + 27))


QUESTIONS = (
    "", "orders", "note7", OWN_ID, OWN_ID.upper(), '"select note9 from"', "note1*", "not?2", "-orders",
    "日本", "ü",
    "(note1 OR note2) orders", "action:order.*", "action:ORDER.PAID", "actor:alice1", "actor.name:Ali*2",
    "role:oncall", "ip:10.0.1.0/24", "ip:10.0.2.*", "status:failure", "rows>30", "rows:[10 TO 20]",
    "rows:{10 TO 20}", "rows:([1 TO 5] OR >38)", "severity:3", f"trace:{3:032x}", "session:s2", "id:e11",
    "resource:orders", "resources:carts", "resource.id:shop/orders/5", "resource.name>m", "class:email",
    "grant:g1", "reason:four", "statement:select", 'statement:"note7 from"', "labels.team:payments",
    "labels.team:pay*", "-labels.team:web", "attrs.ms>30", "attrs.ms:1.5", "verb:get",
    "attrs.deep.verbs:list", "exists(labels.team)", "exists(attrs.nothing)", "exists(observed_time)",
    "time>=now-40d", "time:2026-10", "observed_time>now", "ledger:default", "effect:allow -status:success",
    'statement:"back\\\\slash tab"', "statement:zero", '"{p0:String}"', '"cr here"', "alice1 OR e7",
)  # fmt: skip


def test_every_form_of_question_finds_what_its_predicate_finds(opened: Callable[[], Index]) -> None:
    index = opened()
    events = [event(number) for number in range(45)]
    index.apply([(number, encode(one)) for number, one in enumerate(events)])
    found_some = 0
    for question in QUESTIONS:
        query = parse(question)
        where, bound = compile_sql(query, NOW_NS)
        got = [number for (number,) in index.select(
            f"SELECT `index` FROM {TABLE} WHERE tenant = {{tenant:String}} AND {where} ORDER BY `index`",
            bound | {"tenant": "default"},
        )]  # fmt: skip
        wanted = compile_predicate(query, NOW_NS)
        assert got == [number for number, one in enumerate(events) if wanted(one)], question
        found_some += bool(got)
    assert found_some > len(QUESTIONS) - 8


def test_values_are_bound_whatever_they_hold(opened: Callable[[], Index]) -> None:
    index = opened()
    for value in (STRANGE, "", "'", "\\", "\\N", "\b\f\r\n\t\0", "{x:String}", "x" * 100_000):
        assert index.select("SELECT {v:String}, {n:Int64}, {f:Float64}", {"v": value, "n": -5, "f": 0.5}) == [
            (value, -5, 0.5)
        ]


def test_pruned_months_are_dropped_and_their_files_go(opened: Callable[[], Index], tmp_path: Path) -> None:
    index = opened()
    old = [
        (
            number,
            encode(
                Event(id=f"o{number}", time="1600000000000000000", action="a.b", source=Source(kind="app"))
            ),
        )
        for number in range(30)
    ]
    index.apply(old)
    index.apply(entries(30, 60))
    index.prune({"default": 40})
    assert held(index) == list(range(40, 60))
    # What was whole in one month is gone as a partition, at once; only the others were rewritten.
    assert index.select(
        f"SELECT count() FROM system.parts WHERE table = '{TABLE}' AND partition = '202009'"
    ) == [(0,)]
    assert not [path for path in tmp_path.rglob("202009_*") if path.is_dir()]
    assert opened().watermark == 60


def test_too_much_is_refused_and_no_error_holds_a_value(opened: Callable[[], Index]) -> None:
    index = opened()
    with pytest.raises(Unavailable, match="too long or too much memory") as refused:
        index.select("SELECT {v:String}, length(groupArray(number)) FROM numbers(400000000)", SECRET)
    with pytest.raises(Unavailable, match="too long or too much memory"):
        index.select("SELECT number FROM numbers(300000)")
    with pytest.raises(Unavailable, match="ClickHouse error") as wrong:
        index.select("SELECT throwIf(1, 'secretword') FROM numbers(1)")
    for error in (refused.value, wrong.value):
        assert "secretword" not in f"{error!r} {error.hint} {error.__cause__!r}"
        assert error.__suppress_context__ or "secretword" not in repr(error.__context__)
    # What chDB had written of the failed ones must not come as the answer of the next.
    assert [index.select("SELECT 1") for _ in range(4)] == [[(1,)]] * 4


def test_another_format_is_begun_anew_and_a_cleared_one_is_filled_again(opened: Callable[[], Index]) -> None:
    index = opened()
    index.apply(entries(0, 20))
    index.clear()
    assert (held(index), index.watermarks) == ([], {})
    index.apply(entries(0, 20))
    assert held(index) == list(range(20))


def test_a_hole_is_found_and_the_index_made_anew(
    opened: Callable[[], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glasshatch.index.survey.TAIL_ROWS", 10)
    index = opened()
    index.apply(entries(0, 40))
    index._ready().run(f"ALTER TABLE {TABLE} DELETE WHERE `index` = 5 SETTINGS mutations_sync = 2")
    index = opened()
    assert index.watermark == 0
    index.apply(entries(0, 20))
    assert held(index) == list(range(20))


@pytest.mark.parametrize("cluster", ["", "main"])
def test_what_an_administrator_runs_is_the_same_dialect(opened: Callable[[], Index], cluster: str) -> None:
    """No server is here to run it, but its grammar is."""
    index = opened()
    for statement in ddl("glasshatch", "glasshatch", cluster):
        ((formatted,),) = index.select("SELECT formatQuery({sql:String})", {"sql": statement})
        assert ("ON CLUSTER" in formatted) is bool(cluster)
    assert ("ReplicatedMergeTree" in formatted) is bool(cluster)
