"""Whom the provider vouches for becomes an actor here, with the roles that the configuration gives their
groups."""

from __future__ import annotations

import re

import msgspec

from ...control import ProviderLink
from ...errors import ConfigError, Denied
from ...events import Link, Outcome
from ...identity import Identity
from ...identity.openid import Person, TokenFault
from ..config import duration_seconds
from ..house import House
from ..identifying import OidcSection
from .grouproles import GroupRoles
from .sealing import SecretBox

_NAME = re.compile(r"[a-z][a-z0-9._@-]{0,62}")
_SECOND_NS = 1_000_000_000


class Admitting:
    """Finds or makes the actor of a person. A name alone never leads to an actor that was made here."""

    def __init__(self, house: House, section: OidcSection) -> None:
        self._house = house
        self._section = section
        self._groups = GroupRoles(house.loaded.config.identity)
        self._box = SecretBox(house, "refresh")
        self._refresh_ns = duration_seconds(section.refresh) * _SECOND_NS

    @property
    def issuer(self) -> str:
        """Whose people these are."""
        return self._section.issuer

    def admit(self, person: Person) -> Identity:
        """The actor of a person, with the roles of this moment.

        Raises:
            Denied: They may not come in: disabled, without a role, or by a name that is somebody else's here.
        """
        link = self._house.control.links.whose(self._section.issuer, person.subject)
        actor = self._known(link, person) if link else self._new(person)
        if actor.disabled:
            raise Denied("your account here is disabled", hint="an administrator can enable it")
        return actor

    def renew(self, link: ProviderLink, person: Person) -> Identity:
        """What the provider says now of somebody who is signed in.

        Raises:
            TokenFault: It speaks of somebody else.
        """
        if person.subject != link.subject:
            raise TokenFault("subject", "is of another person")
        return self._known(link, person)

    def roles_of(self, groups: tuple[str, ...], actor_id: str = "") -> tuple[str, ...]:
        """The roles that these groups give, and those in which the directory has an actor."""
        kept = self._house.control.groups.of([actor_id]).get(actor_id, []) if actor_id else []
        return self._groups.of(groups, kept)

    def stored(self, link: ProviderLink, person: Person) -> ProviderLink:
        """The link with what the provider said now, and when to ask again."""
        now_ns = self._house.clock.now_ns()
        sealed, key_id = ("", "")
        if person.refresh_token:
            sealed, key_id = self._box.seal(link.id, person.refresh_token.encode())
        groups = link.groups if person.groups is None else person.groups
        return msgspec.structs.replace(
            link, subject=person.subject, groups=groups, refresh=sealed, key_id=key_id,
            refresh_ns=now_ns + self._refresh_ns if sealed else 0,
        )  # fmt: skip

    def refresh_token(self, link: ProviderLink) -> str:
        """What to ask the provider with.

        Raises:
            VerificationError: It was changed.
        """
        return self._box.open(link.id, link.refresh, link.key_id).decode()

    def _known(self, link: ProviderLink, person: Person) -> Identity:
        house = self._house
        actor = house.control.actors.get(link.id)
        groups = person.groups
        if groups is None and self._groups.directory:
            groups = link.groups
        if groups is not None and not actor.disabled:
            roles = self.roles_of(groups, actor.id)
            _require_roles(roles)
            if roles != actor.roles:
                actor = house.control.actors.set_roles(
                    actor.id,
                    roles,
                    house.clock.now_ns(),
                    record=lambda done: self._note("actor.changed", done),
                )
        house.control.links.keep(self.stored(link, person), house.clock.now_ns())
        return actor

    def _new(self, person: Person) -> Identity:
        house, name = self._house, person.name.lower()
        if not _NAME.fullmatch(name):
            raise TokenFault("name", "names you in a way that no actor is named", "ask an administrator")
        try:
            found = house.control.actors.named(name)
        except ConfigError:
            return self._make(name, person)
        link = house.control.links.of(found.id)
        if link is None or link.provider != self._section.issuer or link.subject:
            raise Denied(
                f"there is another actor {name} here, who is not linked to you at the provider",
                hint=f"an administrator can link you: glasshatch actors link {name}",
            )
        # A directory made this one for whoever has the name there.
        return self._known(msgspec.structs.replace(link, subject=person.subject), person)

    def _make(self, name: str, person: Person) -> Identity:
        house, now_ns = self._house, self._house.clock.now_ns()
        roles = self.roles_of(person.groups or ())
        _require_roles(roles)
        link = ProviderLink(id="", provider=self._section.issuer)
        return house.control.actors.create(
            name, roles=roles, now_ns=now_ns, record=lambda made: self._note("actor.created", made),
            beside=lambda connection, made: house.control.links.insert(
                connection, self.stored(msgspec.structs.replace(link, id=made.id), person), now_ns
            ),
        )  # fmt: skip

    def _note(self, action: str, actor: Identity) -> None:
        self._house.note(
            action, outcome=Outcome(status="success"),
            attrs={
                "subject": {
                    "id": actor.id, "name": actor.name, "type": actor.type, "roles": list(actor.roles),
                    "on_behalf_of": actor.on_behalf_of, "disabled": actor.disabled,
                },
                "by": "identity provider",
            },
            links=(Link(rel="actor", id=actor.id),),
        )  # fmt: skip


def _require_roles(roles: tuple[str, ...]) -> None:
    if not roles:
        raise Denied(
            "none of your groups opens anything here",
            hint="an administrator says which do, under identity.oidc.roles",
        )
