"""What a provider's token must be and say: everything else is refused, and says why."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from glasshatch.clock import ManualClock
from glasshatch.errors import Unavailable
from glasshatch.identity.openid import (
    Expected,
    KeyStore,
    OpenIdClient,
    Settings,
    TokenFault,
    Waiting,
    read_provider,
    verify_id_token,
)

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated", "ignore:Key size should be")
ISSUER = "https://id.example/realms/work"
NOW = 1_800_000_000
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "okp"})
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "aud": "glasshatch", "sub": "s-17", "iat": NOW - 5, "exp": NOW + 300, "nonce": "n",
    "preferred_username": "dora", "groups": ["oncall"],
}  # fmt: skip
EXPECTED = Expected(ISSUER, "glasshatch", NOW, "n")


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode()


def signed(claims: Mapping[str, Any] = CLAIMS, key: Any = RSA, alg: str = "RS256", **header: Any) -> str:
    algorithms = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA", "HS256"]
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, dict(claims), key, algorithms)


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def store(*keys: Any) -> KeyStore:
    return KeyStore(lambda: jwks(*keys), ManualClock().monotonic_ns)


def checked(text: str, expected: Expected = EXPECTED) -> dict[str, Any]:
    return verify_id_token(text, store(RSA, EC, OKP).candidates, expected)


@pytest.mark.parametrize(
    ("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (OKP, "Ed25519"), (OKP, "EdDSA")]
)
def test_a_true_token_says_who(key: Any, alg: str) -> None:
    assert checked(signed(key=key, alg=alg))["sub"] == "s-17"


def test_a_token_may_name_no_key() -> None:
    text = jwt.encode({"alg": "RS256"}, CLAIMS, RSA, ["RS256"])
    assert checked(text)["sub"] == "s-17"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"exp": NOW - 61}, "expired"),
        ({"exp": None}, "form"),
        ({"exp": "soon"}, "form"),
        ({"exp": True}, "form"),
        ({"exp": 1e400}, "form"),
        ({"iat": NOW + 61}, "future"),
        ({"iat": NOW - 700}, "old"),
        ({"iat": None}, "form"),
        ({"nbf": NOW + 90}, "future"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"aud": ["another"]}, "audience"),
        ({"aud": ["glasshatch", "another"]}, "audience"),
        ({"aud": ["glasshatch", "another"], "azp": "another"}, "audience"),
        ({"azp": "another"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": {"glasshatch": 1}}, "audience"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 17}, "subject"),
        ({"sub": "s" * 256}, "subject"),
    ],
)  # fmt: skip
def test_what_a_token_says_must_fit(change: dict[str, Any], kind: str) -> None:
    claims = {name: value for name, value in (CLAIMS | change).items() if value is not None}
    text = whatever(claims)
    with pytest.raises(TokenFault) as found:
        checked(text)
    assert found.value.kind == kind
    assert "evil" not in str(found.value)


def whatever(claims: dict[str, Any]) -> str:
    """Signed by the provider whatever it says, also what a library would not write."""
    payload = json.dumps(claims).replace("Infinity", "1e400").encode()
    return jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, payload, RSA, ["RS256"])


@pytest.mark.parametrize("skew", [-59, 59])
def test_two_clocks_may_differ_by_the_leeway(skew: int) -> None:
    claims = CLAIMS | {"iat": NOW + skew, "exp": NOW + skew + 1}
    assert checked(signed(claims))["sub"] == "s-17"


def test_alg_none_is_refused_however_it_is_written() -> None:
    for alg in ("none", "None", "NONE", "nOnE", ""):
        for signature in ("", "AAAA"):
            with pytest.raises(TokenFault) as found:
                checked(f"{part({'alg': alg, 'kid': 'rsa'})}.{part(CLAIMS)}.{signature}")
            assert found.value.kind == "algorithm"


def test_a_public_key_is_no_shared_secret() -> None:
    """The classic confusion: HS256 with the bytes that everybody can read as its key."""
    public = RSA.as_pem(private=False)
    for secret in (public, public.strip(), json.dumps(RSA.as_dict(private=False)).encode()):
        body = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
        mac = hmac.digest(secret, body.encode(), hashlib.sha256)
        with pytest.raises(TokenFault) as found:
            checked(f"{body}.{part(mac)}")
        assert found.value.kind == "algorithm"


def test_a_shared_secret_in_the_key_set_verifies_nothing() -> None:
    oct = OctKey.generate_key(256, {"kid": "oct"})
    published = json.dumps({"keys": [oct.as_dict(private=True), RSA.as_dict(private=False)]}).encode()
    keys = KeyStore(lambda: published, ManualClock().monotonic_ns)
    with pytest.raises(TokenFault):
        verify_id_token(signed(key=oct, alg="HS256"), keys.candidates, EXPECTED)
    with pytest.raises(TokenFault):
        verify_id_token(signed(key=RSA, kid="oct"), keys.candidates, EXPECTED)


def test_a_token_forged_with_another_key_is_refused() -> None:
    other = RSAKey.generate_key(2048, {"kid": "rsa"})
    with pytest.raises(TokenFault) as found:
        checked(signed(key=other))
    assert found.value.kind == "signature"
    # Nor does a key that comes with the token count.
    with pytest.raises(TokenFault):
        checked(signed(key=other, jwk=other.as_dict(private=False)))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_part_of_a_token_can_be_changed(place: int) -> None:
    parts = signed().split(".")
    middle = len(parts[place]) // 2
    letter = "A" if parts[place][middle] != "A" else "B"
    parts[place] = parts[place][:middle] + letter + parts[place][middle + 1 :]
    with pytest.raises(TokenFault):
        checked(".".join(parts))


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a.b", "a.b.c.d", "é.b.c", "A" * 300_000 + ".b.c", "eyJ9.e30.x", f"{part([])}.e30.x",
     f"{part({'alg': ['RS256']})}.e30.x", f"{part(b'%ff')}.e30.x"],
)  # fmt: skip
def test_what_is_no_token_is_said_to_be_none(text: str) -> None:
    with pytest.raises(TokenFault) as found:
        checked(text)
    assert found.value.kind == "form"


def test_a_critical_header_that_is_not_understood_is_refused() -> None:
    header = {"alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": 1}
    with pytest.raises(TokenFault):
        checked(f"{part(header)}.{part(CLAIMS)}.AAAA")


def test_short_and_encryption_keys_are_passed_over() -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})
    published = json.dumps(
        {"keys": [short.as_dict(private=False), {**EC.as_dict(private=False), "use": "enc"}, {"kty": "odd"}]}
    ).encode()
    keys = KeyStore(lambda: published, ManualClock().monotonic_ns)
    for key, alg in ((short, "RS256"), (EC, "ES256")):
        with pytest.raises(TokenFault) as found:
            verify_id_token(signed(key=key, alg=alg), keys.candidates, EXPECTED)
        assert found.value.kind == "key"


def test_keys_are_fetched_anew_for_a_name_not_known_yet_and_not_too_often() -> None:
    clock, fetched, published = ManualClock(), [], [RSA]

    def fetch() -> bytes:
        fetched.append(1)
        return jwks(*published)

    keys = KeyStore(fetch, clock.monotonic_ns)
    assert keys.candidates("rsa", "RSA")
    published[:] = [EC]
    clock.advance(2 * 10**9)
    assert keys.candidates("ec", "EC")
    # The old key is gone with the new set; names that a stranger makes up fetch nothing for a while.
    assert not keys.candidates("rsa", "RSA")
    for name in range(100):
        assert not keys.candidates(f"made-up-{name}", "RSA")
    assert len(fetched) == 2
    clock.advance(3_600 * 10**9)
    assert keys.candidates("ec", "EC")
    assert len(fetched) == 3


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"issuer": "https://id.example/realms/other"}, "another name"),
        ({"token_endpoint": "http://id.example/token"}, "without TLS"),
        ({"jwks_uri": "ftp://id.example/keys"}, "without TLS"),
        ({"authorization_endpoint": 7}, "not understood"),
    ],
)
def test_a_provider_must_describe_itself_and_be_safe(change: dict[str, Any], word: str) -> None:
    with pytest.raises(Unavailable, match=word):
        read_provider(json.dumps(DOCUMENT | change).encode(), ISSUER)


DOCUMENT = {
    "issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/auth", "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys", "userinfo_endpoint": f"{ISSUER}/me",
    "device_authorization_endpoint": f"{ISSUER}/device",
}  # fmt: skip


class Recorded:
    """The network between: answers are given, and what was sent is kept. What a provider does is tested
    with a real one; this is for answers that a real one never gives."""

    def __init__(self, answers: Mapping[str, Callable[[Mapping[str, str]], tuple[int, bytes]]]) -> None:
        self.answers = answers
        self.sent: list[tuple[str, Mapping[str, str]]] = []

    def get(self, address: str, bearer: str = "") -> tuple[int, bytes]:
        return self._answer(address, {"bearer": bearer})

    def post(
        self, address: str, form: Mapping[str, str], basic: tuple[str, str] | None = None
    ) -> tuple[int, bytes]:
        return self._answer(address, {**form, **({"basic": ":".join(basic)} if basic else {})})

    def _answer(self, address: str, form: Mapping[str, str]) -> tuple[int, bytes]:
        self.sent.append((address, form))
        name = address.rsplit("/", 1)[1]
        if name == "openid-configuration":
            return 200, json.dumps(DOCUMENT).encode()
        if name == "keys":
            return 200, jwks(RSA)
        return self.answers[name](form)


def a_client(clock: ManualClock | None = None, **answers: Any) -> tuple[OpenIdClient, Recorded]:
    web = Recorded(answers)
    settings = Settings(issuer=ISSUER, client_id="glasshatch", secret=lambda: "s:e/c")
    random = iter(range(1, 1_000))
    made = OpenIdClient(settings, web, clock or ManualClock(NOW * 10**9), lambda n: bytes([next(random)]) * n)
    return made, web


def tokens(**claims: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"id_token": signed(CLAIMS | claims), "access_token": "a"}).encode()


def test_the_code_goes_with_its_verifier_and_the_secret_in_the_header() -> None:
    nonce: list[str] = []
    client, web = a_client(token=lambda form: tokens(nonce=nonce[0]))
    begun = client.begin("https://hatch.example/back")
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.address).query).items()}
    nonce.append(query["nonce"])
    person = client.finish(begun, "the-code")
    assert (person.name, person.groups) == ("dora", ("oncall",))
    _, form = next(one for one in web.sent if one[0].endswith("/token"))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
    assert challenge.rstrip(b"=").decode() == query["code_challenge"]
    assert form["basic"] == "glasshatch:s%3Ae%2Fc"
    for secret in (begun.verifier, begun.nonce, "s:e/c"):
        assert secret not in repr(begun) + repr(person) + repr(client)


def test_a_token_is_taken_once() -> None:
    nonce: list[str] = []
    client, _ = a_client(token=lambda form: tokens(nonce=nonce[0]))
    begun = client.begin("https://hatch.example/back")
    nonce.append(begun.nonce)
    client.finish(begun, "the-code")
    with pytest.raises(TokenFault) as found:
        client.finish(begun, "the-code")
    assert found.value.kind == "replayed"


@pytest.mark.parametrize(
    ("answer", "error", "word"),
    [
        ((400, b'{"error":"invalid_grant"}'), TokenFault, "used up"),
        ((401, b'{"error":"invalid_client"}'), Unavailable, "refuses this client"),
        ((200, b"{}"), TokenFault, "openid is not granted"),
        ((500, b"<html>"), Unavailable, "answers 500"),
        ((200, b"<html>"), Unavailable, "no token"),
    ],
)
def test_answers_of_a_token_endpoint(answer: tuple[int, bytes], error: type[Exception], word: str) -> None:
    client, _ = a_client(token=lambda form: answer)
    with pytest.raises(error) as found:
        client.finish(client.begin("https://hatch.example/back"), "the-code")
    assert word in str(found.value)


def test_what_is_said_elsewhere_of_the_user_must_be_about_the_same_one() -> None:
    bare = {name: CLAIMS[name] for name in ("iss", "aud", "sub", "iat", "exp")}
    nonce: list[str] = []
    told: dict[str, Any] = {"sub": "s-17", "preferred_username": "dora", "groups": ["x"]}

    def token(form: Mapping[str, str]) -> tuple[int, bytes]:
        return 200, json.dumps(
            {"id_token": signed({**bare, "nonce": nonce[-1]}), "access_token": "a"}
        ).encode()

    client, web = a_client(token=token, me=lambda form: (200, json.dumps(told).encode()))
    begun = client.begin("https://hatch.example/back")
    nonce.append(begun.nonce)
    assert client.finish(begun, "c").groups == ("x",)
    assert ("https://id.example/realms/work/me", {"bearer": "a"}) in web.sent
    told["sub"] = "s-18"
    begun = client.begin("https://hatch.example/back")
    nonce.append(begun.nonce)
    with pytest.raises(TokenFault) as found:
        client.finish(begun, "c")
    assert found.value.kind == "subject"


def test_a_device_waits_as_long_as_it_is_told_to() -> None:
    answers = [
        (400, b'{"error":"authorization_pending"}'), (400, b'{"error":"slow_down"}'),
        (400, b'{"error":"access_denied"}'),
    ]  # fmt: skip
    device = {
        "device_code": "d",
        "user_code": "ABCD",
        "verification_uri": "https://id.example/d",
        "expires_in": 60,
    }
    sent: list[Mapping[str, str]] = []

    def take(form: Mapping[str, str], answer: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        sent.append(form)
        return answer()

    client, _ = a_client(
        device=lambda form: take(form, lambda: (200, json.dumps(device).encode())),
        token=lambda form: take(form, lambda: answers.pop(0)),
    )
    begun = client.begin_device()
    assert begun.interval_s == 5
    assert client.poll_device(begun) == Waiting(5)
    assert client.poll_device(begun) == Waiting(10)
    with pytest.raises(TokenFault, match="refused by the user"):
        client.poll_device(begun)
    # Keycloak wants PKCE of devices as well, where it is demanded of the client.
    verifier = hashlib.sha256(sent[1]["code_verifier"].encode()).digest()
    assert sent[0]["code_challenge"] == base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
    assert sent[0]["code_challenge_method"] == "S256"


def test_a_provider_that_is_away_is_asked_once_in_a_while() -> None:
    asked = []

    class Away:
        def get(self, address: str, bearer: str = "") -> tuple[int, bytes]:
            asked.append(address)
            raise Unavailable("the identity provider cannot be reached: no answer in time")

        def post(self, *_: Any) -> tuple[int, bytes]:
            raise AssertionError

    clock = ManualClock(NOW * 10**9)
    client = OpenIdClient(Settings(issuer=ISSUER, client_id="glasshatch"), Away(), clock, bytes)
    for _ in range(5):
        with pytest.raises(Unavailable, match="no answer in time"):
            client.begin("https://hatch.example/back")
    assert len(asked) == 1
    clock.advance(11 * 10**9)
    with pytest.raises(Unavailable):
        client.begin("https://hatch.example/back")
    assert len(asked) == 2


def test_nobody_is_sent_to_a_provider_that_went_away_since() -> None:
    clock = ManualClock(NOW * 10**9)
    client, web = a_client(clock)
    client.begin("https://hatch.example/back")
    web.get = lambda address, bearer="": (503, b"")  # type: ignore[method-assign]
    # Within seconds what it said counts; behind that a browser would be sent away and told nothing.
    client.begin("https://hatch.example/back")
    clock.advance(11 * 10**9)
    for _ in range(2):
        with pytest.raises(Unavailable):
            client.begin("https://hatch.example/back")
        with pytest.raises(Unavailable):
            client.present()
    # Who comes back from it, and is asked about later, is not held up by that.
    assert client.provider().token
