"""A file that says how the items of another system become events, and shows it by examples.

It is read once, checked as a whole, and compiled to a parser like any other source's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from ..errors import ConfigError
from .files import cannot_be_read
from .forms import json_form
from .mapped import Plan, parse_mapped
from .mappinglines import line_of, what_is_wrong
from .parsed import Parse, SourceKind
from .templates import Template, path_of, template

Texts = str | tuple[str, ...]
Said = Texts | dict[str, str]
"""A text; several, of which the first that is not empty counts; or a table, by what stands under its `from`,
with `"*"` for everything else."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
_LARGEST_BYTES = 1 << 20


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key in it is refused."""


class _Actor(_Table, frozen=True):
    id: Said
    name: Said = ""
    type: Said = ""
    idp: Said = ""
    on_behalf_of: Said = ""


class _Client(_Table, frozen=True):
    ip: Said = ""
    user_agent: Said = ""
    device: Said = ""
    geo: Said = ""


class _Outcome(_Table, frozen=True):
    status: Said = ""
    code: Said = ""
    reason: Said = ""


class _Resource(_Table, frozen=True):
    type: Said
    id: Said
    name: Said = ""
    env: Said = ""


class _Resources(_Resource, frozen=True, kw_only=True):
    each: str


class _Event(_Table, frozen=True, kw_only=True):
    time: Texts
    utc: bool = False
    action: Said
    severity: Said = ""
    session_id: Said = ""
    request_id: Said = ""
    trace_id: Said = ""
    span_id: Said = ""
    actor: _Actor | None = None
    client: _Client | None = None
    outcome: _Outcome | None = None
    resource: _Resource | None = None
    resources: _Resources | None = None
    labels: dict[str, Said] = {}


class Example(_Table, frozen=True):
    """An item, and what its event must have at some members, by dotted path; or that it is rejected."""

    item: str
    event: dict[str, str] = {}
    rejected: bool = False


class MappingFile(_Table, frozen=True, kw_only=True):
    """What a file of a mapping says; see docs/sources/mapping.md."""

    name: Name
    reads: str
    event: _Event
    key: Texts = ""
    list: str = ""
    secrets: tuple[str, ...] = ()
    workforce: bool = False
    one_instance: bool = True
    example: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]


def load_mapping(file: Path) -> tuple[SourceKind, tuple[Example, ...]]:
    """The source that a file describes, and its examples, which are not tried here.

    Raises:
        ConfigError: The file is refused: which, and where and why.
    """
    try:
        data = file.read_bytes()
        if len(data) > _LARGEST_BYTES:
            raise ConfigError(f"has more than {_LARGEST_BYTES} bytes", file=str(file))
        text = data.decode("utf-8")
        found = msgspec.convert(tomllib.loads(text), MappingFile)
    except OSError as error:
        raise cannot_be_read(file, error) from None
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8", file=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}", file=str(file), hint="mend what stands there") from None
    except msgspec.ValidationError as error:
        line, key, wrong, cure = what_is_wrong(text, str(error), _members(MappingFile))
        raise ConfigError(wrong, file=f"{file}, line {line}", key=key, hint=cure) from None
    return _source(found, _Compiler(file, text)), found.example


def _members(kind: Any, path: str = "") -> dict[str, tuple[str, ...]]:
    """The names that the tables of a file may have, by path."""
    found = {path: tuple(kind.__struct_fields__)}
    for field in msgspec.structs.fields(kind):
        inner = f"{path}.{field.name}" if path else field.name
        for one in _tables(field.type):
            found |= _members(one, inner)
    return found


def _tables(given: Any) -> Iterator[type[_Table]]:
    """The tables that a type speaks of: itself, or those in a union or a list."""
    if isinstance(given, type) and issubclass(given, _Table):
        yield given
    for part in get_args(given):
        yield from _tables(part)


def _source(found: MappingFile, compile: _Compiler) -> SourceKind:
    parse: Parse = partial(parse_mapped, _plan(found, compile))
    return SourceKind(
        found.name, found.reads, parse, opaque=bool(found.secrets), one_content=True,
        one_instance=found.one_instance,
        workforce=found.workforce, form=partial(json_form, member=found.list or "items"),
    )  # fmt: skip


def _plan(found: MappingFile, compile: _Compiler) -> Plan:
    event = found.event
    return Plan(
        kind=found.name, utc=event.utc,
        time=compile.texts("event.time", event.time), key=compile.texts("key", found.key),
        members={
            name: compile.chosen(f"event.{name}", getattr(event, name))
            for name in ("action", "severity", "session_id", "request_id", "trace_id", "span_id")
        },
        parts={
            name: compile.table(f"event.{name}", part)
            for name in ("actor", "client", "outcome", "resource")
            if (part := getattr(event, name)) is not None
        },
        each=compile.path("event.resources.each", event.resources.each) if event.resources else (),
        item=compile.table("event.resources", event.resources) if event.resources else {},
        labels={name: compile.chosen(f"event.labels.{name}", text) for name, text in event.labels.items()},
        secrets=tuple(compile.path("secrets", path) for path in found.secrets),
    )  # fmt: skip


class _Compiler:
    """Compiles the texts of one file, and says where one is wrong."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = str(file)
        self._text = text

    def texts(self, key: str, texts: Texts) -> Template:
        try:
            return template(texts)
        except ConfigError as error:
            raise self._refused(key, error) from None

    def path(self, key: str, text: str) -> tuple[Any, ...]:
        try:
            return path_of(text)
        except ConfigError as error:
            raise self._refused(key, error) from None

    def table(self, key: str, table: Any) -> dict[str, Template]:
        """The members of a table that say something."""
        names = [name for name in table.__struct_fields__ if name != "each" and getattr(table, name)]
        return {name: self.chosen(f"{key}.{name}", getattr(table, name)) for name in names}

    def chosen(self, key: str, texts: Said) -> Template:
        """A text, or one that a table gives for what stands under its `from`."""
        if not isinstance(texts, dict):
            return self.texts(key, texts)
        words = dict(texts)
        if "from" not in words:
            raise self._refused(key, ConfigError("the table has no `from`", hint='write from = "{…}" in it'))
        read = self.texts(f"{key}.from", words.pop("from"))
        otherwise = words.pop("*", None)

        def choose(item: Any) -> str:
            found = read(item)
            return words.get(found, found if otherwise is None else otherwise)

        return choose

    def _refused(self, key: str, error: ConfigError) -> ConfigError:
        line = line_of(self._text, tuple(key.split(".")))
        return ConfigError(error.message, file=f"{self._file}, line {line}", key=key, hint=error.hint)
