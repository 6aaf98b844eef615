"""`glasshatch config check`: what each part of a configuration will do, or what is wrong with it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ..clock import SystemClock
from ..errors import ConfigError, GlasshatchError
from ..investigate.query import parse
from ..masking import KERNEL
from .config import LoadedConfig, ResourceSection, load_config, read_secret, split_address
from .detection import make_channels, read_rules
from .exports.making import make_destination
from .feeds.kinds import kinds_of
from .feeds.planning import say_receivers
from .home import Home
from .house import load_policy, seal_rules
from .limiting import make_usage
from .names import check_names
from .opening import load_engine, load_masking, open_keyring
from .streams import make_streams
from .witnessing import make_witnessing, witness_key

_KERNELS = {
    "compiled": "rows of answers are masked by the compiled kernel",
    "python": "rows of answers are masked in Python, which is slower: no compiled kernel is at work",
}


class Finding(msgspec.Struct, frozen=True):
    """One part of the configuration: what it does, or why it cannot."""

    key: str
    ok: bool
    says: str
    hint: str = ""


def explain_config(file: Path) -> list[Finding]:
    """Check everything that can be checked without starting or contacting anything.

    Raises:
        ConfigError: The file itself cannot be read or has an unknown key.
    """
    loaded = load_config(file)
    return [_judge(key, check) for key, check in _checks(loaded)]


def _judge(key: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(key, True, check())
    except GlasshatchError as error:
        return Finding(key, False, error.message, error.hint)


def _checks(loaded: LoadedConfig) -> Iterator[tuple[str, Callable[[], str]]]:
    config = loaded.config
    yield "server.data", lambda: _data(loaded)
    yield "keys.master", lambda: f"opens the key ring of tenant {open_keyring(loaded).tenant}"
    yield "policy.set", lambda: _policy(loaded)
    yield "masking.packs", lambda: f"detectors load, pack hash {load_engine(loaded).pack_hash[:16]}"
    yield "masking.kernel", lambda: _KERNELS[KERNEL]
    if config.masking.rules or config.masking.stored or config.masking.policy:
        yield "masking.rules", lambda: _masking(loaded)
    if config.seal:
        yield "seal", lambda: _seal(loaded)
    if config.ner.texts:
        yield "ner", lambda: check_names(loaded)
    if config.limits:
        yield "limits", lambda: _limits(loaded)
    yield "gateway.postgres", lambda: _address(config.gateway.postgres, "gateway.postgres")
    yield "gateway.tls_certificate", lambda: _tls(loaded)
    yield "detect.user_rules", lambda: f"{len(read_rules(loaded))} rules load"
    if config.exports:
        yield "exports", lambda: _exports(loaded)
    if config.alerts:
        yield "alerts", lambda: _alerts(loaded)
    if config.witnesses or config.anchors:
        yield "witnesses", lambda: _witnesses(loaded)
    if config.retention.keep:
        yield "retention.keep", lambda: _retention(loaded)
    if config.receivers:
        yield "receivers", lambda: say_receivers(loaded, kinds_of(loaded))
    if config.server.api:
        yield "server.api", lambda: _address(config.server.api, "server.api")
    if config.ledgers:
        yield "ledgers", lambda: _streams(loaded)
    for name, resource in config.resources.items():
        yield f"resources.{name}", lambda name=name, resource=resource: _resource(loaded, name, resource)  # type: ignore[misc]


def _data(loaded: LoadedConfig) -> str:
    Home(loaded.data).check()
    return f"records of tenant {loaded.config.tenant} go to {loaded.data}"


def _policy(loaded: LoadedConfig) -> str:
    policy = load_policy(loaded)
    found = f"policy {policy.current.name}, hash {policy.current.hash[:16]}"
    warnings = len(policy.check().problems)
    return f"{found}; {warnings} warnings: glasshatch policy check tells" if warnings else found


def _limits(loaded: LoadedConfig) -> str:
    make_usage(loaded)
    return f"{len(loaded.config.limits)} limits say how much people may use"


def _streams(loaded: LoadedConfig) -> str:
    streams = make_streams(loaded, kinds_of(loaded), open_keyring(loaded).ledgers)
    claims = [f"{what} {pattern} to {name}" for what, pattern, name in streams.claims()]
    return f"{', '.join(claims) or 'no stream has a ledger of its own'}; everything else to default"


def _masking(loaded: LoadedConfig) -> str:
    policy = load_masking(loaded)
    return (
        f"{len(policy.rules)} rules say what people meet, {len(policy.stored)} what the record keeps, "
        f"hash {policy.hash[:16]}"
    )


def _seal(loaded: LoadedConfig) -> str:
    return "; ".join(
        f"{', '.join(rule.fields)} of {rule.source} are sealed, their subject is "
        + (rule.subject or "the value itself")
        for rule in seal_rules(loaded)
    )


def _retention(loaded: LoadedConfig) -> str:
    section = loaded.config.retention
    who = f"the server looks every {section.every}" if section.automatic else "only glasshatch prune does it"
    return f"entries older than {section.keep} go, their hashes stay; {who}"


def _exports(loaded: LoadedConfig) -> str:
    found = [make_destination(loaded, name, SystemClock()).where for name in loaded.config.exports]
    for section in loaded.config.exports.values():
        parse(section.query)
    return f"{len(found)} go out: {', '.join(found)}"


def _alerts(loaded: LoadedConfig) -> str:
    make_channels(loaded, SystemClock())
    told = (f"{name} from severity {channel.severity}" for name, channel in loaded.config.alerts.items())
    return f"alerts go to {', '.join(told)}"


def _witnesses(loaded: LoadedConfig) -> str:
    make_witnessing(loaded, lambda *_, **__: None, SystemClock(), lambda _: None)
    config = loaded.config
    parties = [f"witness {witness_key(one.key).name}" for one in config.witnesses]
    parties += [f"anchor {one.type}" for one in config.anchors]
    return f"checkpoints go to {', '.join(parties)}"


def _address(value: str, key: str) -> str:
    host, port = split_address(value, key=key)
    state = "free now"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            state = f"not free now: {error.strerror}"
    return f"listens on {host} port {port} ({state})"


def _tls(loaded: LoadedConfig) -> str:
    gateway = loaded.config.gateway
    if not gateway.tls_certificate:
        return "no TLS: clients are accepted from this machine only"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = loaded.path(gateway.tls_certificate), loaded.path(gateway.tls_key)
    try:
        context.load_cert_chain(*files)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate cannot be used: {type(error).__name__}",
            file=str(files[0]),
            key="gateway.tls_certificate",
        ) from None
    return f"clients may use TLS with {files[0]}"


def _resource(loaded: LoadedConfig, name: str, resource: ResourceSection) -> str:
    read_secret(loaded.reference(resource.password), key=f"resources.{name}.password", file=str(loaded.file))
    masked = (
        f"{len(resource.columns)} column rules"
        if resource.columns
        else "no column rules, names and text decide"
    )
    if resource.mode == "dry-run":
        masked += "; DRY RUN: answers pass IN CLEAR, only secrets are masked"
    return (
        f"{resource.type} {resource.host}:{resource.port}/{resource.database} as {resource.user}, "
        f"env {resource.env}, tls {resource.tls}, {masked}"
    )
