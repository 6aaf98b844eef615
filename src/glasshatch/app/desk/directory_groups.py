"""Groups that a directory keeps: who is in them, and the roles that they give by the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ...api.directory_values import DirectoryGroupView, GroupChange, GroupForm, GroupPage
from ...control import DirectoryGroup, ProviderLink, Step
from ...errors import ConfigError
from ...events import Event, Link, Outcome
from ...identity import Identity
from ..house import House
from ..signin import SignIn
from ..signin.grouproles import GroupRoles

OWN: Final = "scim"
"""The provider of whom a directory brings in where no identity provider is configured."""

_AT_ONCE = 500
"""So many members change in one transaction, so that others do not wait for thousands."""


class GroupsPart:
    """Mixed into `DirectoryPart`.

    Roles follow memberships in the transaction that stores them, after both are recorded. A crash in a long
    change leaves some of it done, which was not acknowledged; the directory's next try does the rest.
    """

    _house: House
    _signin: SignIn

    def list_groups(
        self, caller: Identity, name: str, external_id: str, start: int, count: int, members: bool
    ) -> GroupPage:
        """Groups by name, or the one of a name or external id."""
        self._house.require(caller, "directory.change")
        total, found = self._house.control.groups.page(
            self._providers, start, count, name=name, external_id=external_id
        )
        return GroupPage(total=total, groups=[self._group_view(one, members) for one in found])

    def show_group(self, caller: Identity, group_id: str, members: bool) -> DirectoryGroupView:
        """One group."""
        self._house.require(caller, "directory.change")
        return self._group_view(self._group(group_id), members)

    def create_group(self, caller: Identity, form: GroupForm) -> DirectoryGroupView:
        """Make a group.

        Raises:
            ConfigError: The name is empty, or a member is nobody of the directory.
            Conflict: There is a group of this name.
        """
        house = self._house
        house.require(caller, "directory.change")
        self._check_members(form.members)
        made = house.control.groups.create(
            self._provider, _name(form.name), form.external_id, house.clock.now_ns(),
            record=lambda one: house.note("group.created", **_about(caller, one)),
        )  # fmt: skip
        self._move(caller, made, sorted(set(form.members)), ())
        return self._group_view(self._group(made.id), False)

    def change_group(self, caller: Identity, group_id: str, form: GroupChange) -> DirectoryGroupView:
        """Change a group's name, or who is in it; what is so already stays so.

        Raises:
            ConfigError: No such group, an empty name, or a member is nobody of the directory.
            Conflict: Another group has the name.
        """
        self._house.require(caller, "directory.change")
        group = self._group(group_id)
        self._check_members((*(form.members or ()), *form.add))
        held = set(self._house.control.groups.members(group.id))
        wanted = ((held if form.members is None else set(form.members)) | set(form.add)) - set(form.remove)
        self._rename(caller, group, form)
        self._move(caller, self._group(group_id), sorted(wanted - held), sorted(held - wanted))
        return self._group_view(self._group(group_id), False)

    def remove_group(self, caller: Identity, group_id: str) -> None:
        """Take a group away; its members stay, without the roles that it gave them."""
        house = self._house
        house.require(caller, "directory.change")
        group = self._group(group_id)
        self._move(caller, group, (), house.control.groups.members(group.id))
        house.control.groups.remove(
            group.id, record=lambda one: house.note("group.removed", **_about(caller, one))
        )

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _provider(self) -> str:
        section = self._house.loaded.config.identity.oidc
        return section.issuer if section is not None else OWN

    @property
    def _providers(self) -> tuple[str, str]:
        return self._provider, OWN

    @property
    def _roles(self) -> GroupRoles:
        return GroupRoles(self._house.loaded.config.identity)

    def _keeps(self, link: ProviderLink) -> bool:
        return link.provider in self._providers

    def _group(self, group_id: str) -> DirectoryGroup:
        found = self._house.control.groups.get(group_id)
        if found is None or found.provider not in self._providers:
            raise ConfigError("there is no such group in the directory", key="id")
        return found

    def _check_members(self, ids: Sequence[str]) -> None:
        known = self._known_links(ids)
        if strangers := sum(one not in known for one in ids):
            raise ConfigError(f"{strangers} of the members are nobody of the directory", key="members")

    def _known_links(self, ids: Iterable[str]) -> dict[str, ProviderLink]:
        every, links = list(ids), self._house.control.links
        parts = (every[at : at + _AT_ONCE] for at in range(0, len(every), _AT_ONCE))
        return {id: link for part in parts for id, link in links.some(part).items() if self._keeps(link)}

    def _rename(self, caller: Identity, group: DirectoryGroup, form: GroupChange) -> None:
        """Another name may give other roles, to all who are in the group."""
        house = self._house
        name = group.name if form.name is None else _name(form.name)
        external = group.external_id if form.external_id is None else form.external_id
        renamed = msgspec.structs.replace(group, name=name, external_id=external)
        if renamed == group:
            return
        house.control.groups.rename(
            renamed, house.clock.now_ns(),
            record=lambda one: house.note("group.changed", **_about(caller, one, before=group.name)),
        )  # fmt: skip
        members = house.control.groups.members(group.id)
        for at in range(0, len(members), _AT_ONCE):
            self._step(caller, renamed, (), (), members[at : at + _AT_ONCE])

    def _move(
        self, caller: Identity, group: DirectoryGroup, come: Sequence[str], gone: Sequence[str]
    ) -> None:
        for at in range(0, len(gone), _AT_ONCE):
            self._step(caller, group, (), gone[at : at + _AT_ONCE], gone[at : at + _AT_ONCE])
        for at in range(0, len(come), _AT_ONCE):
            self._step(caller, group, come[at : at + _AT_ONCE], (), come[at : at + _AT_ONCE])

    def _step(
        self, caller: Identity, group: DirectoryGroup, come: Sequence[str], gone: Sequence[str],
        about: Sequence[str],
    ) -> None:  # fmt: skip
        house = self._house
        roles = self._new_roles(group, come, gone, about)
        for actor in house.control.actors.some(id for id, given in roles.items() if not given).values():
            # Nobody of theirs opens anything any more: as at the provider's word, before it is stored.
            self._signin.leaving.end_everything(actor, "no group of theirs gives a role", caller.as_actor())

        def record(changed: Sequence[Identity]) -> None:
            facts = _about(caller, group, come=list(come), gone=list(gone))
            events = [house.maker.make("group.changed", **facts)] if come or gone else []
            house.recorder.record_all([*events, *(person_event(house, caller, one) for one in changed)])

        step = Step(come=tuple(come), gone=tuple(gone), roles=roles)
        house.control.groups.step(group.id, step, house.clock.now_ns(), record)

    def _new_roles(
        self, group: DirectoryGroup, come: Sequence[str], gone: Sequence[str], about: Sequence[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """The roles of those whose roles are others once these are in the group, or out of it."""
        if not self._roles.directory:
            return {}
        control, known, found = self._house.control, self._known_links(about), {}
        actors, kept = control.actors.some(about), control.groups.of(about)
        for id, link in known.items():
            groups = [one for one in kept.get(id, ()) if one.id != group.id]
            groups += [group] if id not in gone else []
            roles = self._roles.of(link.groups, groups)
            if roles != actors[id].roles:
                found[id] = roles
        return found

    def _group_view(self, group: DirectoryGroup, members: bool) -> DirectoryGroupView:
        return DirectoryGroupView(
            id=group.id, name=group.name, external_id=group.external_id, created=str(group.created_ns),
            changed=str(group.changed_ns),
            members=tuple(self._house.control.groups.members(group.id)) if members else (),
        )  # fmt: skip

    def _note_person(self, action: str, caller: Identity, actor: Identity) -> None:
        self._house.recorder.record(person_event(self._house, caller, actor, action))


def _name(text: str) -> str:
    name = text.strip()
    if not (name and name.isprintable()):
        raise ConfigError("a group has a printable name", key="displayName")
    return name


def _about(caller: Identity, group: DirectoryGroup, **more: object) -> dict[str, Any]:
    facts = {"id": group.id, "name": group.name, "external_id": group.external_id}
    return {
        "actor": caller.as_actor(), "outcome": Outcome(status="success"),
        "attrs": {"group": facts, "by": "directory", **more},
    }  # fmt: skip


def person_event(house: House, caller: Identity, actor: Identity, action: str = "actor.changed") -> Event:
    """What a directory did about a person."""
    return house.maker.make(
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
