# ruff: noqa: E501
"""What holds for every text of every language: no exception, bounded time, no value in the shape."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.depth import rounds
from glasshatch.errors import ConfigError
from glasshatch.statements import KINDS, analyze, registry

ASSETS = Path(__file__).parent.parent.parent / "assets"
CORPUS = [
    json.loads(line)
    for file in ("kubectl", "mcp", "mysql", "redis", "shell")
    for line in (ASSETS / f"{file}-cases.jsonl").read_text().splitlines()
]
TEXTS = [case["statement"] for case in CORPUS]
PIECES = [
    " ", "\n", ";", "|", "&", "&&", "(", ")", "{", "}", "[", "]", "[[", "]]", "<", ">", ">>", "<<E\n", "<<<", "'", '"', "`", "\\", "$", "$(", "${", "$((",
    "$'", "#", "=", "a=", "rm", "-rf", "/", "*", "if ", "then ", "fi", "do ", "done", "for x in ", "case ", "esac", "sh -c ", "eval ", "kubectl ",
    "delete ", "--", "SELECT ", "/*!", "*/", "--\n", "@x", "`a`", "WHERE ", "1=1", "EVAL ", "redis.call(", "*2\r\n", "$3\r\n", "GET", "{\"method\":", "\"tools/call\"",
    ",", ":", "}", "é", "😀", "\x00", "\r", "\t", "\\x41", "0", "''", '""', "sudo ", "xargs ", "find . -exec ", "| sh",
]  # fmt: skip


def some_text(random: Random) -> str:
    """Pieces of syntax in any order, or a statement of the cases with one of them in the midst."""
    if random.random() < 0.4:
        return "".join(random.choice(PIECES) for _ in range(random.randrange(30)))
    text = random.choice(TEXTS)
    at = random.randrange(len(text) + 1)
    text = text[:at] + random.choice(PIECES) + text[at:]
    return text if random.random() < 0.7 else f"{text} {random.choice(TEXTS)}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_a_mistake_of_ours_and_spans_are_in_order_inside_it(kind: str) -> None:
    random = Random(kind)
    for _ in range(rounds(1500, 50_000)):
        text = some_text(random)
        # analyze() turns a mistake of ours into "unknown"; here it would show.
        with contextlib.suppress(registry.Unreadable):
            registry._language(kind).read(text, 0)
        found = analyze(kind, text)
        end = 0
        for span in found.literals:
            assert end <= span.start <= span.end <= len(text), text
            end = span.end
        assert found.kind == kind, text
        if any(
            risk in found.risks
            for risk in ("unknown_command", "unknown_code", "unknown_syntax", "too_complex")
        ):
            assert "unknown" in found.verbs, text


@given(st.sampled_from(KINDS), st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_characters_at_all_are_answered(kind: str, text: str) -> None:
    assert analyze(kind, text) == analyze(kind, text)


SECRET = "Zx81qWv7Kd"
HIDING = [
    ("shell", "mysql -uroot -p{} -e 'select 1'"),
    ("shell", "mysql --password={} shop"),
    ("shell", "PGPASSWORD={} psql -c 'select 1'"),
    ("shell", "export TOKEN='{}'"),
    ("shell", "curl -H 'Authorization: Bearer {}' localhost"),
    ("shell", "curl -u admin:{} localhost"),
    ("shell", "curl localhost/?token={}"),
    ("shell", "redis-cli -a {} ping"),
    ("shell", "echo {} | passwd --stdin root"),
    ("shell", "cat <<E\n{}\nE"),
    ("shell", "ls # {}"),
    ("shell", "{} -x"),
    ("shell", "ls $({})"),
    ("shell", "ls `{}`"),
    ("shell", "x=({} b); ls"),
    ("shell", "if [[ a == {} ]]; then ls; fi"),
    ("shell", "case {} in {}) ls;; esac"),
    ("shell", "(( x = '{}' ))"),
    ("shell", "f() {{ echo {}; }}; f"),
    ("shell", "ls > {}"),
    ("shell", "ls 'unclosed {}"),
    ("shell", "sshpass -p{} ssh x ls"),
    ("shell", "ls --x={}"),
    ("shell", "ls -{}"),
    ("kubectl", "kubectl --token={} get pods"),
    ("kubectl", "kubectl --token {} get pods"),
    ("kubectl", "get pods --password={}"),
    ("kubectl", "kubectl create secret generic x --from-literal=p={}"),
    ("kubectl", "GET /api/v1/namespaces/{}/pods"),
    ("kubectl", "PATCH /api/v1/namespaces/x/pods/y {{\"a\":\"{}\"}}"),
    ("kubectl", "{} /api/v1/pods"),
    ("redis", "AUTH {}"),
    ("redis", "AUTH default {}"),
    ("redis", "CONFIG SET requirepass {}"),
    ("redis", "SET a \"{}\""),
    ("redis", "ACL SETUSER m >{}"),
    ("redis", "{}"),
    ("redis", "*2\r\n$4\r\nAUTH\r\n$10\r\n{}\r\n"),
    ("mysql", "SET PASSWORD FOR x = '{}'"),
    ("mysql", "CREATE USER x IDENTIFIED BY \"{}\""),
    ("mysql", "SELECT 1 # {}"),
    ("mysql", "SELECT /* {} */ _utf8'{}', N'{}'"),
    ("mysql", "SELECT @'{}'"),
    ("mysql", "SELECT '{}"),
    ("mysql", "CHANGE MASTER TO MASTER_PASSWORD='{}'"),
    ("mcp", '{{"method":"tools/call","params":{{"name":"x","arguments":{{"password":"{}"}}}}}}'),
    ("mcp", '{{"method":"{}"}}'),
    ("mcp", "{}"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "form"), HIDING, ids=lambda part: str(part)[:50])
def test_a_secret_is_hidden_wherever_it_stands(kind: str, form: str) -> None:
    text = form.format(*[SECRET] * form.count("{}"))
    found = analyze(kind, text)
    assert SECRET not in found.shape
    assert not any(SECRET in name for name in (*found.resources, *found.columns, *found.verbs))
    hidden = "".join(text[span.start : span.end] for span in found.literals)
    covered = hidden.count(SECRET) or hidden.count(SECRET[1:])
    assert covered >= text.count(SECRET)


TRAPS = [
    "(", "$(", "${", "`", "((", "$((", "'", '"', "{", "<<E ", "case x in ", "/*", "/*!", "{a,b}", "sudo ", "\\",
    "-- ", "$'", "@(", "*1\r\n", "[", "{\"a\":", "eval ", "--[[", "a,", "$x", "'' ", "a OR ", "(SELECT ",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["shell", "mysql", "redis", "mcp"])
def test_no_text_costs_more_than_its_length(kind: str) -> None:
    started = time.process_time()
    for unit in TRAPS:
        analyze(kind, unit * (20_000 // len(unit)))
    # A cost that grows with the square of the length takes minutes here.
    assert time.process_time() - started < 20


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    for kind in KINDS:
        assert "too_complex" in analyze(kind, "a " * (1 << 20)).risks
    nested = "ls"
    for _ in range(8):
        nested = "sh -c " + "'" + nested.replace("'", "'\\''") + "'"
    assert "too_complex" in analyze("shell", nested).risks


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ConfigError) as problem:
        analyze("cobol", "DISPLAY 1")
    assert all(kind in str(problem.value) for kind in KINDS)
