"""What a record is about, in Sigma's words: which of its log sources a record belongs to.

Of what is not known here every rule is asked: a rule too many costs time, a rule too few an attack.
"""

from __future__ import annotations

from collections.abc import Mapping

from .forms import LogSource
from .records import Record

Sources = frozenset[LogSource]
"""The log sources of one record; none means that nobody knows."""

UNKNOWN: Sources = frozenset()

FOREIGN: Sources = frozenset({LogSource("another system")})
"""Of a feed of another kind than those below: rules about these have records of their own to look at."""

_KINDS: dict[str, tuple[LogSource, ...]] = {
    "kubernetes": (LogSource("kubernetes", "application", "audit"), LogSource("kubernetes", "", "audit")),
    "cloudtrail": (LogSource("aws", "", "cloudtrail"),),
    "github": (LogSource("github", "", "audit"),),
    "okta": (LogSource("okta", "", "okta"),),
    "gcp": (LogSource("gcp", "", "gcp.audit"),),
    "pgaudit": (LogSource("postgresql", "database", "pgaudit"),),
    "gateway": (LogSource("glasshatch", "database", "gateway"),),
    "glasshatch": (LogSource("glasshatch", "", "glasshatch"),),
}
"""By `source.kind`. Of `json`, `otlp` and `syslog` the record itself has to say it."""

_COVERED = frozenset(source.product for sources in _KINDS.values() for source in sources)
_WINDOWS = "windows"
_CHANNELS = {
    "application": "application", "security": "security", "system": "system",
    "windows powershell": "powershell-classic", "dns server": "dns-server",
    "msexchange management": "msexchange-management", "openssh/operational": "openssh",
    "microsoft-windows-powershell/operational": "powershell",
    "powershellcore/operational": "powershell",
    "microsoft-windows-sysmon/operational": "sysmon",
    "microsoft-windows-taskscheduler/operational": "taskscheduler",
    "microsoft-windows-wmi-activity/operational": "wmi",
    "microsoft-windows-ntlm/operational": "ntlm",
    "microsoft-windows-windows defender/operational": "windefend",
    "microsoft-windows-printservice/admin": "printservice-admin",
    "microsoft-windows-printservice/operational": "printservice-operational",
    "microsoft-windows-terminalservices-localsessionmanager/operational":
        "terminalservices-localsessionmanager",
    "microsoft-windows-smbclient/security": "smbclient-security",
    "microsoft-windows-smbclient/connectivity": "smbclient-connectivity",
    "microsoft-windows-smbserver/connectivity": "smbserver-connectivity",
    "microsoft-windows-bits-client/operational": "bits-client",
    "microsoft-windows-codeintegrity/operational": "codeintegrity-operational",
    "microsoft-windows-appxdeployment-server/operational": "appxdeployment-server",
    "microsoft-windows-appxpackaging/operational": "appxpackaging-om",
    "microsoft-windows-appmodel-runtime/admin": "appmodel-runtime",
    "microsoft-windows-applocker/exe and dll": "applocker",
    "microsoft-windows-applocker/msi and script": "applocker",
    "microsoft-windows-applocker/packaged app-deployment": "applocker",
    "microsoft-windows-applocker/packaged app-execution": "applocker",
    "microsoft-windows-capi2/operational": "capi2",
    "microsoft-windows-certificateservicesclient-lifecycle-system/operational":
        "certificateservicesclient-lifecycle-system",
    "microsoft-windows-diagnosis-scripted/operational": "diagnosis-scripted",
    "microsoft-windows-dns-client/operational": "dns-client",
    "microsoft-windows-dns-server/analytical": "dns-server-analytic",
    "microsoft-windows-driverframeworks-usermode/operational": "driver-framework",
    "microsoft-windows-hyper-v-worker-operational": "hyper-v-worker",
    "microsoft-windows-kernel-eventtracing/admin": "kernel-event-tracing",
    "microsoft-windows-kernel-shimengine/operational": "kernel-shimengine",
    "microsoft-windows-ldap-client/debug": "ldap",
    "microsoft-windows-lsa/operational": "lsa-server",
    "microsoft-windows-security-mitigations/kernelmode": "security-mitigations",
    "microsoft-windows-security-mitigations/usermode": "security-mitigations",
    "microsoft-windows-sense/operational": "sense",
    "microsoft-windows-servicebus-client": "microsoft-servicebus-client",
    "microsoft-windows-shell-core/operational": "shell-core",
    "microsoft-windows-vhdmp-operational": "vhdmp",
    "microsoft-windows-windows firewall with advanced security/firewall": "firewall-as",
    "microsoft-iis-configuration/operational": "iis-configuration",
}  # fmt: skip
"""By the channel of Windows' event log."""

_SYSMON: dict[str, tuple[str, ...]] = {
    "1": ("process_creation",), "2": ("file_change",), "3": ("network_connection",),
    "4": ("sysmon_status",), "5": ("process_termination",), "6": ("driver_load",), "7": ("image_load",),
    "8": ("create_remote_thread",), "9": ("raw_access_thread",), "10": ("process_access",),
    "11": ("file_event",), "12": ("registry_event", "registry_add", "registry_delete"),
    "13": ("registry_event", "registry_set"), "14": ("registry_event", "registry_rename"),
    "15": ("create_stream_hash",), "16": ("sysmon_status",), "17": ("pipe_created",),
    "18": ("pipe_created",), "19": ("wmi_event",), "20": ("wmi_event",), "21": ("wmi_event",),
    "22": ("dns_query",), "23": ("file_delete",), "24": ("clipboard_capture",),
    "25": ("process_tampering",), "26": ("file_delete",), "27": ("file_block_executable",),
    "28": ("file_block_shredding",), "29": ("file_executable_detected",), "255": ("sysmon_error",),
}  # fmt: skip
"""By the number of Sysmon's event."""

_BY_CHANNEL: dict[tuple[str, str], tuple[str, ...]] = {
    ("security", "4688"): ("process_creation",),
    ("security", "4657"): ("registry_event", "registry_set"),
    ("security", "5156"): ("network_connection",),
    ("powershell", "4103"): ("ps_module",),
    ("powershell", "4104"): ("ps_script",),
    ("powershell-classic", "400"): ("ps_classic_start",),
    ("powershell-classic", "600"): ("ps_classic_provider_start",),
    ("powershell-classic", "800"): ("ps_classic_script",),
    ("dns-client", "3008"): ("dns_query",),
}

_PROGRAMS = {"sshd": "sshd", "sudo": "sudo", "su": "auth", "cron": "cron", "crond": "cron",
             "auditd": "auditd", "vsftpd": "vsftpd", "guacd": "guacamole", "clamd": "clamav"}  # fmt: skip


def sources_of(record: Record, kind: str = "") -> Sources:
    """The log sources of a record; none if nobody knows what it is about.

    Args:
        kind: What is known of it from outside, as in `source.kind`.
    """
    known = _KINDS.get(kind)
    if known is not None:
        return _sets(known)
    values = record.values
    if "channel" in values and "eventid" in values:
        return _windows(record.one("channel"), record.one("eventid")) or (FOREIGN if kind else UNKNOWN)
    if kind == "syslog":
        return _syslog(record.one("app") or record.one("appname") or record.one("resource.name"))
    if kind:
        return FOREIGN
    if "eventsource" in values and "eventname" in values:
        return _sets(_KINDS["cloudtrail"])
    if "auditid" in values and "verb" in values:
        return _sets(_KINDS["kubernetes"])
    return UNKNOWN


_KNOWN_SETS: dict[tuple[LogSource, ...], Sources] = {}


def _sets(sources: tuple[LogSource, ...]) -> Sources:
    """The same set for the same sources, so that what is kept by set is found at once."""
    found = _KNOWN_SETS.get(sources)
    if found is None:
        found = _KNOWN_SETS[sources] = frozenset(sources)
    return found


def _windows(channel: str, number: str) -> Sources:
    service = _CHANNELS.get(channel, "")
    categories = _SYSMON.get(number, ()) if service == "sysmon" else _BY_CHANNEL.get((service, number), ())
    if not service:
        return UNKNOWN
    # A rule names the category or the service; one that names a channel's service means no category.
    return _sets(
        (LogSource(_WINDOWS, "", service), *(LogSource(_WINDOWS, one, service) for one in categories))
    )


def _syslog(program: str) -> Sources:
    service = _PROGRAMS.get(program, "")
    named = (LogSource("linux", "", service),) if service else ()
    return _sets((*named, LogSource("linux", "", "syslog"), LogSource("linux", "", "auth")))


def applies(rule: LogSource, sources: Sources) -> bool:
    """Whether a rule is to be asked about a record of these log sources."""
    if sources is FOREIGN:
        return rule.product not in _COVERED
    return not sources or any(rule.includes(one) for one in sources)


def named_source(text: str) -> Sources:
    """Log sources as somebody writes them: `product/category/service`, any of them empty.

    Raises:
        ValueError: It has more parts than three.
    """
    parts = text.lower().split("/")
    if len(parts) > 3:
        raise ValueError("a log source is product/category/service, as in linux//auditd")
    return frozenset({LogSource(*parts)})


def kinds() -> Mapping[str, tuple[LogSource, ...]]:
    """The kinds of source whose log sources are known."""
    return _KINDS
