"""Command lines of clouds and of tools that build infrastructure."""

from __future__ import annotations

import re

from ...words import words
from ..call import Call, Handler, command_after, operands

_SECRET_ACTIONS = re.compile(
    r"^(?:get-secret-value|batch-get-secret-value|get-session-token|assume-role\w*|get-federation-token|create-access-key|"
    r"get-login-password|get-authorization-token|decrypt|get-password-data|export-credentials|get-parameters?(?:-by-path)?|"
    r"get-credentials\w*|generate-data-key|create-login-profile|get-role-credentials|get-object|get-item|scan|select-object-content)$"
)
_AWS_LOOKS = re.compile(
    r"^(?:describe|list|get|head|lookup|search|filter|tail|ls|help|batch-get|estimate|preview|simulate|test|validate|query|wait|start-query|presign)(?:-|$)"
)
_AWS_TAKES = re.compile(
    r"^(?:delete|terminate|stop|remove|purge|deregister|disable|revoke|detach|disassociate|release|cancel|reboot|rb|rm|reset|deactivate|schedule|suspend|failover|restore|modify|put)(?:-|$)"
)
_AUDIT = words("cloudtrail config guardduty securityhub macie2 inspector2 detective")


def _aws(call: Call) -> None:
    valued = frozenset(
        "--profile --region --output --query --endpoint-url --cli-input-json --ca-bundle --color".split()
    )
    places = [arg.text for arg in operands(call.args, valued)]
    service, action = [*places, "", ""][:2]
    if service == "s3":
        _s3(call, action, places[2:])
    elif service in ("configure", "sso") and action != "list":
        call.note("read", "credential_read")
    elif _SECRET_ACTIONS.match(action):
        call.note(
            "read", "credential_read" if action not in ("scan", "get-item", "get-object") else "bulk_read"
        )
    elif _AWS_LOOKS.match(action) or service in ("help", ""):
        call.note("read")
    elif service in _AUDIT:
        call.note("update", "audit_change")
    elif service in ("iam", "organizations", "sts", "sso-admin", "cognito-idp", "kms", "ram"):
        call.note("update", "privilege_change")
    elif _AWS_TAKES.match(action):
        call.note("delete", "destructive")
    else:
        call.unknown()


def _s3(call: Call, action: str, places: list[str]) -> None:
    if action in ("ls", "presign", "help", ""):
        call.note("read", "network" if action == "presign" else "")
    elif call.has("--dryrun"):
        call.note("read")
    elif action in ("rm", "rb") or call.has("--delete"):
        call.note("delete", "destructive")
    elif action in ("cp", "mv", "sync"):
        call.note("run", "network" + (" destructive" if action == "mv" else ""))
    elif action == "mb":
        call.note("create")
    else:
        call.unknown()


_LOOKS = words(
    """
    list describe show get status read ls info ls-files history get-value list-usage
    get-iam-policy logs tail check search whoami version help view account
"""
)
_TAKES = words("delete remove destroy stop rm reset purge deallocate suspend disable rb revoke drain")
_SECRETS = words(
    """
        print-access-token print-identity-token get-access-token get-credentials access list-keys
        keys credential
    """
)


def _cloud(call: Call) -> None:
    """gcloud, az, doctl and their kin: a path of nouns, and a verb somewhere in it."""
    places = [arg.text for arg in call.operands()]
    if any(place in _SECRETS for place in places) or places[:2] == ["keyvault", "secret"]:
        call.note("read", "credential_read")
    elif any(place in _TAKES for place in places):
        call.note("delete", "destructive")
    elif "ssh" in places or "scp" in places:
        call.unknown("unknown_code")
    elif any("iam" in place or "role" in place for place in places) and not any(
        place in _LOOKS for place in places
    ):
        call.note("update", "privilege_change")
    elif any(place in _LOOKS for place in places) or not places:
        call.note("read")
    else:
        call.unknown()


def _gsutil(call: Call) -> None:
    action = next((arg.text for arg in call.operands(("-o", "-h", "-u"))), "ls")
    if action in ("ls", "du", "stat", "version", "help", "hash"):
        call.note("read")
    elif action in ("rm", "rb", "mv"):
        call.note("delete", "destructive")
    elif action in ("iam", "acl", "defacl", "cors", "logging", "lifecycle", "retention"):
        call.note("update", "privilege_change")
    else:
        call.note("run", "network")


_TERRAFORM = {
    **dict.fromkeys(words("plan show validate version providers graph fmt get metadata"), "read"),
    **dict.fromkeys(words("init"), "create"),
    **dict.fromkeys(words("apply"), "update server_control destructive"),
    **dict.fromkeys(words("destroy taint untaint force-unlock import"), "delete destructive"),
    "console": "unknown unknown_code",
    "refresh": "update server_control",
    "test": "unknown unknown_code",
    "up": "update server_control destructive",
    "preview": "read",
    "stack": "read",
}


def _terraform(call: Call) -> None:
    rest = command_after(call.args, "")
    places = [arg.text for arg in rest if not arg.text.startswith("-")]
    action = places[0] if places else "version"
    if action == "state":
        looking = places[1:2] in (["list"], ["show"])
        call.note("read" if looking else "update", "" if looking else "destructive")
        if places[1:2] == ["pull"]:
            call.note("read", "credential_read")
    elif action == "workspace":
        looking = places[1:2] in (["list"], ["show"])
        call.note("read" if looking else "update", "destructive" if places[1:2] == ["delete"] else "")
    elif action == "output":
        # Marked values show only where they are asked for.
        shows = len(places) > 1 or any(text.startswith(("-json", "-raw")) for text in call.texts)
        call.note("read", "credential_read" if shows else "")
    elif action in _TERRAFORM:
        verb, *risks = _TERRAFORM[action].split()
        call.findings.note(verb, risks)
        if action == "plan" and any(text.startswith(("-destroy",)) for text in call.texts):
            call.note("read")
    else:
        call.unknown()


HANDLERS: dict[str, Handler] = {
    "aws": _aws,
    "awslocal": _aws,
    **dict.fromkeys(
        words("gcloud az doctl oci ibmcloud linode-cli hcloud heroku flyctl fly vercel netlify eksctl"),
        _cloud,
    ),
    **dict.fromkeys(words("gsutil s3cmd mc azcopy s5cmd"), _gsutil),
    **dict.fromkeys(words("terraform tofu terragrunt"), _terraform),
}
