"""A configuration either means something or says which key is wrong and how to mend it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from glasshatch.app.authority import purpose_of
from glasshatch.app.config import load_config, read_secret, split_address
from glasshatch.app.limiting import make_usage
from glasshatch.app.opening import load_masking
from glasshatch.app.template import commented_config
from glasshatch.errors import ConfigError
from glasshatch.identity import Identity
from glasshatch.policy import Allowance

GOOD = """
version = 1
[resources.orders]
type = "postgres"
host = "db"
database = "orders"
user = "u"
password = "env:P"
[[resources.orders.columns]]
pattern = "public.customers.email"
type = "EMAIL"
operator = "token"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "glasshatch.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path, GOOD))
    assert loaded.data == tmp_path.resolve()
    assert loaded.config.policy.set == "production"
    orders = loaded.config.resources["orders"]
    assert (orders.port, orders.tls, orders.columns[0].type) == (5432, "require", "EMAIL")


def test_the_file_that_init_writes_is_good(tmp_path: Path) -> None:
    loaded = load_config(write(tmp_path, commented_config("acme", "glasshatch.toml")))
    assert loaded.config.tenant == "acme"


def test_the_commented_resource_of_the_template_is_good_too(tmp_path: Path) -> None:
    head, marker, example = commented_config("acme", "f").partition("# [resources.orders]")
    lines = (marker + example).splitlines()
    text = head + "\n".join(line.removeprefix("# ").removeprefix("#") for line in lines)
    assert load_config(write(tmp_path, text)).config.resources["orders"].tls == "verify-full"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("version = 1\n[gateway]\npostgress = 'x:1'", "gateway.postgress", "postgres"),
        ("version = 1\ntennant = 'x'", "tennant", "tenant"),
        (GOOD.replace('user = "u"', 'user = "u"\nusr = "v"'), "usr", "user"),
        (GOOD.replace('operator = "token"', 'operater = "token"'), "operater", "operator"),
        (GOOD.replace('"env:P"', '"hunter2"'), "resources.orders.password", "env:NAME"),
        (GOOD.replace('user = "u"', 'user = "u"\ntls = "verify-full"'), "resources.orders.tls_ca", ""),
        (GOOD.replace('user = "u"', 'user = "u"\nport = 70000'), "port", ""),
        ("version = 1\n[gateway]\npostgres = 'nonsense'", "gateway.postgres", "host:port"),
        ("version = 1\n[gateway]\ntls_key = 'k'", "gateway", ""),
        ("version = 9", "version", "upgrade"),
        ("", "version", ""),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_cure(
    tmp_path: Path, text: str, key: str, hint: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
    assert key in str(caught.value)
    assert hint in caught.value.hint
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("data", [b"= nonsense", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"glasshatch\.toml"):
        load_config(file)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="glasshatch init"):
        load_config(tmp_path / "none.toml")


def test_secrets_come_from_references_that_others_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    assert read_secret(f"file:{file}", key="k") == "s3cret"
    monkeypatch.setenv("GH_TEST_SECRET", "other")
    assert read_secret("env:GH_TEST_SECRET", key="k") == "other"
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(f"file:{file}", key="k")
    os.truncate(file, 0)
    file.chmod(0o600)
    for reference in ("env:GH_NOT_SET", f"file:{file}", f"file:{tmp_path}/none", "s3cret", "env:"):
        with pytest.raises(ConfigError) as caught:
            read_secret(reference, key="k")
        assert "s3cret" not in caught.value.message or reference == "s3cret"


def test_addresses_with_and_without_brackets() -> None:
    assert split_address("127.0.0.1:80", key="k") == ("127.0.0.1", 80)
    assert split_address("[::1]:80", key="k") == ("::1", 80)
    for bad in ("80", ":80", "host:", "host:99999", "host:http"):
        with pytest.raises(ConfigError, match="host:port"):
            split_address(bad, key="k")


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ('source = "json"\nfields = ["attrs..x"]', "seal.fields"),
        ('source = "gateway"\nfields = ["client.ip"]', "seal.source"),
        ('source = "json"\nfields = ["client.ip"]\nsubject_type = "X1"', "seal.subject_type"),
    ],
)
def test_a_seal_that_means_nothing_names_file_and_key(tmp_path: Path, rule: str, key: str) -> None:
    file = write(tmp_path, f"version = 1\n[[seal]]\n{rule}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(file)
    assert str(file) in refused.value.message
    assert key in refused.value.message
    assert refused.value.hint


def test_the_commented_seal_of_the_template_is_good_too(tmp_path: Path) -> None:
    head, marker, example = commented_config("acme", "f").partition("# [[seal]]")
    lines = (marker + example.partition("\n\n")[0]).splitlines()
    text = head + "\n".join(line.removeprefix("# ") for line in lines)
    (rule,) = load_config(write(tmp_path, text)).config.seal
    assert (rule.source, rule.subject_type, len(rule.fields)) == ("json/shop", "CUSTOMER", 3)


RULES = """
[masking]
policy = "masking.toml"
workforce = ["json/hr"]
[[masking.rules]]
operator = "keep"
type = "EMAIL"
role = "privacy"
[[masking.stored]]
operator = "keep"
type = "IP"
"""


def test_masking_rules_are_read_and_those_of_their_file_come_after(tmp_path: Path) -> None:
    (tmp_path / "masking.toml").write_text('format = 1\n[[rules]]\noperator = "null"\ntype = "*"\n')
    loaded = load_config(write(tmp_path, "version = 1\n" + RULES + GOOD.replace("version = 1", "")))
    masking = load_masking(loaded)
    assert [rule.operator for rule in masking.rules] == ["keep", "null"]
    assert masking.operator_for(type="EMAIL", roles=["privacy"]).operator == "keep"
    assert masking.operator_for(type="EMAIL").operator == "null"
    assert masking.stored_view().operator_for("IP") is not None
    assert loaded.config.masking.workforce == ("json/hr",)
    assert loaded.config.resources["orders"].mode == "mask"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[masking.rules]]\noperator = "keep"\ntype = "SECRET"', "never revealed"),
        ('[[masking.rules]]\noperator = "keep"\ntyp = "EMAIL"', "typ"),
        ('[[masking.rules]]\noperator = "shred"\ntype = "EMAIL"', "shred"),
        ('[[masking.stored]]\noperator = "keep"\ntype = "IP"\nrole = "dba"', "who asked"),
        ('[masking]\npolicy = "none.toml"', "no such file"),
    ],
)
def test_a_masking_rule_that_cannot_be_meant_stops_the_start(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_masking(load_config(write(tmp_path, f"version = 1\n{text}\n")))


@pytest.mark.parametrize(
    ("reason", "purpose"),
    [
        ("[erasure] case 4711", "erasure"),
        ("erasure", ""),
        ("see [erasure]", ""),
        ("[Erasure] x", ""),
        ("", ""),
    ],
)
def test_a_grant_says_its_purpose_at_the_head_of_its_reason(reason: str, purpose: str) -> None:
    assert purpose_of(reason) == purpose


def test_limits_are_read_and_one_that_bounds_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    resource = (
        '[resources.orders]\ntype = "postgres"\nhost = "db"\ndatabase = "o"\nuser = "u"\npassword = "env:P"\n'
    )
    file.write_text(f'version = 1\n{resource}[[limits]]\nsessions = 3\nidle_seconds = 60\nactor = "a*"\n')
    usage = make_usage(load_config(file))
    alice = Identity(id="1", tenant="default", type="human", name="alice", roles=())
    allowance = usage.open(alice, "postgres/orders", 0)
    assert isinstance(allowance, Allowance)
    assert allowance.idle_ns == 60 * 10**9
    file.write_text(f'version = 1\n{resource}[[limits]]\nresource = "postgres/order"\nsessions = 3\n')
    with pytest.raises(ConfigError, match=r"limits\.resource.*postgres/order is no resource"):
        make_usage(load_config(file))
    file.write_text("version = 1\n[[limits]]\nsesions = 3\n")
    with pytest.raises(ConfigError, match="did you mean sessions"):
        load_config(file)
