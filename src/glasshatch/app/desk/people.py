"""Actors and tokens at the desk: an administrator's work, each step recorded inside its transaction."""

from __future__ import annotations

from ...api.signin_values import RolesForm
from ...api.values import ActorForm, ActorView, TokenForm, TokenIssued
from ...events import Link, Outcome
from ...identity import Identity, Token
from ..house import House
from ..signin.leaving import Leaving
from .reaching import FOR_CONNECT

_SECOND_NS = 1_000_000_000


class PeoplePart:
    """The desk's administration side."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._leaving = Leaving(house)

    def create_actor(self, caller: Identity, form: ActorForm) -> ActorView:
        """Add an actor."""
        self._house.require(caller, "actor.change")
        house = self._house
        human = house.control.actors.named(form.on_behalf_of).id if form.on_behalf_of else ""
        actor = house.control.actors.create(
            form.name, form.type, form.roles, now_ns=house.clock.now_ns(), on_behalf_of=human,
            record=lambda made: self._note_actor("actor.created", caller, made),
        )  # fmt: skip
        return self.view(actor)

    def list_actors(self, caller: Identity) -> list[ActorView]:
        """All actors."""
        self._house.require(caller, "actor.list")
        actors = self._house.control.actors.list()
        names = {actor.id: actor.name for actor in actors}
        return [_view(actor, names.get(actor.on_behalf_of, "")) for actor in actors]

    def disable_actor(self, caller: Identity, name: str) -> ActorView:
        """Shut an actor out: tokens, grants and the next statement of open sessions."""
        self._house.require(caller, "actor.change")
        house = self._house
        actor = house.control.actors.named(name)
        # Before the actor: a crash in between leaves somebody who is still shut out of nothing they held.
        self._leaving.end_everything(actor, "the actor is disabled", caller.as_actor())
        changed = house.control.actors.set_disabled(
            actor.id,
            True,
            house.clock.now_ns(),
            record=lambda done: self._note_actor("actor.changed", caller, done),
        )
        return self.view(changed)

    def enable_actor(self, caller: Identity, name: str) -> ActorView:
        """Let an actor in again who was shut out; what they had before is over all the same."""
        self._house.require(caller, "actor.change")
        house = self._house
        changed = house.control.actors.set_disabled(
            house.control.actors.named(name).id, False, house.clock.now_ns(),
            record=lambda done: self._note_actor("actor.changed", caller, done),
        )  # fmt: skip
        return self.view(changed)

    def set_roles(self, caller: Identity, name: str, form: RolesForm) -> ActorView:
        """Give an actor these roles and no others, from the next statement on."""
        self._house.require(caller, "actor.change")
        house = self._house
        changed = house.control.actors.set_roles(
            house.control.actors.named(name).id, form.roles, house.clock.now_ns(),
            record=lambda done: self._note_actor("actor.changed", caller, done),
        )  # fmt: skip
        return self.view(changed)

    def issue_token(self, caller: Identity, form: TokenForm) -> TokenIssued:
        """Issue a token: administrators for anybody, everybody for themselves."""
        if form.actor != caller.name:
            self._house.require(caller, "token.issue")
        house = self._house
        actor = house.control.actors.named(form.actor)
        text, token = house.control.tokens.issue(
            actor.id,
            scopes=form.scopes,
            lifetime_ns=form.lifetime_s * _SECOND_NS,
            now_ns=house.clock.now_ns(),
            issued_by=caller.id,
            record=lambda made: self._note_token("token.issued", caller, made),
        )
        return TokenIssued(id=token.id, actor=actor.name, text=text, expires=str(token.expires_ns))

    def revoke_token(self, caller: Identity, token_id: str) -> None:
        """End a token before its time: administrators any, everybody their own."""
        house = self._house
        own = {token.id for token in house.control.tokens.list(caller.id)}
        if token_id not in own:
            self._house.require(caller, "token.revoke")
        now_ns = house.clock.now_ns()
        for ended in (token_id, *self._exchanged(token_id)):
            house.control.tokens.revoke(
                ended, now_ns, record=lambda done: self._note_token("token.revoked", caller, done)
            )

    def _exchanged(self, token_id: str) -> list[str]:
        """The tokens that `connect` made from this one: who revokes a stolen one means its copies too."""
        found = self._house.control.tokens.find(token_id)
        if found is None:
            return []
        held = self._house.control.tokens.list(found.actor_id)
        return [token.id for token in held if token.label == FOR_CONNECT + token_id and not token.revoked_ns]

    def _note_actor(self, action: str, caller: Identity, actor: Identity) -> None:
        self._house.note(
            action,
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            attrs={
                "subject": {
                    "id": actor.id, "name": actor.name, "type": actor.type, "roles": list(actor.roles),
                    "on_behalf_of": actor.on_behalf_of, "disabled": actor.disabled,
                }
            },
            links=(Link(rel="actor", id=actor.id),),
        )  # fmt: skip

    def _note_token(self, action: str, caller: Identity, token: Token) -> None:
        self._house.note(
            action,
            actor=caller.as_actor(),
            outcome=Outcome(status="success"),
            attrs={
                "token_id": token.id,
                "holder": token.actor_id,
                "scopes": list(token.scopes),
                "expires": str(token.expires_ns),
            },
            links=(Link(rel="actor", id=token.actor_id),),
        )

    def view(self, actor: Identity) -> ActorView:
        """An actor as a caller sees them."""
        human = self._house.control.actors.get(actor.on_behalf_of).name if actor.on_behalf_of else ""
        return _view(actor, human)


def _view(actor: Identity, human: str) -> ActorView:
    return ActorView(
        id=actor.id, name=actor.name, type=actor.type, roles=actor.roles, on_behalf_of=human,
        disabled=actor.disabled,
    )  # fmt: skip
