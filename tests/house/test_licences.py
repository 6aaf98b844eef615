"""Everything the locks install may be shipped under Apache-2.0 or beside it."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"

# Licences that ask for no more than their notice.
_FREE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|0BSD|Zlib|Unlicense|CC0)\b", re.IGNORECASE
)
_WEAK = re.compile(r"\b(LGPL|Lesser General Public|EPL|Eclipse|MPL|Mozilla Public)", re.IGNORECASE)
_STRONG = re.compile(
    r"\b(A?GPL|(?<!Lesser )(Affero )?General Public License|SSPL|BUSL|Commons Clause)", re.IGNORECASE
)

# Weak copyleft: unmodified, as a package of its own, and with a reason.
WEAK_EVERYWHERE = {
    "certifi": "MPL-2.0, a list of certificates; comes with httpx, which litestar brings",
}
WEAK_IN_SERVER = WEAK_EVERYWHERE | {
    "pysigma": "LGPL-2.1-only, the grammar of Sigma rules, called as a package of its own",
    "python-stdnum": "LGPL-2.1-or-later, checksums of national numbers, called as a package of its own",
}
WEAK_IN_NER = WEAK_EVERYWHERE | {
    "tqdm": "MPL-2.0 AND MIT, the progress bar of spacy's downloads",
}
WEAK_IN_DEVELOPMENT = WEAK_IN_NER | {
    "hypothesis": "MPL-2.0, runs the property tests",
    "pathspec": "MPL-2.0, hatchling and mypy read ignore files with it",
    "psycopg": "LGPL-3.0, a real client in the server tests",
    "psycopg-binary": "LGPL-3.0, goes with psycopg",
}


def locked(name: str) -> list[str]:
    """The packages that a lock installs on this machine."""
    lines = (REQUIREMENTS / name).read_text().splitlines()
    requirements = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[A-Za-z0-9]", line)]
    return [one.name for one in requirements if one.marker is None or one.marker.evaluate()]


def licence_of(found: Distribution) -> str:
    """What a distribution says of its licence, the most exact statement first."""
    if found.metadata.get("License-Expression"):
        return str(found.metadata["License-Expression"])
    classifiers = [
        c for c in found.metadata.get_all("Classifier", []) if c.startswith("License :: OSI Approved")
    ]
    first_line = (found.metadata.get("License") or "").strip().split("\n")[0]
    if classifiers or first_line:
        return " ".join([*(c.rpartition(" :: ")[2] for c in classifiers), first_line])
    files = [file for file in found.files or [] if re.match(r"LICEN[CS]E|COPYING", file.name)]
    return " ".join(file.read_text()[:200] for file in files)


def verdict(text: str) -> str:
    """`free`, `weak`, `strong` or `unknown`; of a choice (`OR`) the freest alternative counts."""
    alternatives = re.split(r"\bOR\b", text)
    found = {_verdict_of_one(alternative) for alternative in alternatives}
    return next(kind for kind in ("free", "weak", "strong", "unknown") if kind in found)


def _verdict_of_one(text: str) -> str:
    without_weak = _WEAK.sub("", text.replace("Lesser General Public License", "LGPL"))
    if _STRONG.search(without_weak):
        return "strong"
    if _WEAK.search(text):
        return "weak"
    return "free" if _FREE.search(text) else "unknown"


@pytest.mark.parametrize(
    ("lock", "weak"),
    [
        ("base.lock", WEAK_IN_SERVER),
        ("ner.lock", WEAK_IN_NER),
        ("notify.lock", WEAK_IN_SERVER),
        ("server.lock", WEAK_IN_SERVER),
        ("dev.lock", WEAK_IN_DEVELOPMENT),
        ("bootstrap.lock", WEAK_IN_DEVELOPMENT),
    ],
)
def test_every_locked_package_has_a_licence_we_can_live_with(lock: str, weak: dict[str, str]) -> None:
    refused = []
    for name in locked(lock):
        try:
            licence = licence_of(distribution(name))
        except PackageNotFoundError:
            refused.append(f"{name}: locked but not installed; run make setup")
            continue
        kind = verdict(licence)
        if kind != "free" and not (kind == "weak" and name in weak):
            refused.append(f"{name}: {kind}: {licence.strip()[:80]!r}")
    assert not refused


def test_the_exceptions_are_still_needed() -> None:
    assert set(WEAK_IN_SERVER) <= set(locked("server.lock"))
    assert set(WEAK_IN_DEVELOPMENT) <= {*locked("dev.lock"), *locked("bootstrap.lock")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", "free"),
        ("Apache-2.0 OR BSD-3-Clause", "free"),
        ("GNU General Public License v3 or later (GPLv3+)", "strong"),
        ("GPL-3.0-or-later", "strong"),
        ("AGPL-3.0-only", "strong"),
        ("GNU Affero General Public License v3", "strong"),
        ("LGPL-3.0-only", "weak"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "weak"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "weak"),
        ("GPL-2.0-only OR MIT", "free"),
        ("MIT AND GPL-2.0-only", "strong"),
        ("Proprietary", "unknown"),
        ("", "unknown"),
    ],
)
def test_licences_are_told_apart(text: str, expected: str) -> None:
    assert verdict(text) == expected
