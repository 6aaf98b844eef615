"""git: what it looks at, what it changes, and what it takes away."""

from __future__ import annotations

import re

from ...words import words
from ..call import Call, Handler
from ..expand import UNKNOWN, Fields

_READ = words(
    """
    status log diff show blame annotate describe rev-parse rev-list ls-files ls-tree ls-remote shortlog grep
    cat-file for-each-ref name-rev merge-base show-ref count-objects whatchanged cherry range-diff fsck
    check-ignore var verify-commit verify-tag help version symbolic-ref diff-tree diff-files diff-index
    merge-tree show-branch archive bundle format-patch request-pull blame-tree
"""
)
_UPDATE = words(
    """
    add commit checkout switch merge rebase cherry-pick revert restore pull fetch push clone init mv apply
    am reset stash branch tag remote worktree notes submodule sparse-checkout rm config bisect maintenance
    lfs pack-refs repack read-tree write-tree update-index commit-tree replace rerere subtree
"""
)
_DESTRUCTIVE = words("filter-branch filter-repo prune gc update-ref clean")
_VALUED = words("-C -c --git-dir --work-tree --namespace --exec-path --super-prefix --config-env")


def _git(call: Call) -> None:
    at, risky = 0, False
    while at < len(call.args) and call.args[at].text.startswith("-"):
        text = call.args[at].text
        risky = risky or text in ("-c", "--exec-path", "--config-env") or text.startswith("--exec-path=")
        at += 2 if text in _VALUED else 1
    if risky and not _is_harmless_setting(call):
        # A setting may name a program: core.pager, core.sshCommand, alias.x.
        call.unknown("unknown_code")
    rest = call.args[at:]
    if not rest:
        call.note("read")
        return
    action, inner = rest[0].text, Call("git", rest[1:], call.walker)
    special = _ACTIONS.get(action)
    if special is not None:
        special(inner, rest[1:])
    elif action in _READ:
        inner.note("read")
    elif action in _DESTRUCTIVE:
        inner.note("delete", "destructive")
    elif action in _UPDATE:
        inner.note("update")
    else:
        inner.unknown()
    _programs_named(inner)


def _is_harmless_setting(call: Call) -> bool:
    values = [value.text for value in call.values("-c")]
    return bool(values) and all(
        re.match(r"(?:color|core\.quotepath|user|http\.sslverify|diff\.\w+)", value) for value in values
    )


def _programs_named(call: Call) -> None:
    """Options that start a program of the caller's choice."""
    named = ("--upload-pack", "--receive-pack", "--exec", "--ext-diff", "--open-files-in-pager", "--output")
    if any(text.split("=")[0] in named for text in call.texts) or any("ext::" in text for text in call.texts):
        call.unknown("unknown_code")


def _push(call: Call, args: Fields) -> None:
    call.note("update")
    force = call.has(
        "-f", "--force", "--force-with-lease", "--mirror", "--delete", "-d", "--prune", "--force-if-includes"
    )
    if any("://" in text or "@" in text for text in call.texts if not text.startswith("-")):
        # To a place that the project does not name.
        call.note("run", "network")
    if force or any(text.startswith((":", "+")) for text in call.texts):
        call.note("delete", "destructive")


def _reset(call: Call, args: Fields) -> None:
    risky = call.has("--hard", "--merge", "--keep")
    call.note("update", "destructive" if risky else "")


def _clean(call: Call, args: Fields) -> None:
    dry = call.has("-n", "--dry-run")
    call.note("read" if dry else "delete", "" if dry else "destructive")


def _branch(call: Call, args: Fields) -> None:
    if call.has("-D", "-d", "--delete", "-M", "-f", "--force"):
        call.note("delete", "destructive" if call.has("-D", "-M", "-f", "--force", "-d", "--delete") else "")
    else:
        looking = not call.operands() or call.has(
            "-a", "-r", "-l", "--list", "-v", "--contains", "--merged", "--show-current"
        )
        call.note("read" if looking else "update")


def _tag(call: Call, args: Fields) -> None:
    if call.has("-d", "--delete", "-f", "--force"):
        call.note("delete", "destructive")
    else:
        call.note(
            "read"
            if not call.operands() or call.has("-l", "--list", "--contains", "--points-at")
            else "update"
        )


def _stash(call: Call, args: Fields) -> None:
    action = call.first()
    if action in ("drop", "clear"):
        call.note("delete", "destructive")
    else:
        call.note("read" if action in ("list", "show") else "update")


def _remote(call: Call, args: Fields) -> None:
    looking = not call.operands() or call.first() in ("show", "get-url", "-v")
    call.note("read" if looking else "update", "network" if call.first() == "set-url" else "")


def _checkout(call: Call, args: Fields) -> None:
    """With a path, or by force, changes that are not committed are lost."""
    texts = call.texts
    risky = (
        call.has("-f", "--force")
        or "--" in texts
        or "." in texts
        or any(text == UNKNOWN for text in texts[:0])
    )
    call.note("update", "destructive" if risky else "")


def _restore(call: Call, args: Fields) -> None:
    staged = call.has("-S", "--staged") and not call.has("-W", "--worktree")
    call.note("update", "" if staged else "destructive")


def _config(call: Call, args: Fields) -> None:
    looking = call.has("--get", "-l", "--list", "--get-all", "--get-regexp") or len(call.operands()) == 1
    call.note("read" if looking or call.first() in ("list", "get") else "update")
    if not looking and re.search(
        r"alias|pager|command|editor|hook|fsmonitor|filter|helper|proxy", " ".join(call.texts).lower()
    ):
        call.unknown("unknown_code")


def _rebase(call: Call, args: Fields) -> None:
    call.note("update")
    if call.has("-x", "--exec", "-i", "--interactive"):
        call.unknown("unknown_code")


def _bisect(call: Call, args: Fields) -> None:
    if call.first() == "run":
        call.run(args[1:])
    call.note("update")


def _submodule(call: Call, args: Fields) -> None:
    if call.first() == "foreach":
        rest = [arg for arg in args[1:] if arg.text != "--recursive"]
        call.walker.inner("shell", " ".join(arg.text for arg in rest))
    call.note("read" if call.first() in ("status", "summary", "") else "update")


def _worktree(call: Call, args: Fields) -> None:
    action = call.first()
    call.note("read" if action == "list" else "delete" if action in ("remove", "prune") else "update")


def _reflog(call: Call, args: Fields) -> None:
    risky = call.first() in ("expire", "delete")
    call.note("delete" if risky else "read", "destructive" if risky else "")


def _rm(call: Call, args: Fields) -> None:
    call.note("delete", "destructive" if call.has("-r", "-f") else "")


_ACTIONS = {
    "push": _push,
    "reset": _reset,
    "clean": _clean,
    "branch": _branch,
    "tag": _tag,
    "stash": _stash,
    "remote": _remote,
    "checkout": _checkout,
    "restore": _restore,
    "config": _config,
    "rebase": _rebase,
    "bisect": _bisect,
    "submodule": _submodule,
    "worktree": _worktree,
    "reflog": _reflog,
    "rm": _rm,
}


def _gh(call: Call) -> None:
    """gh, glab: the second word says what is done to the first."""
    places = [
        arg.text for arg in call.operands(("-R", "--repo", "-L", "--limit", "--json", "-q", "--jq", "-s"))
    ]
    action = places[1] if len(places) > 1 else ""
    if places[:1] in (["auth"], ["secret"]) and action in ("token", "status", "list"):
        call.note("read", "credential_read" if action == "token" else "")
    elif action in ("list", "view", "status", "diff", "checks", "watch") or places[:1] in (
        ["status"],
        ["browse"],
        ["search"],
    ):
        call.note("read")
    elif action in ("delete", "archive", "close", "cancel", "remove", "transfer"):
        call.note("delete", "destructive")
    else:
        call.unknown()


HANDLERS: dict[str, Handler] = {"git": _git, "gh": _gh, "glab": _gh, "hub": _git}
