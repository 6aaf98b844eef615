"""People whom a directory elsewhere keeps: it brings them in and takes them out, and gives nobody a role.

It sees and touches only whom it brought in, or who signed in through the provider: never an actor that was
made here, and so never the last administrator.
"""

from __future__ import annotations

import msgspec

from ...api.directory_values import DirectoryChange, DirectoryForm, DirectoryPage, DirectoryUser
from ...api.values import ActorForm
from ...control import ProviderLink
from ...errors import ConfigError
from ...events import Link, Outcome
from ...identity import Identity
from ..house import House
from ..signin import SignIn

_OWN = "scim"
_GONE = "gone"


class DirectoryPart:
    """The desk's side for directories."""

    def __init__(self, house: House, signin: SignIn) -> None:
        self._house = house
        self._signin = signin

    def list_users(self, caller: Identity, name: str, start: int, count: int) -> DirectoryPage:
        """The people of the directory by name, or the one of a name."""
        self._house.require(caller, "directory.change")
        control = self._house.control
        if name:
            found = self._named(name)
            return DirectoryPage(
                total=len(found), users=[_user(*pair) for pair in found[start : start + count]]
            )
        links = control.links.all()
        found = [
            (actor, links[actor.id]) for actor in control.actors.list()
            if actor.id in links and self._keeps(links[actor.id])
        ]  # fmt: skip
        found.sort(key=lambda pair: pair[0].name)
        return DirectoryPage(total=len(found), users=[_user(*pair) for pair in found[start : start + count]])

    def show_user(self, caller: Identity, user_id: str) -> DirectoryUser:
        """One person."""
        self._house.require(caller, "directory.change")
        return _user(*self._find(user_id))

    def create_user(self, caller: Identity, form: DirectoryForm) -> DirectoryUser:
        """Bring somebody in, with the roles that everybody from there has; their groups count when they
        sign in.

        Raises:
            ConfigError: The name is none that an actor can have.
            Conflict: There is an actor of this name.
        """
        self._house.require(caller, "directory.change")
        house, name = self._house, form.name.lower()
        try:
            msgspec.convert({"name": name}, ActorForm)
        except msgspec.ValidationError:
            raise ConfigError(
                "is no name that an actor can have", key="userName",
                hint="lower case letters, digits and . _ @ -, a letter first, 63 at most",
            ) from None  # fmt: skip
        now_ns = house.clock.now_ns()
        link = ProviderLink(id="", provider=self._provider, external_id=form.external_id)
        admitting = self._signin.admitting
        actor = house.control.actors.create(
            name, roles=admitting.roles_of(()) if admitting else (), now_ns=now_ns,
            record=lambda made: self._note_person("actor.created", caller, made),
            beside=lambda connection, made: house.control.links.insert(
                connection, msgspec.structs.replace(link, id=made.id), now_ns
            ),
        )  # fmt: skip
        if not form.active:
            self._shut(caller, actor)
        return _user(*self._find(actor.id))

    def change_user(self, caller: Identity, user_id: str, form: DirectoryChange) -> DirectoryUser:
        """Shut somebody out, let them in again, or note another name of theirs in the directory."""
        self._house.require(caller, "directory.change")
        house = self._house
        actor, link = self._find(user_id)
        if form.external_id is not None and form.external_id != link.external_id:
            house.control.links.keep(
                msgspec.structs.replace(link, external_id=form.external_id), house.clock.now_ns()
            )
        if form.active is False and not actor.disabled:
            self._shut(caller, actor)
        elif form.active and actor.disabled:
            house.control.actors.set_disabled(
                actor.id, False, house.clock.now_ns(),
                record=lambda done: self._note_person("actor.changed", caller, done),
            )  # fmt: skip
        return _user(*self._find(user_id))

    def remove_user(self, caller: Identity, user_id: str) -> None:
        """Take somebody out for good. The actor stays, disabled: events name it for ever."""
        self._house.require(caller, "directory.change")
        house = self._house
        actor, link = self._find(user_id)
        if not actor.disabled:
            self._shut(caller, actor)
        gone = ProviderLink(id=link.id, provider=_GONE, created_ns=link.created_ns)
        house.control.links.keep(gone, house.clock.now_ns())

    def _named(self, name: str) -> list[tuple[Identity, ProviderLink]]:
        """The one of a name, without a look at the others: a directory asks this of everybody it has."""
        try:
            actor = self._house.control.actors.named(name)
        except ConfigError:
            return []
        link = self._house.control.links.of(actor.id)
        return [(actor, link)] if link is not None and self._keeps(link) else []

    @property
    def _provider(self) -> str:
        section = self._house.loaded.config.identity.oidc
        return section.issuer if section is not None else _OWN

    def _keeps(self, link: ProviderLink) -> bool:
        return link.provider in (self._provider, _OWN)

    def _find(self, user_id: str) -> tuple[Identity, ProviderLink]:
        link = self._house.control.links.of(user_id)
        if link is None or not self._keeps(link):
            raise ConfigError("there is no such person in the directory", key="id")
        return self._house.control.actors.get(user_id), link

    def _shut(self, caller: Identity, actor: Identity) -> None:
        house = self._house
        self._signin.leaving.end_everything(actor, "the directory took them out", caller.as_actor())
        house.control.actors.set_disabled(
            actor.id, True, house.clock.now_ns(),
            record=lambda done: self._note_person("actor.changed", caller, done),
        )  # fmt: skip

    def _note_person(self, action: str, caller: Identity, actor: Identity) -> None:
        self._house.note(
            action, actor=caller.as_actor(), outcome=Outcome(status="success"),
            attrs={
                "subject": {
                    "id": actor.id, "name": actor.name, "type": actor.type, "roles": list(actor.roles),
                    "on_behalf_of": actor.on_behalf_of, "disabled": actor.disabled,
                },
                "by": "directory",
            },
            links=(Link(rel="actor", id=actor.id),),
        )  # fmt: skip


def _user(actor: Identity, link: ProviderLink) -> DirectoryUser:
    return DirectoryUser(
        id=actor.id, name=actor.name, external_id=link.external_id, active=not actor.disabled,
        created=str(link.created_ns), changed=str(link.changed_ns),
    )  # fmt: skip
