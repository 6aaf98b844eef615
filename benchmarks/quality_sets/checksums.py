"""Check digits of cards, accounts and national numbers, from their public definitions.

They make values, they do not judge them: nothing here is shared with the engine's validators.
"""

from __future__ import annotations

_VERHOEFF_D = """0123456789 1234067895 2340178956 3401289567 4012395678
5987604321 6598710432 7659821043 8765932104 9876543210""".split()
_VERHOEFF_P = """0123456789 1576283094 5803796142 8916043527
9453126870 4286573901 2793806415 7046913258""".split()
_CF_DIGITS = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
_CF_LETTERS = [*_CF_DIGITS, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
_CF_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", [*_CF_DIGITS, *_CF_LETTERS], strict=True))


def luhn(body: str) -> str:
    """The Luhn digit that completes `body`."""
    total = 0
    for place, char in enumerate(reversed(body)):
        digit = int(char) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def mod97(country: str, bban: str) -> str:
    """The two check digits of an IBAN (ISO 13616)."""
    moved = "".join(str(int(char, 36)) for char in bban + country + "00")
    return f"{98 - int(moved) % 97:02d}"


def verhoeff(body: str) -> str:
    """The Verhoeff digit that completes `body` (Aadhaar)."""
    for digit in "0123456789":
        check = 0
        for place, char in enumerate(reversed(body + digit)):
            check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[place % 8][int(char)])])
        if check == 0:
            return digit
    raise AssertionError


def weighted(body: str, weights: list[int]) -> int:
    """The sum of digits times weights."""
    return sum(int(char) * weight for char, weight in zip(body, weights, strict=True))


def cpf(body: str) -> str:
    """Both check digits of a Brazilian CPF."""
    for length in (10, 11):
        body += str(weighted(body, list(range(length, 1, -1))) * 10 % 11 % 10)
    return body[-2:]


def cnpj(body: str) -> str:
    """Both check digits of a Brazilian CNPJ."""
    weights = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    for first in ([], [6]):
        rest = weighted(body, first + weights) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return body[-2:]


def codice_fiscale(body: str) -> str:
    """The last letter of an Italian codice fiscale."""
    even = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = 0
    for place, char in enumerate(body):
        total += _CF_ODD[char] if place % 2 == 0 else (even.index(char) - (10 if char.isalpha() else 0))
    return chr(ord("A") + total % 26)


def iso7064_11_10(body: str) -> str:
    """The ISO 7064 mod 11,10 digit (the German tax id)."""
    product = 10
    for char in body:
        total = (int(char) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def spanish_account(bank: str, account: str) -> str:
    """The two control digits inside a Spanish account number."""
    weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]
    digits = ""
    for part in ("00" + bank, account):
        rest = 11 - weighted(part, weights) % 11
        digits += str({10: 1, 11: 0}.get(rest, rest))
    return digits


def italian_account(body: str) -> str:
    """The CIN letter in front of an Italian account number."""
    total = 0
    for place, char in enumerate(body):
        total += _CF_ODD[char] if place % 2 == 0 else int(char)
    return chr(ord("A") + total % 26)


def icao(body: str) -> str:
    """The check digit of machine-readable travel documents (weights 7, 3, 1)."""
    values = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return str(sum(values.index(char) * (7, 3, 1)[place % 3] for place, char in enumerate(body)) % 10)
