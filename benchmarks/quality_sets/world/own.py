"""Makers of the set `afar`: passwords of people and of programs, tokens told by their place, addresses."""

from __future__ import annotations

from .draw import Rng, draw, maker

_NOUNS = "kettle vane harbor thistle copper willow badger lantern quartz meadow falcon ginger".split()
_OTHERS = "Sommer Natacha Barcelona Kumquat Dragon Welcome Herbst Passw0rd Monkey Liverpool Azerty".split()
_SIGNS = "!#$%*+-=?@^_~."
_LOCALS = "?{4}.?{6}", "?{7}##", "?{1}?{6}", "?{3}-?{5}", "?{5}_?{4}", "?{4}+?{4}", "?{5}.?{1}.?{6}"
_DOMAINS = (
    "?{6}.example",
    "?{5}-?{4}.co.uk",
    "mail.?{6}.de",
    "?{7}.io",
    "?{5}.com.br",
    "?{6}.fr",
    "?{4}?{3}.org",
)


@maker("secret")
def pw(rng: Rng, form: str) -> str:
    """`human`, `made`, `soft` (letters and digits), `phrase` (words and a sign); any of the first three."""
    form = form or rng.choice(["human", "made", "made", "soft"])
    if form == "human":
        word, other, sign = rng.choice(_NOUNS), rng.choice(_OTHERS), rng.choice(_SIGNS)
        return rng.choice(
            [
                f"{word.title()}{sign}{rng.randrange(10)}{rng.choice(_NOUNS)}",
                f"{other}{rng.randrange(1960, 2030)}{sign}",
                f"{word.replace('e', '3').replace('a', '@')}{rng.randrange(10, 99)}{rng.choice('XQZ')}",
                f"{other}{rng.randrange(10, 999)}",
                f"{rng.choice(_SIGNS[:9])}{word.title()}{rng.randrange(100, 999)}",
            ]
        )
    if form == "soft":
        return draw(rng, rng.choice(["?{5}#{3}", "%{12}", "?{3}#{2}?{4}", "@?{7}#{2}", "*{16}"]))
    if form == "phrase":
        return rng.choice("-._").join(rng.sample(_NOUNS, 4))
    size = rng.randrange(12, 22)
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789" + "!#%*+-=^_~."
    return draw(rng, "@?#") + "".join(rng.choice(letters) for _ in range(size)) + draw(rng, "*")


@maker("secret")
def tok(rng: Rng, form: str) -> str:
    """What only its place tells."""
    forms = {
        "hex": "~{32}", "hex20": "~{20}", "hex40": "~{40}", "b62": "*{24}", "b62long": "*{48}",
        "b64": "*{42}==", "uuid": "~{8}-~{4}-4~{3}-a~{3}-~{12}", "short": "*{10}", "low": "%{26}",
        "wg": "*{43}=", "hex64": "~{64}", "b32": "@{24}", "lowcap": "*{33}", "hash": "*{86}", "apr": "*{22}",
    }  # fmt: skip
    return draw(rng, forms[form or rng.choice(["hex", "hex40", "b62", "b64", "uuid", "low"])])


@maker("secret")
def otp(rng: Rng, form: str) -> str:
    """A code that is typed once."""
    return draw(rng, form or rng.choice(["######", "### ###", "########", "####"]))


@maker("email")
def post(rng: Rng, form: str) -> str:
    """An address of nobody."""
    return draw(rng, rng.choice(_LOCALS)) + "@" + draw(rng, rng.choice(_DOMAINS))
