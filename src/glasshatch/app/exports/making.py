"""Forms and destinations of exports, made as the configuration says."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from ...clock import Clock
from ...detect import LEAST_SECRET_BYTES, Webhook
from ...errors import ConfigError
from ...exports import (
    FORMS,
    Destination,
    Folder,
    Objects,
    Pace,
    Refused,
    S3Store,
    Syslog,
    SyslogTarget,
    WebhookDestination,
    check_endpoint,
)
from ..config import LoadedConfig, duration_seconds, read_secret
from .sections import ExportSection

_SYSLOG = {"syslog+udp": "udp", "syslog+tcp": "tcp", "syslog+tls": "tls"}
# Malformed, too large, not to be processed: about what was sent. Other answers are about us, or the moment.
_REFUSALS = (400, 413, 422)
_LINES = Pace()
_FILES = Pace(rows=20_000, bytes=24 << 20, held_bytes=64 << 20)
_USED = {
    "webhook": {"secret", "ca"}, "syslog": {"ca", "certificate", "key", "in_clear"}, "file": {"compress"},
    "s3": {"access_key", "secret_key", "endpoint", "region", "ca", "compress"},
}  # fmt: skip


def make_destination(loaded: LoadedConfig, name: str, clock: Clock) -> Destination:
    """Where an export goes; nothing is contacted yet.

    Raises:
        ConfigError: The destination, what goes with it, or a secret cannot be used.
    """
    section, made = loaded.config.exports[name], _Making(loaded, name, clock)
    kind = _kind(section, name, str(loaded.file))
    _refuse_unused(section, kind, made)
    if section.form == "parquet" and kind not in ("s3", "file"):
        raise made.wrong("form", "parquet is for files: s3 or file", "jsonl or ocsf")
    if kind == "webhook" and section.form == "cef":
        raise made.wrong("form", "a webhook takes JSON", "jsonl or ocsf")
    makers = {"webhook": made.webhook, "syslog": made.syslog, "s3": made.s3, "file": made.folder}
    return makers[kind]()


def pace_of(section: ExportSection) -> Pace:
    """How parcels are cut for a destination."""
    files = section.to.startswith(("s3:", "file:"))
    pace = _FILES if files else _LINES
    linger_s = float(duration_seconds(section.every)) if files else pace.linger_s
    return msgspec.structs.replace(
        pace,
        linger_s=linger_s,
        rows=section.rows or pace.rows,
        behind_s=float(duration_seconds(section.behind)),
    )


class _Making:
    def __init__(self, loaded: LoadedConfig, name: str, clock: Clock) -> None:
        self._loaded = loaded
        self._name = name
        self._clock = clock
        self._section = loaded.config.exports[name]
        self._form = FORMS[self._section.form]

    def wrong(self, key: str, says: str, hint: str = "") -> ConfigError:
        return ConfigError(says, file=str(self._loaded.file), key=f"exports.{self._name}.{key}", hint=hint)

    def webhook(self) -> Destination:
        if not self._section.secret:
            raise self.wrong("secret", "a webhook needs one", "write env:NAME or file:PATH")
        if len(self._secret("secret").encode()) < LEAST_SECRET_BYTES:
            raise self.wrong("secret", f"has fewer than {LEAST_SECRET_BYTES} bytes")
        hook = Webhook(
            self._name, self._section.to, lambda: self._secret("secret").encode(), self._clock,
            ca_file=self._path("ca"), section="exports", refusals=dict.fromkeys(_REFUSALS, Refused),
        )  # fmt: skip
        target = urlsplit(self._section.to)
        # Without path and query, in which some receivers have a secret.
        return WebhookDestination(f"{target.scheme}://{target.netloc}", hook.send, self._form)

    def syslog(self) -> Destination:
        target = self._address()
        if not target.hostname or not target.port or target.path.strip("/"):
            raise self.wrong("to", "is no address", f"{target.scheme}://host:port")
        transport = _SYSLOG[target.scheme]
        if transport != "tls" and not is_loopback(target.hostname) and not self._section.in_clear:
            hint = "syslog+tls://host:6514; or say in_clear = true"
            raise self.wrong("to", "would send the record in clear over the network", hint)
        if transport == "tls":
            self._tls()
        address = SyslogTarget(transport, target.hostname, target.port, socket.gethostname())  # type: ignore[arg-type]
        return Syslog(address, self._form, self._tls if transport == "tls" else None)

    def s3(self) -> Destination:
        section, target = self._section, self._address()
        if not target.netloc:
            raise self.wrong("to", "names no bucket", "s3://bucket/prefix")
        for key in ("access_key", "secret_key"):
            if not getattr(section, key):
                raise self.wrong(key, "is missing", "write env:NAME or file:PATH")
            self._secret(key)
        if section.endpoint:
            check_endpoint(section.endpoint, f"exports.{self._name}.endpoint", is_loopback)
        store = S3Store(
            target.netloc, target.path.strip("/"),
            lambda: (self._secret("access_key"), self._secret("secret_key")),
            endpoint=section.endpoint, region=section.region, ca_file=self._path("ca"),
        )  # fmt: skip
        return Objects(store, self._form, compress=section.compress)

    def folder(self) -> Destination:
        path = self._loaded.path(self._section.to.partition(":")[2])
        if path.is_relative_to(self._loaded.data):
            raise self.wrong("to", "lies in the data directory", "write to another folder")
        return Objects(Folder(path), self._form, compress=self._section.compress)

    def _address(self) -> SplitResult:
        try:
            target = urlsplit(self._section.to)
            _ = target.port
        except ValueError:
            raise self.wrong("to", "is no address") from None
        if target.username is not None or target.query or target.fragment:
            raise self.wrong("to", "may hold neither user nor password, query nor fragment")
        return target

    def _secret(self, key: str) -> str:
        reference = self._loaded.reference(getattr(self._section, key))
        return read_secret(reference, key=f"exports.{self._name}.{key}", file=str(self._loaded.file))

    def _path(self, key: str) -> str:
        value = getattr(self._section, key)
        return str(self._loaded.path(value)) if value else ""

    def _tls(self) -> ssl.SSLContext:
        section = self._section
        if bool(section.certificate) != bool(section.key):
            raise self.wrong("certificate", "needs both certificate and key, or neither")
        try:
            context = ssl.create_default_context(cafile=self._path("ca") or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if section.certificate:
                self._secret("key")  # which refuses a file that others can read
                context.load_cert_chain(
                    self._path("certificate"),
                    str(Path(self._loaded.reference(section.key).partition(":")[2])),
                )
        except (OSError, ssl.SSLError) as error:
            says = error.strerror or "holds no certificate or key that can be used"
            raise self.wrong(
                "ca" if not section.certificate else "certificate", f"cannot be used: {says}"
            ) from None
        return context


def _kind(section: ExportSection, name: str, file: str) -> str:
    scheme = section.to.partition(":")[0]
    if scheme in _SYSLOG:
        return "syslog"
    if scheme in ("https", "http"):
        return "webhook"
    if scheme in ("s3", "file") and section.to.partition(":")[2].strip("/"):
        return scheme
    hint = "https://…, syslog+tls://host:port, s3://bucket/prefix or file:FOLDER"
    raise ConfigError("is no destination", file=file, key=f"exports.{name}.to", hint=hint)


def _refuse_unused(section: ExportSection, kind: str, made: _Making) -> None:
    """A setting that would do nothing is a mistake that would be found out late."""
    asked = {key for keys in _USED.values() for key in keys if getattr(section, key)}
    if extra := sorted(asked - _USED[kind]):
        raise made.wrong(extra[0], f"means nothing for {section.to.partition(':')[0]}")


def is_loopback(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
