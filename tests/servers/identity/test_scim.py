"""A directory over SCIM: it brings people in, and takes them out of everything at once."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from glasshatch.api.values import ActorForm, TokenForm
from glasshatch.errors import NotAuthenticated

from .conftest import IdentityServer, ended_after, until

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def ask(server: IdentityServer) -> Ask:
    """The directory's HTTP client."""
    with server.client() as admin:
        admin.create_actor(ActorForm(name="directory", type="service", roles=("provisioner",)))
        token = admin.issue_token(TokenForm(actor="directory", scopes=("scim",))).text

    def asked(method: str, path: str, body: object = None, token: str = token) -> tuple[int, Any]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.api_port, timeout=60)) as line:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
            line.request(method, f"/scim/v2{path}", None if body is None else json.dumps(body), headers)
            answer = line.getresponse()
            data = answer.read()
            if data:
                assert answer.headers["Content-Type"].startswith("application/scim+json")
            return answer.status, json.loads(data) if data else None

    return asked


def patched(active: object) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": active}]}


def test_a_leaver_is_out_at_the_directory_s_word(server: IdentityServer, ask: Ask) -> None:
    status, made = ask("POST", "/Users", {"userName": "Sina", "externalId": "e-17", "displayName": "Sina S."})
    assert (status, made["userName"], made["externalId"], made["active"]) == (201, "sina", "e-17", True)
    assert made["meta"]["location"] == f"/scim/v2/Users/{made['id']}"
    # Who was brought in signs in through the provider, and has the roles of their groups.
    server.provider.person("sina", "oncall")
    token = server.enter("sina")
    with server.connect("sina", token) as session:
        session.execute("SELECT 1")
        status, shown = ask("PATCH", f"/Users/{made['id']}", patched("False"))
        assert (status, shown["active"]) == (200, False)
        assert ended_after(session) < 5
    with server.client(token) as client, pytest.raises(NotAuthenticated):
        client.me()
    with pytest.raises(Exception, match="disabled"):
        server.enter("sina")
    assert (
        ask("PATCH", f"/Users/{made['id']}", {"Operations": [{"op": "Replace", "value": {"active": True}}]})[
            0
        ]
        == 200
    )
    again = server.enter("sina")
    assert ask("DELETE", f"/Users/{made['id']}") == (204, None)
    with server.client(again) as client, pytest.raises(NotAuthenticated):
        client.me()
    assert ask("GET", f"/Users/{made['id']}")[0] == 404
    # The name is never given to another person: events name the one who had it.
    assert ask("POST", "/Users", {"userName": "sina"})[0] == 409

    def told() -> list[bool]:
        changes = server.events("action:actor.changed actor:directory")
        return [one["attrs"]["subject"]["disabled"] for one in changes]

    until(lambda: told() == [True, False, True], "three changes in the index")


def test_it_finds_people_by_name_and_page_by_page(ask: Ask) -> None:
    for name in ("sam-1", "sam-2", "sam-3"):
        assert ask("POST", "/Users", {"userName": name})[0] == 201
    status, found = ask("GET", "/Users?filter=userName%20eq%20%22SAM-2%22")
    assert (status, found["totalResults"], found["Resources"][0]["userName"]) == (200, 1, "sam-2")
    assert ask("GET", "/Users?filter=userName%20eq%20%22nobody%22")[1]["totalResults"] == 0
    first = ask("GET", "/Users?startIndex=1&count=2")[1]
    second = ask("GET", "/Users?startIndex=3&count=2")[1]
    assert (first["itemsPerPage"], first["startIndex"], second["startIndex"]) == (2, 1, 3)
    assert not {one["id"] for one in first["Resources"]} & {one["id"] for one in second["Resources"]}
    assert ask("GET", "/ServiceProviderConfig")[1]["patch"] == {"supported": True}


def test_it_neither_sees_nor_touches_who_was_made_here(server: IdentityServer, ask: Ask) -> None:
    with server.client() as admin:
        people = {actor.name: actor.id for actor in admin.list_actors()}
    names = {one["userName"] for one in ask("GET", "/Users?count=1000")[1]["Resources"]}
    assert not names & {"admin", "watcher", "directory"}
    for method, body in (("PATCH", patched(False)), ("DELETE", None), ("GET", None)):
        assert ask(method, f"/Users/{people['admin']}", body)[0] == 404
    assert ask("POST", "/Users", {"userName": "admin"})[0] == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/Users", {"userName": "Bad Name!"}, "invalidValue"),
        ("POST", "/Users", {"nickName": "x"}, "invalidSyntax"),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "shout", "path": "active", "value": 1}]},
        "invalidSyntax"), ("PATCH", "/Users/{id}", patched("perhaps"), "invalidValue"),
        ("PATCH", "/Users/{id}", {"Operations": [{"op": "replace", "path": "userName", "value": "z"}]},
        "mutability"), ("GET", "/Users?filter=active%20eq%20true", None, "invalidFilter"),
    ],
)  # fmt: skip
def test_bad_requests_are_answered_as_scim_says(
    ask: Ask, method: str, path: str, body: object, kind: str
) -> None:
    if "{id}" in path:
        ask("POST", "/Users", {"userName": "subject"})
        (found,) = ask("GET", "/Users?filter=userName%20eq%20%22subject%22")[1]["Resources"]
        path = path.format(id=found["id"])
    status, answer = ask(method, path, body)
    assert (status, answer["scimType"], answer["status"]) == (400, kind, "400")
    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_only_a_token_for_it_opens_it(server: IdentityServer, ask: Ask) -> None:
    with server.client() as admin:
        other = admin.issue_token(TokenForm(actor="directory", scopes=("read",))).text
        admin.create_actor(ActorForm(name="etl", type="service", roles=("engineer",)))
        engineer = admin.issue_token(TokenForm(actor="etl", scopes=("scim",))).text
    assert ask("GET", "/Users", token="gh_nothing")[0] == 401
    assert ask("GET", "/Users", token=other)[0] == 403
    assert ask("GET", "/Users", token=engineer)[0] == 403
    # And what opens it opens nothing else: it cannot give anybody a role.
    status, answer = ask("POST", "/Users", {"userName": "rolf", "roles": [{"value": "admin"}]})
    assert status == 201
    with server.client() as admin:
        assert next(one.roles for one in admin.list_actors() if one.id == answer["id"]) == ()
