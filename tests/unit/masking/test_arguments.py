"""A command line that is written as a list is read as somebody would type it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from glasshatch.masking import Engine


@pytest.mark.parametrize(
    "text",
    [
        'type=EXECVE msg=audit(1.1:9): argc=3 a0="mysql" a1="-uroot" a2="-ps3cr3tpw" a3="shop"',
        'type=EXECVE msg=audit(1.1:9): argc=3 a0="curl" a1="-u" a2="bob:s3cr3tpw"',
        '{"argv": ["redis-cli", "-a", "s3cr3tpw", "ping"]}',
        "command: ['curl', '-u', 'bob:s3cr3tpw', 'https://x']",
        '{"requestURI":"/api/v1/pods/db-0/exec?command=mysql&command=-ps3cr3tpw&container=db"}',
    ],
)
def test_a_secret_among_arguments_is_found_and_nothing_else(engine: Engine, text: str) -> None:
    found = [text[one.start : one.end] for one in engine.scan([text])[0] if one.type == "SECRET"]
    assert found == ["s3cr3tpw"]


@pytest.mark.parametrize("storm", [' a1="', '","-a', "&command="])
def test_a_storm_of_arguments_ends(engine: Engine, storm: str) -> None:
    with suppress(OverflowError):
        assert engine.scan([storm * 20_000])[0] is not None
