"""What a database says of its tables, read for one errand: which columns are masked, what names stand for."""

from __future__ import annotations

from ...errors import Unavailable
from ...policy import Decision
from ...statements import Statement
from ..connectors.postgres.catalogue import Catalogue
from ..connectors.postgres.catalogue_queries import QUERIES
from ..connectors.postgres.refusals import house_rule
from ..core import GuardedResource
from .upstream import Upstream


def read_catalogue(upstream: Upstream, resource: GuardedResource) -> Catalogue:
    """The catalogue as sessions of this resource read it.

    Raises:
        Unavailable: The database does not show it.
    """
    answer = upstream.query(";".join(QUERIES))
    if answer.error or len(answer.results) != len(QUERIES):
        why = (
            "a table is locked by somebody else"
            if answer.error == "55P03"
            else f"SQLSTATE {answer.error[:5]}"
        )
        raise Unavailable(f"the database's catalogue could not be read: {why}", hint="try again later")
    return Catalogue.read([list(rows) for rows in answer.results], resource.rules, resource.may_mask)


def house_rule_of(catalogue: Catalogue, statement: Statement, masked: tuple[str, ...]) -> Decision | None:
    """What no policy lets through, as in a session; None if nothing speaks against it."""
    return house_rule(
        statement,
        masked,
        harmless_set=False,
        carries_out=catalogue.carries_out(statement),
        copy_masked=False,
    )


def literal(text: str) -> str:
    """A string constant that reads the same whatever the session's settings are."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'" if "\\" in text else f"'{escaped}'"


def literals(texts: tuple[str, ...]) -> str:
    """An array of strings."""
    return f"ARRAY[{', '.join(map(literal, texts))}]::text[]"
