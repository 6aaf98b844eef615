"""The tables of the configuration about exports."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]


class ExportSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Events that leave all the time, behind the record; the table's name is the export's.

    form: how they look. to: where they go: `https://…` (webhook), `syslog+tls://host:port`,
    `syslog+tcp://…`, `syslog+udp://…`, `s3://bucket/prefix` or `file:FOLDER`. query: only events that match,
    in the query language. ledgers: only out of these. roles: with which roles the export looks; it is the
    service `export/NAME`. start: where a new export begins. secret: signs a webhook's deliveries, `env:NAME`
    or `file:PATH`. access_key, secret_key: of S3, the same. endpoint: of S3, unless it is Amazon's.
    region: of S3. ca: PEM file of the certificates to trust, for TLS. certificate: PEM file that is shown to
    a TLS receiver. key: its key, `file:PATH`. every: how often a file is written, at the latest. rows: most
    entries of a file or delivery; 0 for what suits the destination. compress: files of lines with gzip.
    in_clear: let syslog travel over a network without TLS.
    behind: for how long it may be behind before an alert says so.
    """

    form: Literal["ocsf", "cef", "jsonl", "parquet"]
    to: str
    query: str = ""
    ledgers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("auditor",)
    start: Literal["beginning", "now"] = "beginning"
    secret: str = ""
    access_key: str = ""
    secret_key: str = ""
    endpoint: str = ""
    region: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    every: Duration = "5m"
    rows: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    compress: bool = False
    in_clear: bool = False
    behind: Duration = "15m"


SECRETS = ("secret", "access_key", "secret_key", "key")
"""What may only be named by a reference."""
