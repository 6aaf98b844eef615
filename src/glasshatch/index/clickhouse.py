"""A ClickHouse server or cluster through its own client, over HTTP; tests ask the same client for chDB."""

from __future__ import annotations

import io
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import Unavailable
from .arrow import pa
from .engine import EVERY_MONTH, Parameter, code_of, failed, limits, rows_of
from .place import Place
from .pool import Readers

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 60
_REFUSED = {192, 193, 194, 516}
_FORBIDDEN = 497
_NO_DATABASE = 81


class ClickHouse:
    """One database on a server. Requests stand alone, so a server that comes back is simply used again."""

    def __init__(self, place: Place) -> None:
        """Reach the server.

        Raises:
            Unavailable: It does not answer, or it refuses the user; the cure is named.
            ConfigError: The password's reference leads nowhere.
        """
        connect = _connecting(place)
        self._limits = limits(place.memory_mib)
        try:
            self._writer = connect()
            self._readers = Readers(connect, renewed=place.url.startswith("chdb:"))
        except Exception as error:
            raise _told("reached", error) from None
        self._closed = False

    def run(self, sql: str) -> None:
        """A statement of our own that answers nothing."""
        try:
            self._writer.command(sql)
        except Exception as error:
            raise _told("changed", error) from None

    def insert(self, table: str, found: pa.Table, token: str) -> None:
        """All rows of an Arrow table; the same token again changes nothing."""
        data = io.BytesIO()
        with pa.ipc.new_stream(data, found.schema) as stream:
            stream.write_table(found)
        name, _, value = EVERY_MONTH.partition(" = ")
        settings = {name: value, "insert_deduplication_token": token, "insert_deduplicate": 1}
        try:
            self._writer.raw_insert(
                table, found.column_names, data.getvalue(), settings=settings, fmt="ArrowStream"
            )
        except Exception as error:
            raise _told("changed", error) from None

    def select(self, sql: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query with bound parameters."""
        with self._readers.one() as client:
            try:
                answer = client.query_arrow(
                    f"{sql} SETTINGS {self._limits}", parameters=dict(parameters or {})
                )
            except Exception as error:
                raise _told("searched", error) from None
        return rows_of(answer)

    def close(self) -> None:
        """Let the server go, after the questions that run."""
        if not self._closed:
            self._closed = True
            self._readers.close()
            self._writer.close()


def _connecting(place: Place) -> Callable[[], Any]:
    # Only here: whoever has chDB never loads it.
    from clickhouse_connect import get_client

    if place.url.startswith("chdb://"):
        path = place.url.removeprefix("chdb://")
        return lambda: get_client(interface="chdb", path=path, show_clickhouse_errors=False)
    url = urllib.parse.urlsplit(place.url)
    secure = url.scheme == "https"
    password = place.password()
    return lambda: get_client(
        interface=url.scheme, host=url.hostname, port=url.port or (8443 if secure else 8123),
        username=place.user, password=password, database=place.database, secure=secure, verify=True,
        ca_cert=place.tls_ca or None, connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=_ANSWER_SECONDS, compress="lz4", show_clickhouse_errors=False,
        autogenerate_session_id=False, client_name="glasshatch",
        # Values travel in the body: an address ends up in the logs of proxies.
        form_encode_query_params=True,
    )  # fmt: skip


def _told(what: str, error: Exception) -> Unavailable:
    if isinstance(error, Unavailable):
        return error
    code = code_of(error)
    if code in _REFUSED:
        return Unavailable(
            f"the index's server refuses the user (ClickHouse error {code})",
            hint="see index.user and index.password of the configuration",
        )
    if code == _FORBIDDEN:
        return Unavailable(
            "the index's server does not let the user do that",
            hint="glasshatch index ddl prints what to grant",
        )
    if code == _NO_DATABASE:
        return Unavailable(
            "the index's server has no such database", hint="glasshatch index ddl prints how to create it"
        )
    if not code:
        return Unavailable(
            "the index's server cannot be reached", hint="see index.url; what is recorded waits for it"
        )
    return failed(what, error)
