"""Where records arose: OTLP's resource and scope in an event's own places. Pure.

Names of attributes: OpenTelemetry semantic conventions, "Service", "Kubernetes", "Deployment".
"""

from __future__ import annotations

from typing import Any, Final

from ...events import Resource, Source
from .plain import Origin

KIND: Final = "otlp"
_ENVIRONMENTS: Final = ("deployment.environment.name", "deployment.environment")
_OBJECTS: Final = (
    ("pods", "k8s.pod.name"), ("cronjobs", "k8s.cronjob.name"), ("jobs", "k8s.job.name"),
    ("deployments", "k8s.deployment.name"), ("statefulsets", "k8s.statefulset.name"),
    ("daemonsets", "k8s.daemonset.name"), ("replicasets", "k8s.replicaset.name"), ("nodes", "k8s.node.name"),
    ("namespaces", "k8s.namespace.name"),
)  # fmt: skip
"""Kinds of objects by the attribute that names one, the most exact first."""

OF_KUBERNETES: Final = frozenset(
    {"k8s.cluster.name", "k8s.namespace.name", *(attribute for _, attribute in _OBJECTS)}
)


def origin_of(resource: dict[str, Any], scope: dict[str, Any], digest: bytes = b"") -> Origin:
    """What a resource and a scope in plain form say of every record below them."""
    left = dict(resource)
    source = Source(
        kind=KIND, name=text_of(left, "service.name"), instance=text_of(left, "service.instance.id"),
        version=text_of(left, "service.version"),
    )  # fmt: skip
    env = next(filter(None, (text_of(left, name) for name in _ENVIRONMENTS)), "")
    found = kubernetes_object(left, env)
    attrs: dict[str, Any] = {name: part for name, part in (("resource", left), ("scope", scope)) if part}
    taken: dict[str, Any] = {
        name: resource[name] for name in _ENVIRONMENTS if name in resource and name not in left
    }
    placeless = {**attrs, "resource": {**left, **taken}} if taken else attrs
    return Origin(source, found, env, attrs, digest, placeless)


def kubernetes_object(given: dict[str, Any], env: str) -> Resource | None:
    """The most exact object that attributes name, by its name in the cluster's own audit; takes them out."""
    kind, attribute = next(((kind, name) for kind, name in _OBJECTS if name in given), ("", ""))
    name = text_of(given, attribute) if attribute else ""
    if not name:
        return None
    cluster = text_of(given, "k8s.cluster.name")
    namespace = "" if kind in ("nodes", "namespaces") else text_of(given, "k8s.namespace.name")
    parts = ("kubernetes", cluster, namespace, kind, name)
    labels = {"namespace": namespace} if namespace else {}
    return Resource(type=kind, id="/".join(filter(None, parts)), name=name, env=env, labels=labels)


def text_of(given: dict[str, Any], name: str) -> str:
    """A member that is a short text, or a number, taken out; what is another thing stays where it is."""
    found = given.get(name)
    if isinstance(found, str):
        del given[name]
        return found
    if isinstance(found, int) and not isinstance(found, bool):
        del given[name]
        return str(found)
    return ""
