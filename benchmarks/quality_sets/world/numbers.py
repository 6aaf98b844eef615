"""Phone numbers, cards, accounts, addresses of machines and mail: all valid, in the forms people write."""

# ruff: noqa: E501

from __future__ import annotations

import ipaddress

from .draw import Rng, Value, draw, maker, spread

_ABROAD = {
    "de": ["+49 (0)171 5######", "+49 30 2#######", "0049 171 5######", "+49-89-5######", "+4915123######"],
    "fr": ["+33 (0)6 1# ## ## ##", "+33.6.1#.##.##.##", "0033 1 42 ## ## ##", "+33 7 6# ## ## ##"],
    "gb": ["+44 (0) 7911 1#####", "+44-20-7946-0###", "0044 7700 900###", "+44 1632 960###"],
    "us": ["+1 (415) 2##-####", "+1.212.7##.####", "+1-206-3##-####", "+1 650 2## ####", "+13125######"],
    "br": ["+55 (11) 9####-####", "+55 21 9#### ####", "+55 31 3###-####", "+5548 9####-####"],
    "in": ["+91-98###-#####", "+91 98## ### ###", "+91 (0)99#######1", "+91 80 4### ####"],
    "jp": ["+81-90-2###-####", "+81 3 5### ####", "+81 (0)80-4###-####"],
    "pl": ["+48 60# ### ###", "+48 22 5## ## ##", "0048 69# ### ###"],
    "tr": ["+90 532 ### ## ##", "+90 (212) 3## ## ##", "+90 542 ### ####"],
    "es": ["+34 6## ## ## ##", "+34 91 2## ## ##", "0034 65# ### ###", "+34-93-4##-##-##"],
    "it": ["+39 347 #######", "+39 06 4#######", "+39 333 ### ####", "0039 02 7#######"],
    "nl": ["+31 6 1#######", "+31 (0)20 6######", "+31-6-2#######", "0031 10 4######"],
    "se": ["+46 70 ### ## ##", "+46 (0)8 5## ### ##", "+46-73-###-##-##"],
    "pt": ["+351 91# ### ###", "+351 21 3## ## ##", "+351 93 ### ## ##"],
    "au": ["+61 4## ### ##1", "+61 2 9### ####", "+61 (0)412 ### ###"],
    "ch": ["+41 79 ### ## ##", "+41 (0)44 2## ## ##"],
    "ca": ["+1 416-9##-####", "+1 (604) 6##-####"],
    "more": [
        *("+43 664 #######", "+45 2# ## ## ##", "+47 9## ## ###", "+358 40 #######", "+353 87 ### ####"),
        *("+32 47# ## ## ##", "+420 60# ### ###", "+36 30 ### ####", "+30 697 ### ####", "+7 916 ### ## ##"),
        *("+380 67 ### ## ##", "+86 138 #### ####", "+82-10-2###-####", "+65 9### ####", "+52 55 5### ####"),
        *("+54 9 11 5### ####", "+27 82 ### ####", "+234 803 ### ####", "+971 50 ### ####", "+64 21 4## ###"),
        *("+972-52-###-####", "+20 100 ### ####", "+66 81 ### ####", "+62 812-####-####", "+63 917 ### ####"),
        *("+852 9### ####", "+886 912 ### ###", "+254 712 ######", "+56 9 8### ####", "+57 310 ### ####"),
    ],
}  # fmt: skip
_AT_HOME = {
    "de": ["0171/5######", "(030) 2#######", "0171 - 5######", "089/5#####-0", "0151 2#######"],
    "fr": ["06 1# ## ## ##", "06.1#.##.##.##", "01-42-##-##-##", "076#######"],
    "gb": ["07911 1#####", "(020) 7946 0###", "07700 900 ###", "01632 960###", "020 7946 0###"],
    "us": ["(415) 2##-####", "212.7##.####", "206-3##-####", "1-650-2##-####", "(312) 5## ####", "2064##3###"],
    "br": ["(11) 9####-####", "21 9####-####", "(31) 3###-####"],
    "in": ["98###-#####", "098########", "99########", "080-4### ####"],
    "jp": ["090-2###-####", "03-5###-####", "(03) 5###-####", "0802#######"],
    "pl": ["60# ### ###", "22 5## ## ##", "69#-###-###"],
    "tr": ["0532 ### ## ##", "(0212) 3## ## ##", "0542#######"],
    "es": ["6## ## ## ##", "91 2## ## ##", "65#-###-###", "93 4## ## ##"],
    "it": ["347 #######", "06 4#######", "333-#######", "02/7#######"],
    "nl": ["06-1#######", "020-6######", "06 2# ## ## ##", "(010) 4######"],
    "se": ["070-### ## ##", "08-5## ### ##", "073#######"],
    "pt": ["91# ### ###", "21 3## ## ##", "93#######"],
    "au": ["04## ### ##1", "(02) 9### ####", "0412######", "02 9### ####"],
    "ca": ["416-9##-####", "(604) 6##-####", "514 8## ####"],
    "ch": ["079 ### ## ##", "044 2## ## ##"],
}  # fmt: skip
_BRANDS = {
    "visa": ["4|16"], "visa13": ["4|13"], "visa19": ["4|19"], "master": ["51|16", "53|16", "55|16"],
    "master2": ["2221|16", "2490|16", "2720|16"], "amex": ["34|15", "37|15"], "diners": ["36|14", "38|14", "305|14"],
    "discover": ["6011|16", "6445|16", "65|16"], "jcb": ["3528|16", "3566|16", "3589|16"],
    "unionpay": ["6221|16", "6250|19", "6258|16"], "maestro": ["5018|16", "6759|16", "6763|19", "6304|13", "5038|18"],
    "elo": ["636368|16", "506699|16"], "mir": ["2200|16", "2204|16"], "rupay": ["6521|16", "608|16"],
    "troy": ["9792|16"], "verve": ["506105|19"], "dankort": ["5019|16"],
}  # fmt: skip
_ACCOUNTS = {
    "DE": "#{18}", "AT": "#{16}", "CH": "#{5}!{12}", "NL": "ABNA#{10}", "GB": "NWBK#{14}", "IE": "AIBK#{14}",
    "LU": "#{3}!{13}", "SE": "#{20}", "DK": "#{14}", "TR": "#{5}0!{16}", "SA": "#{2}!{18}", "AE": "#{19}",
    "RO": "BTRL!{16}", "GR": "#{7}!{16}", "MT": "MALT#{5}!{18}", "CY": "#{8}!{16}", "LI": "#{5}!{12}",
}  # fmt: skip
_WHO = """anke.vos jp_moreau k-lindgren rosa mehmet.yilmaz hiroshi.t s.o.connor wiktoria ngozi lea2 dangelo
joao.pereira+shop priya_n x.y.z""".split()
_AT = """posteo.example uni-example.de firma.example.it mail.example.co.jp correo.example.es example.com.tr
kancelaria.example.pl example.nl xn--mller-kva.example shop.example.se a.example.com.br studio.example""".split()
_WEIRD = ["über.straße@example.de", "用户@例え.jp", "first.last%ext@relay.example.org", "o'neil@example.ie"]


@maker("phone")
def phone(rng: Rng, form: str) -> str:
    """In the form for callers from abroad, of one country or any."""
    return draw(rng, rng.choice(_ABROAD[form or rng.choice(list(_ABROAD))]))


@maker("phone")
def local(rng: Rng, form: str) -> str:
    """As written at home: something beside it must say that it is a phone number."""
    return draw(rng, rng.choice(_AT_HOME[form or rng.choice(list(_AT_HOME))]))


@maker("phone")
def extension(rng: Rng, form: str) -> Value:
    """With an extension, which may be found or left."""
    number = draw(rng, "+1 212-7##-####")
    return number + rng.choice([" ext. 4##", " x2##", ";ext=3##", " #7#"]).replace("#", "5"), 0, len(number)


@maker("phone")
def digits_only(rng: Rng, form: str) -> str:
    """E.164, all digits together."""
    return "+" + "".join(filter(str.isdigit, str(phone(rng, form)).replace("(0)", ""))).removeprefix("00")


def luhn_full(body: str) -> str:
    """The digits with their Luhn digit."""
    doubled = [int(sign) * (2 - place % 2) for place, sign in enumerate(reversed(body))]
    return body + str(-sum(digit - 9 * (digit > 9) for digit in doubled) % 10)


@maker("card")
def card(rng: Rng, form: str) -> str:
    """`brand/grouping`; brand and grouping are drawn where they are not told."""
    brand, _, group = form.partition("/")
    head, length = rng.choice(_BRANDS[brand or rng.choice(list(_BRANDS))]).split("|")
    number = luhn_full(draw(rng, head + "#" * (int(length) - 1 - len(head))))
    group = group or rng.choice(["none", "none", "space", "dash", "natural"])
    if group == "none":
        return number
    sign = {"dash": "-", "dot": ".", "space": " ", "under": "_", "wide": "  ", "nbsp": "\u00a0"}.get(
        group, " "
    )
    sizes = (
        [4, 6, 5]
        if len(number) in {14, 15}
        else [6, 13]
        if len(number) == 19 and group == "natural"
        else [4] * 4
    )
    return spread(number, [8, 8] if group == "halves" else sizes, sign)


def _mod97(text: str) -> int:
    return int("".join(str(int(sign, 36)) for sign in text)) % 97


def _french(rng: Rng) -> str:
    bank, desk, account = draw(rng, "#{5}"), draw(rng, "#{5}"), draw(rng, "#{11}")
    return bank + desk + account + f"{97 - (89 * int(bank) + 15 * int(desk) + 3 * int(account)) % 97:02d}"


def _spanish(rng: Rng) -> str:
    bank, account = draw(rng, "#{8}"), draw(rng, "#{10}")
    check = ""
    for part in ("00" + bank, account):
        rest = 11 - sum(int(sign) * (2**place % 11) for place, sign in enumerate(part)) % 11
        check += str({10: 1, 11: 0}.get(rest, rest))
    return bank + check + account


_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]


def italian_sum(text: str) -> str:
    """The letter over odd and even places that Italian accounts and tax codes end or begin with."""
    total = 0
    for place, sign in enumerate(text):
        rank = int(sign) if sign.isdigit() else ord(sign) - 65
        total += rank if place % 2 else _ODD[rank]
    return chr(65 + total % 26)


def _bban(rng: Rng, country: str) -> str:
    if country == "FR":
        return _french(rng)
    if country == "ES":
        return _spanish(rng)
    if country == "IT":
        body = draw(rng, "#{22}")
        return italian_sum(body) + body
    if country == "BE":
        body = draw(rng, "#{10}")
        return body + f"{int(body) % 97 or 97:02d}"
    if country == "PT":
        body = draw(rng, "#{19}")
        return body + f"{98 - int(body) * 100 % 97:02d}"
    return draw(rng, _ACCOUNTS[country])


@maker("iban")
def iban(rng: Rng, form: str) -> str:
    """`country/form`; every country in turn where none is told."""
    country, _, form = form.partition("/")
    country = country.upper() or rng.choice([*_ACCOUNTS, "FR", "ES", "IT", "BE", "PT", "FR", "ES", "IT"])
    bban = _bban(rng, country)
    number = f"{country}{98 - _mod97(bban + country + '00'):02d}{bban}"
    form = form or rng.choice(["none", "space", "space", "lower", "dash"])
    if form == "lower":
        return number.lower()
    return number if form == "none" else spread(number, [4] * 9, "-" if form == "dash" else " ")


@maker("ip")
def ip(rng: Rng, form: str) -> str:
    """A version 4 address: public unless told `lan`."""
    if form == "lan":
        return draw(rng, rng.choice(["10.4#.1##.2#", "192.168.#.1#", "172.2#.1#.1##"]))
    first = rng.choice([23, 45, 62, 78, 85, 91, 104, 141, 151, 176, 185, 193, 212])
    return f"{first}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}.{rng.randrange(1, 255)}"


@maker("ip")
def ip6(rng: Rng, form: str) -> Value:
    """A version 6 address: full, short, upper, mapped, zone, or any of them."""
    form = form or rng.choice(["full", "short", "short", "upper", "mapped", "zone", "dotted64"])
    number = (0x2A02 << 112) | (rng.getrandbits(48) << 64) | rng.getrandbits(16 if form == "short" else 64)
    value = str(ipaddress.IPv6Address(number))
    if form == "upper":
        value = ipaddress.IPv6Address(number).exploded.upper()
    if form == "mapped":
        value = "::ffff:" + str(ip(rng, ""))
    if form == "dotted64":
        value = "64:ff9b::" + str(ip(rng, ""))
    if form == "zone":
        bare = draw(rng, "fe80::2~~:~~ff:fe~~:4~~1")
        return bare + rng.choice(["%eth0", "%en1", "%3", "%wlp2s0"]), 0, len(bare)
    return value, 0, len(value)


@maker("mac")
def mac(rng: Rng, form: str) -> str:
    """colon, dash, cisco, bare, caps; bare only where something beside it says what it is."""
    digits = rng.choice(["00", "3c", "a4", "f8", "b8", "dc"]) + draw(rng, "~{10}")
    form = form or rng.choice(["colon", "dash", "cisco", "caps"])
    if form == "cisco":
        return spread(digits, [4, 4, 4], ".")
    if form in {"bare", "barecaps"}:
        return digits.upper() if form == "barecaps" else digits
    text = spread(digits, [2] * 6, "-" if form == "dash" else ":")
    return text if form == "colon" else text.upper()


@maker("email")
def email(rng: Rng, form: str) -> str:
    """An address of ordinary people; `odd` for what standards allow and few write."""
    if form == "odd":
        return rng.choice(_WEIRD)
    return rng.choice(_WHO) + draw(rng, rng.choice(["", "", "#", "##"])) + "@" + rng.choice(_AT)
