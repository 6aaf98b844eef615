"""Events reach real receivers in every form: all of them, none that may not leave, and the record says so."""

from __future__ import annotations

import gzip
import io
import json
import re

import chdb
import msgspec
import pytest
from pyarrow import dataset

from fixtures.exporting import until
from fixtures.parquet import rows_of
from glasshatch.api.export_values import ExportResetForm
from glasshatch.errors import ConfigError, Denied
from glasshatch.events import ACTIONS

from .conftest import World

MAIL = b"ann@example.org"


def fed_in(world: World, events: list[dict]) -> list[str]:
    return [event["attrs"]["id"] for event in events if event["action"] == "order.created"]


def test_a_webhook_gets_every_event_that_matches_as_ocsf(world: World) -> None:
    until(lambda: len(world.http.events()) >= len(world.fed))
    events = world.http.events()
    assert [event["unmapped"]["attrs"]["id"] for event in events] == world.fed
    assert {event["metadata"]["log_provider"] for event in events} == {"json/shop"}
    head = world.http.bodies[0]
    assert (head["version"], head["kind"], head["form"], head["export"]) == (1, "events", "ocsf", "hook")
    assert world.http.deliveries[0] == f"hook/default/{head['first']}-{head['stop']}"
    assert MAIL not in msgspec.json.encode(world.http.bodies)


def test_cef_goes_over_tcp_in_counted_frames(world: World) -> None:
    until(lambda: world.standing("cef").state == "live")
    until(lambda: sum(b"|order.created|" in one for one in world.tcp.messages) >= len(world.fed))
    header = re.compile(rb"<\d+>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ glasshatch - \S+ - CEF:0\|Glasshatch\|glass")
    assert all(header.match(one) for one in world.tcp.messages)
    places = [re.search(rb"cs3=(\d+)", one) for one in world.tcp.messages]
    numbers = [int(place[1]) for place in places if place]
    assert numbers == list(range(len(numbers))), "in the order of the record, with nothing left out"
    assert not [one for one in world.tcp.messages if MAIL in one or b"\n" in one]


def test_tls_is_checked_and_only_what_was_asked_for_leaves(world: World) -> None:
    until(lambda: world.tls.messages)
    found = [json.loads(one[one.index(b"{") :])["event"]["action"] for one in world.tls.messages]
    assert set(found) <= {name for name in ACTIONS if name.startswith("server.")}


def test_parquet_in_a_bucket_is_read_back_whole(world: World) -> None:
    until(lambda: world.standing("lake").behind == 0)
    lake = dataset.dataset(
        f"{world.s3.BUCKET}/lake", filesystem=world.s3.client(), partitioning="hive", format="parquet"
    )
    rows = rows_of(lake.to_table())
    fed = [json.loads(row["event"])["attrs"]["id"] for row in rows if row["action"] == "order.created"]
    assert sorted(fed) == sorted(world.fed)
    assert sorted(row["index"] for row in rows) == list(range(len(rows)))
    assert {row["ledger"] for row in rows} == {"default"}
    assert len(world.s3.objects("lake")) >= 3, "500 rows a file"


def test_another_engine_counts_the_same(world: World) -> None:
    """ClickHouse reads the bucket by itself."""
    until(lambda: world.standing("lake").behind == 0)
    keys = f"'{world.s3.ACCESS}', '{world.s3.SECRET}'"
    where = f"s3('{world.s3.endpoint}/{world.s3.BUCKET}/lake/*/*/*.parquet', {keys}, 'Parquet')"
    count = chdb.query(f"SELECT count() FROM {where} WHERE action = 'order.created'", "CSV").bytes()
    assert int(count) == len(world.fed)


def test_lines_in_a_bucket_are_compressed_once(world: World) -> None:
    until(lambda: world.standing("lines").behind == 0)
    lines = [
        json.loads(line)
        for path in world.s3.objects("lines")
        for line in gzip.GzipFile(fileobj=io.BytesIO(world.s3.read(path))).read().splitlines()
    ]
    assert len(lines) == world.standing("lines").sent
    assert {line["class_uid"] for line in lines} >= {6003, 6002}


def test_a_folder_has_the_stored_bytes(world: World) -> None:
    until(lambda: world.standing("folder").behind == 0)
    lines = [line for file in world.out.rglob("*.jsonl") for line in file.read_bytes().splitlines()]
    found = {json.loads(line)["index"]: json.loads(line)["event"] for line in lines}
    assert len(found) == len(lines), "no entry is there twice"
    shown = world.server.jsonl("show", "5", person="auditor")[0]
    assert found[5] == shown["event"]
    assert not list(world.out.rglob(".*")), "no half of a file"


def test_who_may_not_export_exports_nothing(world: World) -> None:
    until(lambda: world.standing("nobody").state == "refused")
    assert "role auditor" in world.standing("nobody").error
    assert not (world.folder / "nothing").exists()


def test_what_left_is_in_the_record(world: World) -> None:
    until(lambda: world.found("action:record.exported resource:export/cef"))
    event = world.found("action:record.exported resource:export/cef")[0]
    assert event["actor"]["name"] == "export/cef"
    assert event["data"]["recipient"] == f"syslog+tcp://127.0.0.1:{world.tcp.port}"
    assert event["attrs"]["first"] == 0
    assert event["attrs"]["stop"] - event["attrs"]["first"] >= event["data"]["rows"] > 0


def test_no_secret_is_shown(world: World) -> None:
    shown = world.server.command("exports").stdout + world.server.log.read_text()
    kept = b"".join(file.read_bytes() for file in (world.server.home / "exports").iterdir())
    for secret in ("a-key-in-the-address", "a secret of the two of us", world.s3.SECRET):
        assert secret not in shown
        assert secret.encode() not in kept


def test_an_export_is_set_back_and_only_by_who_may(world: World) -> None:
    until(lambda: world.standing("sealed").behind == 0)
    with pytest.raises(Denied):
        world.auditor().reset_export("sealed", ExportResetForm(to=0))
    count = len(world.tls.messages)
    done = world.server.command("exports", "reset", "sealed", "--to", "0")
    assert done.returncode == 0, done.stderr
    until(lambda: len(world.tls.messages) >= 2 * count)
    assert world.tls.messages[count : 2 * count] == world.tls.messages[:count]
    event = world.found("action:export.reset")[-1]
    assert event["actor"]["name"] == "admin"
    assert event["attrs"]["after"] == 0
    for name, to in (("nosuch", 0), ("sealed", 99_999_999)):
        with pytest.raises(ConfigError):
            world.server.admin().reset_export(name, ExportResetForm(to=to))
    assert world.server.command("exports", "reset", "sealed", "--to", "x").returncode == 2


def test_an_event_that_the_receiver_refuses_is_set_aside_where_everybody_sees_it(world: World) -> None:
    until(lambda: world.standing("hook").behind == 0)
    poison = f"fed-{len(world.fed) + 17}"
    world.http.dislikes = {b'"%b"' % poison.encode()}
    ids = world.feed(40)
    until(lambda: world.standing("hook").set_aside == 1)
    until(lambda: world.standing("hook").behind == 0)
    got = {event["unmapped"]["attrs"]["id"] for event in world.http.events()}
    assert got >= set(ids) - {poison}
    assert poison not in got
    standing = world.standing("hook")
    (aside,) = standing.aside
    assert (standing.state, aside.why) == ("live", "answered 400")
    listed = world.server.command("exports")
    assert f"hook set entry {aside.index} aside: answered 400" in listed.stderr
    until(lambda: world.found("action:export.set_aside"))
    (told,) = world.found("action:export.set_aside")
    assert told["attrs"]["events"] == [{"index": aside.index, "event": aside.event, "why": "answered 400"}]
    # Taken now: whoever mended the receiver sends it again from there.
    world.http.dislikes = set()
    world.server.admin().reset_export("hook", ExportResetForm(to=aside.index))
    until(lambda: poison in {event["unmapped"]["attrs"]["id"] for event in world.http.events()})
