"""A file that says how the items of another system become events, and shows it by examples.

It is read once, checked as a whole, and compiled to a parser like any other source's.
"""

from __future__ import annotations

import tomllib
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ..errors import ConfigError
from .forms import json_form
from .mapped import Plan, parse_mapped
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
        found = msgspec.convert(tomllib.loads(data.decode("utf-8")), MappingFile)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from None
    except UnicodeDecodeError:
        raise ConfigError("is not UTF-8", file=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is no TOML: {error}", file=str(file)) from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"is no mapping: {error}", file=str(file), hint="docs/sources/mapping.md") from None
    return _source(found, file), found.example


def _source(found: MappingFile, file: Path) -> SourceKind:
    parse: Parse = partial(parse_mapped, _plan(found, file))
    return SourceKind(
        found.name, found.reads, parse, opaque=bool(found.secrets), one_content=True,
        one_instance=found.one_instance,
        workforce=found.workforce, form=partial(json_form, member=found.list or "items"),
    )  # fmt: skip


def _plan(found: MappingFile, file: Path) -> Plan:
    event = found.event
    compile = _Compiler(file)
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

    def __init__(self, file: Path) -> None:
        self._file = str(file)

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
            raise ConfigError("the table has no `from`", file=self._file, key=key)
        read = self.texts(f"{key}.from", words.pop("from"))
        otherwise = words.pop("*", None)

        def choose(item: Any) -> str:
            found = read(item)
            return words.get(found, found if otherwise is None else otherwise)

        return choose

    def _refused(self, key: str, error: ConfigError) -> ConfigError:
        return ConfigError(error.message, file=self._file, key=key, hint=error.hint)
