"""Aliases at the desk: declared and ended by administrators, each step recorded inside its transaction."""

from __future__ import annotations

from ...api.alias_values import AliasEnd, AliasForm, AliasView
from ...control import KeptAlias, ProviderLink, small
from ...errors import ConfigError, Conflict
from ...events import Link, Outcome, Resource
from ...identity import Identity
from ..house import House


class AliasPart:
    """The desk's `AliasDesk` port."""

    def __init__(self, house: House) -> None:
        self._house = house

    def list_aliases(self, caller: Identity) -> list[AliasView]:
        """All for who may list them, else the caller's own: what the provider and the directory say, and
        what was declared."""
        house = self._house
        names = {actor.id: actor.name for actor in house.control.actors.list()}
        links = [one for link in house.control.links.all().values() for one in _of_provider(link, names)]
        found = [*links, *(_view(alias, names) for alias in house.control.aliases.list())]
        if house.may(caller, "alias.list"):
            return found
        return [one for one in found if one.actor_id == caller.id]

    def add_alias(self, caller: Identity, form: AliasForm) -> AliasView:
        """Say who a principal is.

        Raises:
            Conflict: Another alias, or the identity provider, says that it is somebody.
            ConfigError: No such actor, or the times are none.
        """
        house = self._house
        house.require(caller, "alias.change")
        actor = house.control.actors.named(form.actor)
        since_ns, until_ns = int(form.since or 0), int(form.until or 0)
        if until_ns and until_ns <= since_ns:
            raise ConfigError("ends before it begins", key="until", hint="give a later --until")
        self._refuse_provided(form)
        alias = KeptAlias(
            id="", namespace=form.namespace, principal=form.principal, feed=form.feed, actor_id=actor.id,
            asserted="admin", reason=house.redactor.text(form.reason)[0], since_ns=since_ns,
            until_ns=until_ns, created_by=caller.name, created_ns=0,
        )  # fmt: skip
        made = house.control.aliases.add(
            alias,
            house.clock.now_ns(),
            record=lambda one: self._note_alias("alias.declared", caller, one, one.reason),
        )
        return _view(made, {actor.id: actor.name})

    def end_alias(self, caller: Identity, alias_id: str, form: AliasEnd) -> AliasView:
        """Let one hold no more, from now or from a time, or say that it never held."""
        house = self._house
        house.require(caller, "alias.change")
        now_ns = house.clock.now_ns()
        found = self._kept_alias(alias_id)
        until_ns = found.since_ns if form.mistake else int(form.at or now_ns)
        why = house.redactor.text(form.reason)[0]
        ended = house.control.aliases.end(
            found.id, until_ns, now_ns, by=caller.name, why=why,
            record=lambda one: self._note_alias("alias.ended", caller, one, why),
        )  # fmt: skip
        return _view(ended, {ended.actor_id: house.control.actors.get(ended.actor_id).name})

    def _kept_alias(self, beginning: str) -> KeptAlias:
        found = [one for one in self._house.control.aliases.list() if one.id.startswith(beginning)]
        if len(found) != 1 or not beginning:
            what = "several aliases begin so" if len(found) > 1 else "there is no such alias"
            raise ConfigError(
                what, key="alias", hint="glasshatch aliases list; what a provider asserts ends there"
            )
        return found[0]

    def _refuse_provided(self, form: AliasForm) -> None:
        for link in self._house.control.links.all().values():
            same = small(form.principal) in (small(link.subject), small(link.external_id))
            if link.provider == form.namespace and same:
                raise Conflict(
                    "the identity provider says who this principal is",
                    hint="glasshatch aliases list; glasshatch actors link changes it",
                )

    def _note_alias(self, action: str, caller: Identity, alias: KeptAlias, reason: str) -> None:
        house = self._house
        actor = house.control.actors.get(alias.actor_id)
        attrs: dict[str, object] = {
            "alias": {
                "namespace": alias.namespace, "principal": alias.principal, "feed": alias.feed,
                "actor": actor.name, "actor_id": actor.id, "asserted": alias.asserted,
                "since": str(alias.since_ns), "until": str(alias.until_ns),
            },
            "reason": reason,
        }  # fmt: skip
        house.note(
            action, actor=caller.as_actor(), outcome=Outcome(status="success"), attrs=attrs,
            # Who somebody is stays clear in the record, as everywhere; in free text it would be a token.
            resource=Resource(type="alias", id=f"{alias.namespace}:{alias.principal}", name=alias.principal),
            links=(Link(rel="alias", id=alias.id), Link(rel="actor", id=actor.id)),
        )  # fmt: skip


def _of_provider(link: ProviderLink, names: dict[str, str]) -> list[AliasView]:
    """What a provider and a directory say of one actor: by its name that never changes, by the outer id."""
    found = []
    for asserted, principal in (("oidc", link.subject), ("scim", link.external_id)):
        if principal and link.id in names:
            found.append(AliasView(
                id=link.id, namespace=link.provider, principal=principal, actor=names[link.id],
                actor_id=link.id, asserted=asserted,  # type: ignore[arg-type]
                created=str(link.created_ns),
            ))  # fmt: skip
    return found


def _view(alias: KeptAlias, names: dict[str, str]) -> AliasView:
    return AliasView(
        id=alias.id, namespace=alias.namespace, principal=alias.principal,
        actor=names.get(alias.actor_id, alias.actor_id), actor_id=alias.actor_id,
        asserted=alias.asserted,  # type: ignore[arg-type]
        feed=alias.feed, reason=alias.reason, since=_time(alias.since_ns), until=_time(alias.until_ns),
        created_by=alias.created_by, created=str(alias.created_ns), ended_by=alias.ended_by,
        ended_why=alias.ended_why,
    )  # fmt: skip


def _time(time_ns: int) -> str:
    return str(time_ns) if time_ns else ""
