"""What of a COPY TO STDOUT reaches the client: its rows masked, or its text scanned, or nothing."""

from __future__ import annotations

from ....masking import ANY_TEXT, OPAQUE, ColumnFacts, plan_columns
from ....statements import OutputColumn, Statement
from .catalogue import Catalogue, aligned
from .copyform import CopyForm
from .copying import CopyRows
from .relations import Relation
from .running import Run
from .session import Session
from .wire import message


def masked_copy(session: Session, run: Run, form: CopyForm, count: int) -> CopyRows:
    """What masks the rows of this COPY of so many columns; its plan counts what they expose."""
    statement = run.question.statement
    known = session.lineage_known(statement)
    facts = copied_facts(session.catalogue, statement, count, form) if known else [_unknown(form)] * count
    may_touch = bool(run.masked) or session.in_doubt
    # Also in a dry run: a COPY makes a file, which outlives the weeks in which answers pass in clear.
    plan = plan_columns(
        facts, session.catalogue.rules, session.redactor, may_touch, session.view(run.decision)
    )
    run.use(plan)
    return CopyRows(form, plan, session.limits.message_bytes)


def shown_copies(session: Session, run: Run, buffer: bytes, start: int, end: int) -> bytes:
    """What of neighbouring CopyData messages may leave now."""
    bodies = []
    while start < end:
        after = start + 1 + int.from_bytes(buffer[start + 1 : start + 5], "big")
        bodies.append(buffer[start + 5 : after])
        start = after
    if run.copying is not None:
        return run.copying.take(b"".join(bodies))
    run.copied_rows += len(bodies)
    run.copied_bytes += sum(map(len, bodies))
    return b"" if run.hide_copy else b"".join(_scanned(session, body) for body in bodies)


def _scanned(session: Session, body: bytes) -> bytes:
    cleaned = session.scan(body.decode("utf-8", "surrogateescape"))
    return message(b"d", cleaned.encode("utf-8", "surrogateescape"))


def copied_facts(catalogue: Catalogue, statement: Statement, count: int, form: CopyForm) -> list[ColumnFacts]:
    """What the column plan is told of each column of a COPY, whose types the database does not say.

    Of a plain column the type is known from the snapshot; any other is text where it is scanned, and
    nothing that a mask could fit into where it is masked.
    """
    outputs = aligned(_spread(catalogue, statement, form), count)
    if outputs is None:
        return [_unknown(form)] * count
    return [_copied(catalogue, output, _code(form)) for output in outputs]


def _code(form: CopyForm) -> int:
    return int(form.format == "binary")


def _unknown(form: CopyForm) -> ColumnFacts:
    return ColumnFacts("", 0, _code(form), type=OPAQUE)


def _copied(catalogue: Catalogue, output: OutputColumn, format: int) -> ColumnFacts:
    plain = _plain(catalogue, output)
    if plain is not None:
        relation, name, number = plain
        oid = catalogue.base_type(relation.types.get(number, 0))
        type, flows = catalogue.types.get(oid), relation.flows.get(name, ())
        if flows and flows != (f"{relation.full_name}.{name}",):
            return ColumnFacts(name, oid, format, sources=flows, type=type)
        return ColumnFacts(name, oid, format, relation.full_name, name, (), type)
    sources = catalogue.flowing(output.sources)
    type = ANY_TEXT if sources == () and format == 0 else OPAQUE
    return ColumnFacts(output.name, 0, format, sources=sources, type=type)


def _plain(catalogue: Catalogue, output: OutputColumn) -> tuple[Relation, str, int] | None:
    """The table, column and attribute number that an output is, if it is one and it is certain which."""
    if not output.direct or len(output.sources) != 1:
        return None
    table, _, name = output.sources[0].rpartition(".")
    named = catalogue.named(table)
    if len(named) != 1 or named[0].is_view:
        return None
    numbers = [number for number, column in named[0].columns.items() if column == name]
    return (named[0], name, numbers[0]) if numbers else None


def _spread(catalogue: Catalogue, statement: Statement, form: CopyForm) -> tuple[OutputColumn, ...] | None:
    """The statement's outputs, with the star of a known table spread into its columns."""
    if statement.outputs is None:
        return None
    spread: list[OutputColumn] = []
    for output in statement.outputs:
        table = output.sources[0].removesuffix(".*") if len(output.sources) == 1 else ""
        named = catalogue.named(table) if output.name == "*" else []
        if len(named) != 1 or named[0].is_view:
            spread.append(output)
            continue
        for _, column in sorted(named[0].columns.items()):
            # COPY of a table leaves generated columns out.
            if not (form.whole_table and column in named[0].generated):
                spread.append(OutputColumn(column, (f"{table}.{column}",), True))
    return tuple(spread)
