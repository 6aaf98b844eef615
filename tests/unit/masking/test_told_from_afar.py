"""Secrets that only a word somewhere near them tells, and what stands beside such words every day."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasshatch.masking import Engine
from glasshatch.masking.explaining import candidates
from glasshatch.masking.validators.placed import assigned_secret, random_session, sure_secret

TOLD = [
    ("what's the db password?\n<<< ewmge799x", "ewmge799x"),
    ('can you see "Tr9urVvi6w=MzZMJb" there? that was the root password', "Tr9urVvi6w=MzZMJb"),
    ("пароль для новой базы теперь Xb2EHE!Fm^qjrs", "Xb2EHE!Fm^qjrs"),
    ("ho messo come password Copper88pot", "Copper88pot"),
    ("管理员密码改成 3DTEHhtgfNS9uDTX 了", "3DTEHhtgfNS9uDTX"),
    ('variable "db_password" {\n  default = "Hd8y3C28EUHD6UN"\n}', "Hd8y3C28EUHD6UN"),
    ('"backup_codes":["87080056","53210335"]', "53210335"),
    ("tool -u bob -P Copper88pot run", "Copper88pot"),
    ("cs1Label=SessionId cs1=ef7d3871241935f743714401a13ee00e", "ef7d3871241935f743714401a13ee00e"),
    ("password=$Vane239", "$Vane239"),
    ("Set-Cookie: auth=XMZearPm6BzxyyM8lLkOoafIEh26WhevJGJeu5NcZ8==; HttpOnly",
     "XMZearPm6BzxyyM8lLkOoafIEh26WhevJGJeu5NcZ8=="),
]  # fmt: skip

HARMLESS = [
    "password rotation of Base64Encoder finished in build x86_64-Linux-gnu",
    "the password was changed by app at 2026-01-02T03:04:05Z from 10.0.0.7",
    "secret=%ka.target.name ns=%ka.target.namespace",
    "key: Ed25519PrivateKey, timestamp: int",
    "password_encryption: scram-sha-256",
    "session opened, token 0c1d2e3f-1111-4222-8333-444455556666 refreshed",
    "chown root:staff2024ab /srv/x",
    "password = os.environ['DB_PASSWORD']",
    "mount secret volume default-token-x7k2p",
]


@pytest.mark.parametrize(("text", "value"), TOLD)
def test_it_is_found_whole(engine: Engine, text: str, value: str) -> None:
    assert value in [one.value for one in engine.scan([text])[0]]


@pytest.mark.parametrize("text", HARMLESS)
def test_its_surroundings_are_no_secrets(engine: Engine, text: str) -> None:
    assert [one.value for one in engine.scan([text])[0] if one.type == "SECRET"] == []


def test_a_header_inside_json_takes_nothing_else_with_it(engine: Engine) -> None:
    text = '{"authorization":"Bearer OQMUhXgOGDvRfDQn3nqG"},"path":"/v2/orders/38184293"}'
    assert [one.value for one in engine.scan([text])[0]] == ["OQMUhXgOGDvRfDQn3nqG"]
    text = "retry with Authorization: Basic c3ZjLW1haWw6U29tbWVyMjAyNCE= (attempt 2)"
    assert [one.value for one in engine.scan([text])[0]] == ["c3ZjLW1haWw6U29tbWVyMjAyNCE="]


def test_what_nobody_takes_for_a_word() -> None:
    for text in ("Tulip#Lamp88x", "Hd8y3C28EUHD6UNbU4twbC", "a8f3kq02mz7x1pc9"):
        assert sure_secret(text), text
    for text in (
        "OAuth2TokenStore",
        "user=Bob2xyzab",
        "TLSv1.3",
        "https://a.example/B1",
        "a@b.example",
        "12345678",
    ):
        assert not sure_secret(text), text


def test_what_may_be_assigned_to_a_secret() -> None:
    assert assigned_secret("Dragon539")
    assert assigned_secret("ZLUcXs2meuuoxpaCA2nl3fm5")
    assert not assigned_secret("client-v2-2024")
    assert not assigned_secret("https://x.example/Ab12")
    assert random_session("970bbb511819b9ce636ca7294616675e")
    assert not random_session("billing-worker-2024")


def test_an_expression_that_ends_with_the_text_is_explained_as_it_is_found(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        "[[detector]]\nname = 'last'\ntype = 'BADGE'\ntrigger = 'BQ-[0-9]{4}'\nverify = 'BQ-[0-9]{4}$'\n"
    )
    ours = Engine.load((), (own,))
    assert [one.value for one in ours.scan(["x BQ-1234"])[0]] == ["BQ-1234"]
    assert candidates(ours, ours.detectors[0], "x BQ-1234")
    assert not candidates(ours, ours.detectors[0], "x BQ-1234 y")
