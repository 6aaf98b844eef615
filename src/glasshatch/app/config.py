"""One TOML file says what Glasshatch does; an unknown key is an error that names its cure.

Secrets never stand in the file: they are `env:NAME` or `file:PATH` references, read when needed.
Relative paths are relative to the file.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ..errors import ConfigError
from ..masking import ColumnRule, FreeTextRule, MaskRule, NerSection, SealRule, StoredRule
from .breakglass.sections import BreakGlassSection
from .exports.sections import SECRETS, ExportSection
from .feeds.sections import FeedName, FeedSection, ReceiverSection, SourcesSection
from .identifying import IdentitySection, OidcSection
from .incidents.sections import RunbookSection
from .indexing import IndexSection
from .limiting import LimitSection
from .publishing import AnchorSection, TlogSection, WitnessSection
from .reviews.sections import NotifySection, OncallSection, ReviewSection

CONFIG_VERSION = 1

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key in it is refused."""


class ServerSection(_Section, frozen=True):
    """Where the data lies and how the server stops.

    data: the data directory. api: loopback address `host:port` of API and page, beside the Unix socket; empty
    for none. hosts: names by which a proxy reaches it. drain_seconds: how long a stop waits for statements.
    """

    data: str = "."
    api: str = ""
    hosts: tuple[str, ...] = ()
    drain_seconds: Seconds = 10


class KeysSection(_Section, frozen=True):
    """master: the master key: `file:PATH` (mode 0600) or `env:NAME`, 32 bytes in base64; or `exec:PROGRAM`,
    which wraps keys itself."""

    master: str = "file:keys/master.key"


class GatewaySection(_Section, frozen=True):
    """The way in.

    postgres: listen address for PostgreSQL. tls_certificate, tls_key: PEM files; both empty means
    plaintext, which is then accepted from loopback only. record_timeout_seconds: how long a statement waits
    for its durable record. heartbeat_seconds: how often a silent session is recorded as open; 0 for never.
    sessions: how many at once in all.
    """

    postgres: str = "127.0.0.1:6432"
    tls_certificate: str = ""
    tls_key: str = ""
    record_timeout_seconds: Seconds = 10
    heartbeat_seconds: Seconds = 300
    sessions: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000


class PolicySection(_Section, frozen=True):
    """set: a shipped policy set's name, or a `.cedar` file's path. access: the same about desk and record."""

    set: str = "production"
    access: str = "roles"


class MaskingSection(_Section, frozen=True):
    """packs: shipped detector packs. user_packs: paths of your own. rules: which operator people meet, by
    resource, column or path, type, role and purpose. stored: what the record keeps of a value. policy: a file
    with further rules, which stand after these. workforce: feeds whose actors are your own people and stay in
    clear, as `kind/name`, as in `json/hr`.
    """

    packs: tuple[str, ...] = ("all",)
    user_packs: tuple[str, ...] = ()
    rules: tuple[MaskRule, ...] = ()
    stored: tuple[StoredRule, ...] = ()
    policy: str = ""
    workforce: tuple[str, ...] = ()


class ResourceSection(_Section, frozen=True):
    """One production system people reach through the hatch.

    The table's name is the resource's, which clients give as the database. host, port, database, user,
    password: the upstream account, which people never hold. tls: disable, require, or verify-full with
    tls_ca. columns: which columns hold personal data and how they are masked. mode: mask, or dry-run, in
    which answers pass IN CLEAR and what would be masked is counted and recorded. preview_seconds: how long
    rows of a statement under review are counted, 0 for not. before_images: off, when-possible or required:
    whether a reviewed UPDATE or DELETE leaves one, which `glasshatch undo` puts back. image_rows: how many
    rows an image holds, of 4 KiB on the average. record: durable, or async: statements leave before their
    record is durable.
    """

    type: Literal["postgres"]
    host: str
    database: str
    user: str
    password: str
    port: Port = 5432
    env: str = "production"
    labels: dict[str, str] = {}
    tls: Literal["disable", "require", "verify-full"] = "require"
    tls_ca: str = ""
    columns: tuple[ColumnRule, ...] = ()
    mode: Literal["mask", "dry-run"] = "mask"
    preview_seconds: Annotated[int, msgspec.Meta(ge=0, le=60)] = 5
    before_images: Literal["off", "when-possible", "required"] = "off"
    image_rows: Annotated[int, msgspec.Meta(ge=1, le=5_000)] = 1_000
    record: Literal["durable", "async"] = "durable"


class DetectSection(_Section, frozen=True):
    """Detection behind the ledger.

    user_rules: folders with your own rule files, beside the shipped ones. sigma: the same for Sigma rules.
    sigma_off: ids or names of rules that are not asked. sigma_lists: what they ask for by name (`%admins%`).
    """

    user_rules: tuple[str, ...] = ()
    sigma: tuple[str, ...] = ()
    sigma_off: tuple[str, ...] = ()
    sigma_lists: dict[str, tuple[str, ...]] = {}


class ChannelSection(_Section, frozen=True):
    """Where alerts are delivered; the table's name is the channel's name.

    type: webhook. url: https, or http on loopback. secret: signs every delivery, `env:NAME` or
    `file:PATH`. severity: only alerts of at least this severity, 0 to 6.
    """

    type: Literal["webhook"]
    url: str
    secret: str
    severity: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0


class LedgerSection(_Section, frozen=True):
    """Which streams a ledger takes; the table's name is the ledger's, which `ledger create` made.

    sources: feeds as `kind/name`, as in `json/shop` or `kubernetes/*`. resources: `type/name`, as in
    `postgres/orders`: the sessions there. What no ledger claims goes to the default one.
    """

    sources: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class RetentionSection(_Section, frozen=True):
    """How long entries are kept; by default for ever.

    keep: older entries are pruned, whole packs at a time, as in `400d`; empty to keep all. automatic:
    the server prunes by itself; otherwise `glasshatch prune` does. every: how often the server looks.
    """

    keep: Literal[""] | Duration = ""
    automatic: bool = True
    every: Duration = "1h"


class Config(_Section, frozen=True):
    """The whole file. version: the format of this file. tenant: the tenant all records belong to."""

    version: Literal[1]
    tenant: Name = "default"
    server: ServerSection = ServerSection()
    keys: KeysSection = KeysSection()
    gateway: GatewaySection = GatewaySection()
    policy: PolicySection = PolicySection()
    identity: IdentitySection = IdentitySection()
    masking: MaskingSection = MaskingSection()
    seal: tuple[SealRule, ...] = ()
    ner: NerSection = NerSection()
    detect: DetectSection = DetectSection()
    tlog: TlogSection = TlogSection()
    witnesses: tuple[WitnessSection, ...] = ()
    anchors: tuple[AnchorSection, ...] = ()
    retention: RetentionSection = RetentionSection()
    alerts: dict[Name, ChannelSection] = {}
    exports: dict[Name, ExportSection] = {}
    limits: tuple[LimitSection, ...] = ()
    reviews: tuple[ReviewSection, ...] = ()
    oncall: dict[Name, OncallSection] = {}
    notify: dict[Name, NotifySection] = {}
    break_glass: BreakGlassSection = BreakGlassSection()
    resources: dict[Name, ResourceSection] = {}
    ledgers: dict[Name, LedgerSection] = {}
    feeds: dict[FeedName, FeedSection] = {}
    sources: SourcesSection = SourcesSection()
    receivers: tuple[ReceiverSection, ...] = ()
    runbooks: dict[Name, RunbookSection] = {}
    index: IndexSection = IndexSection()


class LoadedConfig(msgspec.Struct, frozen=True):
    """A valid configuration and the file it came from."""

    config: Config
    file: Path

    def path(self, value: str) -> Path:
        """A path of the file, made absolute."""
        return (self.file.parent / Path(value).expanduser()).resolve()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.path(self.config.server.data)

    def reference(self, value: str) -> str:
        """A secret's reference with its path made absolute."""
        kind, _, rest = value.partition(":")
        return f"file:{self.path(rest)}" if kind == "file" else value


def load_config(file: Path) -> LoadedConfig:
    """Read and check one configuration file.

    Raises:
        ConfigError: Names the file, the key and the cure.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", file=str(file), hint="glasshatch init DIR writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {type(error).__name__}", file=str(file)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", file=str(file)) from None
    _check_version(raw, file)
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise _explain(str(error), file) from None
    except ConfigError as error:
        # A rule that knows what it may hold, and not which file it stands in.
        raise ConfigError(error.message, file=str(file), hint=error.hint) from None
    loaded = LoadedConfig(config, file.resolve())
    _check_references(loaded)
    return loaded


def read_secret(reference: str, *, key: str, file: str = "") -> str:
    """The secret behind `env:NAME` or `file:PATH`; trailing line breaks are dropped.

    Raises:
        ConfigError: The reference leads nowhere, or its file can be read by others.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest:
        value = os.environ.get(rest)
        if not value:
            raise ConfigError(
                f"environment variable {rest} is not set", file=file, key=key,
                hint="set it for the server's process, or write file:PATH",
            )  # fmt: skip
        return value
    if kind == "file" and rest:
        return _read_secret_file(Path(rest), key=key, file=file)
    hint = "write env:NAME or file:PATH"
    raise ConfigError("is not a reference to a secret", file=file, key=key, hint=hint)


def duration_seconds(value: str) -> int:
    """A duration of the file (`90s`, `15m`, `2h`, `400d`) in seconds."""
    return int(value[:-1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[value[-1]]


def split_address(value: str, *, key: str, file: str = "") -> tuple[str, int]:
    """`host:port` (an IPv6 host in brackets) as its two parts.

    Raises:
        ConfigError: It is neither.
    """
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65_535:
        hint = "write host:port, for example 127.0.0.1:6432"
        raise ConfigError("is not an address", file=file, key=key, hint=hint)
    return host.strip("[]"), int(port)


def _read_secret_file(path: Path, *, key: str, file: str) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}", file=file, key=key) from None
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others", file=file, key=key, hint=f"chmod 600 {path}")
    if not text:
        raise ConfigError(f"{path} is empty", file=file, key=key)
    return text


def _check_version(raw: dict[str, Any], file: Path) -> None:
    version = raw.get("version")
    if isinstance(version, int) and version > CONFIG_VERSION:
        raise ConfigError(
            f"format {version} is newer than {CONFIG_VERSION}",
            file=str(file),
            key="version",
            hint="upgrade glasshatch",
        )


def _check_references(loaded: LoadedConfig) -> None:
    """Refuse what can be seen to be wrong without opening anything."""
    file, config = str(loaded.file), loaded.config
    split_address(config.gateway.postgres, key="gateway.postgres", file=file)
    if config.server.api:
        split_address(config.server.api, key="server.api", file=file)
    if bool(config.gateway.tls_certificate) != bool(config.gateway.tls_key):
        raise ConfigError("needs both tls_certificate and tls_key, or neither", file=file, key="gateway")
    if (oidc := config.identity.oidc) is not None and oidc.client_secret:
        _require_reference(oidc.client_secret, "identity.oidc.client_secret", file)
    _require_reference(config.index.password or "env:NONE", "index.password", file)
    for anchor in config.anchors:
        _require_anchor(anchor.type, file)
    for name, channel in config.alerts.items():
        _require_reference(channel.secret, f"alerts.{name}.secret", file)
    for name, export in config.exports.items():
        for secret in SECRETS:
            if value := getattr(export, secret):
                _require_reference(value, f"exports.{name}.{secret}", file)
    for name, way in config.notify.items():
        if way.type == "apprise":
            _require_reference(way.url, f"notify.{name}.url", file)
    for name, resource in config.resources.items():
        key = f"resources.{name}"
        _require_reference(resource.password, f"{key}.password", file)
        if resource.tls == "verify-full" and not resource.tls_ca:
            raise ConfigError("tls = verify-full needs tls_ca", file=file, key=f"{key}.tls_ca")


def _require_anchor(kind: str, file: str) -> None:
    from ..ledger.anchors import ANCHORS  # only when one is named: few configurations have any

    if kind not in ANCHORS:
        raise ConfigError(
            "is no kind of anchor", file=file, key="anchors.type", hint=f"one of {', '.join(ANCHORS)}"
        )


def _require_reference(value: str, key: str, file: str) -> None:
    if not re.match(r"^(env|file):.+$", value):
        # The value itself is not shown: it may be the secret.
        raise ConfigError(
            "must be a reference, not the secret itself", file=file, key=key,
            hint="write env:NAME or file:PATH",
        )  # fmt: skip


def _explain(message: str, file: Path) -> ConfigError:
    """Turn msgspec's message into one that names the key and the nearest known one."""
    what, _, path = message.partition(" - at ")
    key = path.strip("`").removeprefix("$").removeprefix(".")
    key = re.sub(r"\[\.\.\.\]", ".*", key)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if not unknown:
        return ConfigError(what.replace("`", ""), file=str(file), key=key)
    name = unknown.group(1)
    near = difflib.get_close_matches(name, sorted(known_keys()), n=1)
    hint = f"did you mean {near[0]}?" if near else "docs/reference/config.md lists every key"
    return ConfigError("is not a known key", file=str(file), key=f"{key}.{name}".strip("."), hint=hint)


def known_keys() -> set[str]:
    """The last part of every key the file may hold."""
    sections = (
        Config, ServerSection, KeysSection, GatewaySection, PolicySection, MaskingSection, DetectSection,
        TlogSection, WitnessSection, AnchorSection, RetentionSection, ChannelSection, ResourceSection,
        LedgerSection, FeedSection, SourcesSection, ReceiverSection, IdentitySection, OidcSection,
        ColumnRule, MaskRule, StoredRule, SealRule, NerSection,
        FreeTextRule, LimitSection, ReviewSection, OncallSection, NotifySection,
        BreakGlassSection, IndexSection, ExportSection,
    )  # fmt: skip
    return {field for section in sections for field in section.__struct_fields__}
