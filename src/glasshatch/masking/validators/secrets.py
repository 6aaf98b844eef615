"""What a secret may look like: entropy, and what stands where a secret would."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    if size == 0:
        return 0.0
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def secret_value(text: str) -> bool:
    """A value that may be a password: not a placeholder, not a masked value, not a reference."""
    bare = text.strip("'\"")
    if len(bare) < 3 or len(set(bare)) < 3 or _stands_for_another(bare):
        return False
    return bare.lower().strip(".!:") not in PLACEHOLDERS


def _stands_for_another(bare: str) -> bool:
    lowered = bare.lower()
    if lowered.startswith(_REFERENCES) or _MASK.search(bare) or _CALL.match(bare) or _path(bare):
        return True
    if (bare[0] == "<" and bare.endswith(">")) or _FILL_IN.fullmatch(lowered):
        return True
    return bare[0] == "$" and _VARIABLE.fullmatch(bare) is not None


def _path(bare: str) -> bool:
    """Whether it is a path of a file, and no base64 that begins with a slash."""
    return _PATH.fullmatch(bare) is not None and not any(map(_DENSE.match, bare.split("/")))


_REFERENCES = (
    "redacted", "!vault", "!unsafe", "!reference", "!ref", "!sub", "!secret", "!env", "your ",
    "<your", "${", "{{", "%(", "$(", "env:", "env.", "file:", "file://", "vault:", "secret:", "ref+", "ssm:",
    "arn:", "<<", "[redacted", "<redacted", "(redacted", "[masked", "[filtered", "[hidden", "[secret",
    "[unscanned", "os.environ", "os.getenv", "process.env", "getenv(", "secrets.", "var.", "data.",
    "local.", "valuefrom", "secretkeyref", "your-", "your_", "my-secret-here", "insert-", "replace-",
    "enter-", "example-", "n/a", "@param",
    "keyvault", "sops:", "enc[", "op://", "awskms:", "gcpkms:",
)  # fmt: skip
REFERENCES = (
    *_REFERENCES, "changeme", "change_me", "change-me", "dummy", "placeholder", "todo", "tbd", "(",
)  # fmt: skip
"""What a value may begin with that is judged here and not in the kernel."""
# A word that says `fill me in`; with digits or signs it is what somebody chose (`changeme.now7`).
_FILL_IN = re.compile(
    r"(?:change[_-]?me|dummy|placeholder|todo|tbd)(?:[ _:-]?[a-z]+){0,6}[.!:]*|\([a-z]{2,20}"
)
_CALL = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{2,60}\((?:[\w.\"' ,]*\)?;?)?$")
_PATH = re.compile(r"~?(?:/[A-Za-z0-9_.-]{2,40}){1,12}/?")
_DENSE = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{14}")
_MASK = re.compile(r"your[-_](?:token|api|key|secret|password)|[*•●]{3}|[xX]{4}|\.{4}|#{4}|_{4}")
# With three digits at its end it is a password that begins with the sign (`$Vane239`).
_VARIABLE = re.compile(r"\$\$?\{?[A-Za-z_](?![A-Za-z0-9_]*[a-z]\d{3,}$)[A-Za-z0-9_]*\}?|\$\d{1,2}")


PLACEHOLDERS = frozenset(
    {
        "pass", "missing", "null", "none", "nil", "true", "false", "undefined", "redacted", "masked",
        "hidden", "string", "str",
        "required", "optional", "password", "passwd", "secret", "token", "yes", "no", "empty", "changed",
        "failed", "invalid", "incorrect", "expired", "authentication", "accepted",
    }
)  # fmt: skip


def random_value(text: str) -> bool:
    """A value that looks generated: mixed letters and digits, high entropy, no word or path."""
    has_digit = any(letter.isdigit() for letter in text)
    has_letter = any(letter.isalpha() for letter in text)
    return has_digit and has_letter and entropy(text) >= 3.5 and not _stands_for_another(text)


def generated_token(text: str) -> bool:
    """As `random_value`, and neither a UUID nor the digest of something, which many an address carries."""
    return random_value(text) and not _DIGEST.fullmatch(text) and not _PLAIN.fullmatch(text)


_DIGEST = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def argument_secret(text: str) -> bool:
    """What a command such as `login` takes: digits among letters, a UUID too, but no name or path."""
    figures, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    if figures < 2 or letters < 4 or entropy(text) < 3.0 or _stands_for_another(text):
        return False
    return _UUID.fullmatch(text) is not None or _PLAIN.fullmatch(text) is None


def typed_secret(text: str) -> bool:
    """What stands after a word such as `token`: chosen or generated, but no word, number, path or name."""
    if not secret_value(text) or _PLAIN.fullmatch(text) or _UUID.fullmatch(text) is not None:
        return False
    figures = sum(letter.isdigit() for letter in text)
    letters = sum(letter.isalpha() for letter in text)
    if not letters:
        return False
    if figures == 0:
        # Without a digit only a long one of both cases is believed: a sentence in camel case is shorter.
        return len(text) >= 16 and text.lower() != text != text.upper() and entropy(text) >= 3.5
    return entropy(text) >= (2.5 if len(text) < 16 else 3.0)


# Words with joints (`standard-analyzer-v2`), dotted names, paths, versions, times, and file names.
_PLAIN = re.compile(
    r"(?:[A-Za-z]+|\d{1,4})(?:[-_./:][A-Za-z]+|[-_./:]v?\d{1,4})*"
    r"|[\d.,:T+Z-]+|[a-z_]+=\S*|/[\w./-]*|[a-z]+\.[a-z.]+|v?\d+(?:\.\d+)+\S{0,10}"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def strong_secret(text: str) -> bool:
    """A password by its looks: at least two kinds of letters, digits and signs, and no placeholder."""
    kinds = sum(
        (
            any(letter.islower() for letter in text),
            any(letter.isupper() for letter in text),
            any(letter.isdigit() for letter in text),
            any(not letter.isalnum() for letter in text),
        )
    )
    return kinds >= 2 and secret_value(text) and _PLAIN.fullmatch(text) is None


def basic_credentials(text: str) -> bool:
    """Base64 of `user:password`, as `Authorization: Basic` carries it (RFC 7617)."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return False
    return b":" in decoded


def spoken_secret(text: str) -> bool:
    """A password as people tell it: with a digit or a sign beside its letters, or in mixed case, no word."""
    kinds = sum(
        (
            any(letter.isdigit() for letter in text),
            any(letter.isalpha() for letter in text),
            any(not letter.isalnum() for letter in text),
        )
    )
    mixed = text[1:].lower() != text[1:] and text.upper() != text
    return (kinds >= 2 or mixed) and any(letter.isalpha() for letter in text) and secret_value(text)


def chosen_secret(text: str) -> bool:
    """As told after `pass:`: of words with joints only those with some digits, and no path."""
    if not spoken_secret(text) or "/" in text:
        return False
    figures, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    return _PLAIN.fullmatch(text) is None or (figures >= 2 and letters >= 4)


def beside_secret(text: str) -> bool:
    """What stands right behind the word `password`: no name of a hash, and more than a word and a number."""
    figures, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    signs = any(letter in "!@#$%&*^+~=" for letter in text)
    # A word in mixed case with one digit is a name (`Java8Stream`) unless it is long.
    odd = signs or (len(text) >= 12 and random_value(text))
    enough = letters >= 4 and (figures >= 2 or (odd and figures >= 1)) and len(text) >= 8
    return enough and chosen_secret(text) and _HASHING.match(text) is None and _FILE.search(text) is None


_FILE = re.compile(
    r"(?i)\.(?:html?|txt|json|ya?ml|xml|csv|log|conf|cfg|ini|sh|py|js|ts|md|pdf|png|jpe?g|gz|zip|sql|toml|pem|crt)$"
)
_HASHING = re.compile(r"(?i)(?:sha|md|scram|bcrypt|pbkdf|argon|hash|version|line|code|error|attempt)[\w-]*\d")


def cookie_value(text: str) -> bool:
    """The value of a session's cookie: generated, not a word."""
    return secret_value(text) and (any(letter.isdigit() for letter in text) or len(text) >= 16)


def no_reference(text: str) -> bool:
    """What stands in a place for secrets, unless it only names one, or stands for one that was taken out."""
    bare = text.strip("'\"")
    if not any(map(str.isalnum, bare)) or bare.lower().strip("()") in NOTHING:
        return False
    return not _stands_for_another(bare)


NOTHING = frozenset(
    """missing none null nil undefined required optional redacted masked hidden invalid expired true false
    empty unset absent denied revoked unknown disabled enabled unchanged omitted set""".split()
)


def cookie_header(text: str) -> bool:
    """Cookies of which at least one is opaque: preferences in plain words are nobody's secret."""
    values = [pair.partition("=")[2].strip() for pair in text.split(";")]
    return any(
        len(value) >= 8 and secret_value(value) and (any(map(str.isdigit, value)) or len(value) >= 16)
        for value in values
    )
