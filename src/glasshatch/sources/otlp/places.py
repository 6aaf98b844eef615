"""Which attributes of a record have a place of their own in an event, and what they make there. Pure.

Each function takes what it uses out of the attributes that it is given: what is of no use there, such as a
list where a text is meant, is left and stands under `attrs`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from ...events import Actor, Client, Data, Outcome, RawPrincipal, Resource, StatementText
from .origins import OF_KUBERNETES, kubernetes_object, text_of

Attributes = dict[str, Any]

_USERS: Final = ("user.id", "enduser.id", "user.name", "user.email", "enduser.pseudo.id")
_ROLES: Final = ("user.roles", "enduser.role")
_CLIENTS: Final = ("client.address", "source.address", "net.peer.ip", "http.client_ip")
_AGENTS: Final = ("user_agent.original", "http.user_agent")
_REQUESTS: Final = ("glasshatch.request_id", "http.request.id", "request.id", "faas.invocation_id")
_SYSTEMS: Final = ("db.system.name", "db.system")
_DATABASES: Final = ("db.namespace", "db.name")
_TABLES: Final = ("db.collection.name", "db.sql.table")
_TEXTS: Final = ("db.query.text", "db.statement")
_STATUSES: Final = ("http.response.status_code", "http.status_code", "rpc.grpc.status_code")
_OURS: Final = {
    part: tuple(f"glasshatch.{part}.{name}" for name in names.split())
    for part, names in (
        ("actor", "id name type on_behalf_of"), ("resource", "type id name env"),
        ("outcome", "status code reason"),
    )
}  # fmt: skip
"""Our own namespace, by which an application says more than the conventions have a name for."""

_PLACED: Final = {
    name: place
    for place, names in {
        "actor": (*_USERS, *_ROLES, "gen_ai.agent.id", "gen_ai.agent.name", *_OURS["actor"]),
        "client": (*_CLIENTS, *_AGENTS, "client.port", "source.port", "geo.country.iso_code"),
        "outcome": (*_STATUSES, "error.type", "exception.type", "db.response.status_code", *_OURS["outcome"]),
        "request": _REQUESTS, "session": ("session.id",), "data": ("db.response.returned_rows",),
        "reached": (
            *_SYSTEMS, *_DATABASES, *_TABLES, *_TEXTS, *OF_KUBERNETES, "server.address", "server.port",
            *_OURS["resource"],
        ),
        "record": ("log.record.uid", "event.name"),
    }.items()
    for name in names
}  # fmt: skip
"""By attribute, which part of an event it is for; `record` is for the parser itself."""

_GROUPS: Final = (
    "http.request.header.", "http.response.header.", "rpc.grpc.request.metadata.",
    "rpc.grpc.response.metadata.", "rpc.request.metadata.", "rpc.response.metadata.",
    "db.query.parameter.",
)  # fmt: skip
OF_STATEMENTS: Final = "db.query.parameter"
_SPEAK_SQL: Final = frozenset(
    "postgresql mysql mariadb sqlite mssql microsoft.sql_server oracle oracle.db db2 ibm.db2 ibm.netezza"
    " cockroachdb clickhouse trino hive derby h2database hsqldb firebirdsql teradata vertica redshift"
    " aws.redshift spanner gcp.spanner sap.hana hanadb sybase other_sql".split()
)
_TYPES: Final = frozenset(("human", "service", "agent", "unknown"))
_ENDS: Final = frozenset(("success", "failure", "unknown"))
_LONGEST_ADDRESS: Final = 64


def place_of(name: str) -> str:
    """For which part of an event an attribute is; empty for one that stays as it is."""
    found = _places.get(name)
    if found is None:
        if len(_places) >= _MOST_PLACES:
            _places.clear()
            _places.update(_PLACED)
        found = _places[name] = "group" if name.startswith(_GROUPS) else ""
    return found


_MOST_PLACES: Final = 16_384
_places = dict(_PLACED)
"""What is known of names; entries come and go whole, so several threads may use it."""


def group(name: str) -> tuple[str, str]:
    """The attribute's name in two, as `http.request.header` and the header's own name."""
    begin = next(one for one in _GROUPS if name.startswith(one))
    return begin[:-1], name[len(begin) :]


def parts_of(found: dict[str, Attributes], kubernetes: Resource | None, env: str) -> dict[str, Any]:
    """The members of an event that attributes make, besides action and severity.

    Args:
        found: The attributes by the part that they are for.
        kubernetes: The object in which the record arose; reached is what the record itself names.
    """
    parts: dict[str, Any] = {}
    for place, given in found.items():
        if place in _MAKERS and (made := _MAKERS[place](given)):
            parts[_MEMBERS[place]] = made
    reached = None
    if "reached" in found:
        if (statement := _statement(found["reached"])) is not None:
            parts["statement"] = statement
        reached = _reached(found["reached"], env)
    if reached is not None:
        parts["resource"] = reached
        if kubernetes is not None:
            parts["resources"] = (kubernetes,)
    elif kubernetes is not None:
        parts["resource"] = kubernetes
    return parts


def _actor(given: Attributes) -> Actor | None:
    """The user; or the agent that acts for one; or whom our own attributes name."""
    # Most have one attribute, and to ask for all that is not there would take longer than the rest.
    id = _taken(given, "glasshatch.actor.id")
    user = _first(given, _USERS)
    agent = _taken(given, "gen_ai.agent.id") or _taken(given, "gen_ai.agent.name")
    if not (id or user or agent):
        return None
    who = id or agent or user
    if not given:
        return _actor_of(
            who, "agent" if agent and not id else "unknown", who, user if who != user else "", user or who
        )
    kind = _taken(given, "glasshatch.actor.type") or ("agent" if agent and not id else "unknown")
    name = _taken(given, "glasshatch.actor.name") or _taken(
        given, "gen_ai.agent.name" if agent else "user.name"
    )
    behind = _taken(given, "glasshatch.actor.on_behalf_of") or (user if id or agent else "")
    made = _actor_of(
        who, kind if kind in _TYPES else "unknown", name or who, behind if behind != who else "", user or who
    )
    roles = _roles(given)
    return msgspec.structs.replace(made, roles=roles) if roles else made


@lru_cache(maxsize=4_096)
def _actor_of(id: str, kind: Any, name: str, behind: str, principal: str) -> Actor:
    return Actor(
        id=id, type=kind, name=name, on_behalf_of=behind,
        raw=RawPrincipal(namespace="otlp", principal=principal),
    )  # fmt: skip


def _roles(given: Attributes) -> tuple[str, ...]:
    for name in _ROLES:
        found = given.get(name)
        if isinstance(found, list) and found and all(isinstance(one, str) for one in found):
            return tuple(given.pop(name))
        if role := text_of(given, name):
            return tuple(part for one in role.split(",") if (part := one.strip()))
    return ()


def _client(given: Attributes) -> Client | None:
    """An address that is one; a name stands as the device."""
    address, agent = _first(given, _CLIENTS), _first(given, _AGENTS)
    if not (address or agent):
        return None
    is_address = len(address) <= _LONGEST_ADDRESS and _is_address(address)
    return Client(
        ip=address if is_address else "", device="" if is_address else address,
        port=_number(given, "client.port", 65_535) or _number(given, "source.port", 65_535),
        geo=text_of(given, "geo.country.iso_code"), user_agent=agent,
    )  # fmt: skip


@lru_cache(maxsize=8_192)
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _outcome(given: Attributes) -> Outcome | None:
    """How it ended, by what says it most plainly."""
    status = given.get("glasshatch.outcome.status")
    reason = text_of(given, "glasshatch.outcome.reason")
    error = text_of(given, "error.type") or text_of(given, "exception.type")
    code = text_of(given, "glasshatch.outcome.code") or text_of(given, "db.response.status_code")
    answer = next((name for name in _STATUSES if name in given), "")
    number = text_of(given, answer) if answer else ""
    if isinstance(status, str) and status in _ENDS:
        del given["glasshatch.outcome.status"]
        return Outcome(status=status, code=code or number or error, reason=reason)  # type: ignore[arg-type]
    if error or code:
        return Outcome(status="failure" if error else "unknown", code=code or number or error, reason=reason)
    if number:
        failed = number != "0" if answer.startswith("rpc.") else number[:1] in "45"
        return Outcome(status="failure" if failed else "success", code=number, reason=reason)
    return Outcome(reason=reason) if reason else None


def _data(given: Attributes) -> Data | None:
    rows = _number(given, "db.response.returned_rows", 2**53 - 1)
    return Data(rows=rows) if rows else None


def _statement(given: Attributes) -> StatementText | None:
    """A statement, where it is SQL; the intake takes what is personal out of it by what it means.

    A command of another language stands under `attrs`, scanned as any text is.
    """
    if not any(name in given for name in _TEXTS):
        return None
    system = next((given[name] for name in _SYSTEMS if name in given), "")
    if isinstance(system, str) and system not in _SPEAK_SQL and system:
        return None
    text = _first(given, _TEXTS)
    return StatementText(text=text) if text else None


_MAKERS: Final[dict[str, Callable[[Attributes], Any]]] = {
    "actor": _actor, "client": _client, "outcome": _outcome, "data": _data,
    "session": lambda given: text_of(given, "session.id"), "request": lambda given: _first(given, _REQUESTS),
}  # fmt: skip
_MEMBERS: Final = {
    "actor": "actor", "client": "client", "outcome": "outcome", "data": "data", "session": "session_id",
    "request": "request_id",
}  # fmt: skip


def _reached(given: Attributes, env: str) -> Resource | None:
    """What was reached: as our own attributes say, a database, a server, or an object in a cluster."""
    kind, id = _taken(given, "glasshatch.resource.type"), _taken(given, "glasshatch.resource.id")
    if kind or id:
        name = _taken(given, "glasshatch.resource.name")
        env = _taken(given, "glasshatch.resource.env") or env
        return Resource(type=kind or "thing", id=id or f"{kind}/{name}", name=name or id, env=env)
    host, port = _taken(given, "server.address"), _number(given, "server.port", 65_535)
    where = f"{host}:{port}" if host and port else host
    system = _first(given, _SYSTEMS)
    if system:
        base, table = _first(given, _DATABASES), _first(given, _TABLES)
        id = "/".join(filter(None, (system, where, base, table)))
        return _resource_of(system, id, table or base or where or system, env)
    if where:
        return _resource_of("server", f"server/{where}", host, env)
    return kubernetes_object(given, env)


@lru_cache(maxsize=4_096)
def _resource_of(kind: str, id: str, name: str, env: str) -> Resource:
    return Resource(type=kind, id=id, name=name, env=env)


def _taken(given: Attributes, name: str) -> str:
    return text_of(given, name) if name in given else ""


def _first(given: Attributes, names: tuple[str, ...]) -> str:
    """The first of several names that holds a text; the others stay."""
    for name in names:
        if name in given and (text := text_of(given, name)):
            return text
    return ""


def _number(given: Attributes, name: str, most: int) -> int:
    found = given.get(name)
    if found is None or isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= most:
        return 0
    del given[name]
    return found
