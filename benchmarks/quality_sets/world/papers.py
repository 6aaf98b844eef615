"""National numbers with right check digits, passports, licences and dates of birth."""

# ruff: noqa: E501

from __future__ import annotations

import datetime
import itertools

from .draw import Rng, draw, maker, spread
from .numbers import italian_sum, luhn_full

_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split(),
    "nl": "januari februari maart april mei juni juli augustus september oktober november december".split(),
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(),
    "sv": "januari februari mars april maj juni juli augusti september oktober november december".split(),
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia".split(),
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık".split(),
}
_PASSPORTS = {
    "us": ["#{9}", "A#{8}"], "gb": ["#{9}"], "de": ["C01X0!T4#", "CF#K!L#T#", "L#!{3}#K#2"], "fr": ["##@@#####"],
    "es": ["@@@######", "XDD######"], "it": ["Y@#######", "AA#######"], "nl": ["N@!{6}#", "SPE#1!#4#"], "se": ["9#######"],
    "ca": ["@@######", "@######@@"], "au": ["N#######", "PA#######"], "in": ["@#######"], "br": ["F@######"],
    "jp": ["T@#######"], "pl": ["E@#######"], "tr": ["U########"],
}  # fmt: skip
_LICENCES = {
    "us": ["D#{7}", "@#{12}", "#{9}", "@###-####-####"], "gb": ["MORGA6571#6SM9IJ", "KOWAL80#126AB9C@", "JONES7#1019J99AA"],
    "de": ["B072RRE2I5#", "N#4#AAA00#1", "J430A1RZN1#"], "fr": ["1#09##1#####", "#{12}"], "it": ["U1@#####@#@", "BG#######K", "AB#######C"],
    "nl": ["#{10}"], "ca": ["@####-#####-#####", "#{7}"], "au": ["#{8}", "#{9}"], "in": ["MH12 20#########", "DL-04201#00#####", "KA0120##00#####"],
    "jp": ["30#{10}"], "pl": ["#####/##/####"],
}  # fmt: skip


def _born(rng: Rng) -> datetime.date:
    return datetime.date(1944, 1, 1) + datetime.timedelta(days=rng.randrange(23_000))


@maker("dob")
def born(rng: Rng, form: str) -> str:
    """A day of birth, as a pattern of strftime or as `words/language`."""
    day = _born(rng)
    if form.startswith("words"):
        tongue = form.partition("/")[2] or "en"
        month = _MONTHS[tongue][day.month - 1]
        if tongue == "en":
            return rng.choice(
                [
                    f"{month} {day.day}, {day.year}",
                    f"{day.day} {month} {day.year}",
                    f"{day.day}th of {month} {day.year}",
                ]
            )
        link = {"es": " de ", "pt": " de ", "de": ". "}.get(tongue, " ")
        year = {"es": " de ", "pt": " de "}.get(tongue, " ")
        return f"{day.day}{link}{month}{year}{day.year}"
    if form == "jp":
        return f"{day.year}年{day.month}月{day.day}日"
    if form == "short":
        return f"{day.day}.{day.month}.{day.year}"
    return day.strftime(form or rng.choice(["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%Y%m%d", "%Y/%m/%d", "%d %b %Y", "%d-%m-%Y"]))  # fmt: skip


@maker("passport")
def passport(rng: Rng, form: str) -> str:
    return draw(rng, rng.choice(_PASSPORTS[form or rng.choice(list(_PASSPORTS))]))


@maker("licence")
def licence(rng: Rng, form: str) -> str:
    if form == "br":
        return _cnh(rng)
    return draw(rng, rng.choice(_LICENCES[form or rng.choice(list(_LICENCES))]))


def _cnh(rng: Rng) -> str:
    body = draw(rng, "#{9}")
    first = sum(int(sign) * (9 - place) for place, sign in enumerate(body)) % 11
    second = sum(int(sign) * (1 + place) for place, sign in enumerate(body)) % 11
    if first >= 10:
        first, second = 0, (second - 2) % 11
    return body + str(first) + str(0 if second >= 10 else second)


@maker("national_id")
def ssn(rng: Rng, form: str) -> str:
    area = rng.choice([*range(1, 666), *range(667, 900)])
    text = f"{area:03d}{rng.randrange(1, 100):02d}{rng.randrange(1, 10000):04d}"
    return text if form == "bare" else spread(text, [3, 2, 4], " " if form == "space" else "-")


@maker("national_id")
def itin(rng: Rng, form: str) -> str:
    return f"9{rng.randrange(100):02d}-{rng.choice([50, 62, 70, 78, 83, 88, 90, 92, 94, 99])}-{rng.randrange(10000):04d}"


@maker("national_id")
def nino(rng: Rng, form: str) -> str:
    text = rng.choice("ABCEGHJKLMNPRSTWXYZ") + rng.choice("ABCEGHJKLMPRSTWXYZ")
    text = (
        ("AB" if text in {"BG", "GB", "NK", "KN", "TN", "NT", "ZZ"} else text)
        + draw(rng, "######")
        + rng.choice("ABCD")
    )
    return text if form == "bare" else text.lower() if form == "lower" else spread(text, [2, 2, 2, 2, 1], " ")


@maker("national_id")
def nhs(rng: Rng, form: str) -> str:
    while True:
        body = draw(rng, "4########")
        check = 11 - sum(int(sign) * (10 - place) for place, sign in enumerate(body)) % 11
        if check != 10:
            text = body + str(check % 11)
            return text if form == "bare" else spread(text, [3, 3, 4], rng.choice(" -"))


def _verhoeff(body: str) -> str:
    """By the dihedral group D5 itself, without its tables."""

    def product(a: int, b: int) -> int:
        if a < 5:
            return (a + b) % 5 if b < 5 else 5 + (a + b - 5) % 5
        return 5 + (a - 5 - b) % 5 if b < 5 else (a - b) % 5

    turn, turns = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [list(range(10))]
    for _ in range(7):
        turns.append([turn[place] for place in turns[-1]])
    check = 0
    for place, sign in enumerate(reversed(body), 1):
        check = product(check, turns[place % 8][int(sign)])
    return body + str(next(digit for digit in range(10) if product(check, digit) == 0))


@maker("national_id")
def aadhaar(rng: Rng, form: str) -> str:
    text = _verhoeff(rng.choice("23456789") + draw(rng, "#{10}"))
    return text if form == "bare" else spread(text, [4, 4, 4], "-" if form == "dash" else " ")


@maker("national_id")
def pan(rng: Rng, form: str) -> str:
    return draw(rng, "@@@") + rng.choice("PPPPCHF") + draw(rng, "@####@")


@maker("national_id")
def cpf(rng: Rng, form: str) -> str:
    text = draw(rng, "#{9}")
    for first in (10, 11):
        text += str(sum(int(sign) * (first - place) for place, sign in enumerate(text)) * 10 % 11 % 10)
    return text if form == "bare" else f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


@maker("national_id")
def dni(rng: Rng, form: str) -> str:
    text = draw(rng, "#{8}")
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(text) % 23]
    return (
        f"{text[:2]}.{text[2:5]}.{text[5:]}-{letter}"
        if form == "dots"
        else f"{text}{'-' if form == 'dash' else ''}{letter}"
    )


@maker("national_id")
def nie(rng: Rng, form: str) -> str:
    head, text = rng.randrange(3), draw(rng, "#{7}")
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{head}{text}") % 23]
    return f"{'XYZ'[head]}-{text}-{letter}" if form == "dash" else f"{'XYZ'[head]}{text}{letter}"


@maker("national_id")
def codice(rng: Rng, form: str) -> str:
    day = _born(rng)
    body = (
        "".join(rng.choice("BCDFGLMNPRSTVZ") for _ in range(6))
        + day.strftime("%y")
        + "ABCDEHLMPRST"[day.month - 1]
    )
    body += f"{day.day + rng.choice([0, 40]):02d}" + rng.choice(
        ["H501", "F205", "L219", "A944", "D612", "Z110"]
    )
    text = body + italian_sum(body)
    return text.lower() if form == "lower" else spread(text, [3, 3, 5, 5], " ") if form == "space" else text


@maker("national_id")
def nir(rng: Rng, form: str) -> str:
    day = _born(rng)
    body = (
        rng.choice("12")
        + day.strftime("%y%m")
        + f"{rng.randrange(1, 95):02d}".replace("20", "21")
        + f"{rng.randrange(1, 990):03d}{rng.randrange(1, 999):03d}"
    )
    key = f"{97 - int(body) % 97:02d}"
    return body + key if form == "bare" else spread(body, [1, 2, 2, 2, 3, 3], " ") + " " + key


@maker("national_id")
def idnr(rng: Rng, form: str) -> str:
    """The German tax number: ten digits of which exactly one comes twice, and ISO 7064 mod 11,10."""
    signs = rng.sample("0123456789", 9)
    signs.append(signs[rng.randrange(8)])
    while True:
        rng.shuffle(signs)
        if signs[0] != "0" and not any(a == b for a, b in itertools.pairwise(signs)):
            break
    product = 10
    for sign in signs:
        product = ((int(sign) + product) % 10 or 10) * 2 % 11
    text = "".join(signs) + str((11 - product) % 10)
    return text if form == "bare" else spread(text, [2, 3, 3, 3], " ")


@maker("national_id")
def rvnr(rng: Rng, form: str) -> str:
    """The German social insurance number."""
    day, letter = _born(rng), rng.choice("ABCDEFGHKLMNPRSTWZ")
    head = rng.choice(["12", "13", "15", "65"]) + day.strftime("%d%m%y")
    tail = f"{rng.randrange(2, 98):02d}"
    digits = head + f"{ord(letter) - 64:02d}" + tail
    total = sum(
        sum(map(int, str(int(sign) * weight)))
        for sign, weight in zip(digits, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1], strict=True)
    )
    text = head + letter + tail + str(total % 10)
    return text if form == "bare" else spread(text, [2, 6, 1, 3], " ")


@maker("national_id")
def bsn(rng: Rng, form: str) -> str:
    while True:
        body = draw(rng, "1#######")
        check = sum(int(sign) * (9 - place) for place, sign in enumerate(body)) % 11
        if check < 10:
            text = body + str(check)
            return spread(text, [4, 2, 3], ".") if form == "dots" else text


@maker("national_id")
def personnummer(rng: Rng, form: str) -> str:
    day = _born(rng)
    text = luhn_full(day.strftime("%y%m%d") + draw(rng, "###"))
    if form == "twelve":
        return f"{day.year // 100}{text}"
    if form == "long":
        return f"{day.year // 100}{text[:6]}-{text[6:]}"
    return f"{text[:6]}-{text[6:]}"


@maker("national_id")
def sin(rng: Rng, form: str) -> str:
    text = luhn_full(rng.choice("1234567") + draw(rng, "#{7}"))
    return text if form == "bare" else spread(text, [3, 3, 3], "-" if form == "dash" else " ")


@maker("national_id")
def tfn(rng: Rng, form: str) -> str:
    while True:
        text = draw(rng, "#{9}")
        if (
            text[0] != "0"
            and sum(
                int(sign) * weight for sign, weight in zip(text, [1, 4, 3, 7, 5, 8, 6, 9, 10], strict=True)
            )
            % 11
            == 0
        ):
            return text if form == "bare" else spread(text, [3, 3, 3], " ")


@maker("national_id")
def medicare(rng: Rng, form: str) -> str:
    body = rng.choice("23456") + draw(rng, "#{7}")
    text = (
        body
        + str(
            sum(int(sign) * weight for sign, weight in zip(body, [1, 3, 7, 9, 1, 3, 7, 9], strict=True)) % 10
        )
        + rng.choice("123")
    )
    return text if form == "bare" else spread(text, [4, 5, 1], " ")
