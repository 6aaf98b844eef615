"""What every control table is made of: the metadata they share, and the two kinds of column."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str) -> Column[str]:
    """A column of text that is never empty of a value."""
    return Column(name, Text, nullable=False)


def integer(name: str) -> Column[int]:
    """A column of numbers; times are nanoseconds."""
    return Column(name, BigInteger, nullable=False)


def belongs(column: str, table: str) -> ForeignKeyConstraint:
    """The column names a row of the table, of the same tenant."""
    return ForeignKeyConstraint(["tenant", column], [f"{table}.tenant", f"{table}.id"])
