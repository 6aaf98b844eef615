"""What a kubectl command does: to which kind of object, by which verb, and what runs inside a container."""

from __future__ import annotations

import re

from ..shell.call import Call, Handler, command_after, operands
from ..shell.expand import UNKNOWN
from ..words import words
from . import traffic
from .kinds import is_identity, is_known, is_secret, name_of
from .manifests import note_files, note_patch
from .options import VALUED

# Options that make the caller somebody else, or take other keys than the gateway's.
_IDENTITY = (
    *("--as", "--as-group", "--as-uid", "--token", "--username", "--password", "--kubeconfig"),
    *("--client-certificate", "--client-key", "--server", "-s", "--insecure-skip-tls-verify", "--user"),
)
_CLOUD_ROLES = re.compile(
    r"^(?:eks\.amazonaws\.com/role-arn|iam\.gke\.io/gcp-service-account|azure\.workload\.identity/client-id)="
)
"""Annotations that hand a pod an account of the cloud."""


def understand(call: Call) -> None:
    """Note what one kubectl command does."""
    # kubectl takes no shortened options, so `--client` is not `--client-key`.
    rest = command_after(call.args, " ".join(VALUED))
    asks = [arg.text for arg in rest[:2]] == ["auth", "can-i"]
    for text in call.options():
        # What an account of a service may do can be asked by whoever may ask it.
        named = call.value("--as") if asks and text.split("=", 1)[0] == "--as" else None
        service = named is not None and named.text.startswith("system:serviceaccount:")
        if text.split("=", 1)[0] in _IDENTITY and not service:
            call.note("set", "privilege_change")
    if not rest:
        if call.args and not call.has("--help", "--version", "-h"):
            call.unknown()
        call.note("read")
        return
    action = rest[0].text
    before = call.args[: len(call.args) - len(rest)]
    inner = Call("kubectl", [*before, *rest[1:]], call.walker, call.piped, call.feed)
    handler = ACTIONS.get(action)
    if UNKNOWN in action or (handler is None and not call.has("--help")):
        inner.unknown()
    elif handler is None or (call.has("--help") and action not in ("exec", "run", "debug")):
        inner.note("read")
    else:
        handler(inner)


def _places(call: Call) -> list[str]:
    until = call.texts.index("--") if "--" in call.texts else len(call.args)
    return [arg.text for arg in operands(call.args[:until], VALUED)]


def _kinds(call: Call) -> list[str]:
    """The kinds of objects that the operands name: `pod x`, `pod/x svc/y`, `pods,secrets`."""
    places = _places(call)
    if not places:
        return []
    if "/" in places[0]:
        return [name_of(place.split("/", 1)[0]) for place in places]
    return [name_of(kind) for kind in places[0].split(",")]


def _note_kinds(call: Call) -> list[str]:
    kinds = _kinds(call)
    call.findings.resources.update(kind for kind in kinds if is_known(kind))
    if any(UNKNOWN in kind for kind in kinds):
        call.unknown()
    return kinds


def _looks(call: Call) -> None:
    call.note("read")


def _get(call: Call) -> None:
    """Listing names is everyday; a secret's contents are not, nor is everything in one go."""
    call.note("read")
    raw = call.value("--raw")
    if raw is not None:
        from .requests import read_request

        read_request("GET", raw.text, "", call.findings)
        return
    kinds = _note_kinds(call)
    if any(is_secret(kind) for kind in kinds):
        call.note("read", "credential_read")
    if any("://" in source.text for source in call.values("-f", "--filename", "-k", "--kustomize")):
        note_files(call)


def _describe(call: Call) -> None:
    call.note("read")
    kinds = _kinds(call)
    call.findings.resources.update(kind for kind in kinds if is_known(kind))
    if any(is_secret(kind) for kind in kinds):
        call.note("read", "credential_read")


def _delete(call: Call) -> None:
    _note_kinds(call)
    if _is_dry(call):
        call.note("read")
    else:
        call.note("delete", "destructive")


def _is_dry(call: Call) -> bool:
    dry = next((text for text in call.texts if text.startswith("--dry-run")), "")
    value = call.value("--dry-run")
    return dry != "" and (value.text if value else "client") != "none"


def _change(call: Call) -> None:
    """apply, create, replace, patch, edit: what is changed, and from where."""
    if _is_dry(call):
        call.note("read")
        return
    last = _places(call)[:1]
    if last in (["view-last-applied"], ["edit-last-applied"], ["set-last-applied"]):
        _last_applied(call, looks=last == ["view-last-applied"])
        return
    call.note("update")
    kinds = _note_kinds(call)
    if any(is_identity(kind) for kind in kinds) or call.texts[:1] == ["token"]:
        call.note("update", "privilege_change")
    if any(is_secret(kind) for kind in kinds) or "aws-auth" in "/".join(_places(call)).split("/"):
        # The latter says which roles of the cloud are administrators of the cluster.
        call.note("update", "privilege_change")
    note_files(call)
    if call.value("--patch-file") is not None:
        call.unknown("unknown_code")
    for patch in call.values("-p", "--patch", "--overrides"):
        note_patch(call, patch.text)
    if call.has("--prune"):
        call.note("delete", "destructive")
    if call.has("--force", "--force-conflicts"):
        call.note("delete", "destructive")


def _last_applied(call: Call, *, looks: bool) -> None:
    """An object as it was last applied: of a secret, with what it holds."""
    kinds = [name_of(place.split("/", 1)[0]) for place in _places(call)[1:]]
    call.note("read", "credential_read" if any(is_secret(kind) for kind in kinds) else "")
    if not looks:
        call.unknown("unknown_code")


def _create(call: Call) -> None:
    kind = (_places(call) or [""])[0]
    if kind == "token":
        call.note("create", "credential_read privilege_change")
    _change(call)
    call.note("create")
    if kind in ("quota", "resourcequota") and any(
        re.search(r"=0+(?:,|$)", value.text) for value in call.values("--hard")
    ):
        # Room for nothing.
        call.note("create", "destructive")
    if kind in ("ingress", "ing") or _publishes(call):
        call.note("create", "" if _is_dry(call) else "network")
    if kind in ("job", "cronjob", "deployment", "deploy") and "--" in call.texts:
        _inner(call)
    elif call.value("--image") is not None and not _is_dry(call):
        # Code of an image, as `run` starts it.
        call.unknown("unknown_code")


def _publishes(call: Call) -> bool:
    """`create service loadbalancer`, `create svc nodeport`: what others reach from outside."""
    places = _places(call)
    return places[:1] in (["service"], ["svc"]) and places[1:2] in (["loadbalancer"], ["nodeport"])


def _edit(call: Call) -> None:
    """An editor opens; what is changed is not in the text."""
    _change(call)
    call.unknown("unknown_code")


def _scale(call: Call) -> None:
    """To nothing is a stop."""
    _note_kinds(call)
    count = call.value("--replicas")
    none = count is None or not count.text.isdigit() or int(count.text[:9]) == 0
    if _is_dry(call):
        call.note("read")
    else:
        call.note("control", "destructive server_control" if none or call.has("--all") else "server_control")


def _rollout(call: Call) -> None:
    action = (_places(call) or [""])[0]
    if action in ("status", "history"):
        call.note("read")
    elif action in ("restart", "pause", "resume", "undo"):
        wide = call.has("--all") or call.value("-l", "--selector") is not None
        call.note("control", "server_control" + (" destructive" if action == "undo" or wide else ""))
    else:
        call.unknown()


def _inner(call: Call) -> None:
    """The command after `--`."""
    at = call.texts.index("--") if "--" in call.texts else len(call.args)
    inner = call.args[at + 1 :]
    if inner:
        call.note("run")
        call.run(inner)
        traffic.note_carried(call, inner)
    else:
        call.unknown("unknown_code")


def _exec(call: Call) -> None:
    """Old style has no `--`: what follows the pod's name is the command."""
    call.note("run")
    if "--" in call.texts:
        _inner(call)
        return
    inner = command_after(call.args, " ".join(VALUED), skip=1)
    if inner:
        call.run(inner)
    else:
        call.unknown("unknown_code")


def _attach(call: Call) -> None:
    call.unknown("unknown_code")


def _debug(call: Call) -> None:
    """A new container beside or on a node, with more rights than what it looks at."""
    call.note("run", "untrusted_code privilege_change" if _kinds(call) in (["nodes"], ["node"]) else "")
    call.unknown("unknown_code")
    if "--" in call.texts:
        _inner(call)


def _run(call: Call) -> None:
    call.note("create")
    for override in call.values("--overrides"):
        note_patch(call, override.text)
        call.note("run", "privilege_change")
    if call.has("--privileged"):
        call.note("run", "privilege_change untrusted_code")
    if _is_dry(call):
        return
    call.unknown("unknown_code")
    if "--" in call.texts and call.texts[-1] != "--":
        _inner(call)


def _drain(call: Call) -> None:
    if _is_dry(call):
        call.note("read")
    else:
        call.note("control", "destructive")


def _cordon(call: Call) -> None:
    """Nothing that runs is touched, and `uncordon` takes it back; of many nodes it stops the cluster."""
    if _is_dry(call):
        call.note("read")
        return
    nodes = _places(call)
    wide = len(nodes) > 2 or not nodes or call.value("-l", "--selector") is not None or call.has("--all")
    call.note("control", "server_control destructive" if wide else "server_control")


def _uncordon(call: Call) -> None:
    call.note("control", "server_control")


def _taint(call: Call) -> None:
    call.note("control", "server_control destructive")


def _label(call: Call) -> None:
    """Labels steer what selects by them: on nodes and namespaces, whole policies."""
    if call.has("--list") or _is_dry(call):
        call.note("read")
        return
    kinds = _note_kinds(call)
    wide = call.has("--all") or any(kind in ("nodes", "namespaces") for kind in kinds)
    if any(_CLOUD_ROLES.match(text) for text in call.texts):
        call.note("update", "privilege_change")
    call.note("update", "server_control destructive" if wide else "")


def _set(call: Call) -> None:
    what = (_places(call) or [""])[0]
    if call.has("--resolve") or any("secret" in value.text for value in call.values("--from")):
        call.note("update", "credential_read")
    elif call.has("--list") or _is_dry(call):
        call.note("read")
    elif what in ("image", "env", "resources", "selector"):
        call.note("update", "server_control destructive" if call.has("--all") else "server_control")
    elif what in ("serviceaccount", "sa", "subject"):
        call.note("update", "privilege_change")
    else:
        call.unknown()


def _autoscale(call: Call) -> None:
    limits = [value.text for value in call.values("--max", "--min")]
    call.note("update", "server_control destructive" if "0" in limits else "server_control")


def _expose(call: Call) -> None:
    call.note("create", "network")


def _auth(call: Call) -> None:
    action = (_places(call) or [""])[0]
    if action in ("can-i", "whoami"):
        call.note("read")
    else:
        call.note("update", "privilege_change")


def _certificate(call: Call) -> None:
    call.note("update", "privilege_change")


def _config(call: Call) -> None:
    action = (_places(call) or [""])[0]
    if action == "view":
        call.note("read", "credential_read" if call.has("--raw", "--flatten") else "")
    elif action in ("get-contexts", "current-context", "get-clusters", "get-users"):
        call.note("read")
    elif action in ("use-context", "use", "set-context"):
        call.note("set")
    else:
        call.note("update", "privilege_change")


def _cluster_info(call: Call) -> None:
    call.note("read", "bulk_read" if "dump" in _places(call) else "")


def _wait(call: Call) -> None:
    call.note("read")


def _plugin(call: Call) -> None:
    call.note("read") if _places(call)[:1] in (["list"], []) else call.unknown()


def _kustomize(call: Call) -> None:
    sources = _places(call)
    remote = any(re.match(r"https?:|git@|github\.com", source) for source in sources)
    call.note("read", "network" if remote else "")


_LOOKS = words("explain top version api-resources api-versions diff events options completion help logs log")
ACTIONS: dict[str, Handler] = {
    **dict.fromkeys(_LOOKS, _looks),
    "get": _get,
    "describe": _describe,
    "delete": _delete,
    **dict.fromkeys(("apply", "replace", "patch"), _change),
    "create": _create,
    "edit": _edit,
    "scale": _scale,
    "rollout": _rollout,
    "exec": _exec,
    "rsh": _exec,
    "attach": _attach,
    "debug": _debug,
    "run": _run,
    "cp": traffic.copy,
    "port-forward": traffic.forward,
    "proxy": traffic.tunnel,
    "drain": _drain,
    "cordon": _cordon,
    "uncordon": _uncordon,
    "taint": _taint,
    "label": _label,
    "annotate": _label,
    "set": _set,
    "autoscale": _autoscale,
    "expose": _expose,
    "auth": _auth,
    "certificate": _certificate,
    "config": _config,
    "cluster-info": _cluster_info,
    "wait": _wait,
    "plugin": _plugin,
    "kustomize": _kustomize,
}
