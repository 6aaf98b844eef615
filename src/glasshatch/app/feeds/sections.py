"""The tables of the configuration about feeds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]
FeedName = Annotated[str, msgspec.Meta(pattern=r"^[^/\[\]\s]{1,60}/[^\[\]\s]{1,200}$")]


class SourcesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """mappings: files, relative to this one, that each make another system's JSON a kind of source."""

    mappings: tuple[str, ...] = ()


class FeedSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is expected of a feed; the table's name is `kind/name`, as in `kubernetes/prod` or `json/*`.

    silent: for how long nothing may come before an alert says so, as in `15m`, or never; by default ten times
    what is usual for the feed, and an hour at least. webhook_within: of a feed that comes as a log and by
    webhook: how long after the log the webhook may bring an event before it is told to be missing.
    """

    silent: Literal["", "never"] | Duration = ""
    webhook_within: Literal[""] | Duration = ""


class ReceiverSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A way in besides HTTP, for a kind of source that has one (`glasshatch sources kinds`).

    source: the feed as `kind/name`, as in `syslog/office`. protocol: one of the kind's, as in `udp`. listen:
    its address, `host:port`. allow: addresses and networks that may send; by default this machine only, and
    whoever shows a certificate or token where such are asked for. tls_certificate, tls_key: PEM files, for a
    protocol with TLS. tls_client_ca: a PEM file of authorities, one of whose certificates senders must show.
    options: as deliveries of this kind have them.
    """

    source: FeedName
    protocol: str
    listen: str
    allow: tuple[str, ...] = ()
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    options: dict[str, str] = {}
