"""National numbers of twelve countries, with the check digits their issuers give them."""

from __future__ import annotations

from collections.abc import Callable

from . import checksums as check
from .people import Rng, digits, grouped, letters

Maker = Callable[[Rng, str], str]


def us_ssn(rng: Rng, form: str) -> str:
    area = rng.choice([n for n in range(1, 899) if n != 666])
    number = f"{area:03d}{rng.randrange(1, 99):02d}{rng.randrange(1, 9999):04d}"
    return _joined(number, [3, 2, 4], form)


def us_itin(rng: Rng, form: str) -> str:
    return _joined(
        f"9{digits(rng, 2)}{rng.choice([*range(70, 89), 90, 94, 97])}{digits(rng, 4)}", [3, 2, 4], form
    )


def uk_nino(rng: Rng, form: str) -> str:
    while True:
        prefix = letters(rng, 1, "ABCEGHJKLMNOPRSTWXYZ") + letters(rng, 1, "ABCEGHJKLMNPRSTWXYZ")
        if prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}:
            return _joined(prefix + digits(rng, 6) + rng.choice("ABCD"), [2, 2, 2, 2, 1], form)


def uk_nhs(rng: Rng, form: str) -> str:
    while True:
        body = rng.choice("4679") + digits(rng, 8)
        rest = 11 - check.weighted(body, list(range(10, 1, -1))) % 11
        if rest != 10:
            return _joined(body + str(rest % 11), [3, 3, 4], form)


def in_aadhaar(rng: Rng, form: str) -> str:
    body = rng.choice("23456789") + digits(rng, 10)
    return _joined(body + check.verhoeff(body), [4], form)


def in_pan(rng: Rng, form: str) -> str:
    return letters(rng, 3) + "P" + letters(rng, 1) + f"{rng.randrange(1, 9999):04d}" + letters(rng, 1)


def br_cpf(rng: Rng, form: str) -> str:
    body = digits(rng, 9)
    number = body + check.cpf(body)
    return number if form == "plain" else f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}"


def br_cnpj(rng: Rng, form: str) -> str:
    body = digits(rng, 8) + "0001"
    number = body + check.cnpj(body)
    if form == "plain":
        return number
    return f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}"


def es_nif(rng: Rng, form: str) -> str:
    number = digits(rng, 8)
    mark = "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]
    if form == "dots":
        return f"{number[:2]}.{number[2:5]}.{number[5:]}-{mark}"
    return f"{number}-{mark}" if form == "official" else number + mark


def es_nie(rng: Rng, form: str) -> str:
    head, number = rng.choice("XYZ"), digits(rng, 7)
    mark = "TRWAGMYFPDXBNJZSQVHLCKE"[int(str("XYZ".index(head)) + number) % 23]
    return f"{head}-{number}-{mark}" if form == "official" else head + number + mark


def it_cf(rng: Rng, form: str) -> str:
    day = rng.randrange(1, 29) + rng.choice([0, 40])
    body = (
        letters(rng, 6, "BCDFGLMNPRSTVZ") + f"{rng.randrange(40, 100):02d}" + rng.choice("ABCDEHLMPRST")
        + f"{day:02d}" + rng.choice(["H501", "F205", "L219", "A662", "D612"])
    )  # fmt: skip
    number = body + check.codice_fiscale(body)
    return number.lower() if form == "lower" else number


def fr_nir(rng: Rng, form: str) -> str:
    department = f"{rng.choice([13, 33, 59, 69, 75, 92]):02d}"
    body = (
        rng.choice("12") + f"{rng.randrange(40, 99):02d}{rng.randrange(1, 13):02d}" + department
        + f"{rng.randrange(1, 900):03d}{rng.randrange(1, 999):03d}"
    )  # fmt: skip
    return _joined(body + f"{97 - int(body) % 97:02d}", [1, 2, 2, 2, 3, 3, 2], form)


def de_taxid(rng: Rng, form: str) -> str:
    while True:
        pool = rng.sample("0123456789", 9)
        body = [*pool, rng.choice(pool)]
        rng.shuffle(body)
        if body[0] != "0":
            text = "".join(body)
            return _joined(text + check.iso7064_11_10(text), [2, 3, 3, 3], form)


def nl_bsn(rng: Rng, form: str) -> str:
    while True:
        number = rng.choice("123456789") + digits(rng, 8)
        if check.weighted(number, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0:
            return _joined(number, [4, 2, 3], form) if form == "dots" else number


def se_pnr(rng: Rng, form: str) -> str:
    year = rng.randrange(1940, 2006)
    body = f"{year % 100:02d}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}{digits(rng, 3)}"
    number = body + check.luhn(body)
    century = str(year // 100)
    return {
        "plain": century + number,
        "official": f"{number[:6]}-{number[6:]}",
        "long": f"{century}{number[:6]}-{number[6:]}",
    }.get(form, f"{number[:6]}-{number[6:]}")


def ca_sin(rng: Rng, form: str) -> str:
    body = rng.choice("1234567") + digits(rng, 7)
    return _joined(body + check.luhn(body), [3], form)


def au_tfn(rng: Rng, form: str) -> str:
    while True:
        number = rng.choice("12345678") + digits(rng, 8)
        if check.weighted(number, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0:
            return _joined(number, [3], form)


def au_medicare(rng: Rng, form: str) -> str:
    body = rng.choice("23456") + digits(rng, 7)
    number = body + str(check.weighted(body, [1, 3, 7, 9, 1, 3, 7, 9]) % 10) + rng.choice("123456789")
    return _joined(number, [4, 5, 1], form)


def _joined(number: str, sizes: list[int], form: str) -> str:
    by = {"official": "-", "spaces": " ", "hyphens": "-", "dots": ".", "plain": ""}.get(form, "")
    return grouped(number, sizes, by)


NATIONALS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        us_ssn, us_itin, uk_nino, uk_nhs, in_aadhaar, in_pan, br_cpf, br_cnpj, es_nif, es_nie, it_cf, fr_nir,
        de_taxid, nl_bsn, se_pnr, ca_sin, au_tfn, au_medicare,
    )
}  # fmt: skip
"""Every maker by the name that templates use."""
