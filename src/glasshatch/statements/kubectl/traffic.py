"""Ways in and out of a cluster: files copied, ports forwarded."""

from __future__ import annotations

import re

from ..shell import files, paths
from ..shell.call import Call, operands
from ..shell.expand import Argument
from ..words import words
from .options import VALUED


def copy(call: Call) -> None:
    """Out of a container, a log or a heap dump is a look; into one, it is a change of what runs."""
    places = operands(_before_command(call), VALUED)
    if files.is_fetch([_without_namespace(place) for place in places], recursive=False):
        call.note("read")
        files.written(call.findings, places[-1], truncated=False)
        return
    call.note("read", "server_file")
    if len(places) > 1 and ":" in places[1].text.split("/")[-1] + places[1].text:
        call.note("update", "untrusted_code")
    elif len(places) > 1:
        files.written(call.findings, places[1], truncated=False)
    if any(paths.holds_credentials(Argument(place.text.rpartition(":")[2])) for place in places):
        call.note("read", "credential_read")


def _before_command(call: Call) -> list[Argument]:
    return call.args[: call.texts.index("--")] if "--" in call.texts else call.args


def _without_namespace(place: Argument) -> Argument:
    """`namespace/pod:path` as `pod:path`."""
    return place._replace(text=re.sub(r"^[\w.-]+/(?=[\w.-]+:)", "", place.text))


# Where databases, caches, queues, and the cluster itself listen.
_STORES = words(
    """
    1433 1521 2379 2380 3306 3307 4222 5432 5433 5672 6379 6380 6432 6443 7000 7687 8086 8123 9042 9092
    9200 9300 10250 11211 15672 16379 26257 26379 27017 27018 33060 50000
"""
)
_STORE_NAMES = re.compile(
    r"postgres|pgsql|pgbouncer|mysql|maria|redis|mongo|elastic|kafka|rabbit|cassandra|etcd|memcache|"
    r"clickhouse|vault|mssql|oracle|neo4j|influx|(?:^|[-/])(?:db|database|sql|cache)(?:$|[-/])"
)


def forward(call: Call) -> None:
    """A web service on this machine's own address is a look; a store would be read past the record."""
    address = call.value("--address")
    places = [place.text for place in operands(call.args, VALUED)]
    ports = {part for place in places[1:] for part in place.split(":") if part}
    if (
        len(places) > 1
        and all(port.isdigit() for port in ports)
        and not ports & _STORES
        and not _STORE_NAMES.search(places[0].lower())
        and (address is None or address.text in ("localhost", "127.0.0.1", "::1"))
    ) or (
        len(places) > 1
        and all(re.fullmatch(r"\d*:?(?:http|https|web|metrics|ui)", place) for place in places[1:])
    ):
        call.note("run")
    else:
        tunnel(call)


def tunnel(call: Call) -> None:
    """proxy, and the like: a way into the cluster past the gateway."""
    call.note("run", "network")


def note_carried(call: Call, inner: list[Argument]) -> None:
    """`exec … -- tar cf - /data`: what is carried out that `cp` might not take."""
    texts = [arg.text for arg in inner]
    packs = texts[0] == "tar" and any(re.fullmatch(r"-?[a-z]*c[a-z]*", text) for text in texts[1:2])
    shows = texts[0] in ("cat", "base64", "gzip", "xxd", "dd")
    taken = [arg for arg in inner[1:] if "/" in arg.text or "." in arg.text[1:]]
    for arg in taken:
        path = arg.text.removeprefix("if=")
        if (packs and not paths.may_be_fetched(path, recursive=True)) or (shows and paths.holds_rows(path)):
            call.note("read", "bulk_read")
