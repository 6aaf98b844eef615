"""The tables of an investigation: other names of actors, incidents with their entries, kept searches."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint

from .tables import belongs, integer, metadata, text

aliases = Table(
    "aliases",
    metadata,
    text("tenant"),
    text("id"),
    text("namespace"),
    text("principal"),
    # The name of the one feed in which it holds; empty for all.
    text("feed"),
    text("actor_id"),
    text("asserted"),
    text("reason"),
    # Holds from the one until before the other; 0 for from ever and for good.
    integer("since_ns"),
    integer("until_ns"),
    text("created_by"),
    integer("created_ns"),
    text("ended_by"),
    text("ended_why"),
    integer("changed_ns"),
    integer("version"),
    text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    belongs("actor_id", "actors"),
    Index(None, "tenant", "namespace", "principal"),
)

incidents = Table(
    "incidents",
    metadata,
    text("tenant"),
    text("id"),
    # Counts from 1 in each tenant: what people call it by.
    integer("number"),
    text("title"),
    integer("severity"),
    text("status"),
    text("assignee"),
    text("tags"),
    text("alert"),
    text("subjects"),
    # The questions as they were when it was opened: a template may change later.
    text("runbook"),
    text("questions"),
    # How many entries there are: one that is taken away from its incident is then missed.
    integer("entries"),
    text("created_by"),
    integer("created_ns"),
    integer("changed_ns"),
    integer("version"),
    text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "number"),
    Index(None, "tenant", "status"),
)

searches = Table(
    "searches",
    metadata,
    text("tenant"),
    text("id"),
    text("name"),
    # Without personal literals but those that stand in clear in the record: who acted, and on what.
    text("query"),
    text("note"),
    # Not bound to an actor's row: who works on a stopped directory is an account of the machine.
    text("owner_id"),
    integer("shared"),
    integer("created_ns"),
    integer("changed_ns"),
    integer("version"),
    text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "owner_id", "name"),
)

incident_entries = Table(
    "incident_entries",
    metadata,
    text("tenant"),
    text("id"),
    text("incident_id"),
    # note, pin, answer, or status
    text("kind"),
    # A pin's event, an answer's question, the status before.
    text("about"),
    # Where a pinned event lies in the record, NAME/INDEX; of a status, why.
    text("place"),
    text("text"),
    text("by"),
    text("by_name"),
    integer("created_ns"),
    integer("version"),
    text("mac"),
    PrimaryKeyConstraint("tenant", "id"),
    belongs("incident_id", "incidents"),
    Index(None, "tenant", "incident_id"),
)
