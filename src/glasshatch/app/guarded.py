"""A resource of the configuration as the gateway guards it, and as its own errands reach it."""

from __future__ import annotations

from ..gateway import GuardedResource, PostgresTarget
from ..masking import MaskingPolicy
from ..policy import ResourceFacts
from .config import LoadedConfig, read_secret


def guarded_resource(loaded: LoadedConfig, name: str, masking: MaskingPolicy) -> GuardedResource:
    """The resource of this name.

    Raises:
        ConfigError: Its password cannot be read.
    """
    resource = loaded.config.resources[name]
    key, reference = f"resources.{name}.password", loaded.reference(resource.password)
    # Read once now, so that a missing secret stops the start and not the first session at 3 a.m.
    read_secret(reference, key=key, file=str(loaded.file))
    target = PostgresTarget(
        host=resource.host,
        port=resource.port,
        user=resource.user,
        password=lambda: read_secret(reference, key=key, file=str(loaded.file)),
        database=resource.database,
        tls=resource.tls,
        tls_ca=str(loaded.path(resource.tls_ca)) if resource.tls_ca else "",
    )
    facts = ResourceFacts(type=resource.type, name=name, env=resource.env, labels=resource.labels)
    dry_run = resource.mode == "dry-run"
    return GuardedResource(facts, target, resource.columns, masking, dry_run, resource.record)
