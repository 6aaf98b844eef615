"""Kinds of objects by all their names: which hold secrets, and which say who may do what."""

from __future__ import annotations

from ..words import words

_SHORT = dict(
    pair.split("=")
    for pair in """
    po=pods svc=services deploy=deployments rs=replicasets sts=statefulsets ds=daemonsets cm=configmaps
    ns=namespaces no=nodes pv=persistentvolumes pvc=persistentvolumeclaims sa=serviceaccounts
    ing=ingresses ingress=ingresses ep=endpoints ev=events cj=cronjobs hpa=horizontalpodautoscalers
    crd=customresourcedefinitions crds=customresourcedefinitions netpol=networkpolicies
    networkpolicy=networkpolicies pdb=poddisruptionbudgets quota=resourcequotas limits=limitranges
    sc=storageclasses storageclass=storageclasses pc=priorityclasses priorityclass=priorityclasses
    csr=certificatesigningrequests cs=componentstatuses rc=replicationcontrollers
    ingressclass=ingressclasses runtimeclass=runtimeclasses
    """.split()
)
_KNOWN = words(
    """
        pods services deployments replicasets statefulsets daemonsets configmaps namespaces nodes
        persistentvolumes persistentvolumeclaims serviceaccounts ingresses endpoints endpointslices events
        cronjobs jobs secrets horizontalpodautoscalers customresourcedefinitions networkpolicies
        poddisruptionbudgets resourcequotas limitranges storageclasses priorityclasses
        certificatesigningrequests componentstatuses replicationcontrollers ingressclasses runtimeclasses
        roles rolebindings clusterroles clusterrolebindings leases volumeattachments csidrivers csinodes
        podtemplates controllerrevisions mutatingwebhookconfigurations apiservices
        validatingwebhookconfigurations flowschemas prioritylevelconfigurations all certificates issuers
        clusterissuers helmreleases kustomizations gateways httproutes virtualservices destinationrules
        servicemonitors prometheusrules sealedsecrets externalsecrets applications ingressroutes
    """
)
_IDENTITY = words(
    """roles rolebindings clusterroles clusterrolebindings serviceaccounts certificatesigningrequests
    mutatingwebhookconfigurations validatingwebhookconfigurations apiservices networkpolicies"""
)
_SECRET = words("secrets")


def name_of(kind: str) -> str:
    """The plural of a kind by any of its names: `po`, `Pod`, `pods`, `pods.v1.`, `Deployment.apps`."""
    plain = kind.lower().split(".")[0]
    plain = _SHORT.get(plain, plain)
    if plain in _KNOWN:
        return plain
    for plural in (plain + "s", plain + "es", plain.removesuffix("y") + "ies"):
        if plural in _KNOWN:
            return plural
    return plain


def is_known(kind: str) -> bool:
    return kind in _KNOWN


def is_secret(kind: str) -> bool:
    """Whether objects of the kind hold credentials."""
    return kind in _SECRET


def is_identity(kind: str) -> bool:
    """Whether objects of the kind say who may do what."""
    return kind in _IDENTITY
