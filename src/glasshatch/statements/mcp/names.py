"""What the name of a tool says that it does: `list_tables` looks, `get_and_delete` takes away."""

from __future__ import annotations

import re
from itertools import pairwise

from ..findings import Findings
from ..words import words

_PARTS = re.compile(r"k8s|K8s|K8S|s3|S3|ec2|EC2|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_JOINS = words("and or then")
_RUNS = words(
    """
        install execute exec eval shell bash terminal sh ssh powershell python javascript script
        interpreter repl sandbox spawn cmd command evaluate
    """
)
_TAKES = words(
    """
        restore delete drop remove destroy truncate purge wipe erase kill terminate stop shutdown
        uninstall revoke reset flush flushall flushdb clear cancel close merge force disable deprovision
        rollback decommission detach archive unpublish evict drain del rm unlink undeploy nuke invalidate
        suspend silence mute snooze suppress
    """
)
_PRIVILEGE = words(
    """
    grant permission permissions role roles user users password passwords token tokens iam policy acl
    invite sudo admin admins superuser member members certificate security protection collaborator
    collaborators firewall access sharing visibility
"""
)
_SECRETS = words("""
        secret secrets credential credentials env environment key keys vault keychain password
        passwords onepassword bitwarden lastpass keepass dashlane doppler
    """)
_KEYS = words("api access ssh private signing encryption deploy secret")
"""What a key opens, where it is not one of a cache: `create_api_key`."""

_MONEY = words("""
        payment payments payout refund refunds charge invoice funds transfer purchase buy checkout trade
        withdraw withdrawal wire bank
    """)
_NETWORK = words("""
        download upload webhook send email mail post publish notify message tweet sms push share export
    """)
_SERVICES = words("slack email mail sms webhook message discord teams")
"""Nouns in front of a verb, as in `slack_list_channels`."""

_FETCHES = words("fetch browse navigate scrape crawl url visit")
"""An address that is fetched is judged for itself."""

_CALLS = words("http https request curl wget")
_CHANGES = words(
    """
        transition store expire switch write create update edit set add put insert patch modify append
        move rename copy save scale restart start import upsert replace enable assign comment label tag
        commit build increment schedule register generate rotate change hset lpush rpush sadd zadd xadd
        incr decr hdel lpop rpop srem zrem
    """
)
_ADDS = words("create add insert comment save append")
_LOOKS = words(
    """
        aggregate retrieval hash wait blame recommend suggest estimate translate geocode random
        track locate watch observe verify measure match rank classify parse render decode encode compute
        predict forecast profile enumerate simulate goto dry ocr math
        llen scard hlen zcard zscore hkeys hvals strlen getrange sismember think thinking sequential
        sequentialthinking calculator calculate echo get list read search find show describe view lookup
        count query select tree diff inspect check ping explain summarize tail head grep glob whoami
        validate preview ls cat resolve convert scan hget hgetall hmget mget lrange smembers zrange xrange
        ttl exists analyze analyse compare detect lint retrieve recall ask ps dbsize screenshot sample
        plan who which whois depth
    """
)
_STORES = words("collection table database index schema column topic bucket")
"""What others go by the name of: under another one they do not find it."""

_FORMS = words("markdown html json csv yaml text pdf xml md txt toml image png jpg")
_RUNNERS = words("run npm yarn pnpm cargo go unit integration all project make mvn gradle check type")
"""What stands beside a test in the name of a tool that runs it."""

_ASKS = words("is has can does did was were should needs")
"""First words of a name that is a question: `is_deployed`."""

_TESTS = words(
    """
    eslint ruff mypy tsc prettier test tests testing lint linter linters typecheck typechecks pytest jest
    coverage
"""
)
"""What a developer runs: told by its purpose."""

_OPENED = words("node nodes file document documents doc page url tab browser")
"""What is opened to be looked at, and closed without loss."""

_SIFTED = words(
    "log logs event events list results rows messages text code json yaml sql date url urls page html"
)
"""What may be filtered, formatted and extracted without a change."""

_GUARDED = words(
    """
        dns nameserver nameservers retention audit auditing backup backups logging vpc subnet routing
        billing mfa sso saml ldap quota domain domains
    """
)
"""What a change of reaches further than the thing that is changed."""

_STATES = words(
    """
        status info stat stats history top health version snapshot time date weather docs documentation
        summary details detail length size transcript overview statistics analysis state metadata
        help usage activity now today clock regex definition definitions references hover
    """
)
"""What is looked at, where the name has no verb: `server_status`."""

_THINGS = words(
    """
        log logs schema schemas tables columns metrics trace traces spans alerts events messages requests
    """
)
_OWNERS = words(
    """
        pod pods node nodes server service services db database pg mysql redis k k8s kube kubernetes
        cluster container docker app browser console network system grafana github gitlab sentry datadog
        prometheus loki host api deployment table kubectl git helm aws ecs lambda ci job jobs build run
        mongo mongodb elasticsearch opensearch es kafka rabbitmq cloudwatch
        workflow error errors audit application audits session sessions collection
    """
)
"""Whose things they are: `pods_log` looks, of `silence_alerts` nobody knows."""

_QUERYING = words("promql logql nrql kql loki prometheus traceql")
_SETTINGS = words("config configuration setting settings parameter parameters")


_COUNTED = words("count counts price balance next page usage limit validate verify check inspect info")
"""What is asked about a token that is no key."""


def parts_of(name: str) -> list[str]:
    """The words of a name in small letters, however they are put together."""
    return [part.lower() for part in _PARTS.findall(name)]


def note_name(name: str, understood: bool, findings: Findings) -> None:
    """Note what a name says; a text that was read says more than the name of the tool that runs it."""
    segment: list[str] = []
    segments = [segment]
    for part in parts_of(name):
        if part in _JOINS and segment:
            segment = []
            segments.append(segment)
        else:
            segment.append(part)
    for one in segments:
        if one or len(segments) == 1:
            _note_parts(one, understood, findings)


def looks_only(name: str) -> bool:
    """Whether a name says that the tool only looks."""
    return _looks(parts_of(name))


def _note_parts(parts: list[str], understood: bool, findings: Findings) -> None:
    # A merge request is a thing, and nothing is merged by asking for one.
    parts = [
        one for one, follows in pairwise([*parts, ""]) if not (one == "merge" and follows[:7] == "request")
    ]
    found = frozenset(parts)
    parts = _told_apart(parts, found)
    found = frozenset(parts)
    if parts[-1:] == ["token"] and _looks(parts) and not found & _COUNTED:
        findings.note("read", "credential_read")
    looks = _looks(parts)
    if found & _SECRETS and (looks or found & (_FETCHES | {"dump", "print"})) and not _is_cache_key(found):
        findings.note("read", "credential_read")
    risky = not looks and _note_risky(found, understood, findings)
    if risky or understood:
        return
    if looks or (found & _QUERYING and found & _RUNS):
        findings.note("read")
    elif found & _TESTS and found & {"run", "start", "execute"}:
        findings.note("run")
    elif found & _RUNS:
        findings.unknown("unknown_code")
    elif found & _CHANGES:
        findings.note("create" if found & _ADDS else "update")
    elif found & _CALLS:
        findings.note("run", "network")
    elif found & _FETCHES:
        findings.note("read")
    else:
        findings.unknown()


def _told_apart(parts: list[str], found: frozenset[str]) -> list[str]:
    """The words with those replaced that mean something else beside certain nouns."""
    meant: dict[str, str] = {}
    if found & _OPENED:
        meant |= {"open": "view", "close": "view"}
    if found & _SIFTED:
        meant |= dict.fromkeys(("filter", "format", "extract"), "parse")
    if "git" in found:
        meant["checkout"] = "switch"
    if "object" in found:
        meant |= {"put": "upload", "copy": "upload"}
    if found & _STORES:
        meant["rename"] = "drop"
    if {"connection", "string"} <= found:
        meant["string"] = "credential"
    if "code" in found and found & {"lambda", "function", "worker"}:
        meant["code"] = "script"
    if {"service", "account"} <= found:
        meant["account"] = "user"
    if "to" in found and len(found & _FORMS) > 1:
        meant["to"] = "convert"
    if found <= _TESTS | _RUNNERS and found & _TESTS:
        meant |= dict.fromkeys(found & _TESTS, "lint")
    if parts[:2] == ["redis", "type"]:
        meant["type"] = "get"
    return [meant.get(part, part) for part in parts]


def _note_risky(found: frozenset[str], understood: bool, findings: Findings) -> bool:
    """Note the worst that the words say; whether they say any of it."""
    if found & _TAKES:
        findings.note("delete", "destructive")
    elif found & _NETWORK and not understood:
        findings.note("run", "network")
    elif (found & _PRIVILEGE or _makes_key(found)) and found & _CHANGES:
        findings.note("update", "privilege_change")
    elif found & _SETTINGS and found & {"set", "change", "update"} and "redis" in found:
        findings.note("set", "server_setting")
    elif found & _GUARDED and found & _CHANGES:
        findings.note("update", "server_setting")
    elif found & _MONEY:
        findings.unknown()
    else:
        return False
    return True


def _looks(parts: list[str]) -> bool:
    """Whether the first verb is one of looking; without a verb, whether a state is all that is named."""
    if parts[:1] and parts[0] in _ASKS:
        return True
    acts = _TAKES | _CHANGES | _RUNS | (_NETWORK - _SERVICES)
    for part in parts:
        if part in _LOOKS:
            return True
        if part in acts:
            return False
    found = frozenset(parts)
    return bool(found & _STATES) or (bool(found & _THINGS) and found <= _THINGS | _OWNERS)


def _makes_key(found: frozenset[str]) -> bool:
    return bool(found & {"key", "keys"} and found & (_KEYS | {"rotate", "generate", "register"})) or bool(
        found & {"secret", "secrets", "credential", "credentials"}
    )


def _is_cache_key(found: frozenset[str]) -> bool:
    """`get_key`, `scan_keys`: a key of a cache, not one that opens something."""
    return found & _SECRETS <= {"key", "keys"} and not found & _KEYS
