"""Messages of well-known programs, where their form is certain: who did what, from where, with what outcome.

A form is matched whole and anchored at both ends, for a part of it may be what a stranger typed: in sshd's
messages a user's name may be anything, so an address is the last that stands there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from ...events import Actor, Client, Outcome, RawPrincipal

_SUCCESS, _FAILURE = Outcome(status="success"), Outcome(status="failure")
_NO_ACCOUNT = "[NO ACCOUNT]"
"""In the place of a user name that no account has: people type passwords there."""


_LONGEST = 4_096
"""What is longer is none of these, and is not tried in every way."""


class Told(msgspec.Struct, frozen=True):
    """What a message tells. text: the message, where something in it may not be kept; otherwise empty."""

    action: str
    severity: int = 0
    actor: Actor | None = None
    client: Client | None = None
    outcome: Outcome | None = None
    attrs: dict[str, Any] = {}
    text: str = ""


Match = Mapping[str, str]
_FROM = r"(?P<ip>[0-9A-Fa-f.:]{2,45})(?:%\S+)? port (?P<port>\d{1,5})"


def understand(app: str, text: str) -> Told | None:
    """What a message of this program tells; None for a log line like any other."""
    forms = _FORMS.get(app)
    if text.startswith("pam_unix("):
        forms = _PAM
    for pattern, tell in forms or () if len(text) <= _LONGEST else ():
        found = pattern.fullmatch(text)
        if found is not None:
            return tell(found.groupdict(""), text)
    return _of_nobody(text) if forms is _SSHD else None


def _of_nobody(text: str) -> Told | None:
    """Some other message about a user that does not exist: what follows is not kept, wherever it ends."""
    head, word, _ = text.partition("nvalid user ")
    return Told("log.recorded", text=f"{head}{word}{_NO_ACCOUNT}") if word else None


def _accepted(part: Match, text: str) -> Told:
    key = {"key": part["key"]} if part["key"] else {}
    return Told(
        "login.accepted", 1, _actor(part["user"]), _client(part), _SUCCESS, {"method": part["method"], **key}
    )


def _failed(part: Match, text: str) -> Told:
    return Told("login.refused", 3, _actor(part["user"]), _client(part), _FAILURE, {"method": part["method"]})


def _unknown(part: Match, text: str) -> Told:
    """Nobody's: the name is taken out, for it may be a password."""
    method = {"method": part["method"]} if part.get("method") else {}
    failure = Outcome(status="failure", reason="there is no such account")
    clean = _without(text, part["user"])
    return Told("login.refused", 3, None, _client(part), failure, method, clean)


def _without(text: str, name: str) -> str:
    """The text with something else for the name that follows the first `user`."""
    head, word, rest = text.partition("user ")
    return f"{head}{word}{_NO_ACCOUNT}{rest[len(name) :]}"


def _ended(part: Match, text: str) -> Told:
    return Told("login.ended", 1, _actor(part["user"]), _client(part))


def _left(part: Match, text: str) -> Told:
    """Somebody who went away before they proved anything."""
    return Told("login.refused", 2, _actor(part["user"]), _client(part), _FAILURE)


def _sudo(part: Match, text: str) -> Told:
    refused = part["why"]
    attrs = {"run_as": part["run_as"] or "root", "command": part["command"]}
    attrs |= {name: part[name] for name in ("tty", "directory") if part[name]}
    outcome = Outcome(status="failure", reason=refused) if refused else _SUCCESS
    action = "command.refused" if refused else "command.run"
    return Told(action, 3 if refused else 2, _actor(part["user"]), None, outcome, attrs)


def _su(part: Match, text: str) -> Told:
    failed = bool(part["failed"])
    return Told(
        "account.refused" if failed else "account.switched", 3 if failed else 2, _actor(part["user"]), None,
        _FAILURE if failed else _SUCCESS, {"run_as": part["run_as"], "tty": part["tty"]},
    )  # fmt: skip


def _job(part: Match, text: str) -> Told:
    return Told("job.started", 1, _actor(part["user"]), None, None, {"command": part["command"]})


_LOGINS = frozenset(
    ("sshd", "login", "gdm-password", "gdm-autologin", "lightdm", "sddm", "vsftpd", "xrdp-sesman")
)


def _pam_session(part: Match, text: str) -> Told:
    """A service where people log in, or one that makes somebody act as somebody else."""
    opened = part["what"] == "opened"
    if part["service"] in _LOGINS:
        return Told("login.opened" if opened else "login.closed", 1, _actor(part["user"]))
    attrs = {"run_as": part["user"], "service": part["service"]}
    by = _actor(part["by"]) if part["by"] else None
    return Told("account.opened" if opened else "account.closed", 1, by, None, None, attrs)


def _pam_failure(part: Match, text: str) -> Told:
    """PAM gives the name of an account that it knows, and of nobody else."""
    if part["service"] not in _LOGINS:
        by = _actor(part["ruser"]) if part["ruser"] else None
        attrs = {"run_as": part["user"], "service": part["service"]}
        return Told("account.refused", 3, by, None, _FAILURE, attrs)
    actor = _actor(part["user"]) if part["user"] else None
    client = Client(ip=part["rhost"]) if _ADDRESS.fullmatch(part["rhost"]) else None
    return Told("login.refused", 3, actor, client, _FAILURE, {"service": part["service"]})


@lru_cache(maxsize=4_096)
def _actor(user: str) -> Actor:
    return Actor(id=user, name=user, idp="unix", raw=RawPrincipal(namespace="unix", principal=user))


def _client(part: Match) -> Client:
    return Client(ip=part["ip"], port=int(part["port"]))


Form = tuple[re.Pattern[str], Callable[[Match, str], Told]]


def _form(pattern: str, tell: Callable[[Match, str], Told]) -> Form:
    return re.compile(pattern, re.ASCII | re.DOTALL), tell


_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}", re.ASCII)
_ACCOUNT = r"[^\s:;=()]{1,256}"
_WENT = r"(?:Connection (?:closed|reset) by|Disconnected from)"
_KEY = r"(?:: (?P<key>\S+ \S+)(?: .*)?)?"
_SSHD: tuple[Form, ...] = (
    _form(rf"Accepted (?P<method>\S+) for (?P<user>{_ACCOUNT}) from {_FROM} ssh2{_KEY}", _accepted),
    _form(rf"Failed (?P<method>\S+) for invalid user (?P<user>.*) from {_FROM}(?: ssh2)?(?:: .*)?", _unknown),
    _form(rf"Failed (?P<method>\S+) for (?P<user>{_ACCOUNT}) from {_FROM}(?: ssh2)?(?:: .*)?", _failed),
    _form(rf"Invalid user (?P<user>.*) from {_FROM}", _unknown),
    _form(rf"{_WENT} invalid user (?P<user>.*) {_FROM}(?: \[preauth\])?", _unknown),
    _form(rf"{_WENT} authenticating user (?P<user>{_ACCOUNT}) {_FROM}(?: \[preauth\])?", _left),
    _form(rf"Disconnected from user (?P<user>{_ACCOUNT}) {_FROM}", _ended),
)
_SUDO: tuple[Form, ...] = (
    _form(
        rf" *(?P<user>{_ACCOUNT}) : (?:(?P<why>[A-Za-z0-9 ,']+) ; )?(?:TTY=(?P<tty>\S+) ; )?"
        r"PWD=(?P<directory>.*?) ; (?:USER=(?P<run_as>\S+) ; )?(?:GROUP=\S+ ; )?(?:TSID=\S+ ; )?"
        r"(?:ENV=.* ; )?COMMAND=(?P<command>.*)",
        _sudo,
    ),
)
_SU: tuple[Form, ...] = (
    _form(rf"(?P<failed>FAILED SU )?\(to (?P<run_as>{_ACCOUNT})\) (?P<user>{_ACCOUNT}) on (?P<tty>\S+)", _su),
)
_CRON: tuple[Form, ...] = (_form(rf"\((?P<user>{_ACCOUNT})\) CMD \((?P<command>.*)\)", _job),)
_PAM: tuple[Form, ...] = (
    _form(
        rf"pam_unix\((?P<service>[\w.-]+):session\): session (?P<what>opened|closed) for user "
        rf"(?P<user>{_ACCOUNT})(?:\(uid=\d+\))?(?: by (?P<by>{_ACCOUNT})?\(uid=\d+\))?",
        _pam_session,
    ),
    _form(
        rf"pam_unix\((?P<service>[\w.-]+):auth\): authentication failure; logname=\S* uid=\d+ euid=\d+ "
        rf"tty=\S* ruser=(?P<ruser>\S*) rhost=(?P<rhost>\S*)(?: +user=(?P<user>{_ACCOUNT}))?",
        _pam_failure,
    ),
)
_FORMS: dict[str, tuple[Form, ...]] = {
    "sshd": _SSHD, "sshd-session": _SSHD, "sudo": _SUDO, "su": _SU,
    "cron": _CRON, "CRON": _CRON, "crond": _CRON,
}  # fmt: skip
