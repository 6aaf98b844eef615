"""Signing in: what the cookie is worth, how guessing goes, and what ends a visit."""

from __future__ import annotations

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures.page import Answer
from fixtures.timing import soonest

from .conftest import PageServer


def attributes(answer: Answer) -> tuple[str, set[str]]:
    (cookie,) = answer.cookies
    pair, *rest = cookie.split("; ")
    return pair, {one.lower() for one in rest}


def test_the_cookie_is_for_this_site_and_not_for_script(server: PageServer) -> None:
    answer = server.visitor().post("/signin", {"token": server.tokens["carol"]})
    pair, rest = attributes(answer)
    assert answer.status == 303
    assert pair.startswith("glasshatch=")
    assert {"httponly", "samesite=strict", "path=/", "max-age=28800"} <= rest
    assert "secure" not in rest


def test_over_https_the_cookie_is_this_host_s_alone(server: PageServer) -> None:
    visitor = server.visitor()
    answer = visitor.post("/signin", {"token": server.tokens["carol"]}, X_Forwarded_Proto="https")
    pair, rest = attributes(answer)
    assert pair.startswith("__Host-glasshatch=")
    assert "secure" in rest
    assert visitor.get("/sessions", X_Forwarded_Proto="https").status == 200
    # The same cookie without its prefix, as a neighbour on plain http could plant it.
    visitor.cookie = visitor.cookie.removeprefix("__Host-")
    assert visitor.get("/sessions", X_Forwarded_Proto="https").status == 303


def test_the_cookie_says_nothing(server: PageServer) -> None:
    token = server.tokens["carol"]
    value = server.visitor("carol").cookie.partition("=")[2].strip('"')
    raw = base64.urlsafe_b64decode(value)
    for part in token.split("_")[1:]:  # behind the gh_ that all begin with
        assert part not in value
        assert part.encode() not in raw


def test_an_altered_cookie_opens_nothing(server: PageServer) -> None:
    visitor = server.visitor("carol")
    whole = visitor.cookie
    name, _, value = whole.partition("=")
    raw = bytearray(base64.urlsafe_b64decode(value.strip('"')))
    for place in (0, 5, 12, len(raw) // 2, len(raw) - 1):
        changed = raw.copy()
        changed[place] ^= 1
        visitor.cookie = f"{name}={base64.urlsafe_b64encode(changed).decode()}"
        assert visitor.get("/sessions").location.startswith("/signin")
    for odd in ("", "x", "===", "\xe9", "A" * 5_000):
        visitor.cookie = f"{name}={odd}"
        assert visitor.get("/sessions").location.startswith("/signin")
    visitor.cookie = whole
    assert visitor.get("/sessions").status == 200


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "/\n/evil.example",
        "/\r\n/evil.example", "\\\\evil.example", "javascript:alert(1)", "", " /tail", "/ /x", "/%0d%0aX\n",
        "/a\\b", "/\u2215/evil.example",
    ],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(server: PageServer, wanted: str) -> None:
    answer = server.visitor().post("/signin", {"token": server.tokens["carol"], "next": wanted})
    assert (answer.status, answer.location) == (303, "/")


def test_signing_in_leads_on_to_where_one_wanted_to_go(server: PageServer) -> None:
    visitor = server.visitor()
    path = "/search?q=actor%3Aalice+%22a+b%22&span=7d"
    sent = visitor.get(path)
    assert sent.status == 303
    shown = visitor.get(sent.location)
    assert shown.status == 200
    assert f'name="next" value="{path.replace("&", "&amp;")}"' in shown.text
    answer = visitor.post("/signin", {"token": server.tokens["carol"], "next": path})
    assert answer.location == path


@pytest.mark.parametrize(
    "header",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_nobody_is_signed_in_by_another_site(server: PageServer, header: dict[str, str]) -> None:
    answer = server.visitor().post("/signin", {"token": server.tokens["carol"]}, **header)
    assert answer.status == 403
    assert not answer.cookies


def test_a_wrong_token_is_told_slowly_and_always_the_same(server: PageServer) -> None:
    token = server.tokens["carol"]
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    unknown = "gh_" + "a" * 16 + "_" + "a" * 52
    feeder = server.tokens["feeder"]
    told = set()
    for given in (wrong, unknown, "not a token", "", feeder, "\x00" * 10, "\u20ac\n", "x" * 60_000):
        begun_s = time.monotonic()
        answer = server.visitor().post("/signin", {"token": given})
        assert time.monotonic() - begun_s >= 0.95
        assert answer.status == 401
        assert not answer.cookies
        assert not given.strip("\x00") or given not in answer.text
        told.add(answer.text)
    assert len(told) == 1


def test_guessers_wait_for_one_another_and_nobody_else_for_them(server: PageServer) -> None:
    at_work = server.visitor("carol")
    started = threading.Event()

    def guess(number: int) -> int:
        started.set()
        return server.visitor().post("/signin", {"token": f"guess {number}"}).status

    def work(_: int) -> None:
        assert at_work.get("/timeline").status == 200

    begun_s = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        guesses = [pool.submit(guess, number) for number in range(40)]
        assert started.wait(60)
        soonest(work, within_s=3)
        statuses = [one.result() for one in guesses]
    took_s = time.monotonic() - begun_s
    assert set(statuses) == {401, 429}
    # Four at a time, each for a second.
    assert statuses.count(401) <= 4 * (took_s + 1)
    assert statuses.count(429) >= 10
    assert server.visitor("carol").get("/").status == 200


def test_signing_out_ends_every_copy_of_the_cookie(server: PageServer) -> None:
    visitor = server.visitor("carol")
    copy = server.visitor()
    copy.cookie = visitor.cookie
    other = server.visitor("carol")
    assert copy.get("/sessions").status == 200
    assert visitor.post("/signout", {"csrf": visitor.csrf()}).location == "/signin"
    assert visitor.cookie == ""
    assert copy.get("/sessions").location.startswith("/signin")
    assert other.get("/sessions").status == 200


def test_a_revoked_token_ends_the_visit_at_the_next_click(server: PageServer) -> None:
    token_id = server.issue("carol", "carol for a moment")
    visitor = server.visitor("carol for a moment")
    csrf = visitor.csrf()
    with server.client() as admin:
        admin.revoke_token(token_id)
    assert visitor.get("/sessions").location.startswith("/signin")
    assert visitor.post("/signout", {"csrf": csrf}).location == "/signin"


def test_a_disabled_actor_is_out(server: PageServer) -> None:
    server.add("dave", "auditor")
    visitor = server.visitor("dave")
    assert visitor.get("/sessions").status == 200
    with server.client() as admin:
        admin.disable_actor("dave")
    assert visitor.get("/sessions").location.startswith("/signin")


def test_neither_tokens_nor_queries_are_in_the_log_or_in_an_address(server: PageServer) -> None:
    visitor = server.visitor("carol")
    answers = [
        visitor.get(path) for path in ("/", "/search?q=needle-in-the-log", "/nowhere", "/events/999999")
    ]
    log = server.log.read_text()
    assert "needle-in-the-log" not in log
    for token in server.tokens.values():
        secret = token.rpartition("_")[2]
        assert secret not in log
        assert not any(secret in answer.text or secret in answer.location for answer in answers)
