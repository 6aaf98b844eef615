"""Passwords of people: argon2id hashes that cost a guesser much, and which passwords are taken at all.

Randomness is handed in. A wrong password and a person without one cost the same work.
"""

from __future__ import annotations

import threading
import unicodedata
from typing import Final

import argon2

from ..errors import ConfigError
from .tokens import Random

LEAST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 256
_AT_ONCE = 2
_KNOWN = frozenset(
    unicodedata.normalize("NFKC", word)
    for word in (
        "123456789012", "1234567890123456", "passwordpassword", "password1234", "password12345",
        "qwertyuiop12", "qwertyuiop[]", "letmeinletmein", "iloveyou1234", "administrator",
        "adminadminadmin", "changemechangeme", "correcthorsebatterystaple", "welcome12345",
        "glasshatchglasshatch", "1q2w3e4r5t6y", "qwerty123456", "abcdefghijkl", "trustno1trustno1",
    )
)  # fmt: skip


class PasswordHasher:
    """argon2id (RFC 9106) with 32 MiB and 3 passes: a guess costs an attacker with the file as much as us.

    Two are computed at a time at most, so that a flood of attempts takes 64 MiB and no more.
    """

    def __init__(self, random: Random, *, memory_kib: int = 32 * 1024, passes: int = 3) -> None:
        self._random = random
        self._argon2 = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16
        )
        self._slots = threading.Semaphore(_AT_ONCE)
        self._decoy = ""

    def hash(self, password: str) -> str:
        """A PHC string of the password under a fresh salt."""
        with self._slots:
            return self._argon2.hash(_normal(password), salt=self._random(16))

    def matches(self, hash_: str, password: str) -> bool:
        """Whether the password belongs to the hash; with no hash the same work is done for False."""
        if len(password) > MOST_CHARACTERS:
            return False
        if not hash_ and not self._decoy:
            self._decoy = self.hash(self._random(16).hex())
        with self._slots:
            try:
                self._argon2.verify(hash_ or self._decoy, _normal(password))
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False
        return bool(hash_)

    def outdated(self, hash_: str) -> bool:
        """Whether the hash was made with other parameters than these."""
        return self._argon2.check_needs_rehash(hash_)


def check_password(password: str, name: str) -> None:
    """Refuse a password that is guessed early (NIST SP 800-63B-4, 3.1.1.2: length, known ones, the name).

    Raises:
        ConfigError: Says what is wrong with it, without showing it.
    """
    folded = _normal(password).casefold()
    problem = ""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        problem = f"has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters"
    elif name.casefold() in folded:
        problem = "does not hold the person's name"
    elif len(set(folded)) < 5 or folded in _KNOWN:
        problem = "is not one that is tried first"
    if problem:
        raise ConfigError(f"a password {problem}", key="password", hint="take a few words nobody would guess")


def _normal(password: str) -> str:
    """One form for texts that look the same, however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)
