"""Where the index is kept: in chDB beside the ledger, or on a ClickHouse server."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


def _no_password() -> str:
    return ""


class Place(msgspec.Struct, frozen=True):
    """By default embedded, in the index's own directory.

    Attributes:
        url: `https://host[:port]` of a server; empty for embedded. `chdb:///PATH` is the server's client
            over an embedded database, as the conformance tests use it.
        database, user: On the server. `password` reads the secret when it is needed.
        tls_ca: A PEM file with the authority that signed the server's certificate; empty for the usual ones.
        cluster: Its name in the server's configuration; tables are then replicated on all of its hosts.
        memory_mib: What questions may take together; embedded, all that the database does.
    """

    url: str = ""
    database: str = "glasshatch"
    user: str = "glasshatch"
    password: Callable[[], str] = _no_password
    tls_ca: str = ""
    cluster: str = ""
    memory_mib: int = 2_048
