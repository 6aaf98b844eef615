"""A file maps another system's JSON to events: its texts, tables and secrets, and what it is refused for."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

import glasshatch.sources
from glasshatch.errors import ConfigError
from glasshatch.events import Event, encode
from glasshatch.sources import SOURCES, Arrival, Parsed, Rejected, load_mapping, try_examples
from glasshatch.sources.templates import template

FILE = """
name = "acme"
reads = "Acme's log"
key = "{id}"
list = "entries"
secrets = ["auth.token", "calls[].body", "tags[0]"]
[event]
time = ["{when}", "{seen}"]
utc = true
action = "{verb}.{object:last}"
severity = "{level}"
trace_id = "{trace:last}"
[event.actor]
id = "{who.mail}"
type = { from = "{who.kind:kind}", user = "human", "*" = "unknown" }
[event.client]
ip = "{from}"
[event.outcome]
status = { from = "{code}", "" = "success", 0 = "success", "*" = "failure" }
code = "{code}"
[event.resource]
type = "thing"
id = ["acme/{object}", "acme"]
[event.resources]
each = "parts"
type = "part"
id = "{n}"
[event.labels]
first = "{tags[]}"
fixed = "a {{b}} {verb}"
[[example]]
item = '{"when": "2024-01-01T00:00:00Z", "verb": "open", "object": "x/door"}'
event = { action = "open.door", "resource.id" = "acme/x/door" }
"""


def loaded(tmp_path: Path, text: str = FILE) -> Any:
    file = tmp_path / "acme.toml"
    file.write_text(text, encoding="utf-8")
    return load_mapping(file)


def event_of(tmp_path: Path, **item: Any) -> Event:
    ids = itertools.count()
    value = {"when": "2024-01-01 00:00:00.5", "verb": "open", "object": "x/door", **item}
    data = msgspec.json.encode(value)
    arrival = Arrival(1, "main", "default", lambda: f"id{next(ids)}")
    parsed = loaded(tmp_path)[0].parse(msgspec.json.decode(data), data, arrival)
    assert isinstance(parsed, Parsed), parsed
    encode(parsed.event)
    return parsed.event


def test_members_are_found_where_the_file_says(tmp_path: Path) -> None:
    event = event_of(
        tmp_path, who={"mail": "ana@example.com", "kind": "user:7"}, code=7, level="WARN",
        trace="x/0AF7651916CD43DD8448EB211C80319C", parts=[{"n": 1}, {}, {"n": 2}], tags=["", "b", "c"],
        **{"from": "198.51.100.7"},
    )  # fmt: skip
    assert (event.action, event.time, event.severity) == ("open.door", "1704067200500000000", 3)
    assert event.actor is not None
    assert (event.actor.id, event.actor.type) == ("ana@example.com", "human")
    assert event.outcome is not None
    assert (event.outcome.status, event.outcome.code) == ("failure", "7")
    assert event.client is not None
    assert event.client.ip == "198.51.100.7"
    assert event.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert [one.id for one in event.resources] == ["1", "2"]
    assert event.labels == {"first": "b", "fixed": "a {b} open"}
    assert (event.source.kind, event.source.name) == ("acme", "main")


def test_what_is_missing_leaves_its_place_empty(tmp_path: Path) -> None:
    event = event_of(tmp_path)
    assert event.actor is None
    assert event.client is None
    assert event.outcome is not None
    assert event.outcome.status == "success"
    assert "first" not in event.labels


def test_an_address_that_is_none_stands_as_the_device(tmp_path: Path) -> None:
    client = event_of(tmp_path, **{"from": "not an address"}).client
    assert client is not None
    assert (client.ip, client.device) == ("", "not an address")


def test_secrets_are_not_kept_and_the_rest_is(tmp_path: Path) -> None:
    calls = [{"body": "b0dy", "n": 1}, {"body": {"a": "b0dy"}}]
    auth = {"token": "t0k3n", "of": "x"}
    native = event_of(tmp_path, auth=auth, calls=calls, tags=["s3cret", "plain"]).native
    assert native["auth"] == {"token": "[REDACTED]", "of": "x"}
    assert native["calls"] == [{"body": "[REDACTED]", "n": 1}, {"body": "[REDACTED]"}]
    assert native["tags"] == ["[REDACTED]", "plain"]


def test_an_action_of_ours_is_told_apart(tmp_path: Path) -> None:
    assert event_of(tmp_path, verb="token", object="created").action == "token.created"
    assert event_of(tmp_path, verb="session", object="opened").action == "acme.session.opened"
    assert event_of(tmp_path, verb="o p\nen", object="ä").action == "open"


@pytest.mark.parametrize(
    "item", [[], "text", 5, {"verb": "open"}, {"when": "2024-01-01T00:00:00Z", "object": "x"}]
)
def test_an_item_without_time_or_action_is_rejected(tmp_path: Path, item: Any) -> None:
    data = msgspec.json.encode(item)
    arrival = Arrival(1, "main", "default", lambda: "id")
    assert isinstance(loaded(tmp_path)[0].parse(item, data, arrival), Rejected)


def test_the_key_and_the_list_are_the_files(tmp_path: Path) -> None:
    kind, _ = loaded(tmp_path)
    data = b'{"entries": [{"id": "a1", "when": "2024-01-01T00:00:00Z", "verb": "v", "object": "o"}]}'
    ((_, piece),) = kind.form({}).split(data, 1)
    parsed = kind.parse(msgspec.json.decode(piece), bytes(piece), Arrival(1, "m", "default", lambda: "id"))
    assert parsed.key == "id a1"
    in_file = Arrival(1, "m", "default", lambda: "id", "digest", 3)
    bare = b'{"when": "2024-01-01T00:00:00Z", "verb": "v", "object": "o"}'
    keys = {kind.parse(msgspec.json.decode(bare), bare + b" " * n, in_file).key for n in (0, 0, 1)}
    assert len(keys) == 2
    assert all(key.startswith("line digest 3 ") for key in keys)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "acme"', 'name = "Acme Corp"', "line 2: name: "),
        ('name = "acme"', "", "name"),
        ('key = "{id}"', 'key = "{id"', "brace"),
        ('key = "{id}"', 'key = "{a..b}"', "is no path"),
        ('key = "{id}"', 'key = "{a:upper}"', "is no filter"),
        ('key = "{id}"', 'key = "{a[-]}"', "is no path"),
        ('key = "{id}"', 'key = "{a[1234567]}"', "is no path"),
        ('"auth.token"', '"auth..token"', "secrets"),
        ('each = "parts"', 'each = ""', "event.resources.each"),
        ('ip = "{from}"', 'adress = "{from}"', "adress"),
        ('ip = "{from}"', 'ip = { user = "x" }', "event.client.ip"),
        ("[event]", "[event", "is no TOML"),
        ("[[example]]", "[[examples]]", "examples"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, FILE.replace(old, new, 1))
    assert "acme.toml" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "cure"),
    [
        ('key = "{id}"', 'keyy = "{id}"', 4, "did you mean key?"),
        ("[event.actor]", "[event.actorr]", 13, "did you mean actor?"),
        ('ip = "{from}"', 'ipp = "{from}"', 17, "did you mean ip?"),
        ('time = ["{when}", "{seen}"]', "time = 5", 8, "docs/sources/mapping.md"),
        ('id = "{who.mail}"\n', "", 13, "write id = … below [event.actor]"),
        ("reads = \"Acme's log\"\n", "", 1, "write reads = … at the beginning"),
        ('code = "{code}"', 'code = "{code"', 20, "write {{ or }}"),
        ('[[example]]\nitem', '[[example]]\nitemm', 0, "did you mean item?"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_line_and_what_cures_it(
    tmp_path: Path, old: str, new: str, line: int, cure: str
) -> None:
    assert old in FILE
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, FILE.replace(old, new, 1))
    wanted = line or FILE[: FILE.index(old)].count("\n") + 2
    assert f"acme.toml, line {wanted}:" in str(refused.value)
    assert cure in refused.value.hint


def test_a_line_is_that_of_the_table_meant_and_not_of_a_text_that_looks_like_one(tmp_path: Path) -> None:
    inside = "item = '''\n[[example]]\nitemm = 1\n'''\nrejected = true"
    text = f"{FILE}[[example]]\n{inside}\n[[example]]\nitemm = '{{}}'\n"
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text)
    assert f"line {text.count(chr(10))}:" in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_mapping(tmp_path / "bytes.toml")


def test_examples_say_what_does_not_hold(tmp_path: Path) -> None:
    kind, examples = loaded(tmp_path)
    assert try_examples(kind, examples) == []
    kind, examples = loaded(tmp_path, FILE.replace('action = "open.door"', 'action = "open.gate"'))
    assert try_examples(kind, examples) == ["example 1: action is 'open.door', not 'open.gate'"]
    kind, examples = loaded(tmp_path, FILE.replace('"when": "2024-01-01T00:00:00Z", ', ""))
    (wrong,) = try_examples(kind, examples)
    assert "has no time" in wrong


@pytest.mark.parametrize("kind", ["github", "okta", "gcp"])
def test_the_examples_of_shipped_mappings_hold(kind: str) -> None:
    package = Path(glasshatch.sources.__file__).parent
    found, examples = load_mapping(package / kind / "mapping.toml")
    assert try_examples(found, examples) == []
    assert found.name == kind
    assert SOURCES[kind].workforce


def test_a_text_is_empty_where_a_place_of_it_is() -> None:
    assert template("{a} of {b}")({"a": "x"}) == ""
    assert template(["{a} of {b}", "{a}"])({"a": "x"}) == "x"
    assert template("{a[-1].b}")({"a": [1, {"b": True}]}) == "true"
    assert template("{a[9]}")({"a": [1]}) == ""
    assert template("{a}")({"a": {"b": 1}}) == ""
