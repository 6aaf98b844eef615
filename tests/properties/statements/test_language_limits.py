"""What a hostile text may cost: over the caps nothing is read, and one that is under them takes no time."""

from __future__ import annotations

import json
import time

import pytest

from glasshatch.statements import analyze


def called(name: str, **arguments: object) -> str:
    return json.dumps({"method": "tools/call", "params": {"name": name, "arguments": arguments}})


OVER = {
    "inner texts of one call": called("query", queries=["SELECT 1 FROM a WHERE b = 1"] * 5_000),
    "inner texts of a batch": f"[{','.join([called('bash', command='ls | ' * 200 + 'ls')] * 150)}]",
    "files of one call": called("read_files", paths=["a.txt"] * 1_001),
    "addresses of one call": called("fetch", url=["https://example.com"] * 1_001),
}
UNDER = {
    "a chain of WITH": (
        "sql",
        "WITH c0 AS (SELECT id FROM a), "
        + ", ".join(f"c{at} AS (SELECT * FROM c{at - 1})" for at in range(1, 1_000))
        + " DELETE FROM a WHERE id IN (SELECT id FROM c999)",
    ),
    "many joins": (
        "mysql",
        "DELETE a FROM a " + " ".join(f"JOIN b{at} ON b{at}.id = a.b{at}_id" for at in range(1_000)),
    ),
    "a host of many parts": ("shell", "curl http://" + "1." * 40_000),
    "many times encoded": ("mcp", called("read_file", path="%25" * 100_000 + "../" * 10_000)),
}


@pytest.mark.parametrize("name", OVER)
def test_what_is_over_the_caps_of_a_message_is_too_complex(name: str) -> None:
    assert analyze("mcp", OVER[name]).risks == ("too_complex",)


@pytest.mark.parametrize("name", UNDER)
def test_what_is_under_the_caps_is_read_in_time(name: str) -> None:
    kind, text = UNDER[name]
    start = time.process_time()
    statement = analyze(kind, text)
    assert time.process_time() - start < 5
    assert statement.verbs


def test_a_chain_of_queries_over_the_table_itself_narrows_nothing() -> None:
    for name in ("a chain of WITH", "many joins"):
        assert "unbounded_write" in analyze(*UNDER[name]).risks
