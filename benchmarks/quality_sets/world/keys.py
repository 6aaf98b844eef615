"""Secrets: keys of vendors by their published forms, and what people choose as passwords."""

# ruff: noqa: E501

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

from .draw import Rng, Value, draw, maker

VENDORS: dict[str, str] = dict(
    line.split(" ", 1) for line in Path(__file__).with_name("vendors.txt").read_text().splitlines()
)
"""The form of each vendor's key, as `draw` reads it."""
_IN_CONTEXT = set(
    """expo cohere pagerduty fastly datadog datadog_app algolia linode travis aws_secret azure_storage vercel
deepseek stability okta upstash nuget mailchimp twilio yandex fly facebook square_oauth asana telegram discord tencent
easypost airtable cloudflare_origin""".split()
)
_CHOSEN = """Sommer2024! tr0ub4dor&3 Passw0rd2025 hunter2024 Winter#19 qwerty!42 L3tM3In! iloveyou99 P@ssword1
correct-horse-battery-staple Barcelona1899 soleil75! azerty2023 contraseña.8 Geheim123! hemligt77 kalle_anka_7 juventus!10
senha12345 Sifre.2024 haslo_2022 monkey.D.luffy zaq1@WSX Admin@2025 root1234! changeme.now7 S3cr3t.Pa55""".split()


@maker("secret")
def key(rng: Rng, form: str) -> str:
    """A vendor's key that is known by its looks; or the named one."""
    return draw(rng, VENDORS[form or rng.choice([name for name in VENDORS if name not in _IN_CONTEXT])])


@maker("secret")
def opaque(rng: Rng, form: str) -> str:
    """What only its name or place tells: hex, base64, letters, or a uuid."""
    pattern = {
        "hex": "~{32}", "hex40": "~{40}", "hex64": "~{64}", "b64": "*{43}=", "short": "*{16}", "uuid": "~{8}-~{4}-4~{3}-9~{3}-~{12}",
        "caps": "!{24}", "words": "*{5}-*{5}-*{5}-*{5}", "long": "*{64}",
    }  # fmt: skip
    return draw(rng, pattern[form or rng.choice(list(pattern))])


@maker("secret")
def password(rng: Rng, form: str) -> str:
    """`chosen` by a person, `made` by a program, `weak` letters only, or any of them."""
    form = form or rng.choice(["chosen", "chosen", "made", "made", "words"])
    if form == "chosen":
        return rng.choice(_CHOSEN)
    if form == "weak":
        return draw(rng, rng.choice(["?{9}", "?{6}##", "@?{5}"]))
    if form == "words":
        words = "otter lamp violet granite spoon comet barrel tulip kayak".split()
        return "-".join(rng.sample(words, 3)) + draw(rng, "-##")
    return draw(
        rng,
        rng.choice(
            ["*{6}^*{7}", "*{14}", "%{4}.*{6}=*{4}", "@?{4}#{3}!*{4}", "*{10}+*{5}", "*{20}", "*{7}_*{8}"]
        ),
    ).replace("^", rng.choice("^,*~"))


@maker("secret")
def pin(rng: Rng, form: str) -> str:
    return draw(rng, form or "######")


def _segment(rng: Rng, value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


@maker("secret")
def jwt(rng: Rng, form: str) -> str:
    head = {"alg": rng.choice(["RS256", "ES256", "HS512", "EdDSA"]), "typ": "JWT", "kid": draw(rng, "~{8}")}
    body = {
        "iss": "https://id.example",
        "sub": draw(rng, "#{8}"),
        "exp": 1_790_000_000 + rng.randrange(10**6),
    }
    return f"{_segment(rng, head)}.{_segment(rng, body)}." + draw(rng, "*{43}")


@maker("secret")
def pem(rng: Rng, form: str) -> str:
    """A private key in PEM: `line` with \\n as two signs, else in lines; whole with its borders."""
    name = rng.choice(
        ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
    )
    data = base64.b64encode(random.Random(rng.random()).randbytes(240)).decode()
    rows = [
        f"-----BEGIN {name}-----",
        *(data[place : place + 64] for place in range(0, len(data), 64)),
        f"-----END {name}-----",
    ]
    return ("\\n" if form == "line" else "\n").join(rows)


@maker("secret")
def basic(rng: Rng, form: str) -> str:
    """User and password as HTTP Basic writes them."""
    return base64.b64encode(
        f"{rng.choice(['svc-mail', 'anke', 'admin', 'ci_bot'])}:{password(rng, '')}".encode()
    ).decode()


@maker("secret")
def kube(rng: Rng, form: str) -> str:
    """A password as `data` of a Kubernetes Secret holds it."""
    return base64.b64encode(password(rng, form).encode()).decode()


@maker("secret")
def hook(rng: Rng, form: str) -> Value:
    """A webhook's address: the secret is its last part, the whole may be found."""
    head, tail = rng.choice(
        [
            ("https://hooks.slack.com/services/", "T0!{8}/B0!{8}/*{24}"),
            ("https://discord.com/api/webhooks/1", "#{18}/*{68}"),
            ("https://discordapp.com/api/webhooks/9", "#{17}/*{68}"),
            ("https://contoso.webhook.office.com/webhookb2/", "~{8}-~{4}-4~{3}-8~{3}-~{12}\\@~{8}-~{4}-4~{3}-8~{3}-~{12}/IncomingWebhook/~{32}/~{8}-~{4}-4~{3}-8~{3}-~{12}"),
            ("https://chat.googleapis.com/v1/spaces/AAAA/messages?key=", "AIzaSy*{33}&token=*{43}"),
            ("https://hooks.zapier.com/hooks/catch/", "#{7}/%{7}"),
        ]
    )  # fmt: skip
    value = head + draw(rng, tail)
    secret = max(len(head), value.find("/IncomingWebhook/") + 17, value.find("token=") + 6)
    return value, secret, len(value)
