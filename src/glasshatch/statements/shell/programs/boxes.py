"""Containers and clusters: docker and its kin, kubectl, helm."""

from __future__ import annotations

import re
from itertools import pairwise

from ...words import words
from .. import files
from ..call import Call, Handler, command_after, operands
from ..expand import UNKNOWN

_LOOKS = words(
    """
    ps logs images inspect stats top info version events port diff history search ls list df config help
    show wait pods
"""
)
_MAKES = words("pull tag commit create load import init build buildx save export login logout update rename")
_STOPS = words("rm rmi kill stop prune down remove delete leave reset uninstall")
_STARTS = words("start restart pause unpause up scale wait deploy")
_GROUPS = words(
    """
    container image volume network system compose builder service node stack swarm secret config context
    plugin manifest trust buildx pod machine
"""
)
_DOCKER_VALUED = frozenset(
    "-H --host --context -c --config -l --log-level -f --file -p --project-name --env-file --profile".split()
)
_EXEC_VALUED = "-e --env --env-file -w --workdir -u --user --detach-keys --index"
_RUN_VALUED = """
        -e --env --env-file -w --workdir -u --user --name -v --volume -p --publish --network --net --mount
        -h --hostname --entrypoint -m --memory --cpus --restart --label -l --log-driver --add-host --pid
        --ipc --cap-add --cap-drop --device --security-opt --dns --platform --pull --ulimit --shm-size
        --tmpfs --volumes-from --gpus
    """
_ESCAPES = re.compile(
    r"^(?:--privileged|--cap-add|--device|--security-opt|--volumes-from)(?:=|$)|^--(?:pid|ipc|net|network|userns|uts|cgroupns)=host$|"
    r"^(?:-v|--volume=|--mount=)?(?:type=bind,)?(?:src=|source=)?/(?::|,|$)|/var/run/docker\.sock|"
    r"^(?:-v|--volume=)?/(?:etc|root|proc|sys|var|dev|boot|usr)(?:/[^:]*)?:"
)


def _docker(call: Call) -> None:
    rest = command_after(call.args, " ".join(_DOCKER_VALUED))
    if not rest:
        call.note("read")
        return
    group = ""
    if rest[0].text in _GROUPS:
        group, rest = rest[0].text, command_after(rest[1:], " ".join(_DOCKER_VALUED))
    if not rest:
        call.note("read")
        return
    _action(Call(call.name, rest[1:], call.walker, call.piped, call.feed), group, rest[0].text)


def _compose(call: Call) -> None:
    rest = command_after(call.args, " ".join(_DOCKER_VALUED))
    if rest:
        _action(Call(call.name, rest[1:], call.walker, call.piped, call.feed), "compose", rest[0].text)
    else:
        call.note("read")


def _action(call: Call, group: str, action: str) -> None:
    special = _SPECIAL.get((group, action)) or _SPECIAL.get(("", action))
    if special is not None:
        special(call)
    elif action in _STOPS:
        call.note("control delete", "destructive")
    elif action in _LOOKS:
        call.note("read")
    elif action in _STARTS:
        call.note("control", "server_control")
    elif action == "build":
        _build(call, group)
    elif group == "swarm":
        call.unknown("unknown_code")
    elif action in _MAKES:
        call.note("create")
    else:
        call.unknown()


_BUILD_VALUED = words(
    """
    -t --tag -f --file --build-arg --target --platform --cache-from --cache-to --progress -o --output --label
    --network --secret --ssh --iidfile --builder --build-context --add-host -m --memory
"""
)


def _build(call: Call, group: str) -> None:
    """An image of the folder one is in, by its recipe; one from an address or a pipe is somebody else's."""
    places = [place.text for place in operands(call.args, _BUILD_VALUED)]
    recipes = [value.text for value in call.values("-f", "--file", "--build-context")]
    if (
        call.has("--push", "--secret", "--ssh", "--allow", "--output", "-o")
        or any(text.startswith("--network=host") for text in call.texts)
        or (group != "compose" and len(places) != 1)
    ):
        call.unknown("unknown_code")
    elif any("://" in text or "@" in text or text in ("-", UNKNOWN) for text in (*places, *recipes)):
        call.unknown("untrusted_code")
    else:
        call.note("run create")


def _inspect(call: Call) -> None:
    """All that is known of a container; asked for its environment alone, it is asked for passwords."""
    asks = any(re.search(r"\.Env\b|json \.Config\b(?!\.)", text) for text in call.texts)
    call.note("read", "credential_read" if asks else "")


def _exec(call: Call) -> None:
    """A command in a container that runs."""
    inner = command_after(call.args, _EXEC_VALUED, skip=1)
    if call.has("--privileged"):
        call.note("run", "privilege_change")
    if inner:
        call.note("run")
        call.run(inner)
    else:
        call.unknown("unknown_code")


def _run(call: Call) -> None:
    """A new container: code of an image, and perhaps all of the machine beneath."""
    texts = call.texts
    until = len(texts) - len(command_after(call.args, _RUN_VALUED))
    joined = texts[:until] + [f"{flag}={value}" for flag, value in pairwise(texts[:until])]
    if any(_ESCAPES.search(text) or UNKNOWN in text[:1] for text in joined):
        call.note("run", "privilege_change untrusted_code")
    inner = command_after(call.args, _RUN_VALUED, skip=1)
    if inner:
        call.run(inner)
    call.unknown("unknown_code")


def _copy(call: Call) -> None:
    """Into a container it changes what runs; out of one, data of a store does not leave."""
    places = operands(call.args, frozenset())
    call.note("update")
    if places and ":" in places[0].text and not files.is_fetch(places, recursive=False):
        call.note("read", "server_file")


_SPECIAL: dict[tuple[str, str], Handler] = {
    ("", "exec"): _exec,
    ("", "inspect"): _inspect,
    ("", "run"): _run,
    ("secret", "inspect"): lambda call: call.note("read", "credential_read"),
    ("", "cp"): _copy,
    ("", "push"): lambda call: call.note("run", "network"),
    ("", "publish"): lambda call: call.note("run", "network"),
    ("", "attach"): lambda call: call.unknown("unknown_code"),
    ("", "debug"): lambda call: call.unknown("unknown_code"),
}
_HELM = {
    **dict.fromkeys(
        words("list ls status history hist version search show template lint env verify inspect get help"),
        "read",
    ),
    **dict.fromkeys(words("uninstall delete del un"), "delete destructive"),
    **dict.fromkeys(words("install upgrade rollback"), "update server_control untrusted_code"),
    **dict.fromkeys(words("create package dependency dep"), "create"),
    **dict.fromkeys(words("repo pull fetch plugin registry push"), "update network"),
    "test": "unknown unknown_code",
    "diff": "read",
}


def _helm(call: Call) -> None:
    places = [
        arg.text
        for arg in operands(
            call.args, frozenset(("-n", "--namespace", "--kube-context", "--kubeconfig", "-f", "-o"))
        )
    ]
    action = places[0] if places else "help"
    if places[:2] in (["repo", "list"], ["plugin", "list"], ["repo", "ls"]) or (
        action in ("install", "upgrade", "rollback") and call.has("--dry-run")
    ):
        call.note("read")
    elif action in _HELM:
        verb, *risks = _HELM[action].split()
        call.findings.note(verb, risks)
    else:
        call.unknown()


def _kubectl(call: Call) -> None:
    from ...kubectl.commands import understand

    understand(call)


def _crictl(call: Call) -> None:
    _docker(call)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(("docker", "podman", "nerdctl", "crictl", "lxc", "ctr"), _docker),
    **dict.fromkeys(("docker-compose", "podman-compose"), _compose),
    "helm": _helm,
    **dict.fromkeys(("kubectl", "k", "oc", "kubecolor"), _kubectl),
}
