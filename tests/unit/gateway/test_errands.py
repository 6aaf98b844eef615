"""What puts an image back, and what a plan says: pure, and without a value where there should be none."""

from __future__ import annotations

import msgspec

from glasshatch.gateway.errands import (
    Column,
    Image,
    ImagedRow,
    TableShape,
    outline,
    reversal,
    unchanged_since,
)
from glasshatch.gateway.errands.plan import read_plan
from glasshatch.statements import analyze_sql, read_change

ID, NOTE, DOC = Column("id", "integer"), Column('no"te', "text"), Column("doc", "json")
TABLE = TableShape("public.t", '"public"."t"', (ID, NOTE, DOC), (ID,))
BEFORE = {"id": "1", 'no"te': "it's \\ canary", "doc": None}
AFTER = {"id": "1", 'no"te': None, "doc": None}


def test_an_update_is_put_back_column_by_column_where_nothing_else_changed() -> None:
    same = ImagedRow({**BEFORE, "id": "2"}, {**BEFORE, "id": "2"})
    ((text, rows),) = reversal(Image(TABLE, "update", (ImagedRow(BEFORE, AFTER), same)))
    assert rows == 1
    assert text.startswith("""UPDATE "public"."t" AS t SET "no""te" = E'it''s \\\\ canary'::text WHERE """)
    assert """t."id" = '1'::integer""" in text
    assert 't."no""te"::text IS NOT DISTINCT FROM NULL::text' in text
    assert 't."doc"::text IS NOT DISTINCT FROM NULL::text' in text
    change = read_change(text)
    assert change is not None
    assert (change.command, change.assigned) == ("update", ('no"te',))


def test_deleted_rows_come_back_in_one_statement() -> None:
    rows = (ImagedRow(BEFORE), ImagedRow({**BEFORE, "id": "2"}))
    ((text, count),) = reversal(Image(TABLE, "delete", rows))
    assert count == 2
    change = read_change(text)
    assert change is not None
    assert (change.command, change.rows) == ("insert", 2)
    assert reversal(Image(TABLE, "delete", ())) == ()


def test_the_outline_that_people_and_policy_see_holds_no_value() -> None:
    for command, rows in (("update", (ImagedRow(BEFORE, AFTER),)), ("delete", (ImagedRow(BEFORE),))):
        image = Image(TABLE, command, rows)
        text = outline(image)
        assert "canary" not in text
        assert "canary" not in repr(rows)
        statement = analyze_sql(text)
        assert statement.resources == ("public.t",)
        assert "unbounded_write" not in statement.risks
        assert analyze_sql(unchanged_since(image)).verbs == ("select",)


def test_a_plan_tells_tables_and_rows_of_every_change_in_it() -> None:
    scan = {"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Plan Rows": 7, "Filter": "canary"}
    inner = {
        "Node Type": "ModifyTable", "Operation": "Delete", "Schema": "s", "Relation Name": "u",
        "Parent Relationship": "InitPlan", "Plans": [{**scan, "Plan Rows": 2}],
    }  # fmt: skip
    outer = {"Node Type": "ModifyTable", "Schema": "s", "Relation Name": "t", "Plans": [scan, inner]}
    planned = read_plan(msgspec.json.encode([{"Plan": outer}]))
    assert (planned.rows, planned.tables) == (9, (("s.t", 7), ("s.u", 2)))
    assert read_plan(msgspec.json.encode([{"Plan": scan}])).rows == 0
