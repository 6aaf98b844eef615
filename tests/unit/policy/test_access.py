"""The access policy: what the shipped roles may, what a rule can hide, and what is refused at load."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from glasshatch.errors import ConfigError
from glasshatch.identity import Identity
from glasshatch.policy import Request, check
from glasshatch.policy.access import ACCESS, DEEDS, AccessRules, EventFacts, Sight, fits, written


def somebody(*roles: str, id: str = "u1", disabled: bool = False) -> Identity:
    return Identity(id=id, tenant="default", type="human", name="Some", roles=roles, disabled=disabled)


def facts(**members: object) -> EventFacts:
    base = EventFacts(
        ledger="default", source="gateway", feed="", action="statement.run", actor="other", on_behalf_of="",
        resource="postgres/orders", resources=frozenset({"postgres/orders", "public.customers"}), age_s=60,
    )  # fmt: skip
    return msgspec.structs.replace(base, **members)


def request(**members: object) -> Request:
    base = Request(
        id="r1", tenant="default", actor_id="u2", resource="postgres/orders", verbs=("update",),
        duration_ns=1, reason="", created_ns=0, expires_ns=9,
    )  # fmt: skip
    return msgspec.structs.replace(base, **members)


def rules(tmp_path: Path, text: str) -> AccessRules:
    file = tmp_path / "own.cedar"
    file.write_text(text)
    return AccessRules.load(file)


ROLES = AccessRules.load("roles")
RESPONDERS = ("value.reveal", "incident.list", "incident.change")


@pytest.mark.parametrize(
    ("roles", "may", "may_not"),
    [
        ((), (), DEEDS),
        (("engineer", "dba"), RESPONDERS, tuple(set(DEEDS) - set(RESPONDERS))),
        (("auditor",), ("record.export", "policy.replay", "access.review"),
         ("actor.change", "token.issue", "key.change", "subject.erase", "request.review", "ledger.prune",
          "hold.change", "policy.load", "grant.revoke")),
        (("approver",), ("request.review", "grant.revoke", "alert.handle"),
         ("actor.change", "record.export")),
        (("admin",), ("actor.change", "key.change", "backup.make", "policy.load"),
         ("record.export", "policy.replay", "request.review", "exposure.subject")),
        (("privacy",), ("subject.erase", "hold.change", "exposure.subject"), ("actor.list", "key.list")),
    ],
)  # fmt: skip
def test_what_the_shipped_roles_may(
    roles: tuple[str, ...], may: tuple[str, ...], may_not: tuple[str, ...]
) -> None:
    def allowed(deed: str) -> bool:
        who = somebody(*roles)
        asked = ROLES.may_review_some(who) if deed == "request.review" else ROLES.deed(who, deed)
        return asked.effect == "allow"

    assert all(map(allowed, may))
    assert not any(map(allowed, may_not))


def test_programs_may_not_ask_for_masked_values_in_clear(tmp_path: Path) -> None:
    agent = msgspec.structs.replace(somebody("engineer"), type="agent", on_behalf_of="u9")
    service = msgspec.structs.replace(somebody("engineer"), type="service")
    for program in (agent, service):
        assert ROLES.deed(program, "value.reveal").effect == "deny"
    own = rules(
        tmp_path,
        '@id("own.agents") @reason("agents may") '
        'permit(principal, action == Action::"value.reveal", resource) when { principal.kind == "agent" };',
    )
    assert own.deed(agent, "value.reveal").effect == "allow"
    assert own.deed(service, "value.reveal").effect == "deny"


def test_a_disabled_actor_may_nothing_whatever_their_roles() -> None:
    gone = somebody("admin", "auditor", "approver", "privacy", disabled=True)
    assert not [deed for deed in DEEDS if ROLES.deed(gone, deed).effect == "allow"]
    assert ROLES.review(gone, request()).effect == "deny"
    assert not fits(ROLES.sight(gone), facts())


def test_everybody_sees_their_own_and_what_was_done_for_them() -> None:
    sight = ROLES.sight(somebody())
    assert fits(sight, facts(actor="u1"))
    assert fits(sight, facts(on_behalf_of="u1"))
    assert not fits(sight, facts())


def test_an_administrator_reads_content_with_a_reason_only() -> None:
    admin = somebody("admin")
    assert fits(ROLES.sight(admin), facts(action="token.issued"))
    assert not fits(ROLES.sight(admin), facts())
    assert fits(ROLES.sight(admin, "ticket 17: who ran it"), facts())


HR = """
@id("own.all") @reason("auditors read") permit(principal in Role::"auditor", action, resource);
@id("own.no-payroll") @reason("payroll is for its own people")
forbid(principal, action == Action::"record.read", resource)
when { resource.resource like "postgres/payroll*" || resource.resources.contains("payroll.salaries") }
unless { principal.roles.contains("payroll") };
@id("own.recent") @reason("support reads a week of kubernetes")
permit(principal in Role::"support", action == Action::"record.read", resource)
when { ["kubernetes", "json"].contains(resource.source) && resource.age_s < 604800 };
@id("own.fields") @reason("support sees no statements and no clients")
permit(principal in Role::"support", action == Action::"record.field", resource)
when { resource.name == "subjects" || resource.name == "detail" };
@id("own.review") @reason("team leads judge what is asked of their database")
permit(principal in Role::"orders-lead", action == Action::"request.review", resource)
when { resource.resource like "postgres/orders*" && !resource.verbs.contains("delete") };
"""


def test_rules_by_source_resource_time_and_field(tmp_path: Path) -> None:
    own = rules(tmp_path, HR)
    auditor, support = own.sight(somebody("auditor")), own.sight(somebody("support"))
    assert fits(auditor, facts())
    assert not fits(auditor, facts(resource="postgres/payroll/x"))
    assert not fits(auditor, facts(resources=frozenset({"payroll.salaries"})))
    assert fits(own.sight(somebody("auditor", "payroll")), facts(resource="postgres/payroll"))
    assert fits(support, facts(source="kubernetes"))
    assert not fits(support, facts(source="kubernetes", age_s=604_800))
    assert not fits(support, facts())
    assert own.hidden(somebody("support")) == {"statement", "client"}
    assert own.hidden(somebody("auditor")) == frozenset()
    assert "time>now-604800s" in written(support)


def test_approvers_by_resource_and_verb(tmp_path: Path) -> None:
    own, lead = rules(tmp_path, HR), somebody("orders-lead")
    assert own.review(lead, request()).effect == "allow"
    assert own.review(lead, request(resource="postgres/payroll")).effect == "deny"
    assert own.review(lead, request(verbs=("delete",))).effect == "deny"


READ = '@id("own.read") @reason("r") permit(principal, action == Action::"record.read", resource) when '


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (READ + "{ resource.statement == 1 };", "there is not"),
        (READ + '{ resource.actor == resource.on_behalf_of };', "cannot be told"),
        (READ + '{ resource.action like "a\\*b" };', "with the sign"),
        (READ + "{ resource.age_s + 1 < 5 };", "cannot be told"),
        (READ + "{ resource.resources.isEmpty() };", "cannot be told"),
        (
            '@id("own.night") @reason("r") permit(principal in Role::"night", action, resource)'
            ' when { principal.name == "x" || resource has action && resource.age_s * 2 < 4 };',
            "cannot be told",
        ),
        (
            '@id("own.r") @reason("r") @effect("review") forbid(principal, action, resource);',
            "asks for a review",
        ),
        (
            '@id("own.role") @reason("r") permit(principal in Role::"rare", action == Action::"record.read",'
            " resource) when { resource.age_s * 2 < 4 };",
            "own.role",
        ),
        ('permit(principal, action == Action::"statement.run", resource);', "there is not"),
        ("", "no policy"),
    ],
)  # fmt: skip
def test_a_bad_access_policy_is_refused_with_place_and_cure(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as refused:
        rules(tmp_path, text)
    assert "own.cedar" in str(refused.value)
    assert refused.value.hint


def test_what_cedar_cannot_evaluate_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    own = AccessRules.load("roles")

    def broken(*_: object) -> list[object]:
        raise ValueError("experimental")

    monkeypatch.setattr(own._book, "residues", broken)
    for roles in ((), ("auditor",), ("admin",)):
        sight: Sight = own.sight(somebody(*roles))
        assert not fits(sight, facts(actor="u1"))


def test_the_shipped_set_has_no_warnings() -> None:
    assert check("roles", ACCESS).problems == ()
