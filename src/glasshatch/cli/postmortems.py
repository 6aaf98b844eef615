"""Checking post-mortems offline, as a file or as the folder it was unpacked to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigError
from ..events import place_of
from ..ledger import Succession
from ..ledger.evidence import MAX_ARCHIVE_BYTES, check_post_mortem
from .output import clean, console, emit_json, escape, local_time, progress_bar


def is_post_mortem_folder(folder: Path) -> bool:
    """Whether this is the folder of a post-mortem."""
    return (folder / "post-mortem.json").is_file() and (folder / "manifest.json").is_file()


def read_post_mortem(folder: Path) -> dict[str, bytes]:
    """Every file of a folder: also one that somebody put beside them, which is then found."""
    try:
        files = sorted(folder.iterdir())
        if sum(file.stat().st_size for file in files) > MAX_ARCHIVE_BYTES:
            raise ConfigError("is too large for a post-mortem", file=str(folder))
        return {file.name: file.read_bytes() for file in files}
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(error.filename or folder)) from None


def verify_post_mortem(members: Mapping[str, bytes], verifier_key: str | Succession, json: bool) -> None:
    """Check a post-mortem and say what it shows."""
    with progress_bar("verifying", quiet=json) as progress:
        checked = check_post_mortem(members, verifier_key or None, progress)
    facts = checked.facts
    if json:
        emit_json({
            "ok": True, "origin": facts.origin, "key": checked.key, "key_given": checked.key_given,
            "size": checked.size, "recorded_index": checked.index, "facts": facts,
            "bundles": {name: one.indices for name, one in checked.bundles.items()},
            "own_key": checked.own_key,
        })  # fmt: skip
        return
    out = console()
    out.print(
        f"[green]proven[/]: the post-mortem of incident {facts.number} of {escape(facts.origin)}, handed out"
        f" as entry {checked.index}, and {len(facts.pins)} pinned events in {len(checked.bundles)} bundles"
    )
    out.print(f"  title   {escape(clean(facts.title))}")
    out.print(f"  made by {escape(clean(facts.made_by.name))} at {escape(local_time(facts.made))}")
    for pin in facts.gone:
        where = escape(place_of(pin.ledger, pin.index))
        out.print(f"  [yellow]pinned entry {where} was pruned before: nothing here proves it[/]")
    for name in checked.own_key:
        out.print(
            f"  [yellow]{escape(name)} is of another ledger, {escape(checked.bundles[name].origin)}: check it"
            " with that one's key[/]"
        )
    given = "" if checked.key_given else " [yellow](the post-mortem's own: give --key from elsewhere)[/]"
    out.print(f"  key {escape(checked.key)}{given}")
