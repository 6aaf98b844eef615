"""All rules of a server: the shipped ones, and those of your own folders, which replace them by id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import ConfigError
from .rule import Rule, parse_rule

SHIPPED = Path(__file__).with_name("rules")
_MAX_FILE_BYTES = 256 * 1024


def load_rules(folders: Sequence[Path] = (), *, shipped: bool = True) -> list[Rule]:
    """Every enabled rule, ordered by id: one for each `*.toml` file.

    A rule of a folder with the id of a shipped one stands in its place; with `enabled = false` it
    turns it off.

    Raises:
        ConfigError: A folder is not there, a rule is bad, or two rules of yours have one id.
    """
    rules = {rule.id: rule for rule in (read_folder(SHIPPED) if shipped else ())}
    own: dict[str, Rule] = {}
    for folder in folders:
        for rule in read_folder(folder):
            if rule.id in own:
                raise ConfigError(
                    f"{rule.id} is the id of {own[rule.id].origin} too", file=rule.origin, key="id"
                )
            own[rule.id] = rule
    rules |= own
    return [rules[name] for name in sorted(rules) if rules[name].file.enabled]


def read_folder(folder: Path) -> list[Rule]:
    """The rules of one folder, whether enabled or not, ordered by file name; raises `ConfigError`."""
    if not folder.is_dir():
        raise ConfigError("is no folder", file=str(folder), hint="detect.user_rules names folders of rules")
    return [_read(path) for path in sorted(folder.glob("*.toml"))]


def _read(path: Path) -> Rule:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError(f"is longer than {_MAX_FILE_BYTES} bytes", file=str(path))
    return parse_rule(data, str(path))
