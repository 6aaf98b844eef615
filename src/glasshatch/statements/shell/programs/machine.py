"""Services, processes, accounts, the firewall and the clock of a machine."""

from __future__ import annotations

import re

from ...words import words
from ..call import Call, Handler, operands
from ..expand import UNKNOWN

_LOOKS = words(
    """
    status is-active is-enabled is-failed is-system-running list-units list-unit-files list-timers
    list-sockets list-dependencies list-jobs list-machines list-automounts list-paths show cat get-default
    help show-environment
"""
)
_RESTARTS = words(
    """
    restart reload try-restart reload-or-restart try-reload-or-restart condrestart force-reload start
    daemon-reload daemon-reexec reset-failed enable reenable preset unmask thaw
"""
)
_STOPS = words(
    """
    stop kill disable mask isolate poweroff reboot halt rescue emergency suspend hibernate hybrid-sleep
    kexec exit default soft-reboot clean freeze revert cancel switch-root
"""
)
_AUDITORS = re.compile(
    r"audit|rsyslog|syslog|journal|osquery|falco|wazuh|ossec|filebeat|fluent|vector|glasshatch|td-agent"
)


def _systemctl(call: Call) -> None:
    places = [
        arg.text
        for arg in operands(call.args, frozenset(("-n", "-o", "-p", "-t", "-H", "-M", "-s", "--lines")))
    ]
    action = places[0] if places else "list-units"
    _service_action(call, action, places[1:])


def _service(call: Call) -> None:
    places = [arg.text for arg in call.operands()]
    if call.has("--status-all") or not places:
        call.note("read")
    else:
        _service_action(call, places[1] if len(places) > 1 else places[0], places[:1])


def _service_action(call: Call, action: str, units: list[str]) -> None:
    if action in _LOOKS:
        call.note("read")
    elif action in _RESTARTS:
        call.note("control", "server_control")
    elif action in _STOPS:
        call.note("control", "destructive")
    elif action in ("edit", "set-property", "link", "set-default", "set-environment", "import-environment"):
        call.note("update", "server_setting")
    else:
        call.unknown()
    if action not in _LOOKS and any(_AUDITORS.search(unit) for unit in units):
        call.note("control", "audit_change")


def _init_script(call: Call) -> None:
    _service_action(call, call.first() or "status", [])


_GENTLE = re.compile(r"-(?:SIG)?(?:HUP|USR1|USR2|WINCH|CONT|0|1|10|12)")


def _kill(call: Call) -> None:
    """A signal to one process is control; to every one, or to the first, the end of the machine."""
    if call.first() in ("-l", "-L", "--list", "--table") or not call.args:
        call.note("read")
        return
    targets = call.texts
    if targets[0] in ("-s", "-n", "--signal"):
        targets = targets[2:]
    elif targets[0].startswith("-") and (len(targets) > 1 or not targets[0][1:].isdigit()):
        targets = targets[1:]
    if any(target in ("-1", "1", "-0", "0") for target in targets if target != "--"):
        call.note("control", "destructive server_control")
    elif call.texts[0] == "-0":
        call.note("read")
    elif any(UNKNOWN in target for target in targets) and not _GENTLE.fullmatch(call.texts[0]):
        # Whatever a search for names found.
        call.note("control", "destructive server_control")
    else:
        call.note("control", "server_control")


def _kill_by_name(call: Call) -> None:
    gentle = any(
        re.fullmatch(r"-(?:SIG)?(?:HUP|USR1|USR2|WINCH|CONT|0|1|10|12)", text) for text in call.texts
    )
    if call.has("-l", "--list"):
        call.note("read")
    else:
        call.note("control", "server_control" if gentle else "destructive server_control")


def _fuser(call: Call) -> None:
    if call.has("-k", "--kill"):
        call.note("control", "destructive server_control")
    else:
        call.note("read")


def _firewall(call: Call) -> None:
    looks = call.has(
        "-L", "-S", "--list", "--list-rules", "--list-all", "--state", "--get-active-zones", "--list-ports"
    )
    places = [arg.text for arg in operands(call.args, frozenset(("-t", "--table")))]
    listing = places[:1] in (["list"], ["status"], ["show"], ["version"])
    changes = call.has("-F", "-X", "-P", "-A", "-I", "-D", "-R", "-Z", "-N", "--flush")
    if (looks or listing) and not changes:
        call.note("read")
    else:
        call.note(
            "update", "server_setting" + (" destructive" if call.has("-F", "-X", "-P", "--flush") else "")
        )


def _ip(call: Call) -> None:
    """`ip addr`, `ip route`: to look at them is everyday, to change them cuts connections."""
    places = [
        arg.text for arg in operands(call.args, frozenset(("-n", "-f", "-family", "-netns", "-b", "-batch")))
    ]
    if any(text in ("-b", "-batch", "--batch") for text in call.texts):
        call.unknown("unknown_code")
    elif places[:1] == ["netns"] and places[1:2] == ["exec"]:
        call.run([arg for arg in call.args if arg.text not in ("netns", "exec")][1:])
    elif any(place in _NETWORK_CHANGES for place in places[1:]) or any(
        UNKNOWN in place for place in places[:2]
    ):
        call.note("update", "server_setting destructive")
    else:
        call.note("read")


_NETWORK_CHANGES = words(
    """
        add del delete set flush replace change append prepend restore up down reset mod
        modify attach detach off
    """
)


def _ifconfig(call: Call) -> None:
    """ifconfig, route, ethtool, arp: an interface and a verb change it."""
    looks = len(call.operands()) <= 1 and not call.has(
        "-s", "-d", "-D", "-K", "-G", "-A", "-C", "-L", "-E", "-p", "-r"
    )
    call.note("read" if looks else "update", "" if looks else "server_setting destructive")


def _sysctl(call: Call) -> None:
    changes = call.has("-w", "--write", "-p", "--load", "--system") or any("=" in text for text in call.texts)
    call.note("update" if changes else "read", "server_setting" if changes else "")


def _crontab(call: Call) -> None:
    if call.has("-l"):
        call.note("read")
    elif call.has("-r"):
        call.note("delete", "destructive")
    else:
        call.note("update", "server_setting unknown_code")
        call.unknown("unknown_code")


def _auditctl(call: Call) -> None:
    if call.args and all(text in ("-l", "-s", "-v", "--loginuid-immutable") for text in call.texts):
        call.note("read")
    else:
        call.note("update", "audit_change")


def _journalctl(call: Call) -> None:
    if any(text.startswith(("--vac", "--rot", "--flu", "--rel", "--setup", "--upd")) for text in call.texts):
        call.note("delete", "audit_change destructive")
    else:
        call.note("read")


def _dmesg(call: Call) -> None:
    if call.has("-C", "-c", "--clear", "--read-clear", "-n", "-D", "-E", "--console-off"):
        call.note("delete", "audit_change")
    else:
        call.note("read")


def _date(call: Call) -> None:
    sets = call.has("-s", "--set") or (
        call.name == "date" and re.fullmatch(r"\d{8,12}(?:\.\d\d)?", call.first())
    )
    call.note("update" if sets else "read", "server_setting" if sets else "")


def _looks_without(words_that_change: str) -> Handler:
    """A program that looks unless one of the words is given."""
    changing = frozenset(words_that_change.split())

    def handle(call: Call) -> None:
        changes = any(text.split("=")[0] in changing for text in call.texts)
        call.note("update" if changes else "read", "server_setting" if changes else "")

    return handle


def _hostname(call: Call) -> None:
    sets = bool(call.operands()) or call.has("-F", "-b")
    call.note("update" if sets else "read", "server_setting" if sets else "")


def _passwd(call: Call) -> None:
    looks = call.has("-S", "--status") if call.name == "passwd" else call.has("-l", "--list")
    call.note("read" if looks else "update", "" if looks else "privilege_change")


def _mount(call: Call) -> None:
    looks = not call.operands(("-t", "-o", "-O")) and not call.has("-a", "--all")
    call.note("read" if looks else "update", "" if looks else "server_setting")


def _disk(call: Call) -> None:
    """fdisk, parted, zfs, zpool: to list is everyday."""
    listing = call.has("-l", "--list", "-lsf") or any(
        text in ("print", "list", "status", "get", "iostat", "history", "events") for text in call.texts[:3]
    )
    call.note("read" if listing else "delete", "" if listing else "destructive")


def _supervisor(call: Call) -> None:
    action = next((arg.text for arg in operands(call.args, frozenset(("-c", "-s", "-u", "-p")))), "")
    if action in (
        "status",
        "tail",
        "avail",
        "pid",
        "maintail",
        "list",
        "ls",
        "logs",
        "show",
        "describe",
        "jlist",
        "check",
    ):
        call.note("read")
    elif action in ("restart", "start", "reload", "update", "reread", "signal", "scale"):
        call.note("control", "server_control")
    elif action in ("stop", "shutdown", "delete", "remove", "kill", "clear", "flush"):
        call.note("control", "destructive")
    else:
        call.unknown()


def _web_server(call: Call) -> None:
    """nginx, apachectl, haproxy: a look at the configuration, a reload, or the end."""
    texts = call.texts
    if call.has("-t", "-T", "-v", "-V", "-S", "-M") or texts[:1] in (
        ["configtest"],
        ["status"],
        ["fullstatus"],
    ):
        call.note("read")
    elif texts[:2] in (["-s", "reload"], ["-s", "reopen"], ["-k", "graceful"]) or texts[:1] in (
        ["graceful"],
        ["reload"],
        ["restart"],
        ["validate"],
    ):
        call.note("control", "server_control")
    elif texts:
        call.note("control", "destructive")
    else:
        call.note("control", "server_control")


HANDLERS: dict[str, Handler] = {
    "systemctl": _systemctl,
    "service": _service,
    "rc-service": _service,
    "invoke-rc.d": _service,
    "kill": _kill,
    "pkill": _kill_by_name,
    "killall": _kill_by_name,
    "skill": _kill_by_name,
    "fuser": _fuser,
    **dict.fromkeys(
        words("iptables ip6tables nft ufw firewall-cmd ebtables arptables ipset iptables-legacy"), _firewall
    ),
    **dict.fromkeys(
        words("iptables-restore ip6tables-restore"),
        lambda call: call.note("update", "server_setting destructive"),
    ),
    **dict.fromkeys(words("iptables-save ip6tables-save"), lambda call: call.note("read")),
    "ip": _ip,
    "bridge": _ip,
    "tc": _ip,
    "nmcli": _ip,
    **dict.fromkeys(words("ifconfig route ethtool arp brctl iwconfig"), _ifconfig),
    **dict.fromkeys(words("ifup ifdown"), lambda call: call.note("update", "server_setting destructive")),
    "sysctl": _sysctl,
    "crontab": _crontab,
    "auditctl": _auditctl,
    "journalctl": _journalctl,
    "dmesg": _dmesg,
    "date": _date,
    "hwclock": _looks_without("-w -s --systohc --hctosys --set"),
    "timedatectl": _looks_without("set-time set-timezone set-ntp set-local-rtc"),
    "hostnamectl": _looks_without("set-hostname hostname set-icon-name set-chassis set-deployment"),
    "localectl": _looks_without("set-locale set-keymap"),
    "loginctl": _looks_without(
        "terminate-session terminate-user kill-session kill-user lock-session enable-linger"
    ),
    "resolvectl": _looks_without("flush-caches dns domain revert reset-statistics"),
    "chronyc": _looks_without("makestep settime online offline delete burst"),
    "ntpdate": _looks_without("-b"),
    "coredumpctl": _looks_without("debug gdb dump"),
    "machinectl": _looks_without("terminate kill remove shell login start poweroff"),
    "getsebool": _looks_without(""),
    "getenforce": _looks_without(""),
    "sestatus": _looks_without(""),
    "quota": _looks_without(""),
    "swapon": lambda call: call.note(
        "read" if not call.args or call.has("-s", "--show") else "update",
        "" if not call.args or call.has("-s", "--show") else "server_setting",
    ),
    "perf": _looks_without("record trace inject"),
    "hostname": _hostname,
    "domainname": _hostname,
    "passwd": _passwd,
    "chage": _passwd,
    "mount": _mount,
    **dict.fromkeys(words("fdisk parted zfs zpool"), _disk),
    **dict.fromkeys(words("supervisorctl pm2 monit sv s6-svc"), _supervisor),
    **dict.fromkeys(words("nginx apachectl apache2ctl httpd haproxy caddy varnishd php-fpm"), _web_server),
}
