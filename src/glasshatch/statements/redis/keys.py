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
_RIGHTS = words("role roles is_admin isadmin superuser is_superuser permissions privileges")


def parts(key: str) -> list[str]:
    """`user:12:e-mail` as its words, in small letters."""
    return [part for part in _PARTS.split(key.lower()) if part]


def holds_people(key: str) -> bool:
    """Whether it is one collection of many people: `users`, `customers:emails`; not `users:12`."""
    found = parts(key)
    return any(part in _PEOPLE for part in found) and not any(any(map(str.isdigit, part)) for part in found)


def holds_secret(name: str) -> bool:
    """Whether a key or a field of a hash holds a secret."""
    return any(part in _SECRETS for part in (*parts(name), name.lower()))


def gives_rights(name: str) -> bool:
    """Whether what is written there says what somebody may do."""
    return parts(name)[-1:] != [] and parts(name)[-1] in _RIGHTS
