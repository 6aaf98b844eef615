"""Secrets of the common kinds, in the shape their issuers give them; all made at random."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable

from .people import Rng

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
URLSAFE = ALNUM + "_-"
WORDS = "Sommer harbor Violet quartz Lantern maple Falcon winter Copper meadow Raven tulip".split()


def pick(rng: Rng, alphabet: str, count: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(count))


def b64(data: bytes, strip: bool = True) -> str:
    text = base64.urlsafe_b64encode(data).decode()
    return text.rstrip("=") if strip else text


def password(rng: Rng) -> str:
    """A password as people choose them: words and digits, with a sign."""
    first, second = rng.sample(WORDS, 2)
    return rng.choice(
        [
            f"{first.title()}{second}{rng.randrange(10, 9999)}!",
            f"{pick(rng, ALNUM, 7)}{rng.choice('!#*_')}{pick(rng, ALNUM, 6)}",
            f"{second}-{first.lower()}-{rng.randrange(100, 999)}",
            f"{first.title()}{rng.randrange(1950, 2030)}{rng.choice('!*#')}",
        ]
    )


def strong(rng: Rng) -> str:
    return pick(rng, ALNUM, rng.randrange(18, 33))


def jwt(rng: Rng) -> str:
    head = b64(json.dumps({"alg": rng.choice(["HS256", "RS256"]), "typ": "JWT"}).encode())
    body = b64(json.dumps({"sub": pick(rng, LOWER, 12), "iat": rng.randrange(10**9, 2 * 10**9)}).encode())
    return f"{head}.{body}.{b64(rng.randbytes(32))}"


def pem(rng: Rng, kind: str = "RSA PRIVATE KEY", line: str = "\n") -> str:
    data = base64.b64encode(rng.randbytes(340)).decode()
    rows = [data[place : place + 64] for place in range(0, len(data), 64)]
    return line.join([f"-----BEGIN {kind}-----", *rows, f"-----END {kind}-----"])


def _checked(rng: Rng, prefix: str, count: int = 36) -> str:
    return prefix + pick(rng, ALNUM, count)


KINDS: dict[str, Callable[[Rng], str]] = {
    "aws_id": lambda r: r.choice(["AKIA", "ASIA"]) + pick(r, string.ascii_uppercase + "234567", 16),
    "aws_secret": lambda r: pick(r, ALNUM + "/+", 40),
    "github": lambda r: _checked(r, r.choice(["ghp_", "gho_", "ghs_"])),
    "github_pat": lambda r: f"github_pat_{pick(r, ALNUM, 22)}_{pick(r, ALNUM, 59)}",
    "gitlab": lambda r: "glpat-" + pick(r, ALNUM, 20),
    "slack": lambda r: (
        f"xoxb-{r.randrange(10**11, 10**12)}-{r.randrange(10**12, 10**13)}-{pick(r, ALNUM, 24)}"
    ),
    "slack_hook": lambda r: (
        "https://hooks.slack.com/services/T"
        + f"{pick(r, UPPER, 9)}/B{pick(r, UPPER, 9)}"
        + f"/{pick(r, ALNUM, 24)}"
    ),
    "stripe": lambda r: r.choice(["sk_live_", "rk_live_"]) + pick(r, ALNUM, 24),
    "google": lambda r: "AIza" + pick(r, URLSAFE[:-1], 35),
    "google_oauth": lambda r: "GOCSPX-" + pick(r, ALNUM, 28),
    "openai": lambda r: f"sk-proj-{pick(r, ALNUM, 74)}T3BlbkFJ{pick(r, ALNUM, 74)}",
    "anthropic": lambda r: f"sk-ant-api03-{pick(r, ALNUM, 93)}AA",
    "sendgrid": lambda r: f"SG.{pick(r, ALNUM, 22)}.{pick(r, ALNUM, 43)}",
    "twilio": lambda r: "SK" + pick(r, HEX, 32),
    "npm": lambda r: "npm_" + pick(r, ALNUM, 36),
    "pypi": lambda r: "pypi-AgEIcHlwaS5vcmc" + pick(r, ALNUM, 80),
    "jwt": jwt,
    "digitalocean": lambda r: "dop_v1_" + pick(r, HEX, 64),
    "vault": lambda r: "hvs." + pick(r, ALNUM, 92),
    "databricks": lambda r: "dapi" + pick(r, HEX, 32),
    "shopify": lambda r: "shpat_" + pick(r, HEX, 32),
    "telegram": lambda r: f"{r.randrange(10**9, 10**10)}:AA{pick(r, ALNUM, 33)}",
    "mailgun": lambda r: "key-" + pick(r, HEX, 32),
    "docker": lambda r: "dckr_pat_" + pick(r, ALNUM, 27),
    "age": lambda r: "AGE-SECRET-KEY-1" + pick(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "linear": lambda r: "lin_api_" + pick(r, ALNUM, 40),
    "newrelic": lambda r: "NRAK-" + pick(r, string.ascii_uppercase + string.digits, 27),
    "grafana": lambda r: f"glsa_{pick(r, ALNUM, 32)}_{pick(r, HEX, 8)}",
    "doppler": lambda r: "dp.pt." + pick(r, ALNUM, 43),
    "azure_key": lambda r: b64(r.randbytes(64), strip=False).replace("-", "+").replace("_", "/"),
    "discord": lambda r: f"M{pick(r, ALNUM, 23)}.{pick(r, ALNUM, 6)}.{pick(r, ALNUM, 38)}",
    "huggingface": lambda r: "hf_" + pick(r, string.ascii_letters, 34),
    "heroku": lambda r: "HRKU-AA" + pick(r, ALNUM, 58),
    "square": lambda r: "EAAA" + pick(r, ALNUM, 60),
    "postman": lambda r: f"PMAK-{pick(r, HEX, 24)}-{pick(r, HEX, 34)}",
    "sentry": lambda r: "sntrys_" + pick(r, ALNUM, 64),
    "k8s_bootstrap": lambda r: f"{pick(r, LOWER, 6)}.{pick(r, LOWER, 16)}",
    "password": password,
    "strong": strong,
    "hex32": lambda r: pick(r, HEX, 32),
    "hex40": lambda r: pick(r, HEX, 40),
    "hex64": lambda r: pick(r, HEX, 64),
    "session": lambda r: pick(r, ALNUM, 40),
    "pem": pem,
    "pem_ec": lambda r: pem(r, "EC PRIVATE KEY"),
    "pem_openssh": lambda r: pem(r, "OPENSSH PRIVATE KEY"),
    "pem_escaped": lambda r: pem(r, "PRIVATE KEY", "\\n"),
}
"""Every maker by the name that templates use."""
