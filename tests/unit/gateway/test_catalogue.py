"""Which column an answer comes from, through aliases, views and functions."""

from __future__ import annotations

import pytest

from glasshatch.gateway.connectors.postgres.answers import ColumnShape
from glasshatch.gateway.connectors.postgres.catalogue import Catalogue, aligned
from glasshatch.gateway.connectors.postgres.shelf import Shelf
from glasshatch.masking import ColumnRule
from glasshatch.statements import OutputColumn, analyze_sql

RULES = (ColumnRule(pattern="*.customers.title", type="NAME"),)


def text(*cells: object) -> list[bytes | None]:
    return [None if cell is None else str(cell).encode() for cell in cells]


def catalogue(
    views: dict[int, str] | None = None, functions: tuple[tuple[str, str, str], ...] = ()
) -> Catalogue:
    tables = [
        text(20001, "public", "customers", 1, "id", 23, None, None, None),
        text(20001, "public", "customers", 2, "title", 25, None, None, None),
        text(20001, "public", "customers", 3, "city", 25, None, None, None),
        text(20002, "public", "orders", 1, "id", 23, None, None, None),
        text(20002, "public", "orders", 2, "total", 23, None, None, None),
        text(20003, "public", "contact", 1, "id", 23, None, None, None),
        text(20003, "public", "contact", 2, "shown", 25, None, None, None),
        text(20004, "public", "outer_view", 1, "label", 25, None, None, None),
    ]
    definitions = views or {
        20003: "SELECT customers.id, customers.title AS shown FROM customers",
        20004: "SELECT contact.shown AS label FROM contact",
    }
    rows = [text(oid, definition) for oid, definition in definitions.items()]
    return Catalogue.read([tables, rows, [text(*function) for function in functions], []], RULES)


MASKED = ("public.customers.title",)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select title as t from customers", MASKED),
        ("select * from customers limit 1", MASKED),
        ("select city from customers", ()),
        ("select count(*) from customers", ()),
        ("select total from orders", ()),
        ("select shown from contact", MASKED),
        ("select id from contact", ()),
        ("select label from outer_view", MASKED),
        ("select c from customers c", MASKED),
        ("this is no statement", MASKED),
        ("select j.value from customers c, json_each_text(row_to_json(c)) j", MASKED),
    ],
)
def test_touched(statement: str, expected: tuple[str, ...]) -> None:
    assert catalogue().touched(analyze_sql(statement)) == expected


def test_functions_are_judged_by_their_bodies() -> None:
    functions = (
        ("reads", "sql", "select title from customers"),
        ("calls", "plpgsql", "begin return reads(); end"),
        ("pure", "sql", "select upper($1)"),
        ("builds", "plpgsql", "begin execute 'select 1'; end"),
        ("strange", "plpython3u", "return 1"),
        ("unreadable", "sql", ""),
        ("dblink", "c", "dblink"),
        ("crypt", "c", "crypt"),
    )
    known = catalogue(functions=functions)
    opaque = {name for name, _, _ in functions if known.touched(analyze_sql(f"select {name}('x')"))}
    assert opaque == {"reads", "calls", "builds", "strange", "unreadable", "dblink"}


def test_facts_of_plain_view_and_unknown_columns() -> None:
    known = catalogue()

    def facts(oid: int, attribute: int, kind: int = 25):
        shape = ColumnShape("any", oid, attribute, kind, 0)
        return known.facts(shape, None, lineage_known=False, format=1)

    assert (facts(20001, 2).table, facts(20001, 2).column) == ("public.customers", "title")
    assert facts(20003, 2).sources == MASKED
    assert facts(20003, 1, 23).sources == ()
    # Its type is another one than was read: it was changed past the gateway.
    assert facts(20001, 2, 1043).sources is None
    assert facts(29999, 1).sources is None
    assert facts(20001, 9).sources is None
    assert facts(1259, 2).sources == ()
    assert facts(0, 0).sources is None
    assert facts(0, 0).format == 1


def test_a_source_that_cannot_be_is_unknown() -> None:
    known = catalogue()
    assert known.flowing(("customers.title",)) == MASKED
    assert known.flowing(("customers.city", "orders.total")) == ()
    assert known.flowing(("customers.nothing",)) is None
    assert known.flowing(("nowhere.title",)) is None
    assert known.flowing(("public.customers.*",)) == MASKED
    assert known.flowing(("other.customers.title",)) is None


def test_stars_are_spread_only_when_it_is_certain() -> None:
    star, one = OutputColumn("*", ("customers.*",), True), OutputColumn("x", (), False)
    assert aligned((one, star, one), 5) == [one, star, star, star, one]
    assert aligned((star, star), 5) is None
    assert aligned((one, one), 3) is None
    assert aligned((one, one), 2) == (one, one)
    assert aligned(None, 1) is None


def test_a_shelf_invalidated_while_it_was_read_stays_invalid() -> None:
    shelf = Shelf(1000)
    assert shelf.wants_reading(0)
    begun = shelf.begin()
    shelf.put(catalogue(), begun, 0)
    assert not shelf.doubtful
    assert not shelf.wants_reading(999)
    assert shelf.wants_reading(1001)
    assert not shelf.wants_reading(1002), "only one session reads an aged snapshot"
    begun = shelf.begin()
    shelf.invalidate()
    shelf.put(catalogue(), begun, 2000)
    assert shelf.doubtful


def test_comments_and_types_are_read() -> None:
    tables = [
        text(20001, "public", "people", 1, "id", 23, "personal: none", None, None),
        text(20001, "public", "people", 2, "handle", 30001, "Personal: e-mail", None, None),
        text(20001, "public", "people", 3, "contact", 25, "The customer's phone number", None, None),
        text(20001, "public", "people", 4, "score", 23, "Their phone number", None, None),
        text(20001, "public", "people", 5, "moods", 30003, None, None, None),
        text(20001, "public", "people", 6, "notes", 25, "holds no personal data", None, None),
        text(20001, "public", "people", 7, "extra", 30004, "PII", None, None),
        text(20001, "public", "people", 8, "home", 25, "personal: postal address", None, None),
    ]
    types = [
        text(30001, "mail", "d", 0, 25, None),
        text(30002, "mood", "e", 0, 0, None),
        text(30003, "_mood", "b", 30002, 0, None),
        text(30004, "citext", "b", 0, 0, None),
        text(30005, "_citext", "b", 30004, 0, None),
        text(30006, "people", "c", 0, 0, "23,30001,25,23"),
        text(30007, "loop", "d", 0, 30007, None),
    ]
    known = Catalogue.read([tables, [], [], types], ())
    assert known.masked == tuple(f"public.people.{name}" for name in ("handle", "contact", "extra", "home"))
    said = {rule.pattern: rule.type for rule in known.rules}
    assert (said["public.people.handle"], said["public.people.extra"]) == ("EMAIL", "PERSONAL")
    assert said["public.people.home"] == "ADDRESS"

    def kind(attribute: int, oid: int):
        shape = ColumnShape("any", 20001 if attribute else 0, attribute, oid, 0)
        return known.facts(shape, None, lineage_known=False, format=0).value_type

    assert (
        known.facts(ColumnShape("x", 20001, 2, 25, 0), None, lineage_known=True, format=0).column == "handle"
    )
    assert kind(5, 30003).kind == "fixed"
    assert kind(7, 30004).kind == "text"
    assert kind(0, 30005).element.kind == "text"
    assert [field.kind for field in kind(0, 30006).fields] == ["fixed", "text", "text", "fixed"]
    assert kind(0, 30007).kind == "opaque"
