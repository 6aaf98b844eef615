"""Does what a desk acknowledges about identity, and says each step once it is done, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pyotp

from fixtures.killing import open_house, say
from glasshatch.api.directory_values import DirectoryChange, DirectoryForm, GroupChange, GroupForm
from glasshatch.api.signin_values import FactorForm, PasswordChange, PasswordForm
from glasshatch.api.values import RequestForm, TokenForm
from glasshatch.app.desk.main import FrontDesk
from glasshatch.identity import Identity

PASSWORD = "violet harbour unfolds {}"


def work(desk: FrontDesk, admin: Identity, other: Identity, number: int, group: str) -> None:
    """One person's life, from coming in until they are gone."""
    name, word = f"person-{number}", PASSWORD.format(number)
    say("in", name=name)
    user = desk.create_user(admin, DirectoryForm(name=name))
    say("user", id=user.id)
    desk.change_group(admin, group, GroupChange(add=(user.id,)))
    say("member", id=user.id)
    desk.set_password(admin, name, PasswordChange(password=word), "")
    say("password", name=name, word=word)
    begun = desk.begin_factor(admin, name)
    codes = desk.confirm_factor(admin, name, FactorForm(code=pyotp.TOTP(begun.secret).now())).codes
    say("codes", id=user.id, name=name, codes=list(codes))
    say("spending", code=codes[0])
    token = desk.sign_in_password(PasswordForm(name=name, password=word, code=codes[0]), "203.0.113.7").token
    say("spent", id=user.id, name=name, word=word, code=codes[0])
    say("token", text=token)
    issued = desk.issue_token(admin, TokenForm(actor=name))
    say("token", text=issued.text)
    say("revoking", text=issued.text)
    desk.revoke_token(admin, issued.id)
    say("revoked", text=issued.text)
    form = RequestForm(resource="postgres/shop", verbs=("update",), reason="an order hangs", duration_s=600)
    me = desk._house.control.actors.named(name)
    request = desk.create_request(me, form)
    say("asked", id=request.id)
    desk.approve(other, request.id, "")
    say("approved", id=request.id)
    say("leaving", id=user.id, texts=[token])
    desk.change_group(admin, group, GroupChange(remove=(user.id,)))
    say("left", id=user.id)
    desk.change_user(admin, user.id, DirectoryChange(active=False))
    say("shut", id=user.id, texts=[token])


def main(directory: Path, first: int) -> None:
    house = open_house(directory)
    desk, actors = FrontDesk(house), house.control.actors
    admin = msgspec.structs.replace(actors.named("admin"), roles=("admin", "provisioner"))
    group = desk.list_groups(admin, "Engineers", "", 0, 1, False).groups
    group_id = group[0].id if group else desk.create_group(admin, GroupForm(name="Engineers")).id
    say("ready", group=group_id)
    for number in range(first, first + 1_000):
        work(desk, admin, actors.named("other"), number, group_id)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
