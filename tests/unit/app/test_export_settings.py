"""What `[exports.NAME]` may say: a mistake names its key and its cure before anything leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasshatch.app.config import load_config
from glasshatch.app.exports.making import make_destination, pace_of
from glasshatch.clock import SystemClock
from glasshatch.errors import ConfigError


def destination(folder: Path, lines: str) -> str:
    """Where an export with these lines would go."""
    for name, mode in (("secret", 0o600), ("open", 0o644)):
        file = folder / name
        file.write_text("0123456789abcdef")
        file.chmod(mode)
    (folder / "short").touch(mode=0o600)
    (folder / "short").write_text("tooshort")
    file = folder / "glasshatch.toml"
    file.write_text(f'version = 1\n[server]\ndata = "data"\n[exports.x]\n{lines}\n')
    return make_destination(load_config(file), "x", SystemClock()).where


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (
            'form="ocsf"\nto="https://siem.example.com/in?key=s3cret"\nsecret="file:secret"',
            "https://siem.example.com",
        ),
        ('form="cef"\nto="syslog+tls://siem.example.com:6514"', "syslog+tls://siem.example.com:6514"),
        ('form="cef"\nto="syslog+udp://127.0.0.1:514"', "syslog+udp://127.0.0.1:514"),
        ('form="cef"\nto="syslog+tcp://10.0.0.1:601"\nin_clear=true', "syslog+tcp://10.0.0.1:601"),
        (
            'form="parquet"\nto="s3://audit/a/b/"\naccess_key="file:secret"\nsecret_key="file:secret"',
            "s3://audit/a/b",
        ),
    ],
)
def test_destinations_are_named_without_their_secrets(tmp_path: Path, lines: str, where: str) -> None:
    assert destination(tmp_path, lines) == where


def test_a_folder_is_relative_to_the_configuration(tmp_path: Path) -> None:
    assert destination(tmp_path, 'form="jsonl"\nto="file:out"') == f"file:{tmp_path}/out"


HOOK = 'form="ocsf"\nto="https://siem.example.com/in"\n'
S3 = 'form="jsonl"\nto="s3://audit/x"\naccess_key="file:secret"\nsecret_key="file:secret"\n'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('form="ocsf"\nto="ftp://x"', r"exports\.x\.to: is no destination"),
        ('form="ocsf"\nto="file:"', r"is no destination"),
        ('form="cef"\nto="https://x/"\nsecret="file:secret"', "a webhook takes JSON"),
        ('form="parquet"\nto="syslog+tls://x:1"', "parquet is for files"),
        (HOOK, r"exports\.x\.secret: a webhook needs one"),
        (HOOK + 'secret="0123456789abcdef"', "must be a reference, not the secret itself"),
        (HOOK + 'secret="file:open"', "can be read by others"),
        (HOOK + 'secret="file:short"', "has fewer than 16 bytes"),
        (HOOK + 'secret="env:NOBODY_SET_THIS"', "NOBODY_SET_THIS is not set"),
        ('form="ocsf"\nto="http://siem.example.com/"\nsecret="file:secret"', "must be https"),
        ('form="cef"\nto="syslog+tcp://10.0.0.1:601"', "in clear over the network"),
        ('form="cef"\nto="syslog+tls://siem.example.com"', "is no address"),
        ('form="cef"\nto="syslog+tls://x:6514"\ncertificate="a.pem"', "needs both certificate and key"),
        ('form="cef"\nto="syslog+tls://x:6514"\nca="nothing.pem"', r"exports\.x\.ca: cannot be used"),
        ('form="cef"\nto="syslog+tls://u:p@x:6514"', "neither user nor password"),
        ('form="jsonl"\nto="s3://audit"', r"exports\.x\.access_key: is missing"),
        (S3 + 'endpoint="http://s3.example.com"', "must be https, or http on loopback"),
        (S3 + 'endpoint="s3.example.com"', "is no endpoint"),
        (S3 + 'secret="file:secret"', r"exports\.x\.secret: means nothing for s3"),
        ('form="jsonl"\nto="file:data/out"', "lies in the data directory"),
        ('form="xml"\nto="file:out"', "form"),
        ('form="jsonl"\nto="file:out"\nevry="1s"', "did you mean every"),
        ('form="jsonl"\nto="file:out"\nevery="soon"', "every"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        destination(tmp_path, lines)
    import re

    assert re.search(says, f"{refused.value} {refused.value.hint}"), str(refused.value)
    assert "0123456789abcdef" not in str(refused.value)


def test_files_and_lines_have_their_own_pace(tmp_path: Path) -> None:
    file = tmp_path / "glasshatch.toml"
    file.write_text(
        'version = 1\n[exports.a]\nform="jsonl"\nto="file:out"\nevery="2m"\nbehind="1h"\n'
        '[exports.b]\nform="cef"\nto="syslog+udp://127.0.0.1:1"\nrows=7\n'
    )
    exports = load_config(file).config.exports
    assert (pace_of(exports["a"]).linger_s, pace_of(exports["a"]).behind_s) == (120, 3_600)
    assert pace_of(exports["b"]).rows == 7
    assert pace_of(exports["b"]).linger_s < 1
