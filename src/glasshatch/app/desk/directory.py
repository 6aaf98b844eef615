"""People whom a directory elsewhere keeps: it brings them in and takes them out.

It sees and touches only whom it brought in, or who signed in through the provider: never an actor that was
made here, and so never the last administrator.
"""

from __future__ import annotations

import msgspec

from ...api.directory_values import DirectoryChange, DirectoryForm, DirectoryPage, DirectoryUser, GroupRef
from ...api.values import ActorForm
from ...control import ProviderLink
from ...errors import ConfigError
from ...identity import Identity
from ..house import House
from ..signin import SignIn
from .directory_groups import OWN, GroupsPart

_GONE = "gone"


class DirectoryPart(GroupsPart):
    """The desk's side for directories; what of it is about groups, stands in `GroupsPart`."""

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
        total, links = control.links.page((self._provider, OWN), start, count)
        actors = control.actors.some(link.id for link in links)
        return DirectoryPage(total=total, users=[_user(actors[link.id], link) for link in links])

    def show_user(self, caller: Identity, user_id: str) -> DirectoryUser:
        """One person."""
        self._house.require(caller, "directory.change")
        found, kept = _user(*self._find(user_id)), self._house.control.groups.of([user_id])
        groups = tuple(GroupRef(id=one.id, name=one.name) for one in kept.get(user_id, ()))
        return msgspec.structs.replace(found, groups=groups)

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
        for group in house.control.groups.of([user_id]).get(user_id, ()):
            self._move(caller, group, (), (user_id,))
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


def _user(actor: Identity, link: ProviderLink) -> DirectoryUser:
    return DirectoryUser(
        id=actor.id, name=actor.name, external_id=link.external_id, active=not actor.disabled,
        created=str(link.created_ns), changed=str(link.changed_ns),
    )  # fmt: skip
