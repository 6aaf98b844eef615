"""The table of the configuration about the index, and where the index is by it."""

from __future__ import annotations

import ipaddress
import urllib.parse
from typing import TYPE_CHECKING, Annotated

import msgspec

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..index import Place
    from .config import LoadedConfig

_Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
_Cluster = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z_{][A-Za-z0-9_{}.-]{0,62})?$")]


class IndexSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the search index is kept; by default embedded, in the data directory.

    url: of a ClickHouse server's HTTP interface, `https://host:8443`, or http on loopback; empty for
    embedded. database, user, password: on the server; the password is `env:NAME` or `file:PATH`. tls_ca: a
    PEM file with the authority that signed the server's certificate. cluster: its name there, for a
    replicated table. memory_mib: what questions may take together; embedded, all that the index does.
    """

    url: str = ""
    database: _Word = "glasshatch"
    user: str = "glasshatch"
    password: str = ""
    tls_ca: str = ""
    cluster: _Cluster = ""
    memory_mib: Annotated[int, msgspec.Meta(ge=256, le=1_048_576)] = 2_048


def index_place(loaded: LoadedConfig) -> Place:
    """Where the index of this configuration is.

    Raises:
        ConfigError: The address is not https, nor http on loopback, or the secret is in the file.
    """
    # Only now: the configuration is read where no index can be, and it imports this module's section.
    from ..index import Place
    from .config import read_secret

    section, file = loaded.config.index, str(loaded.file)
    if not section.url:
        if section.cluster:
            raise ConfigError("is of a server, and there is no url", file=file, key="index.cluster")
        return Place(memory_mib=section.memory_mib)
    _check_url(section.url, file)
    reference = loaded.reference(section.password)
    return Place(
        url=section.url, database=section.database, user=section.user,
        password=lambda: read_secret(reference, key="index.password", file=file) if reference else "",
        tls_ca=str(loaded.path(section.tls_ca)) if section.tls_ca else "",
        cluster=section.cluster, memory_mib=section.memory_mib,
    )  # fmt: skip


def _check_url(url: str, file: str) -> None:
    try:
        found = urllib.parse.urlsplit(url)
        host, _ = found.hostname, found.port
    except ValueError:
        raise ConfigError("is no address", file=file, key="index.url") from None
    if not host or found.path not in ("", "/") or found.query or found.fragment:
        raise ConfigError("is no address", file=file, key="index.url", hint="https://host:8443")
    if found.username is not None or found.password is not None:
        raise ConfigError(
            "may not hold a user or password", file=file, key="index.url",
            hint="write index.user and index.password",
        )  # fmt: skip
    if found.scheme != "https" and not (found.scheme == "http" and _is_loopback(host)):
        raise ConfigError("must be https, or http on loopback", file=file, key="index.url")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
