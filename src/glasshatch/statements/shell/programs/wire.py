"""Programs that talk to other machines. Looking at this one is everyday; carrying data out is not."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from urllib.parse import urlsplit

from .. import files, paths
from ..call import Call, Handler, apart, replace_text
from ..expand import UNKNOWN, Argument, Fields

_NEAR = re.compile(
    r"^(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[?::1|0\.0\.0\.0)|"
    r"\.(?:local|internal|svc|cluster|lan|localdomain|test|consul|intranet|corp)$|^[A-Za-z0-9_-]+$"
)
_METADATA = re.compile(
    r"169\.254\.(?:169\.254|170\.2\b|169\.123)|metadata\.(?:google|azure|packet|platformequinix)|"
    r"^(?:https?://)?metadata(?:[:/]|$)|/computeMetadata/|/latest/(?:meta-data|user-data|dynamic|api/token)|"
    r"/security-credentials|/metadata/(?:instance|identity)|"
    r"100\.100\.100\.200|192\.0\.0\.192|fd00:ec2::|\[fe80:",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
_LINK_LOCAL = ipaddress.ip_network("169.254.0.0/16")
_SENDS = tuple(
    """-d --data --data-raw --data-binary --data-urlencode --data-ascii -F --form --form-string -T
    --upload-file --json""".split()
)
_VALUED = (
    *_SENDS,
    *"""
        -H --header -X --request -o --output -u --user -A --user-agent -e -m --max-time --connect-timeout -w
        --write-out -b --cookie -c --cookie-jar --cacert --cert --key -E --resolve --retry --retry-delay -x
        --proxy --unix-socket --interface -K --config -D --dump-header --limit-rate --connect-to -r --range
        --socks5 -y -Y -t --trace --trace-ascii --stderr --doh-url -z -C --max-redirs --ciphers --tls-max
    """.split(),
)
_CHANGES = re.compile(r"^(?:POST|PUT|PATCH|DELETE)$", re.IGNORECASE)


def is_metadata(url: str) -> bool:
    """Whether an address is one where a cloud hands keys to whoever asks, in whichever notation."""
    if _METADATA.search(url):
        return True
    try:
        host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    except ValueError:
        return False
    address = _numeric(host)
    return address is not None and (address in _LINK_LOCAL or _METADATA.search(str(address)) is not None)


def _numeric(host: str) -> ipaddress.IPv4Address | None:
    """The address that a resolver makes of `2852039166`, `0xa9fea9fe` or `::ffff:a9fe:a9fe`."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host).ipv4_mapped
        except ValueError:
            return None
    parts = host.split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) and len(part) < 14 for part in parts):
        return None
    try:
        numbers = [
            int(part, 16 if part[:2] in ("0x", "0X") else 8 if part[:1] == "0" else 10) for part in parts
        ]
        value = sum(number << 8 * (3 - at) for at, number in enumerate(numbers[:-1])) + numbers[-1]
        return ipaddress.IPv4Address(value)
    except ValueError:
        return None


def is_near(url: str) -> bool:
    """Whether an address is of this machine or of the network around it."""
    if is_metadata(url):
        return False
    if UNKNOWN in url:
        host = url.rsplit("://", maxsplit=1)[-1].split("/", maxsplit=1)[0]
        return UNKNOWN not in host and is_near(host)
    try:
        host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    except ValueError:
        return False
    return _NEAR.search(host) is not None


def _curl(call: Call) -> None:
    call = replace(call, args=apart(call.args, "sSfLkgIviNG#"))
    call.note("read")
    urls = [*call.operands(_VALUED), *call.values("--url")]
    near = bool(urls) and all(is_near(url.text) for url in urls)
    if any(is_metadata(url.text) for url in urls):
        call.note("read", "credential_read")
    if any(url.text.startswith("file:") for url in urls):
        call.note("read", "server_file")
    socket = call.value("--unix-socket", "--abstract-unix-socket")
    if socket is not None and re.search(r"docker|containerd|podman|crio|kubelet", socket.text):
        call.note("run", "privilege_change")
    if any(paths.holds_rows(value.text.lstrip("@")) for value in call.values("-T", "--upload-file")):
        call.note("run", "network")
    if call.has("-K", "--config"):
        call.unknown("unknown_code")
    _request(call, urls, near)
    _saved(call, near)


def _request(call: Call, urls: list[Argument], near: bool) -> None:
    """What is sent. To a service near by it is a call of which nothing more is known."""
    method = call.value("-X", "--request")
    sent = [value.text for value in call.values(*_SENDS)]
    sends = (
        bool(sent)
        or call.has("-T", "--upload-file", "--json", "-F")
        or any(_is_cluster(text) for text in call.options())
    )
    if method is not None and method.text.upper() == "DELETE":
        call.note("delete", "destructive")
    if call.has("-G", "--get") and not any(text.startswith("@") for text in sent):
        sends = False
    changes = sends or (method is not None and _CHANGES.match(method.text) is not None)
    if changes:
        call.note("update", "" if near else "network")
        if near and any(
            re.search(r"/_(?:delete|all|shutdown|close)|/(?:quit|drop|delete|shutdown|leave|kill)", url.text)
            for url in urls
        ):
            call.note("delete", "destructive")
        if any(re.search(r"/_(?:cluster|snapshot|security|nodes|settings)\b", url.text) for url in urls):
            call.note("update", "server_setting")
    if not near and any(UNKNOWN in text for text in (*call.texts,)):
        # An address or a header with what is not known could carry anything out.
        call.note("run", "network")
    if any(text.startswith("@") or "=@" in text for text in sent) and not near:
        call.note("run", "network")


def _is_cluster(text: str) -> bool:
    return re.fullmatch(r"-[a-zA-CE-SU-Z]*[dFT]", text) is not None and not text.startswith("--")


def _saved(call: Call, near: bool) -> None:
    target = call.value("-o", "--output")
    if target is not None:
        files.written(call.findings, target)
    if not near and (
        (target is not None and target.text not in ("/dev/null", "-")) or call.has("-O", "--remote-name")
    ):
        call.note("create", "network")
    elif call.has("-O", "--remote-name"):
        call.note("create")


def _wget(call: Call) -> None:
    call = replace(call, args=_output_apart(call.args))
    valued = (
        "-O",
        "-o",
        "-P",
        "-U",
        "--header",
        "--timeout",
        "-T",
        "-t",
        "--tries",
        "-i",
        "-e",
        "--user",
        "--password",
    )
    urls = call.operands(valued)
    near = bool(urls) and all(is_near(url.text) for url in urls)
    target = call.value("-O", "--output-document")
    shown = call.has("--spider") or (target is not None and target.text in ("-", "/dev/null", "/dev/stdout"))
    call.note("read" if shown else "create", "" if near or shown else "network")
    if any(text.startswith(("--post", "--body", "--meth")) for text in call.texts):
        call.note("update", "" if near else "network")
    if any(re.fullmatch(r"--method=DELETE", text, re.IGNORECASE) for text in call.texts):
        call.note("delete", "destructive")
    if call.has("-i", "-e", "--execute", "--use-askpass"):
        call.unknown("unknown_code")
    if target is not None and not shown:
        files.written(call.findings, target)
    if any(is_metadata(url.text) for url in urls):
        call.note("read", "credential_read")


def _output_apart(args: Fields) -> Fields:
    """`-qO-` as `-q -O -`."""
    found: Fields = []
    for arg in args:
        joined = re.fullmatch(r"-([qncvSN]*)O(.*)", arg.text)
        if joined is None or arg.text == "-O":
            found.append(arg)
            continue
        found += [replace_text(arg, f"-{letter}") for letter in joined[1]]
        found += [replace_text(arg, "-O"), *([replace_text(arg, joined[2])] if joined[2] else [])]
    return found


def _http(call: Call) -> None:
    """HTTPie: a method, an address, and what is sent."""
    places = [arg.text for arg in call.operands(("-a", "--auth", "-A", "--timeout", "-o"))]
    method = places[0].upper() if places and places[0].isalpha() and places[0].isupper() else ""
    url = places[1] if method and len(places) > 1 else (places[0] if places else "")
    near, sends = is_near(url.lstrip(":") or "localhost"), len(places) > (2 if method else 1)
    changes = sends or method in ("POST", "PUT", "PATCH", "DELETE")
    call.note("update" if changes else "read", "" if near else ("network" if changes else ""))
    if method == "DELETE":
        call.note("delete", "destructive")


def _netcat(call: Call) -> None:
    """Only a look whether a port is open is harmless."""
    if call.has("-e", "-c", "--exec", "--sh-exec", "--lua-exec"):
        call.note("run", "network untrusted_code")
    elif call.has("-z") and not call.has("-l"):
        call.note("read")
    else:
        call.note("run", "network")


def _telnet(call: Call) -> None:
    places = call.operands()
    call.note(
        "read" if places and is_near(places[0].text) else "run",
        "" if places and is_near(places[0].text) else "network",
    )


def _scp(call: Call) -> None:
    places = call.operands(("-P", "-i", "-o", "-F", "-l", "-c", "-S", "-J"))
    if files.is_fetch(places, recursive=call.has("-r")):
        call.note("read create")
        files.written(call.findings, places[-1], truncated=False)
        remote = False
    else:
        remote = any(":" in place.text.split("/")[0] or place.opaque for place in places)
    call.note("run" if remote else "create", "network" if remote else "")
    if call.has("-S", "-o") and any("command" in value.text.lower() for value in call.values("-o")):
        call.unknown("unknown_code")


def _openssl(call: Call) -> None:
    action = call.first()
    risky = action in (
        "rsa",
        "pkey",
        "ec",
        "pkcs12",
        "pkcs8",
        "dsa",
        "enc",
        "aes-256-cbc",
        "des3",
        "cms",
        "smime",
        "pkeyutl",
        "rsautl",
    )
    if action in ("s_server", "engine") or call.has("-engine"):
        call.unknown("unknown_code")
    elif action == "s_client" and call.piped and call.feed != "" and not _is_probe(call):
        call.note("run", "network")
    elif action == "enc" or action.startswith(("aes", "des", "cam")):
        call.note("read")
        target = call.value("-out")
        if target is not None:
            files.written(call.findings, target)
    elif risky and not call.has("-pubout", "-pubin", "-check"):
        call.note("read", "credential_read")
    else:
        call.note("create" if action.startswith("gen") or "-out" in call.texts else "read")


def _is_probe(call: Call) -> bool:
    """`echo | openssl s_client …`, or `echo Q |`: nothing is sent."""
    return call.feed is not None and len(call.feed) <= 2


def _gpg(call: Call) -> None:
    if call.has("--export-secret-keys", "--export-secret-subkeys", "-d", "--decrypt"):
        call.note("read", "credential_read")
    elif any(
        text.startswith(("--del", "--edit", "--imp", "--recv", "--gen", "--quick")) for text in call.texts
    ):
        call.note("update", "privilege_change")
    elif call.has("--verify", "--list-keys", "-k", "-K", "--list-secret-keys", "--fingerprint"):
        call.note("read")
    else:
        call.note("create")


def _ssh_keygen(call: Call) -> None:
    """A fingerprint and the public half are nobody's secret; a new key is a way in."""
    looks = call.has("-l", "-lf", "-F", "-B", "-L") and not call.has("-R", "-A", "-t", "-p", "-s")
    call.note("read") if looks else call.note("create", "privilege_change")


HANDLERS: dict[str, Handler] = {
    "curl": _curl,
    "wget": _wget,
    "http": _http,
    "https": _http,
    "httpie": _http,
    "xh": _http,
    "nc": _netcat,
    "ncat": _netcat,
    "netcat": _netcat,
    "telnet": _telnet,
    "scp": _scp,
    "pscp": _scp,
    "openssl": _openssl,
    "ssh-keygen": _ssh_keygen,
    "gpg": _gpg,
    "gpg2": _gpg,
}
