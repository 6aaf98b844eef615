"""Before any page: who may see it, by which name, from which form; and what a page says to the browser."""

from __future__ import annotations

import re

import pytest

from fixtures.page import Answer
from fixtures.page_world import NAME, REASON, SESSION
from glasshatch.api.page import PageSettings, page_router

from .conftest import PageServer

ROUTES = [
    (method, route.path)
    for route in page_router(PageSettings(lambda: b"k" * 32)).routes
    for method in sorted(route.methods - {"OPTIONS"})
]
OPEN = ("/signin", "/signin/provider", "/signin/provider/back", "/static/{name:str}")
PAGES = (
    "/", "/search", "/search?q=action:page.viewed", "/search?q=(((", "/tail", "/tail?q=)", "/timeline",
    "/timeline?subject=actor:alice", "/timeline?subject=nonsense", "/sessions", "/requests", "/alerts",
    "/nowhere", "/incidents", "/incidents/7", "/events/0", "/events/0?verify=1", "/events/nothing",
    "/sessions/nothing",
)  # fmt: skip


def filled(path: str) -> str:
    return re.sub(r"\{\w+:\w+\}", "1", path)


def is_page(answer: Answer, status: int) -> bool:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return "<!doctype html>" in answer.text


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_sees_anything_but_the_way_in(server: PageServer, method: str, path: str) -> None:
    answer = server.visitor().ask(method, filled(path), {} if method == "POST" else None)
    if path in OPEN:
        assert answer.status in (200, 404, 401)
        return
    assert answer.status == 303
    assert re.fullmatch(r"/signin(\?next=\S+)?", answer.location)
    assert not answer.text


@pytest.mark.parametrize("path", [filled(path) for method, path in ROUTES if method == "POST"])
def test_no_form_is_taken_that_was_not_sent_by_the_visitor_s_own_page(server: PageServer, path: str) -> None:
    if path == "/signin":
        return  # has no visitor yet; see test_signing_in.py
    visitor, other = server.visitor("bob"), server.visitor("bob")
    mine, neighbour = visitor.csrf(), server.api_port + 1
    for form in (
        {},
        {"csrf": ""},
        {"csrf": "x"},
        {"csrf": mine + "x"},
        {"csrf": other.csrf()},
        {"csrf": "\xe9"},
    ):
        assert is_page(visitor.post(path, form), 403)
    for header in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{neighbour}"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        assert is_page(visitor.post(path, {"csrf": mine}, **header), 403)
    assert is_page(visitor.ask("POST", path, b'{"csrf": "x"}', Content_Type="application/json"), 403)
    assert is_page(visitor.ask("POST", path, b"\xff\xfe=%ff", Content_Type="multipart/form-data"), 400)


def test_a_refused_form_changes_nothing(server: PageServer) -> None:
    request_id = server.ask_for("something that must stay as it is")
    visitor = server.visitor("bob")
    csrf = visitor.csrf()
    visitor.post(f"/requests/{request_id}/approve", {"comment": "x"})
    visitor.post(f"/requests/{request_id}/approve", {"csrf": csrf}, Origin="https://evil.example")
    assert visitor.get(f"/requests/{request_id}/approve?csrf={csrf}").status == 405
    assert server.state_of(request_id) == "pending"
    host = f"127.0.0.1:{server.api_port}"
    done = visitor.post(
        f"/requests/{request_id}/approve",
        {"csrf": csrf},
        Origin=f"http://{host}",
        Sec_Fetch_Site="same-origin",
    )
    assert done.status == 303
    assert server.state_of(request_id) == "approved"


@pytest.mark.parametrize("path", ["/", "/signin", "/static/style.css", "/tail/stream", "/events/0"])
def test_a_page_answers_to_no_name_but_its_own(server: PageServer, path: str) -> None:
    visitor = server.visitor("carol")
    port = server.api_port
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "[",
        "",
        "localhost.",
        "x@y",
    ):
        assert is_page(visitor.ask("GET", path, Host=host), 403)
    if path == "/tail/stream":
        return
    for host in (f"localhost:{port}", f"[::1]:{port}", "127.0.0.1", "glass.example", f"GLASS.example:{port}"):
        assert visitor.ask("GET", path, Host=host).status == 200


def test_every_answer_tells_the_browser_to_trust_it_little(server: PageServer) -> None:
    visitor = server.visitor("carol")
    answers = [visitor.get(path) for path in (*PAGES, "/signin", "/static/page.js", "/events/0/proof")]
    answers.append(server.visitor().get("/"))
    answers.append(visitor.post("/alerts/1/acknowledge", {}))
    for answer in answers:
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        static = "immutable" in answer.headers["Cache-Control"]
        assert static or answer.headers["Cache-Control"] == "no-store"


def test_no_page_holds_script_or_style_of_its_own(server: PageServer) -> None:
    place = {"type": "page", "id": REASON, "name": REASON}
    server.feed(
        {
            "action": "page.viewed", "actor": {"type": "human", "id": NAME, "name": NAME}, "resource": place,
            "session_id": SESSION, "message": REASON, "request_id": REASON, "labels": {NAME: REASON},
            "outcome": {"status": "failure", "code": NAME, "reason": REASON},
            "client": {"ip": NAME, "user_agent": REASON}, "data": {"rows": 1, "classes": [NAME]},
        },
    )  # fmt: skip
    server.ask_for(REASON)
    visitor = server.visitor("carol")
    found = visitor.get("/search?q=action:page.viewed")
    event = re.search(r'href="(/events/\d+)"', found.text)
    assert event
    links = [
        link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"]*)"', visitor.get(event[1]).text)
    ]
    hostile = [
        f"/search?q={part}" for part in ("%3Cscript%3E", "%22%3E%3Cimg%20src=x%3E", "%27%22%3E%E2%80%AE")
    ]
    shown = 0
    for path in (
        *PAGES,
        *hostile,
        *links,
        event[1],
        "/timeline?subject=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        text = visitor.get(path).text
        assert not re.search(r"<style|\sstyle\s*=|<iframe|<object|<base|javascript:", text, re.IGNORECASE), (
            path
        )
        assert len(re.findall(r'<script type="module" src="/static/page.js', text)) == text.count(
            "<script"
        ), path
        assert not re.search(r"<[a-z][^<>]*\son[a-z]+\s*=", re.sub(r'"[^"]*"', '""', text), re.IGNORECASE), (
            path
        )
        assert "<img" not in text
        # In the field the visitor's own query stands as it is: that is what would be searched for.
        assert "\u202e" not in re.sub(r'<input[^>]*type="search" value="[^"]*"', "", text), path
        shown += "&lt;script&gt;" in text and "U+202E" in text
    assert shown >= 3


def test_who_gets_lost_is_told_so_by_a_page(server: PageServer) -> None:
    visitor = server.visitor("carol")
    for path in (
        "/nowhere",
        "/events/0/nothing",
        "/a/b/c",
        "/events/a%2Fb",
        "/static/nothing.js",
        "/%00",
        "/static/",
    ):
        answer = visitor.get(path)
        assert is_page(answer, 404)
        assert "Not found" in answer.text
    assert is_page(server.visitor().get("/nowhere"), 404)
    assert "zebra" not in visitor.get("/events/%3Cb%3Ezebra").text
    answer = visitor.post("/search", {})
    assert is_page(answer, 405)
    assert "GET" in answer.headers["Allow"]
    assert is_page(visitor.ask("DELETE", "/"), 405)
    assert is_page(visitor.ask("POST", "/signout", b"csrf=" + b"x" * 100_000), 413)
    assert is_page(visitor.get("/tail/stream?after=soon"), 400)
    for path in ("/v1/nowhere", "/v1/default/nowhere"):
        assert visitor.get(path).headers["Content-Type"] == "application/json"
    assert visitor.ask("POST", "/healthz", {}).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "query",
    ["since=9999999999999999999&until=1", "since=x", "since=%D9%A1%D9%A2", "until=-1", "since=1&until=0",
     "span=1y", "at=1-1", "at=x", "at=999999999999999999-9999", "span=&since=&until=",
     "since=999999999999999999"],
)  # fmt: skip
def test_a_search_takes_any_address_without_a_fault(server: PageServer, query: str) -> None:
    visitor = server.visitor("carol")
    for q in ("", "q=actor:alice&"):
        assert visitor.get(f"/search?{q}{query}").status in (200, 400)
    assert "bug" not in server.log.read_text()


def test_head_is_answered_as_get_is_but_without_the_text(server: PageServer) -> None:
    visitor = server.visitor("carol")
    for path in ("/", "/search", "/sessions", "/nowhere"):
        head, get = visitor.ask("HEAD", path), visitor.get(path)
        assert (head.status, head.text) == (get.status, "")
        assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_files_are_addressed_by_their_content(server: PageServer) -> None:
    visitor = server.visitor()
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', visitor.get("/signin").text):
        answer = visitor.get(path)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.text.encode()) < 32_000
