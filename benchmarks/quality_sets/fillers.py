"""Words, times and numbers around the values: nothing of these is to be found."""

from __future__ import annotations

import base64
import datetime
import uuid
from collections.abc import Callable

from .people import Rng, digits, letters
from .secrets import HEX, LOWER, pick

_BASE = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MIXED = _UPPER + "abcdefghijklmnopqrstuvwxyz"
_WORDS = """checkout ledger billing catalog invoice shipment session search profile gateway worker report
queue refund payout import export pricing voucher mailer""".split()
_FIRST = (
    "Maria Jonas Amelie Lukas Sofia Pierre Chloé Marco Giulia João Daan Erik Kasia Piotr Olivia Priya".split()
)
_LAST = "Keller Dubois Moreau García Rossi Bianchi Silva Jansen Lindqvist Nowak Walker Patel Weber".split()


def _time(rng: Rng) -> datetime.datetime:
    return _BASE + datetime.timedelta(milliseconds=rng.randrange(200 * 86_400_000))


def _stamp(form: str) -> Callable[[Rng], str]:
    return lambda rng: _time(rng).strftime(form)


FILLERS: dict[str, Callable[[Rng], str]] = {
    "esc": lambda r: "\x1b",
    "bel": lambda r: "\x07",
    "iso": lambda r: _time(r).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "isomicro": lambda r: _time(r).isoformat(timespec="microseconds"),
    "sqltime": _stamp("%Y-%m-%d %H:%M:%S"),
    "date": _stamp("%Y-%m-%d"),
    "clf": _stamp("%d/%b/%Y:%H:%M:%S +0000"),
    "bsd": _stamp("%b %d %H:%M:%S"),
    "klog": _stamp("%m%d %H:%M:%S.%f"),
    "javatime": lambda r: _time(r).strftime("%Y-%m-%d %H:%M:%S,%f")[:23],
    "httpdate": _stamp("%a, %d %b %Y %H:%M:%S GMT"),
    "epoch": lambda r: str(int(_time(r).timestamp())),
    "epochms": lambda r: str(int(_time(r).timestamp() * 1000)),
    "uuid": lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)),
    "hex2": lambda r: pick(r, HEX, 2),
    "hex6": lambda r: pick(r, HEX, 6),
    "hex22": lambda r: pick(r, HEX, 22),
    "hex8": lambda r: pick(r, HEX, 8),
    "hex16": lambda r: pick(r, HEX, 16),
    "hex32": lambda r: pick(r, HEX, 32),
    "hex40": lambda r: pick(r, HEX, 40),
    "hex64": lambda r: pick(r, HEX, 64),
    "n2": lambda r: str(r.randrange(10, 99)),
    "n3": lambda r: str(r.randrange(100, 999)),
    "n4": lambda r: str(r.randrange(1000, 9999)),
    "n5": lambda r: str(r.randrange(10_000, 65_000)),
    "n6": lambda r: str(r.randrange(100_000, 999_999)),
    "n8": lambda r: str(r.randrange(10_000_000, 99_999_999)),
    "n9": lambda r: str(r.randrange(100_000_000, 999_999_999)),
    "n10": lambda r: str(r.randrange(10**9, 10**10)),
    "n12": lambda r: str(r.randrange(10**11, 10**12)),
    "n13": lambda r: str(r.randrange(10**12, 10**13)),
    "n18": lambda r: str(r.randrange(10**17, 10**18)),
    "n7x": lambda r: digits(r, 7),
    "n16": lambda r: str(r.randrange(10**15, 10**16)),
    "n20": lambda r: "00" + digits(r, 18),
    "float": lambda r: f"{r.random() * 100:.{r.randrange(2, 9)}f}",
    "version": lambda r: f"{r.randrange(9)}.{r.randrange(30)}.{r.randrange(40)}",
    "version4": lambda r: f"{r.randrange(100, 140)}.0.{r.randrange(1000, 7000)}.{r.randrange(300)}",
    "word": lambda r: r.choice(_WORDS),
    "Word": lambda r: r.choice(_WORDS).title(),
    "pod": lambda r: f"{r.choice(_WORDS)}-{pick(r, HEX, 9)}-{pick(r, LOWER, 5)}",
    "ns": lambda r: f"{r.choice(_WORDS)}-{r.choice(['prod', 'staging', 'eu1'])}",
    "host": lambda r: f"{r.choice(_WORDS)}{r.randrange(10, 99)}",
    "name": lambda r: f"{r.choice(_FIRST)} {r.choice(_LAST)}",
    "first": lambda r: r.choice(_FIRST),
    "upper5": lambda r: letters(r, 5),
    "upper2": lambda r: letters(r, 2),
    "base36": lambda r: pick(r, LOWER, 12),
    "alnum20": lambda r: letters(r, 20, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    "alnum16": lambda r: letters(r, 16, _UPPER),
    "alnum16m": lambda r: letters(r, 16, _MIXED),
    "base36caps": lambda r: letters(r, 9, _UPPER),
    "ulid": lambda r: letters(r, 23, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
    "b64_21": lambda r: letters(r, 21, _MIXED + "+/") + "g",
    "b64_43": lambda r: letters(r, 43, _MIXED + "+/"),
    "b64_64": lambda r: letters(r, 64, _MIXED + "+/"),
    "b64_86": lambda r: letters(r, 86, _MIXED + "+/"),
    "b64_harmless": lambda r: base64.b64encode(" ".join(r.choices(_WORDS, k=8)).encode()).decode(),
    "amount": lambda r: f"{r.randrange(1, 9000)}.{r.randrange(100):02d}",
}
"""Every filler by the name that follows the tilde in a template."""
