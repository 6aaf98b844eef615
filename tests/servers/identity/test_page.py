"""Signing in at the page, through the real provider and with a password; what the cookies are worth."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest

from fixtures.openid import Person
from fixtures.page import Answer, Visitor
from glasshatch.api.signin_values import FactorForm, PasswordChange
from glasshatch.api.values import ActorForm

from .conftest import IdentityServer

PASSWORD = "violet harbour unfolds slowly"


def at_provider(server: IdentityServer, visitor: Visitor, name: str, wanted: str = "/search") -> str:
    """Off to the provider and through it; the address it sends the browser back to."""
    gone = visitor.get(f"/signin/provider?{urlencode({'next': wanted})}")
    assert gone.status == 303, gone.text
    query = parse_qs(urlsplit(gone.location).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{server.url}/signin/provider/back"]
    return Person(name).go(gone.location, f"{server.url}/signin/provider/back")


def back(visitor: Visitor, address: str) -> Answer:
    url = urlsplit(address)
    return visitor.get(f"{url.path}?{url.query}", Sec_Fetch_Site="cross-site")


def test_through_the_provider_and_on_to_where_one_wanted_to_go(server: IdentityServer) -> None:
    server.provider.person("pia", "security")
    visitor = server.visitor()
    assert "Sign in with 127.0.0.1" in visitor.get("/signin").text
    address = at_provider(server, visitor, "pia")
    shown = back(visitor, address)
    assert shown.status == 200, shown.text
    assert 'http-equiv="refresh" content="0; url=/search"' in shown.text
    visit = next(one for one in shown.cookies if one.startswith("glasshatch="))
    trip = next(one for one in shown.cookies if one.startswith("glasshatch-signin="))
    assert {"httponly", "samesite=strict"} <= set(visit.lower().split("; "))
    assert "max-age=0" in trip.lower()
    visitor.cookie = visit.partition(";")[0]
    assert visitor.get("/search").status == 200

    # What came back works once, and for the browser alone that was sent.
    assert back(visitor, address).status == 401
    # Signing out ends the token, not only the cookie.
    csrf = visitor.csrf("/search")
    assert visitor.post("/signout", {"csrf": csrf}).status == 303
    (accepted,) = server.events("action:signin.accepted actor:pia")
    revoked = [one["attrs"]["token_id"] for one in server.events("action:token.revoked")]
    assert accepted["attrs"]["token_id"] in revoked


def test_nobody_is_signed_in_as_somebody_else(server: IdentityServer) -> None:
    """Login CSRF: the attacker's own code, put before another browser."""
    server.provider.person("mallory", "security")
    attacker, victim = server.visitor(), server.visitor()
    address = at_provider(server, attacker, "mallory")
    refused = back(victim, address)
    assert refused.status == 401
    assert "did not begin that sign-in" in refused.text
    assert not [one for one in refused.cookies if one.startswith("glasshatch=")]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"iss": "https://evil.example"}, "another provider"),
        ({"iss": ""}, "another provider"),
        ({"code": "made-up"}, "not given out"),
        ({"code": "", "error": "access_denied"}, "refused there"),
    ],
)
def test_what_a_browser_brings_back_is_not_believed(
    server: IdentityServer, change: dict[str, str], word: str
) -> None:
    server.provider.person("pia", "security")
    visitor = server.visitor()
    url = urlsplit(at_provider(server, visitor, "pia"))
    query = {name: values[0] for name, values in parse_qs(url.query).items()} | change
    answer = visitor.get(f"{url.path}?{urlencode(query)}")
    assert answer.status == 401
    assert word in unescape(answer.text)


def test_who_has_no_group_that_opens_anything_is_told_so(server: IdentityServer) -> None:
    server.provider.person("nora", "gardeners")
    visitor = server.visitor()
    answer = back(visitor, at_provider(server, visitor, "nora"))
    assert (answer.status, "None of your groups" in answer.text) == (401, True)
    with server.client() as admin:
        assert "nora" not in {actor.name for actor in admin.list_actors()}


def test_a_name_from_the_provider_does_not_take_over_an_actor_made_here(server: IdentityServer) -> None:
    """Whoever can choose their name at the provider would otherwise be the administrator."""
    server.provider.person("admin", "oncall")
    visitor = server.visitor()
    answer = back(visitor, at_provider(server, visitor, "admin"))
    assert (answer.status, "not linked" in answer.text) == (401, True)
    assert server.command("actors", "add", "linda", "--role", "auditor").returncode == 0
    server.provider.person("linda", "security")
    assert back(visitor, at_provider(server, visitor, "linda")).status == 401
    linked = server.command("actors", "link", "linda", "--subject", "linda")
    assert linked.returncode == 0, linked.stderr
    answer = back(visitor, at_provider(server, visitor, "linda"))
    assert answer.status == 200, answer.text


def test_with_a_password_and_a_second_factor(server: IdentityServer) -> None:
    with server.client() as admin:
        admin.create_actor(ActorForm(name="paul", roles=("auditor",)))
        admin.set_password("paul", PasswordChange(password=PASSWORD))
        begun = admin.begin_factor("paul")
        authenticator = pyotp.TOTP(begun.secret)
        codes = admin.confirm_factor("paul", FactorForm(code=authenticator.now())).codes
    visitor = server.visitor()
    shown = visitor.get("/signin").text
    assert 'autocomplete="current-password"' in shown
    assert 'autocomplete="one-time-code"' in shown

    def attempt(password: str, code: str, name: str = "paul") -> Answer:
        return visitor.post("/signin", {"name": name, "password": password, "code": code, "next": "/search"})

    # The code that confirmed the enrolment is used up; what is wrong of the three is not said.
    wrong = [
        attempt(PASSWORD, authenticator.now()),
        attempt("not it at all", codes[1]),
        attempt(PASSWORD, ""),
    ]
    wrong.append(attempt(PASSWORD, codes[1], "nobody-here"))
    assert {answer.status for answer in wrong} == {401}
    assert len({re.sub(r"\s+", " ", answer.text) for answer in wrong}) == 1
    entered = attempt(PASSWORD, codes[0])
    assert (entered.status, entered.location) == (303, "/search"), entered.text
    assert visitor.get("/search").status == 200
    visitor.cookie = ""
    assert attempt(PASSWORD, codes[0]).status == 401
    refused = [
        one for one in server.events("action:signin.refused") if one.get("actor", {}).get("name") == "paul"
    ]
    assert [one["outcome"]["code"] for one in refused] == ["code", "password", "code", "code"]
    recorded = str(server.events("action:signin.*")) + str(server.events("action:credential.changed"))
    for secret in (PASSWORD, "not it at all", "nobody-here", begun.secret, *codes):
        assert secret not in recorded
