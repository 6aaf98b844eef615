"""The second factor: time-based codes (RFC 6238) that work once, and recovery codes for a lost device."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

import pyotp

from .tokens import Random

STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10
_SECRET_BYTES = 20
_SKEW_STEPS = 1
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY_BYTES = 10
_GROUPS = re.compile(r"[a-z2-7]{16}")


def new_secret(random: Random) -> str:
    """A secret of 160 bits in base32, as an authenticator takes it (RFC 4226, R6)."""
    return base64.b32encode(random(_SECRET_BYTES)).decode("ascii")


def enrolment_uri(secret: str, account: str, issuer: str) -> str:
    """What an authenticator reads, as text or as a picture of it."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def accepted_step(secret: str, code: str, now_ns: int, last_step: int) -> int | None:
    """The time step to which the code belongs, if it may be used now.

    Args:
        last_step: The step of the code that was accepted last; that one and all before are used up.

    Returns:
        A step of the last, this or the next 30 seconds; None if the code is none of theirs or used up.
    """
    if not _CODE.fullmatch(code):
        return None
    totp, now = pyotp.TOTP(secret), now_ns // 1_000_000_000 // STEP_SECONDS
    found = None
    for step in range(now - _SKEW_STEPS, now + _SKEW_STEPS + 1):
        # Every step is compared, whatever was found before: the time says nothing of which one fits.
        if hmac.compare_digest(totp.generate_otp(step), code) and step > last_step:
            found = step
    return found


def new_recovery_codes(random: Random) -> tuple[str, ...]:
    """Ten codes of 80 bits each, as they are shown once: `abcd-efgh-ijkl-mnop`."""
    texts = (base64.b32encode(random(_RECOVERY_BYTES)).decode("ascii").lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts)


def recovery_hash(code: str, owner: str) -> str:
    """What is kept of a recovery code. It has 80 random bits, so a slow hash would add nothing."""
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"glasshatch recovery code v1\0{owner}\0{plain}".encode()).hexdigest()


def spend_recovery_code(code: str, owner: str, kept: Sequence[str]) -> tuple[str, ...] | None:
    """The hashes that are left once the code is used; None if it is none of theirs."""
    if not _GROUPS.fullmatch(code.strip().lower().replace("-", "").replace(" ", "")):
        return None
    wanted = recovery_hash(code, owner)
    left = tuple(one for one in kept if not hmac.compare_digest(one, wanted))
    return left if len(left) < len(kept) else None
