"""Which files and folders matter to everybody on a machine, by their names."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from .expand import UNKNOWN, Argument

_SYSTEM = re.compile(
    r"^/(?:$|bin|boot|dev|etc|lib(?:32|64|x32)?|opt|proc|root|run|sbin|srv|sys|usr|var|data|mnt|media|snap|app)(?:/|$)|^/home(?:/[^/]*)?/?$|^/tmp/?$"
)
_SCRATCH = re.compile(r"^(?:/tmp|/var/tmp|/dev/shm|/private/tmp)/[^/]")
_SINKS = re.compile(r"^(?:/dev/(?:null|zero|full|stdout|stderr|stdin|tty|pts/\d+|fd/\d+)|&?\d+-?|-|)$")
_NETWORK = re.compile(r"^/dev/(?:tcp|udp)/")
_LOGS = re.compile(
    r"^/var/(?:log|audit|adm)(?:/|$)|(?:^|/)(?:auth|audit|secure|syslog|messages|kern|wtmp|btmp|lastlog)(?:\.log)?$|"
    r"(?:^|/)\.(?:bash|zsh|ash|sh|python|mysql|psql|ash)_?history$|/journal(?:/|$)"
)
_PRIVILEGE = re.compile(
    r"^/etc/(?:passwd|shadow|group|gshadow|sudoers|pam\.d|security|ssh|doas\.conf|ld\.so|cron|profile|crontab|polkit)|"
    r"(?:^|/)(?:authorized_keys2?|\.rhosts|\.bashrc|\.bash_profile|\.profile|\.zshrc|\.ssh/\w*)$|"
    r"(?:^|/)\.git/(?:hooks/|config$)|^/var/spool/cron|^/etc/systemd|^/usr/lib/systemd|^/lib/systemd|^/etc/audit"
)
_CREDENTIALS = re.compile(
    r"^/etc/(?:shadow|gshadow|sudoers|krb5\.keytab|security/opasswd|ppp/\w+-secrets)[-~.\w]*$|"
    r"(?:^|/)\.(?:ssh|gnupg|aws)/?$|(?:^|/)id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+)?$|(?:^|/)\.ssh/(?:\*|id_|\w*key)|ssh_host_\w+_key$|"
    r"(?:^|/)\.(?:bash|zsh|ash|sh|python|mysql|psql|rediscli|node_repl)_?history$|"
    r"(?:^|/)\.(?:pgpass|netrc|my\.cnf|git-credentials|vault-token|htpasswd|npmrc|pypirc|boto|s3cfg|msmtprc)$|"
    r"(?:^|/)\.(?:aws|azure|gnupg|kube|docker|config/gcloud)/(?:credentials|config\w*(?:\.json)?|\*|private-keys|"
    r"accessTokens\.json|\w*credentials\w*)|(?:^|/)\.env(?:\.\w+)*$|"
    r"^/proc/(?:\d+|self|[*?\[\x00].*|\$\w+)/(?:environ|mem|maps|auxv|fd)|^/proc/kcore|/secrets/kubernetes\.io/|"
    r"^/(?:var/)?run/secrets/|(?:^|/)(?:secrets?|credentials?|passwords?)(?:\.(?:ya?ml|json|txt|env|ini|conf|toml|enc|db|csv))?$|"
    r"(?:priv(?:ate)?[-_.]?key|[-_.]key|[-_]priv)\.pem$|\.(?:key|p12|pfx|jks|keystore|kdbx|ppk|keytab)$|/\*\.pem$|"
    r"^/etc/(?:ssl|pki|letsencrypt)/(?:private|live|archive)/.*(?:key|\*)|^/etc/kubernetes/(?:admin|super-admin)\.conf$|"
    r"^/(?:etc/)?rancher/k3s/k3s\.yaml$|(?:^|/)master\.key$|^/dev/(?:mem|kmem|port)$|^/etc/sh[?*]\w*$|^/etc/s\*$"
)
# What a pattern may be another way to write.
_WELL_KNOWN = (
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/sudoers", "/proc/1/environ", "/proc/self/environ"),
    *(f"/root/{name}" for name in (".ssh/id_rsa", ".aws/credentials", ".kube/config")),
)
_DEVICES = re.compile(
    r"^/dev/(?:sd|hd|vd|xvd|nvme|mapper/|dm-|md|mmcblk|loop|disk/|root|rdisk|mem|kmem|port)"
)
_ARTEFACTS = re.compile(
    r"^(?:build|dist|target|node_modules|__pycache__|htmlcov|coverage|_build|tmp|venv|[\w.*-]+\.egg-info|"
    r"\.(?:pytest_cache|mypy_cache|ruff_cache|tox|nox|venv|cache|next|nuxt|svelte-kit|parcel-cache|turbo|gradle|"
    r"nyc_output|eggs|terraform|coverage|hypothesis|angular|vite|output|ipynb_checkpoints|DS_Store)|"
    r"[\w*.-]+\.(?:pyc|pyo|class|o|obj|tsbuildinfo|orig|rej|swp))$"
)
_DATA = re.compile(
    r"^/var/lib/(?:postgres\w*|pgsql|mysql|mariadb|redis|mongo\w*|elasticsearch|cassandra|etcd|influxdb|kafka|docker|"
    r"kubelet)(?:/|$)|^/(?:data|bitnami)(?:/|$)|"
    r"\.(?:sql|dump|bak|rdb|aof|sqlite3?|db|mdb|ibd|parquet|csv|xlsx|jsonl|ndjson|avro)(?:\.(?:gz|zst|xz|bz2|lz4|zip))?$"
)
_SHOWN = re.compile(r"^(?:/var/log|/tmp|/var/tmp|/proc|/sys)/[^/]")


def is_artefact(path: str) -> bool:
    """Whether a build makes it anew: `./build`, `apps/web/node_modules`, `dist/*`, `*.pyc`."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith(("/", "~")) and (is_system(path) or len(parts) < 3):
        return False
    if ".." in parts or UNKNOWN in path or not parts or parts[0] == "*":
        return False
    return any(_ARTEFACTS.match(part) for part in parts)


def holds_rows(path: str) -> bool:
    """Whether the file, by its name or place, is data of a database, or a copy of it."""
    return _DATA.search(normal(path)) is not None


def may_be_fetched(path: str, *, recursive: bool) -> bool:
    """Whether a file of another machine may be copied here to be looked at: a log, a heap dump, a report."""
    if not path or UNKNOWN in path or holds_rows(path) or holds_credentials(Argument(path)):
        return False
    if grants_privilege(path) or ".." in path.split("/") or "*" in path.split("/")[:-1]:
        return False
    if recursive:
        return _SHOWN.match(normal(path)) is not None
    return not path.endswith(("/", "/*")) and normal(path) not in ("", ".", "~", "/")


def normal(path: str) -> str:
    """The path without doubled slashes and dots, as the kernel takes it."""
    if not path.startswith("/"):
        return posixpath.normpath(path) if path else path
    return "/" + posixpath.normpath(path).lstrip("/")


def is_sink(path: str) -> bool:
    """Whether what is written there is gone or shown, and nothing is stored."""
    return _SINKS.match(path) is not None


def is_scratch(path: str) -> bool:
    """Whether it lies below a folder for temporary files, and is certain to."""
    return _SCRATCH.match(normal(path)) is not None and ".." not in path.split("/")


def is_system(path: str) -> bool:
    """Whether others than the writer rely on what is there."""
    if is_scratch(path):
        return False
    return _SYSTEM.match(normal(path)) is not None or normal(path).rstrip("/") in ("", "~", "..", UNKNOWN)


def is_device(path: str) -> bool:
    return _DEVICES.match(normal(path)) is not None


def is_log(path: str) -> bool:
    return _LOGS.search(normal(path)) is not None


def is_network(path: str) -> bool:
    return _NETWORK.match(normal(path)) is not None


def grants_privilege(path: str) -> bool:
    """Whether writing there makes or changes an account, a login or a job of the system."""
    return _PRIVILEGE.search(normal(path)) is not None


def holds_credentials(argument: Argument) -> bool:
    """Whether a file of that name holds keys or passwords."""
    text = argument.text
    if not text or text.endswith((".pub", ".crt", ".cer")):
        return False
    if argument.glob and any(fnmatchcase(path, text) for path in _WELL_KNOWN):
        return True
    above = "/" + text.lstrip("./") if text.startswith("../") else ""
    for candidate in (text, above, text.rpartition("=")[2], text.rpartition(":")[2], text.lstrip("@<")):
        if candidate and _CREDENTIALS.search(normal(candidate.removeprefix("@"))):
            return True
    return False


def resource(path: str) -> str:
    """A system path as a resource: three parts at most, none that could be a person's; empty for others."""
    plain = normal(path)
    if not plain.startswith("/") or not _SYSTEM.match(plain) or re.match(r"/(?:home|root|tmp)\b", plain):
        return ""
    parts = plain.split("/")[1:4]
    if any(re.search(r"[^A-Za-z0-9._-]|\d{4}", part) for part in parts):
        return ""
    return "/" + "/".join(parts)
