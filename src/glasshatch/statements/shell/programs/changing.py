"""Package managers, build tools and other programs with a subcommand: a table for each."""

from __future__ import annotations

from ..call import Call, Handler, operands
from . import builds

_SYSTEM_PACKAGES = {
    "read": """
        list search show info policy showsrc depends rdepends changelog check version help madison pkgnames
        dump stats provides whatprovides repolist grouplist deplist check-update repoquery history query
        files leaves outdated deps config doctor log home desc showmanual showauto
    """,
    "update untrusted_code": """
        install reinstall add upgrade dist-upgrade full-upgrade localinstall swap sync build-dep
        groupinstall tap link refresh downgrade switch
    """,
    "update": "update makecache fetch download source",
    "delete destructive": """
        remove purge autoremove erase del uninstall clean autoclean autopurge unlink cleanup groupremove
        untap mark hold unhold
    """,
}
_TABLES: dict[str, dict[str, str]] = {
    **dict.fromkeys(
        (
            "apt",
            "apt-get",
            "aptitude",
            "yum",
            "dnf",
            "microdnf",
            "zypper",
            "apk",
            "brew",
            "snap",
            "flatpak",
            "port",
        ),
        _SYSTEM_PACKAGES,
    ),
    "pip": {
        "read": "list show freeze check search index config debug help inspect hash cache",
        "update untrusted_code": "install download wheel",
        "delete destructive": "uninstall",
    },
    "npm": {
        "read": """
        ls list ll la view info show outdated audit search help version root prefix bin ping whoami why
        explain fund config get docs repo
    """,
        "update untrusted_code": "install i ci add update up upgrade link rebuild dedupe",
        "delete destructive": "uninstall remove rm un prune unpublish deprecate",
        "run network": "publish login logout adduser",
        "unknown unknown_code": "run run-script start test t exec x stop restart init create",
    },
    "cargo": {
        "read": "tree search metadata version help",
        "unknown unknown_code": "run build test bench check clippy install fmt update add fix",
        "run network": "publish login",
        "delete destructive": "clean uninstall remove yank",
    },
    "go": {
        "read": "version env list doc help vet",
        "unknown unknown_code": "run build test install get generate mod tool work fmt",
        "delete destructive": "clean",
    },
    "gem": {
        "read": "list search info environment env contents dependency help outdated which",
        "update untrusted_code": "install update",
        "delete destructive": "uninstall cleanup yank",
        "run network": "push",
    },
    "rabbitmqctl": {
        "read": """
        status list_queues list_exchanges list_bindings list_users list_vhosts list_connections
        list_channels list_consumers list_permissions list_policies cluster_status environment report ping
        node_health_check list_user_permissions list_feature_flags list_parameters version help
    """,
        "delete destructive": """
        reset force_reset stop stop_app shutdown purge_queue delete_queue delete_vhost clear_policy
        close_connection close_all_connections forget_cluster_node delete_user
    """,
        "update privilege_change": """add_user change_password set_user_tags set_permissions clear_permissions
            clear_password authenticate_user set_topic_permissions""",
        "control server_control": """
        start_app set_policy sync_queue rotate_logs join_cluster add_vhost
        set_vm_memory_high_watermark
    """,
        "unknown unknown_code": "eval eval_file",
    },
    "mysqladmin": {
        "read": "status ping processlist extended-status variables version",
        "delete destructive": "drop shutdown kill stop-slave stop-replica",
        "update privilege_change": "password flush-privileges reload",
        "update audit_change": "flush-logs flush-status flush-hosts flush-tables flush-threads refresh",
        "create": "create",
        "control server_control": "start-slave start-replica debug",
    },
    "pg_ctl": {
        "read": "status",
        "delete destructive": "stop kill promote restart init initdb",
        "control server_control": "reload start logrotate",
    },
    "patronictl": {
        "read": "list topology history show-config version query dsn",
        "control destructive": "failover switchover remove pause restart reinit edit-config flush",
        "control server_control": "reload resume",
    },
    "nodetool": {
        "read": """
        status info ring tpstats tablestats cfstats netstats describecluster compactionstats gossipinfo
        version proxyhistograms tablehistograms getendpoints listsnapshots getlogginglevels
    """,
        "control destructive": """
        decommission removenode assassinate drain stopdaemon disablegossip disablebinary clearsnapshot
        truncatehints move stop disableautocompaction
    """,
        "control server_control": "repair flush compact cleanup snapshot enablegossip enablebinary scrub",
    },
    "vault": {
        "read": "status version path-help audit secrets policy auth print",
        "read credential_read": "read kv unwrap token login list",
        "update privilege_change": "write operator delete lease namespace",
    },
    "consul": {
        "read": "members info catalog operator version monitor validate rtt",
        "read credential_read": "kv acl keyring",
        "control destructive": "leave force-leave reload maint snapshot",
    },
    "fail2ban-client": {
        "read": "status ping version get banned",
        "update server_setting": "set unban reload restart",
    },
    "certbot": {
        "read": "certificates show_account plugins",
        "update": "renew",
        "delete destructive": "delete revoke",
    },
    "nomad": {"read": "status version", "control destructive": "stop", "control server_control": "run"},
    "istioctl": {"read": "proxy-status ps analyze version proxy-config pc describe", "update": "install"},
    "flux": {
        "read": "get logs check version events stats tree trace",
        "control server_control": "reconcile resume",
    },
}
# With these, `update` is what `upgrade` is with apt.
for _program in ("yum", "dnf", "microdnf", "zypper"):
    _TABLES[_program] = {
        **_SYSTEM_PACKAGES,
        "update": "makecache fetch download source",
        "update untrusted_code": _SYSTEM_PACKAGES["update untrusted_code"] + " update",
    }
_TABLES["pip3"] = _TABLES["pip"]
_TABLES["uv"] = {
    "read": "version tree help",
    "update untrusted_code": "add sync pip",
    "unknown unknown_code": "run tool",
}
_TABLES["yarn"] = _TABLES["pnpm"] = _TABLES["npm"]
_ACTIONS = {
    program: {word: meaning for meaning, text in table.items() for word in text.split()}
    for program, table in _TABLES.items()
}
_VALUED = frozenset(
    ("-h", "-u", "-P", "-p", "-D", "-m", "-t", "-n", "-C", "--prefix", "-c", "-o", "--vhost", "-S")
)


def by_action(call: Call, actions: dict[str, str], valued: frozenset[str] = _VALUED) -> None:
    """Note what the first operand stands for; an action on no list is unknown."""
    places = operands(call.args, valued)
    meaning = actions.get(places[0].text) if places else "read"
    if meaning is None:
        call.unknown()
        return
    verb, *risks = meaning.split()
    call.findings.note(verb, risks)


def _by_table(call: Call) -> None:
    by_action(call, _ACTIONS[call.name])


def _node(call: Call) -> None:
    builds.node_manager(call, _by_table)


def _go(call: Call) -> None:
    builds.go(call, _by_table)


def _cargo(call: Call) -> None:
    builds.cargo(call, _by_table)


def _pip(call: Call) -> None:
    """What the project's own lists name may be installed; what stands on the command line is any code."""
    if call.first() == "install" and builds.installs_own(call):
        call.note("run create")
    else:
        _by_table(call)


def _uv(call: Call) -> None:
    """uv: its pip is pip, its run runs."""
    places = [place.text for place in operands(call.args, frozenset(("--extra", "--group")))]
    if call.first() == "pip" and call.args[1:]:
        call.run([call.args[0], *call.args[1:]])
    elif call.first() == "run" and call.args[1:] and not call.has("--with", "--from"):
        call.run(call.args[1:])
    elif places in (["sync"], ["lock"], ["venv"]):
        call.note("run create")
    else:
        _by_table(call)


def _rpm(call: Call) -> None:
    """rpm, dpkg: -q and -l look; -i, -U and -e change the system."""
    texts = call.texts
    if call.has(
        "-q",
        "-l",
        "-L",
        "-s",
        "-S",
        "-p",
        "-V",
        "--query",
        "--list",
        "--status",
        "--search",
        "--listfiles",
        "-I",
    ):
        changes = call.name == "rpm" and any(text[1:2] in ("i", "U", "e", "F") for text in texts[:1])
        call.note("update" if changes else "read", "untrusted_code" if changes else "")
    elif call.has("-e", "-r", "-P", "--erase", "--remove", "--purge"):
        call.note("delete", "destructive")
    else:
        call.note("update", "untrusted_code")


def _smart(call: Call) -> None:
    """smartctl, conntrack: to look is everyday, other options start tests or drop connections."""
    looks = call.has("-a", "-i", "-H", "-A", "-x", "-L", "-S", "-C", "--all", "--info", "--health", "--scan")
    call.note("read" if looks else "update", "" if looks else "server_setting")


def _argocd(call: Call) -> None:
    places = [arg.text for arg in call.operands()]
    looks = (
        places[1:2] in (["list"], ["get"], ["history"], ["diff"], ["logs"], ["resources"]) or not places[1:]
    )
    call.note("read" if looks else "update", "" if looks else "server_control destructive")


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_ACTIONS, _by_table),
    "rpm": _rpm,
    "dpkg": _rpm,
    **dict.fromkeys(("smartctl", "conntrack"), _smart),
    "argocd": _argocd,
    **dict.fromkeys(("npm", "yarn", "pnpm"), _node),
    **dict.fromkeys(("pip", "pip3"), _pip),
    "go": _go,
    "cargo": _cargo,
    "uv": _uv,
    "pipx": lambda call: call.unknown("untrusted_code"),
    "uvx": lambda call: call.unknown("untrusted_code"),
}
