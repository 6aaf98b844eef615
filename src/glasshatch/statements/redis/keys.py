"""What the name of a key says of what it holds: many people, a secret, what somebody may do."""

from __future__ import annotations

import re

from ..words import words

_PARTS = re.compile(r"[:./|\-{}\s]+")
_PEOPLE = words(
    """
    users customers clients patients employees members subscribers contacts persons people leads guests
    students drivers riders passengers tenants citizens voters accounts emails phones addresses e_mails
    phone_numbers usernames user_emails customer_emails mailing_list
"""
)
_SECRETS = words(
    """
    password passwords passwd pwd password_hash passwordhash pass_hash secret secrets private_key privatekey
    api_key apikey api_keys apikeys credential credentials client_secret secret_key access_key ssn
    card_number cardnumber cvv iban
"""
)
_SECRET_ENDS = words("password passwords passwd pwd secret secrets credential credentials")
_TOKENS = words("access_token refresh_token auth_token bearer_token session_token id_token jwt")
_SIGNED_IN = words("session sessions auth oauth login signin")
_ABOUT = words("forgot reset change require no last next")
_RIGHTS = words(
    """
    role roles is_admin isadmin superuser is_superuser permissions privileges admins administrators superusers
    acl acls
"""
)
_AUDIT = words("audit audits audit_log audit_logs audit_trail auditlog")


def parts(key: str) -> list[str]:
    """`user:12:e-mail` as its words, in small letters."""
    return [part for part in _PARTS.split(key.lower()) if part]


def holds_people(key: str) -> bool:
    """Whether it is one collection of many people: `users`, `customers:emails`; not `users:12`."""
    found = parts(key)
    return any(part in _PEOPLE for part in found) and not any(any(map(str.isdigit, part)) for part in found)


def holds_secret(name: str) -> bool:
    """Whether a key or a field of a hash holds a secret."""
    found = parts(name)
    if found[-1:] in (["token"], ["tokens"]) and not _SIGNED_IN.isdisjoint(found):
        return True
    return any(part in _SECRETS or part in _TOKENS or _ends_secret(part) for part in (*found, name.lower()))


def _ends_secret(part: str) -> bool:
    """`db_password`, `stripe_secret`; not `forgot_password`, which is about one."""
    first, _, last = part.replace("-", "_").rpartition("_")
    return last in _SECRET_ENDS and bool(first) and _ABOUT.isdisjoint(first.split("_"))


def records(key: str) -> bool:
    """Whether it is a record of what people did."""
    return not _AUDIT.isdisjoint(parts(key))


def gives_rights(name: str) -> bool:
    """Whether what is written there says what somebody may do."""
    return parts(name)[-1:] != [] and parts(name)[-1] in _RIGHTS
