"""psql: the address in the environment, the token in a passfile that lives in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import quote

from ...api.reach_values import WayIn
from .port import LocalClient, Prepared, private_file


def _prepare(way: WayIn, arguments: Sequence[str], stack: ExitStack) -> Prepared:
    # Without what another connection left there: a stray PGSERVICE or PGHOSTADDR would lead elsewhere.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GLASSHATCH"))}
    # The line names one server, one database and one user, so no other server is ever offered the token.
    line = ":".join(_escaped(part) for part in (way.host, str(way.port), way.database, way.user, way.token))
    passfile, descriptors = private_file("passfile", line + "\n", stack)
    place = {
        "PGHOST": way.host, "PGPORT": str(way.port), "PGDATABASE": way.database, "PGUSER": way.user,
        "PGPASSFILE": passfile, "PGSSLMODE": _mode(way), "PGAPPNAME": "glasshatch connect",
    }  # fmt: skip
    if way.tls_ca:
        root, more = private_file("root.crt", way.tls_ca, stack)
        place["PGSSLROOTCERT"] = root
        descriptors += more
    wanted = {name: os.environ[name] for name in ("PGCLIENTENCODING", "PGOPTIONS") if name in os.environ}
    return Prepared(("psql", *arguments), kept | wanted | place, descriptors)


def _mode(way: WayIn) -> str:
    """The strictest check that this certificate allows; without TLS the gateway takes loopback only."""
    if not way.tls:
        return "disable"
    if not way.tls_ca:
        return "require"
    return "verify-full" if way.host in way.tls_names else "verify-ca"


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace(":", "\\:")


def _url(way: WayIn) -> str:
    user, token, name = (quote(part, safe="") for part in (way.user, way.token, way.database))
    host = f"[{way.host}]" if ":" in way.host else way.host
    # The root's file is gone when the tool reads this, so no more than encryption can be asked for here.
    return (
        f"postgresql://{user}:{token}@{host}:{way.port}/{name}?sslmode={'require' if way.tls else 'disable'}"
    )


CLIENT = LocalClient("psql", "apt install postgresql-client, or brew install libpq", _prepare, _url)
