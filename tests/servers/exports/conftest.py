"""One server that exports to everything at once, and what receives it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.exporting import SECRET, HttpReceiver, S3Server, SyslogReceiver, closing_all, until
from fixtures.feeding import Feeder, invite_feeder
from fixtures.glasshatch import RunningServer
from glasshatch.api.client import Client
from glasshatch.api.export_values import ExportView
from glasshatch.api.values import SearchForm
from glasshatch.app.tls import create_gateway_certificate
from glasshatch.clock import SystemClock

EVENTS = 1_200


class World:
    """A running server, its receivers, and how much was fed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        tls = folder / "tls"
        tls.mkdir()
        create_gateway_certificate(tls, SystemClock())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls / "gateway.crt", tls / "gateway.key")
        self.http, self.tcp, self.tls = HttpReceiver(), SyslogReceiver(), SyslogReceiver(context)
        self.s3 = S3Server(folder)
        for name, text in (("hook", SECRET.decode()), ("s3", S3Server.SECRET), ("id", S3Server.ACCESS)):
            file = folder / f"{name}.secret"
            file.touch(mode=0o600)
            file.write_text(text)
        self.out = folder / "out"
        self.server = RunningServer(folder, self._sections())
        self.fed: list[str] = []

    def _sections(self) -> str:
        keys = f'access_key = "file:{self.folder}/id.secret"\nsecret_key = "file:{self.folder}/s3.secret"\n'
        to_s3 = f'to = "s3://{S3Server.BUCKET}/%s"\nendpoint = "{self.s3.endpoint}"\n{keys}every = "1s"\n'
        return f"""
[exports.hook]
form = "ocsf"
to = "http://127.0.0.1:{self.http.port}/take?key=a-key-in-the-address"
secret = "file:{self.folder}/hook.secret"
query = "source.kind:json"
[exports.cef]
form = "cef"
to = "syslog+tcp://127.0.0.1:{self.tcp.port}"
[exports.sealed]
form = "jsonl"
to = "syslog+tls://127.0.0.1:{self.tls.port}"
ca = "{self.folder}/tls/gateway.crt"
query = "action:server.*"
[exports.lake]
form = "parquet"
rows = 500
{to_s3 % "lake"}
[exports.lines]
form = "ocsf"
compress = true
{to_s3 % "lines"}
[exports.folder]
form = "jsonl"
to = "file:{self.out}"
every = "1s"
[exports.nobody]
form = "jsonl"
to = "file:{self.folder}/nothing"
roles = ["engineer"]
every = "1s"
"""

    def feed(self, count: int = EVENTS) -> list[str]:
        """Deliver so many events; their ids."""
        first = len(self.fed)
        ids = [f"fed-{number}" for number in range(first, first + count)]
        for start in range(0, count, 400):
            body = b"\n".join(
                json.dumps({"id": one, "action": "order.created", "note": "mail ann@example.org"}).encode()
                for one in ids[start : start + 400]
            )  # fmt: skip
            assert self.feeder.post(body).counts == (len(ids[start : start + 400]), 0, 0)
        self.fed += ids
        return ids

    def start(self) -> None:
        self.server.start()
        self.feeder = Feeder(self.server, invite_feeder(self.server, "ingest:json/shop"))
        self.server.invite("auditor", "auditor")

    def close(self) -> None:
        with closing_all(self.http, self.tcp, self.tls, self.s3):
            self.server.stop()

    def standing(self, name: str) -> ExportView:
        return next(one for one in self.server.admin().list_exports() if one.name == name)

    def auditor(self) -> Client:
        token = (self.folder / "auditor.token").read_text().strip()
        return Client(f"unix:{self.server.home.resolve()}/run/glasshatch.sock", token)

    def found(self, query: str) -> list[dict[str, Any]]:
        """The events that an auditor finds, oldest first."""
        client = self.auditor()
        try:
            events = client.search(SearchForm(query=query, limit=100, oldest_first=True)).events
        finally:
            client.close()
        return [json.loads(bytes(one.event)) for one in events]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("exports"))
    try:
        world.start()
        world.feed()
        yield world
    finally:
        world.close()


__all__ = ["until", "world"]
