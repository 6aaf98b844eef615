"""Keys open only where they were made to open, and never show themselves."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from glasshatch.errors import ConfigError, Conflict, VerificationError
from glasshatch.keys import Envelope, Keyring, create_master_key_file, open_master_key


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    master = create_master_key_file(tmp_path / "master.key")
    Keyring.create(tmp_path / "default.json", "default", "example.com/audit", master, os.urandom)
    return tmp_path


def test_a_keyring_reopens_with_the_same_keys(ring: Path) -> None:
    first = Keyring.open(ring / "default.json", open_master_key(f"file:{ring / 'master.key'}"))
    again = Keyring.open(ring / "default.json", open_master_key(f"file:{ring / 'master.key'}"))
    assert first.origin == "example.com/audit"
    assert first.tenant == "default"
    assert first.token_keys == again.token_keys
    assert first.token_epoch in first.token_keys
    assert first.control_mac_key == again.control_mac_key
    assert len(first.control_mac_key) == 32
    assert first.signing_key.private_bytes_raw() == again.signing_key.private_bytes_raw()
    sealed = first.data_key.seal(b"value", b"place")
    assert again.envelope(first.data_key.id).open(sealed, b"place") == b"value"
    keys = [*first.token_keys.values(), first.control_mac_key, first.signing_key.private_bytes_raw()]
    assert len(set(keys)) == 3


def test_key_files_are_private_and_never_replaced(ring: Path) -> None:
    for name in ("master.key", "default.json"):
        assert (ring / name).stat().st_mode & 0o777 == 0o600
    before = (ring / "master.key").read_bytes()
    with pytest.raises(Conflict):
        create_master_key_file(ring / "master.key")
    with pytest.raises(Conflict):
        Keyring.create(
            ring / "default.json", "default", "o", open_master_key(f"file:{ring}/master.key"), os.urandom
        )
    assert (ring / "master.key").read_bytes() == before
    assert sorted(p.name for p in ring.iterdir()) == ["default.json", "master.key"]


def test_a_key_file_that_others_can_read_is_refused(ring: Path) -> None:
    for mode in (0o640, 0o604, 0o660):
        (ring / "master.key").chmod(mode)
        with pytest.raises(ConfigError, match="chmod 600"):
            open_master_key(f"file:{ring / 'master.key'}")


def test_a_master_key_may_come_from_the_environment(ring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_MASTER", (ring / "master.key").read_text())
    assert open_master_key("env:GLASSHATCH_MASTER").id == open_master_key(f"file:{ring / 'master.key'}").id


@pytest.mark.parametrize(
    "reference", ["", "file:", "env:", "vault:x", "env:GLASSHATCH_NO_SUCH_NAME", "file:/no/x"]
)
def test_a_bad_reference_says_what_is_wrong(reference: str) -> None:
    with pytest.raises(ConfigError):
        open_master_key(reference)


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(31)).decode(), "!" * 44])
def test_a_malformed_master_key_is_refused_and_not_shown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSHATCH_MASTER", text)
    with pytest.raises(ConfigError) as raised:
        open_master_key("env:GLASSHATCH_MASTER")
    assert not text or text not in str(raised.value)


def test_every_changed_member_of_a_keyring_is_found(ring: Path) -> None:
    master = open_master_key(f"file:{ring / 'master.key'}")
    path = ring / "default.json"
    document = json.loads(path.read_text())
    changes = [
        lambda d: d.update(tenant="other"),
        lambda d: d.update(extra=1),
        lambda d: d["keys"].pop(0),
        lambda d: d["keys"][1].update(name="example.com/other"),
        lambda d: d["keys"][0].update(epoch=2),
        lambda d: d["keys"][0].update(id="00" * 8),
        lambda d: d["keys"].append(dict(d["keys"][0], epoch=9)),
        lambda d: d["keys"][0].update(wrapped=d["keys"][2]["wrapped"]),
        lambda d: d["keys"][0].update(wrapped="%%%"),
        lambda d: d.update(seal=""),
    ]
    for change in changes:
        changed = json.loads(json.dumps(document))
        change(changed)
        path.write_text(json.dumps(changed))
        with pytest.raises(VerificationError):
            Keyring.open(path, master)
    path.write_text("[]")
    with pytest.raises((VerificationError, ConfigError)):
        Keyring.open(path, master)


def test_another_master_key_and_a_newer_format_are_refused(ring: Path) -> None:
    other = create_master_key_file(ring / "other.key")
    with pytest.raises(VerificationError, match="another master key"):
        Keyring.open(ring / "default.json", other)
    document = json.loads((ring / "default.json").read_text())
    (ring / "default.json").write_text(json.dumps(document | {"format": 3}))
    with pytest.raises(ConfigError, match="upgrade"):
        Keyring.open(ring / "default.json", open_master_key(f"file:{ring / 'master.key'}"))


@pytest.mark.parametrize("origin", ["", "with space", "with+plus", "with\nline"])
def test_an_origin_that_a_note_cannot_carry_is_refused(ring: Path, origin: str) -> None:
    with pytest.raises(ConfigError, match="origin"):
        Keyring.create(ring / "n.json", "n", origin, open_master_key(f"file:{ring}/master.key"), os.urandom)


def test_an_envelope_binds_place_and_bytes() -> None:
    envelope = Envelope(bytes(range(32)), "k1")
    sealed = envelope.seal(b"secret value", b"here")
    assert b"secret" not in sealed
    assert envelope.seal(b"secret value", b"here") != sealed
    for bad, aad in ((sealed, b"there"), (sealed[:-1], b"here"), (b"", b"here"), (sealed[:20], b"here")):
        with pytest.raises(VerificationError):
            envelope.open(bad, aad)
    for position in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[position] ^= 1
        with pytest.raises(VerificationError):
            envelope.open(bytes(flipped), b"here")
    with pytest.raises(VerificationError):
        envelope.derive(b"a").open(envelope.derive(b"b").seal(b"x", b""), b"")
    assert "secret" not in repr(envelope)
    assert str(bytes(range(32))) not in repr(vars(envelope)["id"])


def test_nonces_are_never_shared_not_even_with_a_forked_child() -> None:
    envelope = Envelope(bytes(range(32)), "k1")
    nonces = [envelope.seal(b"", b"")[:12] for _ in range(700)]
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join(envelope.seal(b"", b"")[:12] for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    nonces += [data[at : at + 12] for at in range(0, len(data), 12)]
    nonces += [envelope.seal(b"", b"")[:12] for _ in range(300)]
    assert len(nonces) == len(set(nonces)) == 1100


def test_a_ledger_gets_keys_of_its_own_and_the_others_stay_as_they_are(tmp_path: Path) -> None:
    master = create_master_key_file(tmp_path / "master.key")
    file = tmp_path / "shop.json"
    before = Keyring.create(file, "shop", "example.com/audit", master)
    after = Keyring.add_ledger(file, master, "orders", "example.com/audit/orders")
    again = Keyring.open(file, master)
    for ring in (after, again):
        assert ring.ledgers == ("default", "orders")
        assert (ring.origin, ring.data_key.id) == (before.origin, before.data_key.id)
        assert ring.token_keys == before.token_keys
        assert ring.ledger("orders").origin == "example.com/audit/orders"
        assert ring.ledger("orders").data_key.id == after.ledger("orders").data_key.id
    keys = [again.ledger(name).signing_key.public_key().public_bytes_raw() for name in again.ledgers]
    assert len(set(keys)) == 2
    # A data key opens the files of its own ledger only.
    with pytest.raises(VerificationError, match="not among the keys of ledger orders"):
        again.ledger("orders").envelope(before.data_key.id)
    with pytest.raises(VerificationError, match="no keys for the ledger other"):
        again.ledger("other")
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["master.key", "shop.json"]


def test_a_ledger_that_is_there_stays_and_an_origin_is_used_once(tmp_path: Path) -> None:
    master = create_master_key_file(tmp_path / "master.key")
    file = tmp_path / "shop.json"
    Keyring.create(file, "shop", "example.com/audit", master)
    Keyring.add_ledger(file, master, "orders", "example.com/orders")
    stored = file.read_bytes()
    for name, origin in (("orders", "example.com/new"), ("new", "example.com/orders")):
        with pytest.raises(Conflict):
            Keyring.add_ledger(file, master, name, origin)
    with pytest.raises(ConfigError):
        Keyring.add_ledger(file, master, "new", "with space")
    assert file.read_bytes() == stored


def test_a_key_moved_to_another_ledger_is_found(tmp_path: Path) -> None:
    master = create_master_key_file(tmp_path / "master.key")
    file = tmp_path / "shop.json"
    Keyring.create(file, "shop", "example.com/audit", master)
    Keyring.add_ledger(file, master, "orders", "example.com/orders")
    file.write_text(file.read_text().replace('"orders"', '"others"'))
    with pytest.raises(VerificationError):
        Keyring.open(file, master)
