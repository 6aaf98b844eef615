"""Pseudonyms that look like the value: digits stay digits, letters letters, lengths and separators stay.

Equal values (in their canonical spelling) have equal pseudonyms, and different ones practically always
different ones: the digits of a value are permuted, and so are its letters, by ten rounds of a Feistel network
with HMAC-SHA-256 under the tenant's key of the epoch (the layout of FF1, NIST SP 800-38G, with another
function). Nothing here turns one back; it is a pseudonym, not an encryption to be opened later. Short runs
have few values: whoever may ask for many pseudonyms learns them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from .tokens import Tokens, canonical
from .validators import digits, us_ssn

_ROUNDS = 10
_PURPOSE = "format-preserving/v1"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX = "0123456789abcdef"
_MOST_WALKS = 64
_SAFE_DOMAIN = "invalid"
"""RFC 2606: mail to it reaches nobody. A made-up address under a real domain may be a stranger's."""

Keyed = Callable[[bytes], bytes]


def look_alike(type: str, value: str, tokens: Tokens) -> str:
    """A pseudonym of the value's form.

    A card keeps its first four digits and passes Luhn; an IBAN keeps its country and passes mod 97; a phone
    number keeps its country; an e-mail address stays one, of a domain that cannot receive; a US social
    security number stays one that may be issued; IP and MAC addresses stay such.
    """
    keyed = tokens.digest(_PURPOSE)
    make = _MAKERS.get(type)
    made = make(value, keyed) if make is not None else None
    return _by_class(type, value, keyed) if made is None else made


def permuted(symbols: Sequence[int], radix: int, keyed: Keyed, tweak: bytes) -> list[int]:
    """A keyed permutation of the strings of this length over `radix` symbols."""
    length = len(symbols)
    if length < 2:
        shift = 1 + keyed(b"one\0" + tweak)[0] % (radix - 1)
        return [(symbol + shift) % radix for symbol in symbols]
    left = length // 2
    head, tail = _number(symbols[:left], radix), _number(symbols[left:], radix)
    prefix = b"%d\0%d\0%d\0" % (radix, length, len(tweak)) + tweak
    for turn in range(_ROUNDS):
        size = left if turn % 2 == 0 else length - left
        other = tail.to_bytes(_octets(radix, length), "big")
        mixed = int.from_bytes(keyed(prefix + bytes((turn,)) + other), "big")
        head, tail = tail, (head + mixed) % radix**size
    return _symbols(head, radix, left) + _symbols(tail, radix, length - left)


def _octets(radix: int, length: int) -> int:
    return (((radix - 1).bit_length() * length) + 7) // 8


def _number(symbols: Sequence[int], radix: int) -> int:
    number = 0
    for symbol in symbols:
        number = number * radix + symbol
    return number


def _symbols(number: int, radix: int, length: int) -> list[int]:
    found = []
    for _ in range(length):
        number, symbol = divmod(number, radix)
        found.append(symbol)
    return found[::-1]


def _digits(text: str, keyed: Keyed, tweak: str) -> str:
    return "".join(map(str, permuted([int(digit) for digit in text], 10, keyed, tweak.encode())))


def _letters(text: str, keyed: Keyed, tweak: str, alphabet: str = _LETTERS) -> str:
    places = [alphabet.index(letter) for letter in text]
    return "".join(alphabet[place] for place in permuted(places, len(alphabet), keyed, tweak.encode()))


def _refilled(shape: str, number: str) -> str:
    """The shape with its digits replaced in order."""
    following = iter(number)
    return "".join(next(following) if "0" <= one <= "9" else one for one in shape)


def _card(value: str, keyed: Keyed) -> str | None:
    number = digits(value)
    if len(number) < 12 or not number.isascii():
        return None
    middle = number[:4] + _digits(number[4:-1], keyed, f"CARD {number[:4]}")
    return _refilled(value, middle + luhn_digit(middle))


def luhn_digit(number: str) -> str:
    """The check digit that makes `number` and it pass Luhn (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def _iban(value: str, keyed: Keyed) -> str | None:
    compact = canonical("IBAN", value)
    if len(compact) < 12 or not compact.isascii():
        return None
    country, account = compact[:2], compact[4:]
    inside = _by_class(f"IBAN {country}", account.lower(), keyed).upper()
    turned = inside + country + "00"
    check = 98 - int("".join(str(int(letter, 36)) for letter in turned)) % 97
    made = iter(f"{country}{check:02d}{inside}")
    # The case of the value is kept letter by letter, and so is what stands between the groups.
    return "".join(_cased(next(made), one) if one.isalnum() else one for one in value)


def _phone(value: str, keyed: Keyed) -> str | None:
    number, full = digits(value), digits(canonical("PHONE", value))
    national = full[len(_calling_code(full)) :] if canonical("PHONE", value).startswith("+") else full
    if len(national) < 4 or not number.endswith(national):
        return None
    made = _digits(national, keyed, f"PHONE {full[: len(full) - len(national)]}")
    return _refilled(value, number[: len(number) - len(national)] + made)


def _calling_code(full: str) -> str:
    """The country's code at the start of an E.164 number without its plus (ITU-T E.164 list)."""
    import phonenumbers

    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((full[:size] for size in (1, 2, 3) if int(full[:size] or 0) in codes), "")


def _ssn(value: str, keyed: Keyed) -> str | None:
    number = digits(value)
    if not us_ssn(number):
        return None
    # Walking on until a number may be issued again keeps it a permutation of those.
    for _ in range(_MOST_WALKS):
        number = _digits(number, keyed, "SSN")
        if us_ssn(number):
            return _refilled(value, number)
    return None


def _mac(value: str, keyed: Keyed) -> str | None:
    spelled = [one for one in value.lower() if one in _HEX]
    if len(spelled) not in (12, 16):
        return None
    made = iter(_letters("".join(spelled), keyed, "MAC", _HEX))
    return "".join(_cased(next(made), one) if one.lower() in _HEX else one for one in value)


def _ip(value: str, keyed: Keyed) -> str | None:
    address, slash, mask = value.strip().partition("/")
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return None
    packed = bytes(permuted(read.packed, 256, keyed, b"IP"))
    made = ipaddress.IPv4Address(packed) if read.version == 4 else ipaddress.IPv6Address(packed)
    return f"{made}{slash}{mask}"


def _email(value: str, keyed: Keyed) -> str | None:
    local, at, domain = value.strip().rpartition("@")
    if not (local and at and domain):
        return None
    # The whole domain is told apart by the tweak: what stands for its last label is always the same.
    names, _, _ = domain.lower().rpartition(".")
    person = _by_class(f"EMAIL {domain.lower()}", local.lower(), keyed)
    where = _by_class("EMAIL domain", names or domain.lower(), keyed)
    return f"{person}@{where}.{_SAFE_DOMAIN}"


def _by_class(type: str, value: str, keyed: Keyed) -> str:
    """Digits among themselves, letters among themselves; what is neither stays where it stands."""
    figures = iter(_digits(digits(value), keyed, type))
    small = "".join(one for one in map(str.lower, value) if len(one) == 1 and one in _LETTERS)
    words = iter(_letters(small, keyed, type))
    odd = iter(keyed(b"odd\0" + value.lower().encode("utf-8", "replace")) * (len(value) // 32 + 1))
    out = []
    for one in value:
        low = one.lower()
        if "0" <= one <= "9":
            out.append(next(figures))
        elif low in _LETTERS and len(low) == 1:
            out.append(_cased(next(words), one))
        elif one.isalnum():
            # A letter or digit of another script: no permutation, but never itself.
            out.append(str(next(odd) % 10) if one.isdecimal() else _cased(_LETTERS[next(odd) % 26], one))
        else:
            out.append(one)
    return "".join(out)


def _cased(made: str, like: str) -> str:
    return made.upper() if like.isupper() else made.lower()


_MAKERS: dict[str, Callable[[str, Keyed], str | None]] = {
    "CARD": _card, "IBAN": _iban, "PHONE": _phone, "SSN": _ssn, "MAC": _mac, "IP": _ip, "EMAIL": _email,
}  # fmt: skip
