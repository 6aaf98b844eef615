"""What an API server needs so that it tells here what happens: an audit policy and a webhook's kubeconfig.

Which flags take them: Kubernetes' documentation, "Auditing". The policy is of the form audit.k8s.io/v1.
"""

from __future__ import annotations

import json

from ..parsed import Setup

_POLICY = """\
# What the API server tells. The first rule that fits a request holds.
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
# The cluster's own housekeeping: leader elections, health, discovery.
- level: None
  users: [system:kube-controller-manager, system:kube-scheduler, system:apiserver]
  resources:
  - {group: coordination.k8s.io, resources: [leases]}
  - {group: "", resources: [endpoints]}
  - {group: discovery.k8s.io, resources: [endpointslices]}
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*"]
- level: None
  users: [system:kube-proxy]
  verbs: [watch]
# Who touched what holds secrets, and never what is in it.
- level: Metadata
  resources:
  - {group: "", resources: [secrets, configmaps, serviceaccounts/token]}
  - {group: authentication.k8s.io, resources: [tokenreviews]}
  - {group: certificates.k8s.io, resources: [certificatesigningrequests]}
# Commands in containers, tunnels and proxies: that they were opened.
- level: Request
  resources:
  - {group: "", resources: [pods/exec, pods/attach, pods/portforward, services/proxy]}
  - {group: "", resources: [pods/ephemeralcontainers]}
# Who may do what, and who changes what runs: with the objects.
- level: RequestResponse
  verbs: [create, update, patch, delete, deletecollection]
  resources:
  - {group: rbac.authorization.k8s.io}
  - {group: admissionregistration.k8s.io}
- level: Request
  verbs: [create, update, patch, delete, deletecollection]
# Everything else by its metadata, reading included.
- level: Metadata
"""


def setup_files(setup: Setup) -> dict[str, str]:
    """The audit policy, the webhook's configuration, and the flags that take both."""
    return {
        "audit-policy.yaml": _POLICY,
        "audit-webhook.yaml": _webhook(setup),
        "flags.txt": _FLAGS,
    }


def _webhook(setup: Setup) -> str:
    address = json.dumps(f"{setup.server.rstrip('/')}/v1/sources/kubernetes/{setup.name}")
    return f"""\
# Where the API server tells it. The token may deliver for this cluster and nothing else:
#   glasshatch tokens issue {setup.name} --scope ingest:kubernetes/{setup.name} --out {setup.token_file}
apiVersion: v1
kind: Config
clusters:
- name: glasshatch
  cluster:
    server: {address}
users:
- name: glasshatch
  user:
    tokenFile: {json.dumps(setup.token_file)}
contexts:
- name: glasshatch
  context: {{cluster: glasshatch, user: glasshatch}}
current-context: glasshatch
"""


_FLAGS = """\
--audit-policy-file=/etc/kubernetes/audit-policy.yaml
--audit-webhook-config-file=/etc/kubernetes/audit-webhook.yaml
--audit-webhook-mode=batch
--audit-webhook-batch-max-size=100
--audit-webhook-batch-max-wait=5s
--audit-webhook-truncate-enabled=true
--audit-log-path=/var/log/kubernetes/audit.log
--audit-log-maxsize=100
--audit-log-maxbackup=10
--audit-log-compress=true
"""
