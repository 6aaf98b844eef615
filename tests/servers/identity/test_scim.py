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
    assert {one["id"] for one in ask("GET", "/ResourceTypes")[1]["Resources"]} == {"User", "Group"}
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


def operations(*some: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": list(some)}


def added(*ids: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": id} for id in ids]}


def brought_in(ask: Ask, name: str) -> str:
    return str(ask("POST", "/Users", {"userName": name})[1]["id"])


def roles_of(server: IdentityServer, id: str) -> tuple[str, ...]:
    with server.client() as admin:
        return next(one.roles for one in admin.list_actors() if one.id == id)


def test_groups_give_roles_and_take_them_as_members_come_and_go(server: IdentityServer, ask: Ask) -> None:
    gina, gus = brought_in(ask, "gina"), brought_in(ask, "gus")
    made = {"displayName": "Field Engineers", "externalId": "g-17", "members": [{"value": gina}]}
    status, group = ask("POST", "/Groups", made)
    assert (status, group["displayName"], group["members"]) == (
        201, "Field Engineers", [{"value": gina, "type": "User"}],
    )  # fmt: skip
    place = f"/Groups/{group['id']}"
    assert (roles_of(server, gina), roles_of(server, gus)) == (("engineer",), ())
    assert ask("POST", "/Groups", {"displayName": "FIELD ENGINEERS"})[0] == 409
    # The second comes in as Entra says it, and is shown with their group.
    assert ask("PATCH", place, operations({**added(gus), "op": "Add"})) == (204, None)
    assert roles_of(server, gus) == ("engineer",)
    assert [one["display"] for one in ask("GET", f"/Users/{gus}")[1]["groups"]] == ["Field Engineers"]
    # Someone of theirs who signs in with a group of their own has the roles of both.
    server.provider.person("gus", "security")
    token = server.enter("gus")
    assert roles_of(server, gus) == ("approver", "auditor", "engineer")
    with server.connect("gus", token) as session:
        session.execute("SELECT 1")
        assert (
            ask("PATCH", place, operations({"op": "remove", "path": f'members[value eq "{gus}"]'}))[0] == 204
        )
        assert roles_of(server, gus) == ("approver", "auditor")
        with pytest.raises(Exception, match=r"may not|no rule|denied"):
            session.execute("SELECT 2")
    # Who is in no group that opens anything any more is out, as at the provider's word.
    with server.client() as admin:
        ginas = admin.issue_token(TokenForm(actor="gina")).text
    with server.connect("gina", ginas) as session:
        session.execute("SELECT 1")
        taken = {"op": "Remove", "path": "members", "value": [{"value": gina}]}
        assert ask("PATCH", place, operations(taken))[0] == 204
        assert ended_after(session) < 5
    assert roles_of(server, gina) == ()
    assert ask("GET", place)[1]["members"] == []

    def told() -> list[dict[str, Any]]:
        return server.events("action:group.changed actor:directory")

    changes = until(lambda: len(told()) >= 4 and told(), "four changes in the index")
    assert [one["attrs"].get("come") or one["attrs"].get("gone") for one in changes] == [
        [gina], [gus], [gus], [gina],
    ]  # fmt: skip


def test_a_group_is_found_renamed_replaced_and_taken_away(server: IdentityServer, ask: Ask) -> None:
    ivo, jan = brought_in(ask, "ivo"), brought_in(ask, "jan")
    group = ask("POST", "/Groups", {"displayName": "Readers", "members": [{"value": ivo}]})[1]
    place = f"/Groups/{group['id']}"
    for query in ("filter=displayName%20eq%20%22readers%22", "attributes=displayName"):
        found = ask("GET", f"/Groups?excludedAttributes=members&{query}")[1]["Resources"]
        assert group["id"] in [one["id"] for one in found]
        assert all("members" not in one for one in found)
    # Its external id is one that gives a role: so does it, from then on, to all who are in it.
    assert ask("PATCH", place, operations({"op": "replace", "value": {"externalId": "g-audit"}}))[0] == 204
    assert roles_of(server, ivo) == ("auditor",)
    found = ask("GET", "/Groups?filter=externalId%20eq%20%22g-audit%22")[1]
    assert (found["totalResults"], found["Resources"][0]["members"][0]["value"]) == (1, ivo)
    whole = {"displayName": "Readers 2", "externalId": "g-audit", "members": [{"value": jan}]}
    assert ask("PUT", place, whole)[1]["displayName"] == "Readers 2"
    assert (roles_of(server, ivo), roles_of(server, jan)) == ((), ("auditor",))
    # The last word about somebody counts, in one patch.
    turns = operations(added(ivo), {"op": "remove", "path": "members", "value": [{"value": ivo}]}, added(jan))
    assert ask("PATCH", place, turns)[0] == 204
    assert [one["value"] for one in ask("GET", place)[1]["members"]] == [jan]
    assert ask("DELETE", f"/Users/{jan}")[0] == 204
    assert ask("GET", place)[1]["members"] == []
    assert ask("DELETE", place) == (204, None)
    assert ask("GET", place)[0] == ask("DELETE", place)[0] == 404


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ({"op": "add", "path": "members", "value": [{"value": "nobody"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"display": "x"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": [{"value": "x", "type": "Group"}]}, "invalidValue"),
        ({"op": "add", "path": "members", "value": "x"}, "invalidValue"),
        ({"op": "add", "path": 'members[value eq "x"]', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "owner", "value": "x"}, "invalidPath"),
        ({"op": "remove", "path": "displayName"}, "invalidValue"),
        ({"op": "replace", "path": "displayName", "value": "  "}, "invalidValue"),
        ({"op": "replace", "value": ["x"]}, "invalidSyntax"),
        ({"op": "shout", "path": "members"}, "invalidSyntax"),
        ({"op": "add", "path": "members", "value": [{"value": str(n)} for n in range(20_001)]}, "tooMany"),
    ],
)  # fmt: skip
def test_bad_changes_of_groups_change_nothing(
    ask: Ask, operation: dict[str, Any], kind: str, request: pytest.FixtureRequest
) -> None:
    name = f"Bad {request.node.name}"
    group = ask("POST", "/Groups", {"displayName": name})[1]
    whole = ask("GET", f"/Groups/{group['id']}")[1]
    status, answer = ask("PATCH", f"/Groups/{group['id']}", operations(operation))
    assert (status, answer["scimType"]) == (400, kind)
    assert ask("GET", f"/Groups/{group['id']}")[1] == whole


def test_somebody_who_was_made_here_is_in_no_group(server: IdentityServer, ask: Ask) -> None:
    with server.client() as admin:
        (own,) = (actor.id for actor in admin.list_actors() if actor.name == "admin")
    assert ask("POST", "/Groups", {"displayName": "Takeover", "members": [{"value": own}]})[0] == 400
    group = ask("POST", "/Groups", {"displayName": "Takeover"})[1]
    assert ask("PATCH", f"/Groups/{group['id']}", operations(added(own)))[0] == 400
    assert "admin" in roles_of(server, own)
