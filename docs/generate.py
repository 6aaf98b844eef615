"""Writes the reference pages that follow from the code; `tests/house` fails while one is out of date."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from glasshatch import errors, events
from glasshatch.app import config
from glasshatch.cli import EXIT_CODES, command_line

REFERENCE = Path(__file__).parent / "reference"
_PLAIN_WORDS = {str: "text", int: "integer", bool: "true | false", Any: "anything", type(None): "none"}
_NOTE = "<!-- Written by `make docs` from the code; edit the code instead. -->"


def write_all(directory: Path = REFERENCE) -> list[Path]:
    """Write every generated page and return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in PAGES.items():
        path = directory / name
        path.write_text(render(page), encoding="utf-8")
        written.append(path)
    return written


def render(page: Callable[[], Iterator[str]]) -> str:
    """The text of one page."""
    title, *rest = page()
    return "\n".join([f"# {title}", "", _NOTE, "", *rest]).rstrip() + "\n"


def _events() -> Iterator[str]:
    yield "Events"
    yield f"Schema version {events.SCHEMA_VERSION}. {_promise(events.Event)}"
    yield ""
    yield "## Actions"
    yield ""
    yield from _table("action", "meaning", "severity")
    for action in events.ACTIONS.values():
        yield _row(f"`{action.name}`", action.meaning, str(action.severity))
    for struct in _reachable(events.Event):
        yield from ("", f"## {struct.__name__}", "", _promise(struct), "")
        yield from _table("member", "type", "default")
        for field in msgspec.structs.fields(struct):
            yield _row(f"`{field.encode_name}`", f"`{_type_name(field.type)}`", _default(field))


def _errors() -> Iterator[str]:
    yield "Errors"
    yield "Every error says what, where and the cure. The code is stable; programs may rely on it."
    yield ""
    yield from _table("code", "error", "meaning", "exit code of the command line")
    for error in (errors.GlasshatchError, *errors.GlasshatchError.__subclasses__()):
        yield _row(f"`{error.code}`", f"`{error.__name__}`", _promise(error), str(EXIT_CODES[error.code]))
    yield ""
    yield "Exit code 0 is success, 9 a ledger with nothing amiss but an unfinished tail (`verify`),"
    yield "130 an interrupt."


def _configuration() -> Iterator[str]:
    yield "Configuration"
    yield "One TOML file. An unknown key is an error; `glasshatch config check` explains a file."
    yield ""
    yield "Secrets never stand in the file: write `env:NAME` or `file:PATH`."
    for table, struct in _config_tables(config.Config, ""):
        keys = [field.encode_name for field in msgspec.structs.fields(struct)]
        promise, meanings = _explained(_whole(struct), keys)
        yield from ("", f"## {f'`[{table}]`' if table else 'Top of the file'}", "")
        yield from (promise, "") if promise else ()
        yield from _table("key", "values", "default", "meaning")
        for field in msgspec.structs.fields(struct):
            if not _struct_in(field.type):
                key = field.encode_name
                yield _row(f"`{key}`", f"`{_type_name(field.type)}`", _default(field), meanings.get(key, ""))


def _explained(text: str, keys: list[str]) -> tuple[str, dict[str, str]]:
    """Take `key: meaning.` and `key, key: meaning.` out of a docstring; the rest is its promise."""
    text = " ".join(text.split())
    key = f"(?:{'|'.join(keys)})"
    heads = list(re.finditer(rf"(?:^|(?<=[.] ))({key}(?:, {key})*): ", text))
    meanings: dict[str, str] = {}
    for head, after in itertools.zip_longest(heads, heads[1:]):
        meaning = text[head.end() : after.start() if after else None].strip()
        meanings |= dict.fromkeys(head[1].split(", "), meaning)
    return text[: heads[0].start() if heads else None].strip(), meanings


def _commands() -> Iterator[str]:
    yield "Command line"
    yield "`glasshatch COMMAND --help` says the same."
    root = typer.main.get_command(command_line())
    for path, command in _walk(root, "glasshatch"):
        yield from ("", f"## `{path}`", "", inspect.cleandoc(command.help or ""))
        parameters = [p for p in command.params if p.name != "help" and not getattr(p, "hidden", False)]
        if parameters:
            yield ""
            yield from _table("parameter", "meaning")
        for parameter in parameters:
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            if parameter.param_type_name == "argument":
                names = f"`{parameter.metavar or parameter.name.upper()}`"
            yield _row(names, getattr(parameter, "help", None) or "")


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "commands.md": _commands,
    "configuration.md": _configuration,
    "errors.md": _errors,
    "events.md": _events,
}


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    commands = getattr(command, "commands", None)
    if commands is None:
        yield path, command
        return
    for name in sorted(commands):
        if not commands[name].hidden:
            yield from _walk(commands[name], f"{path} {name}")


def _config_tables(struct: Any, table: str) -> Iterator[tuple[str, Any]]:
    yield table, struct
    for field in msgspec.structs.fields(struct):
        inner = _struct_in(field.type)
        if inner:
            name = f"{table}.{field.encode_name}".lstrip(".")
            if "tuple" in str(field.type):
                name = f"[{name}]"  # a table that may stand there several times
            repeated = "[" in str(field.type)
            yield from _config_tables(
                inner, f"{name}.NAME" if repeated and "dict" in str(field.type) else name
            )


def _struct_in(annotation: Any) -> Any:
    """The struct that a type holds, directly or inside a container."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _struct_in(argument)
        if found:
            return found
    return None


def _reachable(struct: Any) -> list[Any]:
    found = [struct]
    for current in found:
        for field in msgspec.structs.fields(current):
            inner = _struct_in(field.type)
            if inner and inner not in found:
                found.append(inner)
    return found


def _type_name(annotation: Any) -> str:
    origin = getattr(annotation, "__origin__", None)
    arguments = getattr(annotation, "__args__", ())
    if hasattr(annotation, "__metadata__"):
        return _type_name(origin)
    if str(annotation).startswith("typing.Literal"):
        return " | ".join(repr(value) for value in arguments)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"table of {_type_name(arguments[1])}"
    if origin is None and arguments:
        return " | ".join(_type_name(argument) for argument in arguments)
    return _PLAIN_WORDS.get(annotation) or getattr(annotation, "__name__", str(annotation))


def _default(field: Any) -> str:
    if field.required:
        return "required"
    made = field.default_factory is not msgspec.NODEFAULT
    value = field.default_factory() if made else field.default
    if value is None or isinstance(value, msgspec.Struct) or value in ("", (), {}):
        return ""
    return f"`{msgspec.json.encode(value).decode()}`"


def _promise(thing: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(_whole(thing).split("\n\n")[0].split())


def _whole(thing: Any) -> str:
    """A docstring without its list of exceptions."""
    return inspect.cleandoc(thing.__doc__ or "").split("\n\nRaises:")[0]


def _table(*columns: str) -> Iterator[str]:
    yield _row(*columns)
    yield _row(*("---" for _ in columns))


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"


if __name__ == "__main__":
    for page in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE):
        print(page)
