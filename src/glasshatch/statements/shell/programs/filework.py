"""Programs that make, move, change and remove files."""

from __future__ import annotations

import re

from .. import files, paths
from ..call import Call, Handler
from ..expand import UNKNOWN, Argument, Fields


def _rm(call: Call) -> None:
    recursive = call.has("-r", "-R", "--recursive", "--no-preserve-root", "-d", "--dir")
    targets = call.operands()
    if any(arg.opaque and not paths.is_artefact(arg.text) for arg in call.args):
        call.note("delete", "destructive")
    for target in targets:
        files.removed(call.findings, target, recursive=recursive, here=call.walker.here)
    call.note("delete")


def _unlink(call: Call) -> None:
    for target in call.operands():
        files.removed(call.findings, target, recursive=False)
    call.note("delete")


def _copy(call: Call) -> None:
    """cp, install and ln: what counts is where to."""
    call.note("create")
    places = call.operands(("-m", "-o", "-g", "-S", "--suffix", "-t"))
    into = call.value("-t", "--target-directory")
    target = into or (places[-1] if len(places) > 1 else None)
    if target is not None:
        _put(call, target)
    if call.name == "install" and call.has("-m", "--mode"):
        mode = call.value("-m", "--mode")
        _mode(call, mode.text if mode else "", places)
    if call.name == "cp" and any(paths.is_device(place.text) for place in places):
        call.note("update", "server_file destructive")


def _put(call: Call, target: Argument) -> None:
    if target.glob or target.text == UNKNOWN:
        call.unknown("unknown_code")
    elif paths.is_scratch(target.text.rstrip("/") + "/x"):
        call.note("create")
    elif not paths.is_sink(target.text):
        files.changed(call.findings, target, "create")
        if paths.is_device(target.text):
            call.note("delete", "destructive")


def _mv(call: Call) -> None:
    """Moving takes away what was at the old place, and at the new one."""
    call.note("update")
    places = call.operands(("-S", "--suffix", "-t"))
    into = call.value("-t", "--target-directory")
    sources, target = (places, into) if into else (places[:-1], places[-1] if places else None)
    for source in sources:
        if source.glob or source.opaque or paths.is_system(source.text):
            call.note("delete", "destructive")
        if paths.is_log(source.text):
            call.note("delete", "audit_change")
    if target is not None:
        if target.text == "/dev/null":
            call.note("delete", "destructive")
        else:
            _put(call, target)


def _dd(call: Call) -> None:
    call.note("read")
    for text in call.texts:
        name, _, value = text.partition("=")
        if UNKNOWN in name:
            call.unknown("unknown_code")
        elif name == "of":
            _dd_target(call, value)
        elif name == "if" and paths.is_device(value):
            call.note("read", "bulk_read")


def _dd_target(call: Call, path: str) -> None:
    if paths.is_sink(path):
        return
    if paths.is_scratch(path):
        call.note("create")
    else:
        call.note("delete", "destructive")


def _tee(call: Call) -> None:
    call.note("read")
    appends = call.has("-a", "--append")
    for target in call.operands():
        files.written(call.findings, target, truncated=not appends)


def _truncate(call: Call) -> None:
    """To zero, as almost always, what was there is gone."""
    for target in call.operands(("-s", "--size", "-r", "--reference")):
        scratch = paths.is_scratch(target.text) and not target.glob
        call.note("update", "" if scratch else "destructive")
        if paths.is_log(target.text):
            call.note("update", "audit_change")
    call.note("update")


_WIDE = re.compile(
    r"^(?:[0-7]?[0-7]{0,2}[2367]|[2-7][0-7]{3}|.*[ugoa]*\+[rwx]*s.*|.*[oa]+[+=][rx]*w.*|\+[rx]*w.*)$"
)


def _mode(call: Call, mode: str, targets: Fields) -> None:
    if _WIDE.match(mode) or any(paths.is_system(target.text) for target in targets):
        call.note("update", "privilege_change")
    if any(paths.grants_privilege(target.text) for target in targets):
        call.note("update", "privilege_change")


def _chmod(call: Call) -> None:
    call.note("update")
    if call.has("--reference") or call.has("-R", "--recursive"):
        call.note("update", "privilege_change")
    modes = [
        text for text in call.texts if not text.startswith("--") and text not in ("-R", "-v", "-c", "-f")
    ]
    if modes:
        _mode(call, modes[0], [arg for arg in call.args if arg.text != modes[0]])
    if any(arg.opaque for arg in call.args[:1]):
        call.note("update", "privilege_change")


def _chown(call: Call) -> None:
    call.note("update", "privilege_change")


_TREES = re.compile(r"(?:/|/etc|/root|/home(?:/[^/]+)?|~)/?\*?")


def _tar(call: Call) -> None:
    if any(
        text.startswith(("--to-c", "--checkpoint-a", "--use-c", "--rsh-c", "--rmt-c", "--info-s", "--new-v"))
        for text in call.texts
    ) or call.has("-I", "-F"):
        call.unknown("untrusted_code")
    if call.has("--remove-files", "--delete", "--unlink-first", "--recursive-unlink"):
        call.note("delete", "destructive")
    mode = call.first().lstrip("-")
    if call.has("-t", "--list") or ("t" in mode and not call.first().startswith("--")):
        call.note("read")
        return
    if call.has("-x", "--extract", "--get") or ("x" in mode and not call.first().startswith("--")):
        where = call.value("-C", "--directory")
        if call.has("-P", "--absolute-names") or "P" in mode:
            call.note("create", "server_file")
        files.changed(call.findings, where or Argument("."), "create")
        return
    call.note("create")
    if any(_TREES.fullmatch(place.text) for place in call.operands()):
        # Accounts, keys and homes go along.
        call.note("read", "credential_read")
    _archive_target(call)


def _archive_target(call: Call) -> None:
    name = call.value("-f", "--file")
    if name is None and "f" in call.first():
        name = call.args[1] if len(call.args) > 1 else None
    if name is not None and ":" in name.text.split("/")[0] and not call.has("--force-local"):
        call.note("run", "network")
    elif name is not None:
        files.written(call.findings, name, truncated=False)


def _pack(call: Call) -> None:
    """gzip and its kin: with -c, -l or -t nothing is changed."""
    if call.has("-c", "-l", "-t", "--stdout", "--to-stdout", "--list", "--test") or not call.operands():
        call.note("read")
        return
    for target in call.operands():
        files.changed(call.findings, target)


def _unzip(call: Call) -> None:
    if call.has("-l", "-t", "-p", "-Z", "-v", "-c"):
        call.note("read")
    else:
        files.changed(call.findings, call.value("-d") or Argument("."), "create")


def _zip(call: Call) -> None:
    if call.has("-m", "--move", "-TT", "--unzip-command"):
        call.note("delete", "destructive")
    targets = call.operands()
    if targets:
        files.written(call.findings, targets[0], truncated=False)
    call.note("create")


def _split(call: Call) -> None:
    if call.has("--filter"):
        call.unknown("unknown_code")
    call.note("create")


def _link(call: Call) -> None:
    _copy(call)
    if call.has("-f", "--force"):
        call.note("update")


def _rsync(call: Call) -> None:
    if call.has("--rsync-path") or (
        (remote := call.value("-e", "--rsh")) is not None and remote.text != "ssh"
    ):
        call.unknown("unknown_code")
    places = call.operands(("-e", "--exclude", "--include", "--rsh", "--port", "-f", "--filter", "--bwlimit"))
    if files.is_fetch(places, recursive=True):
        call.note("read")
    elif any(re.match(r"^(?:rsync://|[^/:]+::?[^/]?)", place.text) or place.opaque for place in places):
        call.note("run", "network")
    if call.has("-n", "--dry-run"):
        call.note("read")
        return
    if any(text.startswith(("--del", "--remove-s")) for text in call.texts):
        call.note("delete", "destructive")
    call.note("create")
    if len(places) > 1:
        _put(call, places[-1])


def _mkdir(call: Call) -> None:
    for target in call.operands(("-m", "--mode")):
        files.changed(call.findings, target, "create")


def _mknod(call: Call) -> None:
    call.note("create", "server_file")


def _fallocate(call: Call) -> None:
    call.note("create")
    for target in call.operands(("-l", "--length", "-o", "--offset")):
        files.written(call.findings, target, truncated=call.has("-p", "-z", "-c"))


HANDLERS: dict[str, Handler] = {
    "rm": _rm,
    "rmdir": _unlink,
    "unlink": _unlink,
    "cp": _copy,
    "install": _copy,
    "ln": _link,
    "mv": _mv,
    "rename": _mv,
    "dd": _dd,
    "dcfldd": _dd,
    "tee": _tee,
    "sponge": _tee,
    "truncate": _truncate,
    "chmod": _chmod,
    "chown": _chown,
    "chgrp": _chown,
    "tar": _tar,
    "bsdtar": _tar,
    "cpio": _split,
    "gzip": _pack,
    "gunzip": _pack,
    "bzip2": _pack,
    "bunzip2": _pack,
    "xz": _pack,
    "unxz": _pack,
    "zstd": _pack,
    "unzstd": _pack,
    "lz4": _pack,
    "zip": _zip,
    "unzip": _unzip,
    "7z": _zip,
    "split": _split,
    "csplit": _split,
    "rsync": _rsync,
    "mknod": _mknod,
    "fallocate": _fallocate,
    "mkdir": _mkdir,
    "touch": _mkdir,
}
