"""Cards, accounts and other numbers of payment."""

from __future__ import annotations

from .text import digits

_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def luhn(number: str) -> bool:
    """ISO/IEC 7812-1 check digit over a string of ASCII digits."""
    octets = number.encode("ascii")
    plain, doubled = octets[-1::-2], octets[-2::-2]
    return (sum(plain) - 48 * len(plain) + sum(doubled.translate(_DOUBLED))) % 10 == 0


def card(text: str) -> bool:
    """A payment card number: a known issuer range with its length, and Luhn."""
    number = digits(text)
    return len(number) in ISSUERS.get(number[:4], ()) and luhn(number) and len(set(number)) > 1


def card_told(text: str) -> bool:
    """What a word such as `card number` tells: twelve to nineteen digits of any network, and Luhn."""
    number = digits(text)
    return 12 <= len(number) <= 19 and len(set(number)) > 2 and luhn(number)


def _issuer_ranges() -> dict[str, tuple[int, ...]]:
    """The lengths that card numbers have, by their first four digits."""
    ranges = (
        ((4000, 4999), (13, 16, 19)),
        ((5100, 5599), (16,)),
        ((2221, 2720), (16,)),
        ((2200, 2204), (16,)),
        ((3400, 3499), (15,)),
        ((3700, 3799), (15,)),
        ((6011, 6011), (16, 19)),
        ((6440, 6599), (16, 19)),
        ((3000, 3059), (14, 16, 19)),
        ((3600, 3699), (14, 16, 19)),
        ((3800, 3999), (14, 16, 19)),
        ((3528, 3589), (16, 17, 18, 19)),
        ((6200, 6299), (16, 17, 18, 19)),
        ((6060, 6089), (16,)),  # RuPay, Hipercard
        ((6361, 6369), (16, 19)),  # Elo, InterPayment
        ((5066, 5067), (16, 18, 19)),  # Elo, Verve
        ((5061, 5061), (16, 18, 19)),  # Verve
        ((9792, 9792), (16,)),  # Troy
    )
    maestro = (5018, 5019, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)
    known = {str(first): tuple(range(13, 20)) for first in maestro}
    for (low, high), lengths in ranges:
        known |= {str(first): lengths for first in range(low, high + 1)}
    return known


def iban(text: str) -> bool:
    """ISO 13616: the country's length and the mod-97 check."""
    compact = "".join(text.split()).replace("-", "").upper()
    if len(compact) != IBAN_LENGTHS.get(compact[:2], -1) or not compact.isalnum():
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


ISSUERS = _issuer_ranges()


def luhn_text(text: str) -> bool:
    """Luhn over the digits of a text with separators."""
    number = digits(text)
    return len(number) > 1 and len(set(number)) > 1 and luhn(number)


def aba_routing(text: str) -> bool:
    """A routing number of a US bank: its Federal Reserve prefix and the 3-7-1 checksum."""
    number = digits(text)
    if len(number) != 9:
        return False
    prefix = int(number[:2])
    if not (1 <= prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0


def bic(text: str) -> bool:
    """ISO 9362: four letters, a country that exists, two, and maybe three for the branch."""
    return len(text) in (8, 11) and text[:6].isalpha() and text[4:6].upper() in _COUNTRIES


def crypto_wallet(text: str) -> bool:
    """A wallet: Bitcoin with its checksum, or Ethereum's forty hex digits that are no padding."""
    if text[:2].lower() == "0x":
        return len(text) == 42 and len(set(text[2:].lower())) > 6
    from .library import library_check

    return library_check("bitcoin")(text)


_COUNTRIES = frozenset(
    """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET
    FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM
    IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD
    ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
    PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST
    SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS
    XK YE YT ZA ZM ZW""".split()
)
