"""Every read through the page stands in the record under the reader's name, before they see it."""

from __future__ import annotations

import pytest

from fixtures.page import Visitor

from .conftest import PageServer

READS = {
    "/": {"histogram", "search", "alerts", "sessions"},
    "/search?q=actor:rita&span=all": {"search"},
    "/search?at=1900000000000000000-1": {"search"},
    "/tail": {"search"},
    "/timeline?subject=actor:alice": {"timeline"},
    "/sessions": {"sessions"},
    "/sessions/unknown": {"timeline"},
    "/alerts": {"alerts"},
    "/incidents": {"incidents"},
    "/incidents/nothing": set(),
    "/events/0": {"event"},
    "/events/0?verify=1": {"event", "proof"},
    "/events/0/proof": {"event", "proof"},
}


@pytest.fixture(scope="module")
def reader(server: PageServer) -> Visitor:
    server.add("rita", "auditor")
    return server.visitor("rita")


def test_suggestions_are_values_that_the_reader_may_see_and_recorded(
    server: PageServer, reader: Visitor
) -> None:
    before = len(server.reads_of("rita"))
    answer = reader.get("/search/complete?q=source.kind:glass+AND+x&caret=17")
    assert '"text":"glasshatch"' in answer.text
    assert server.reads_of("rita")[before:] == ["complete"]
    assert reader.ask("GET", "/search/complete?q=x&caret=a").status == 400
    assert reader.get("/search/complete?q=%22((&caret=9999").status == 200


def test_a_page_of_a_search_is_one_read(server: PageServer, reader: Visitor) -> None:
    before = len(server.reads_of("rita"))
    assert reader.get("/search?q=action:record.*&span=all").status == 200
    assert server.reads_of("rita")[before:] == ["search"]
    newest = server.found("actor:rita attrs.what:search exists(attrs.filter.beside)")
    assert newest[-1]["attrs"]["filter"]["beside"].startswith("histogram,action,")


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_records_what_it_shows(server: PageServer, reader: Visitor, method: str, path: str) -> None:
    before = len(server.reads_of("rita"))
    assert reader.ask(method, path).status in (200, 404)
    assert set(server.reads_of("rita")[before:]) == READS[path]


def test_a_live_view_is_recorded_when_it_begins(server: PageServer, reader: Visitor) -> None:
    before = len(server.reads_of("rita"))
    stream = reader.stream("/tail/stream?q=action:nothing.at.all&after=1")
    assert stream.status == 200
    assert stream.readline() == b": here\n"
    server.wait_until(lambda: server.reads_of("rita")[before:] == ["tail", "search"])
    stream.close()


def test_what_was_looked_for_stands_there_too(server: PageServer, reader: Visitor) -> None:
    reader.get("/search?q=action:needle.found")
    found = server.found("actor:rita action:record.read")
    queries = [event["attrs"]["filter"].get("query", "") for event in found]
    assert "action:needle.found" in queries
